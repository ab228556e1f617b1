"""`axej cold watch`: a disk that appears is synced once, whoever dies in between; the password comes from a terminal."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from axejournal.programs.secrets.desk import socket_path
from tests.crash.proof import events_of
from tests.world.axej import Process
from tests.world.disks import PAPER, Drawer, typed, until
from tests.world.home import at


@pytest.fixture
def watcher(drawer: Drawer) -> Iterator[list[Process]]:
    """Starts and ends watchers."""
    started: list[Process] = []
    yield started
    for each in started:
        if each.poll() is None:
            each.terminate()
            each.wait(10)


def watch(drawer: Drawer, started: list[Process]) -> Process:
    started.append(drawer.world.start("cold", "watch", "--poll", "5", cold=True))  # its memory is looked at
    until(lambda: "watching for disks" in drawer.world.said(), what="the watcher's first words")
    return started[-1]


def states(drawer: Drawer) -> list[str]:
    return [run["state"] for run in drawer.runs()]


def unlock(drawer: Drawer, *answers: str) -> tuple[int, str]:
    return typed(drawer.world, ("cold", "unlock"), answers or (PAPER,))


def test_disk_that_is_connected_is_synced_once_the_password_was_typed(drawer: Drawer, watcher):
    disk = drawer.prepared("1")
    disk.eject()
    process = watch(drawer, watcher)
    for _ in range(40):  # a flapping mount
        disk.connect()
        disk.pull()
    disk.connect()
    until(lambda: states(drawer) == ["awaiting_password"], what="one run that waits")
    path = socket_path(drawer.world.state, "cold-1")
    until(path.exists, what="the private way")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "waits for its password" in drawer.world.axej("cold", "status").stdout
    code, said = unlock(drawer, "wrong one", PAPER)
    assert code == 0 and "wrong password; 2 more tries" in said, said
    until(lambda: states(drawer) == ["succeeded"], what="the run ends")
    assert psutil.Process(process.pid).memory_info().rss < 60 << 20
    process.kill()
    process.wait()
    watch(drawer, watcher)  # the disk has stayed where it was: no second sync
    time.sleep(1)
    assert states(drawer) == ["succeeded"]


@pytest.mark.slow
def test_watcher_and_sync_killed_twice_lose_nothing(drawer: Drawer, watcher):
    drawer.prepared("1")
    for _ in range(2):
        process = watch(drawer, watcher)  # the disk is there already
        until(lambda: states(drawer) == ["awaiting_password"], what="a run that waits")
        until(socket_path(drawer.world.state, "cold-1").exists, what="the private way")
        for each in (process.pid, *(one.pid for one in drawer.world.processes())):
            try:
                os.kill(each, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()
    code, said = unlock(drawer)  # nobody waits any more: the sync goes on at this terminal
    assert code == 0 and "1 copied" in said, said
    assert states(drawer) == ["succeeded"]


@pytest.mark.slow
def test_operator_who_never_comes_is_reminded_daily_and_the_next_mount_goes_on(drawer: Drawer):
    world = drawer.world
    world.config["tiers"]["local"] |= {"schedule": "0 3 1 1 *", "rpo": "100d"}  # nothing else is overdue
    world.write()
    disk = drawer.prepared("1")
    assert world.axej("cold", "sync", "1", "--watched", kill_at="intent:password:1").returncode == -signal.SIGKILL
    disk.eject()
    name, now = drawer.runs()[0]["run"], datetime.now(UTC)
    reminders = []
    for hours in (23, 25, 26, 50):
        shown = world.axej("status", env=at((now + timedelta(hours=hours)).isoformat()))
        assert "waits for its password" in shown.stdout, shown.stdout
        told = [run["run"] for run in drawer.runs("watch.overdue")]
        reminders.append(
            sum(f"run {name} of cold.sync has waited for its password" in str(events_of(world, run)) for run in told)
        )
    assert reminders == [0, 1, 1, 2]
    disk.connect()
    drawer.sync("1")
    assert [(run["run"], run["outcome"]) for run in drawer.runs()] == [(name, "succeeded")]
    assert "waits" not in world.axej("status").stdout


def test_three_wrong_passwords_end_the_wait_and_another_user_gets_no_answer(drawer: Drawer, watcher):
    drawer.prepared("1")
    watch(drawer, watcher)
    until(lambda: states(drawer) == ["awaiting_password"], what="a run that waits")
    path = socket_path(drawer.world.state, "cold-1")
    until(path.exists, what="the private way")
    for folder in (path, *path.parents):  # open every door: the kernel still tells who calls
        if str(folder).count("/") > 1:
            folder.chmod(0o777)
    script = (
        f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(path)!r}); s.sendall(b'{PAPER}\\n'); print(s.recv(9))"
    )
    stranger = subprocess.run(["python3", "-c", script], user=65534, capture_output=True, text=True, check=False)
    assert stranger.stdout.strip() in ("", "b''"), stranger
    path.parent.chmod(0o700)
    code, said = unlock(drawer, "wrong one", "wrong two", "wrong three")
    assert code == 12 and "three times" in said, said
    until(lambda: states(drawer) == ["failed"], what="the run ends")
    assert socket.AF_UNIX and not path.exists()
