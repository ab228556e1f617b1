"""Leases as kernel locks: held while a process lives, gone with it, never inherited."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from axejournal.domain.errors import Busy, Interrupted, JournalDamaged
from axejournal.journal.leases import FileLeases
from tests.journal.stories import RealClock, SetClock

HOLD = """
import os, subprocess, sys, time
from tests.journal.stories import RealClock
from axejournal.journal.leases import FileLeases
from pathlib import Path
with FileLeases(Path(sys.argv[1]), RealClock()).take(sys.argv[2], "run-child", shared=sys.argv[3] == "shared"):
    child = 0
    if sys.argv[4] == "exec":
        child = subprocess.Popen(["sleep", "60"], close_fds=False).pid
    if sys.argv[4] == "fork":
        child = os.fork()
    if child or sys.argv[4] == "none":
        print("held", child, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def leases(tmp_path):
    return FileLeases(tmp_path / "leases", RealClock())


@pytest.fixture
def hold(tmp_path):
    """Starts processes that hold a lease; ends them, and the children that they name, after the test."""
    started, children = [], []

    def start(resource, shared=False, child="none"):
        argv = [sys.executable, "-c", HOLD, tmp_path / "leases", resource, "shared" if shared else "exclusive", child]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        started.append(process)
        word, pid = process.stdout.readline().split()
        assert word == "held"
        if int(pid):
            children.append(int(pid))
        return process, int(pid)

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_free_lease_is_taken_and_given_back(leases):
    assert leases.holder("repository:local") is None
    with leases.take("repository:local", "run-1"):
        assert f"run run-1, pid {os.getpid()}, since " in leases.holder("repository:local")
    assert leases.holder("repository:local") is None
    with leases.take("repository:local", "run-2"):
        assert "run-2" in leases.holder("repository:local")


def test_held_lease_is_busy_and_names_its_holder(leases):
    with (
        leases.take("staging", "run-1"),
        pytest.raises(Busy, match=f"staging is in use by run run-1, pid {os.getpid()}, since 20") as caught,
        leases.take("staging", "run-2"),
    ):
        raise AssertionError("taken twice")
    assert caught.value.exit_code == 11
    assert caught.value.hint


def test_lease_is_given_back_when_the_work_fails(leases):
    with pytest.raises(ZeroDivisionError), leases.take("a", "run-1"):
        raise ZeroDivisionError
    assert leases.holder("a") is None


def test_other_process_holds_it_until_it_is_killed(leases, hold):
    process, _ = hold("a")
    assert f"run run-child, pid {process.pid}" in leases.holder("a")
    with pytest.raises(Busy), leases.take("a", "run-1"):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert leases.holder("a") is None
    with leases.take("a", "run-1"):
        assert "run-child" not in leases.holder("a")


@pytest.mark.parametrize("kind", ["exec", "fork"])
def test_surviving_child_does_not_keep_a_dead_parents_lease(leases, hold, kind):
    process, child = hold("a", child=kind)
    process.send_signal(signal.SIGKILL)
    process.wait()
    os.kill(child, 0)
    with leases.take("a", "run-1", wait_s=20):  # a forked child lets go once it gets to run
        pass


def test_shared_leases_are_held_together_and_all_named(leases, hold):
    process, _ = hold("a", shared=True)
    with leases.take("a", "run-1", shared=True):
        held = leases.holder("a")
        assert "run run-child" in held
        assert "run run-1" in held
        with pytest.raises(Busy, match=r"run-child.*run-1"), leases.take("a", "run-2"):
            pass
    assert "run-1" not in leases.holder("a")
    assert str(process.pid) in leases.holder("a")


def test_exclusive_lease_keeps_shared_ones_out(leases):
    with leases.take("a", "run-1"), pytest.raises(Busy), leases.take("a", "run-2", shared=True):
        pass


def test_wait_ends_when_the_lease_is_given_back(leases):
    order = []

    def hold_for_a_while():
        with leases.take("a", "run-1"):
            held.set()
            time.sleep(0.4)
            order.append("given back")

    held = threading.Event()
    thread = threading.Thread(target=hold_for_a_while)
    thread.start()
    held.wait()
    with leases.take("a", "run-2", wait_s=20):
        order.append("taken")
    thread.join()
    assert order == ["given back", "taken"]


def test_wait_has_an_end(tmp_path):
    clock = SetClock()
    leases = FileLeases(tmp_path, clock)
    begin = clock.monotonic
    with leases.take("a", "run-1"), pytest.raises(Busy), leases.take("a", "run-2", wait_s=30):
        pass
    assert 30_000_000 <= clock.monotonic - begin < 33_000_000


def test_cancelled_wait_ends_at_once(tmp_path):
    class CancelledClock(RealClock):
        def sleep(self, seconds):
            return

    leases = FileLeases(tmp_path, CancelledClock())
    begin = time.monotonic()
    with leases.take("a", "run-1"), pytest.raises(Interrupted), leases.take("a", "run-2", wait_s=30):
        pass
    assert time.monotonic() - begin < 5


def test_looking_who_holds_a_lease_never_makes_it_busy(leases):
    stop = threading.Event()

    def look():
        while not stop.is_set():
            leases.holder("a")

    with leases.take("a", "first"):
        pass
    thread = threading.Thread(target=look)
    thread.start()
    try:
        for number in range(200):
            with leases.take("a", f"run-{number}"):
                pass
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "resource", ["repository:local", "../../etc/passwd", "a/b", ".", "악세 backup", "x" * 3000, "name\n", "-rf", "a\0b"]
)
def test_any_name_makes_a_file_in_the_directory(leases, tmp_path, resource):
    with leases.take(resource, "run-1"):
        assert "run-1" in leases.holder(resource)
        assert leases.holder(resource + "2") is None
    assert sorted(file.name for file in tmp_path.iterdir()) == ["leases"]
    assert all(file.name.endswith(".lease") and file.stat().st_mode & 0o777 == 0o600 for file in (tmp_path / "leases").iterdir())


def test_only_one_of_many_processes_gets_it(tmp_path):
    """Eight processes add to a number in a file, each time under the lease: no addition is lost."""
    number = tmp_path / "number"
    number.write_text("0")
    pids = []
    for _ in range(8):
        pid = os.fork()
        if pid == 0:
            leases = FileLeases(tmp_path / "leases", RealClock())
            for _ in range(25):
                with leases.take("number", "run", wait_s=60):
                    number.write_text(str(int(number.read_text()) + 1))
            os._exit(0)
        pids.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * 8
    assert number.read_text() == "200"


def test_directory_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    leases = FileLeases(tmp_path / "file", RealClock())
    with pytest.raises(JournalDamaged, match="lease on a: its file can't be opened"), leases.take("a", "run-1"):
        pass
