"""A real systemd: its user manager, in a mount namespace and a control group of its own, beside whatever started this
machine. Installed, fired, looked into, removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.world.home import Done, World, at
from tests.world.needs import need
from tests.world.place import wait_until

pytestmark = pytest.mark.slow
SYSTEMD = Path("/lib/systemd/systemd")
GROUPS = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")
START = """
for group in {groups}; do [ -w "$group/cgroup.procs" ] && mkdir -p "$group/{name}" && echo $$ > "$group/{name}/cgroup.procs"; done
exec unshare --mount --propagation private sh -c '
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec {systemd} --user --log-target=console'
"""
Inside = Callable[..., Done]


@pytest.fixture
def machine(make_world: Callable[..., World]) -> World:
    """A folder to back up, every minute, into a repository that is recorded."""
    need("root", "postgres", "systemd-analyze", "unshare")
    world = make_world(databases=())
    world.config["tiers"]["local"]["schedule"] = "* * * * *"
    world.config["schedules"] = {"labels": "com.axe-test"}
    world.write()
    yesterday = datetime.now(UTC) - timedelta(days=1)  # so that a slot is due at once
    os.utime(world.config_path, (yesterday.timestamp(), yesterday.timestamp()))
    world.axej("init", "--adopt", "local", env=at(yesterday.isoformat()), expect=0)
    return world


@pytest.fixture
def inside(machine: World, tmp_path: Path) -> Iterator[Inside]:
    """Runs words where that systemd is the system's."""
    name = f"axej-test-{os.getpid()}"
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    environment = machine.environ({"XDG_RUNTIME_DIR": str(runtime)})
    script = START.format(groups=" ".join(GROUPS), name=name, systemd=SYSTEMD)
    with (tmp_path / "systemd.log").open("w") as log:
        manager = subprocess.Popen(["sh", "-c", script], env=environment, stdout=log, stderr=log)

    def run(*words: str) -> Done:
        command = ["nsenter", "-t", str(manager.pid), "-m", *words]
        return subprocess.run(
            command, env=environment, cwd=machine.folder, capture_output=True, text=True, timeout=120, check=False
        )

    try:
        end = time.monotonic() + 15
        while (said := run("systemctl", "--user", "is-system-running").stdout.strip()) not in ("running", "degraded"):
            if manager.poll() is not None or time.monotonic() > end:
                pytest.skip(f"no user manager of systemd can run here ({said}): {(tmp_path / 'systemd.log').read_text()[-200:]}")
            time.sleep(0.2)
        yield run
    finally:
        manager.send_signal(signal.SIGTERM)
        manager.wait(timeout=30)
        for group in GROUPS:
            subprocess.run(
                ["find", f"{group}/{name}", "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], check=False, capture_output=True
            )


def test_systemd_runs_what_is_due_tells_how_it_ended_and_keeps_nothing_once_removed(machine: World, inside: Inside):
    def axej(*words: str) -> Done:
        return inside(sys.executable, "-m", "axejournal", *words)

    labels = ["com.axe-test.backup.local", "com.axe-test.repository.check"]
    assert axej("schedule", "install").stdout.splitlines() == [f"installed  {label}" for label in labels]
    assert axej("schedule", "install").stdout.splitlines() == [f"unchanged  {label}" for label in labels]
    assert inside("systemctl", "--user", "start", "com.axe-test.backup.local.service").returncode == 0
    wait_until(lambda: any(run["job"] == "backup.local" for run in machine.json("history")), "a scheduled run", 30)
    newest = next(run for run in machine.json("history") if run["job"] == "backup.local")
    assert (newest["outcome"], newest["slot"] is not None) == ("succeeded", True)
    log = machine.state / "logs" / "com.axe-test.backup.local.log"
    assert "succeeded" in log.read_text()
    shown = axej("schedule", "show").stdout
    assert " active" in shown and "(waiting)" in shown  # a narrow table folds its cells
    assert "axej schedule install" not in shown
    found = axej("doctor", "--as-scheduled", "--json").stdout
    assert '"as scheduled"' not in found
    assert "com.axe-test.backup.local" in found
    assert axej("schedule", "remove").stdout.splitlines() == [f"removed    {label}" for label in labels]
    assert "com.axe-test" not in inside("systemctl", "--user", "list-unit-files", "--no-pager").stdout
    assert [path for path in (machine.home / ".config").rglob("*") if not path.is_dir()] == []
