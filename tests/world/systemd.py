"""A real systemd: its user manager, in a mount namespace and a control group of its own, beside whatever started this
machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

Done = subprocess.CompletedProcess[str]
Inside = Callable[..., Done]
SYSTEMD = Path("/lib/systemd/systemd")
GROUPS = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")
START = """
for group in {groups}; do [ -w "$group/cgroup.procs" ] && mkdir -p "$group/{name}" && echo $$ > "$group/{name}/cgroup.procs"; done
exec unshare --mount --propagation private sh -c '
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec {systemd} --user --log-target=console'
"""


class NoManager(Exception):
    """No user manager can run here; why."""


@contextlib.contextmanager
def user_manager(environment: Mapping[str, str], cwd: Path, folder: Path) -> Iterator[Inside]:
    """Inside, words run where that systemd is the system's: `inside("systemctl", "--user", …)`. `folder`: for what it needs.
    Raises NoManager."""
    name = f"axej-test-{os.getpid()}"
    runtime, log = folder / "run", folder / "systemd.log"
    runtime.mkdir(mode=0o700)
    env = {**environment, "XDG_RUNTIME_DIR": str(runtime)}
    script = START.format(groups=" ".join(GROUPS), name=name, systemd=SYSTEMD)
    with log.open("w") as output:
        manager = subprocess.Popen(["sh", "-c", script], env=env, stdout=output, stderr=output)

    def inside(*words: str) -> Done:
        command = ["nsenter", "-t", str(manager.pid), "-m", f"--wd={cwd}", *words]
        return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)

    try:
        end = time.monotonic() + 15
        while (said := inside("systemctl", "--user", "is-system-running").stdout.strip()) not in ("running", "degraded"):
            if manager.poll() is not None or time.monotonic() > end:
                raise NoManager(f"no user manager of systemd can run here ({said}): {log.read_text()[-200:]}")
            time.sleep(0.2)
        yield inside
    finally:
        manager.send_signal(signal.SIGTERM)
        manager.wait(timeout=30)
        for group in GROUPS:
            subprocess.run(
                ["find", f"{group}/{name}", "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], check=False, capture_output=True
            )
