"""One folder per test session for servers, sockets and engines; whatever is alive in it ends with the session.

Sessions get killed. Each holds a flock on a file in its folder, so that the next session can tell a dead one's
folder, end what is left of it (its processes, its containers, its mounts) and remove it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

ROOT = Path(f"/tmp/axej-tests-{os.getuid()}")  # short: a socket's path has 107 bytes at most


@dataclass(frozen=True)
class Place:
    """A session's folder. Other users may pass through it: PostgreSQL's servers refuse to run as root."""

    path: Path

    def folder(self, name: str, user: str | None = None) -> Path:
        """A new folder, owned by `user`."""
        made = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.path))
        made.chmod(0o755)
        if user:
            shutil.chown(made, user)
        return made

    def remember(self, pid: int) -> None:
        """Writes down a process, so that it can be ended even when this session is killed."""
        with contextlib.suppress(psutil.NoSuchProcess):
            started = psutil.Process(pid).create_time()
            (self.path / "processes" / str(pid)).write_text(json.dumps(started))


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    """This session's folder, after the folders of dead sessions were cleared away."""
    with session_place(ROOT) as made:
        yield made


@contextlib.contextmanager
def session_place(root: Path) -> Iterator[Place]:
    """A place of this process's own below `root`, which is swept first."""
    root.mkdir(mode=0o755, exist_ok=True)
    with contextlib.ExitStack() as held:
        with _flock(root / "sweep", wait=True):
            sweep_dead(root)
            made = Path(tempfile.mkdtemp(prefix="s-", dir=root))
            made.chmod(0o755)
            (made / "processes").mkdir()
            held.enter_context(_flock(made / "alive", wait=True))
        try:
            yield Place(made)
        finally:
            sweep(made)


def sweep_dead(root: Path) -> None:
    """Sweeps the places whose session is dead: nobody holds their flock."""
    for path in root.iterdir():
        if path.is_dir():
            with contextlib.suppress(BlockingIOError), _flock(path / "alive", wait=False):
                sweep(path)


@contextlib.contextmanager
def _flock(path: Path, wait: bool) -> Iterator[None]:
    """Held inside; not inherited by children (PEP 446). Raises BlockingIOError when another holds it and `wait` is off."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield


def sweep(path: Path) -> None:
    """Ends every process of a place, unmounts what is mounted in it, removes it."""
    end_processes(_recorded(path), signal.SIGTERM, 10)
    end_processes(_related(path), signal.SIGKILL, 10)
    for mount in _mounts(path):
        subprocess.run(["umount", "-l", mount], check=False)
    _remove_cgroups(_containers(path))
    shutil.rmtree(path, ignore_errors=True)


def end_processes(processes: list[psutil.Process], number: signal.Signals, wait_s: float) -> None:
    """Signals them and waits; those that are still there then are killed."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    _, living = psutil.wait_procs(processes, timeout=wait_s)
    for process in living:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(living, timeout=wait_s)


def _recorded(path: Path) -> list[psutil.Process]:
    found = []
    for file in (path / "processes").glob("*"):
        with contextlib.suppress(psutil.NoSuchProcess, ValueError):
            process = psutil.Process(int(file.name))
            if process.create_time() == json.loads(file.read_text()):
                found.append(process)
    return found


def _related(path: Path) -> list[psutil.Process]:
    """Processes that name the place in their command line, or that run in one of its containers."""
    ids = _containers(path)
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        with contextlib.suppress(psutil.Error, OSError):
            cgroup = Path(f"/proc/{process.pid}/cgroup")
            groups = cgroup.read_text() if ids and cgroup.exists() else ""
            if any(f"{path}/" in word for word in process.cmdline()) or any(one in groups for one in ids):
                found.append(process)
    return found


def _containers(path: Path) -> list[str]:
    """Ids of the containers whose engine has its data in this place."""
    return [folder.name for folder in path.glob("*/data/containers/*")]


def _mounts(path: Path) -> list[str]:
    """Mount points below the place, deepest first."""
    table = Path("/proc/self/mountinfo")
    if not table.exists():
        return []
    points = [line.split()[4] for line in table.read_text().splitlines()]
    return sorted((point for point in points if point.startswith(f"{path}/")), key=len, reverse=True)


def _remove_cgroups(ids: list[str]) -> None:
    if platform.system() != "Linux" or not ids:
        return
    for one in ids:
        for folder in Path("/sys/fs/cgroup").glob(f"**/docker/{one}"):
            with contextlib.suppress(OSError):
                folder.rmdir()


def wait_until(true: Callable[[], object], what: str, wait_s: float = 30.0) -> None:
    """Calls `true` until it answers yes; fails after `wait_s`."""
    end = time.monotonic() + wait_s
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {wait_s:g} s")
        time.sleep(0.02)
