"""Kills, failing disks and full ones, on real files with real processes: nothing acknowledged is lost, nothing is
there twice, nothing is half there."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from axejournal.domain.errors import JournalDamaged
from axejournal.domain.events import StepStarted
from axejournal.journal import database, reader
from axejournal.journal.schema import SCHEMA
from axejournal.journal.verify import verify
from tests.journal.old import golden_lines, make_schema_1
from tests.journal.stories import RealClock, Writer, draft, night, open_store, requested, write_night
from tests.world.needs import need

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "journal.sqlite"
    open_store(path).close()
    return path


def in_child(work):
    """Runs `work` in a forked process; returns its pid."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def all_ids(path):
    journal = sqlite3.connect(path)
    ids = [row[0] for row in journal.execute("SELECT event_id FROM events ORDER BY position")]
    journal.close()
    return ids


def test_processes_that_append_at_once_lose_and_double_nothing(path, tmp_path):
    def hammer(name):
        store = open_store(path)
        with (tmp_path / name).open("w") as acknowledged:
            for number in range(6):
                for event in write_night(store, f"{name}-{number}", sources=("frame",)).events:
                    acknowledged.write(event.event_id + "\n")

    pids = [in_child(lambda name=name: hammer(name)) for name in "abcdef"]
    assert [wait(pid) for pid in pids] == [0] * 6
    acknowledged = [line for name in "abcdef" for line in (tmp_path / name).read_text().split()]
    assert sorted(acknowledged) == sorted(all_ids(path))
    verdict = verify(path)
    assert verdict.sound, verdict.faults
    assert verdict.events == len(acknowledged) == 6 * 6 * 16


def test_processes_that_fight_for_one_run_number_it_once(path):
    """Resumers of one run: each number and each epoch is won by exactly one."""
    store = open_store(path)
    store.append("r", 1, 0, [draft(requested())])
    store.close()

    def fight():
        store = open_store(path)
        for _ in range(40):
            events = store.stream("r")
            try:
                store.append("r", events[-1].epoch, len(events), [draft(StepStarted(), "s", 1)])
            except Exception as fault:
                assert type(fault).__name__ == "StaleRunner"

    assert [wait(pid) for pid in [in_child(fight) for _ in range(4)]] == [0] * 4
    numbers = [event.number for event in reader.run_events(path, "r")]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 40
    assert verify(path).sound


def appending(path):
    """A process that appends nights until it is killed; returns its pid, and where it tells the ids that are durable."""
    read, write = os.pipe()

    def work():
        store = open_store(path)
        for run in range(10_000):
            writer = Writer(store, f"{os.getpid()}-{run}")
            for drafts in night(writer.run, sources=("frame", "hive")):
                os.write(write, b"".join(f"{event.event_id}\n".encode() for event in writer.add(*drafts)))

    pid = in_child(work)
    os.close(write)
    return pid, os.fdopen(read)


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    assert wait(pid) == -signal.SIGKILL


def test_append_survives_kills_at_random_moments(path):
    seeded = random.Random(20260520)
    acknowledged = []
    for _ in range(60):
        pid, told = appending(path)
        with told:
            acknowledged += [told.readline().strip() for _ in range(seeded.randrange(30))]
            time.sleep(seeded.uniform(0, 0.01))
            kill(pid)
            acknowledged += told.read().splitlines()
        ids = all_ids(path)
        assert set(acknowledged) <= set(ids)
        assert len(ids) == len(set(ids))
    assert len(acknowledged) > 300
    verdict = verify(path)
    assert verdict.sound, verdict.faults
    # at most one append a kill was durable and not yet told
    assert verdict.events - len(acknowledged) <= 60 * 2
    store = open_store(path)
    write_night(store, "afterwards")
    store.close()
    assert verify(path).sound


def test_two_are_killed_while_both_append(path):
    seeded = random.Random(20260522)
    acknowledged = []
    for _ in range(15):
        both = [appending(path) for _ in range(2)]
        for pid, told in both:
            with told:
                acknowledged += [told.readline().strip() for _ in range(seeded.randrange(1, 20))]
                kill(pid)
                acknowledged += told.read().splitlines()
    assert set(acknowledged) <= set(all_ids(path))
    assert verify(path).sound


# --- injected faults ---------------------------------------------------------------------------------------------

APPEND = """
import sys
from pathlib import Path
from axejournal.domain.errors import AxejError
from tests.journal.stories import *
try:
    store = open_store(Path(sys.argv[1]))
    writer = Writer(store, sys.argv[2])
    for drafts in night(writer.run, sources=("frame",)):
        for event in writer.add(*drafts):
            print(event.event_id, flush=True)
    store.close()
except AxejError as fault:
    print(type(fault).__name__, fault.exit_code, fault.message, "HINT", fault.hint, flush=True)
    sys.exit(fault.exit_code)
"""
OPEN = """
import sys
from pathlib import Path
from axejournal.domain.errors import AxejError
from tests.journal.stories import open_store
try:
    open_store(Path(sys.argv[1])).close()
except AxejError as fault:
    print(type(fault).__name__, fault.exit_code, fault.message, flush=True)
    sys.exit(fault.exit_code)
"""


def injected(code, path, fault, *more):
    """Runs code under strace, which makes a system call on the journal's files fail or kills the process at it."""
    names = [
        path.name + suffix
        for suffix in ("", "-wal", "-shm", ".new", ".new-wal", ".new-journal", f".before-{SCHEMA}.part", f".before-{SCHEMA}")
    ]
    files = [word for name in names for word in ("-P", str(path.with_name(name)))]
    call = fault.partition(":")[0]
    argv = ["strace", "-f", "-qq", "-o", "/dev/null", *files, "-e", f"trace={call}", "-e", f"inject={fault}"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    argv += [sys.executable, "-c", code, str(path), *more]
    return subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120, check=False)


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
@pytest.mark.parametrize("when", [1, 2, 5, 9, 14, "3+", "6+"])
def test_disk_that_fails_is_one_clear_error_and_no_lie(path, call, error, when):
    need("strace")
    told = injected(APPEND, path, f"{call}:error={error}:when={when}", "r1")
    lines = told.stdout.splitlines()
    acknowledged = [line for line in lines if " " not in line]
    stored = all_ids(path)
    assert stored[: len(acknowledged)] == acknowledged
    verdict = verify(path)
    assert verdict.sound, verdict.faults
    if told.returncode == 0:  # the fault hit a checkpoint, or was settled
        assert len(acknowledged) == 16
    else:
        assert told.returncode == 30, told.stderr
        assert lines[-1].startswith("JournalDamaged 30 journal ")
        assert ("I/O error" in lines[-1]) or ("disk is full" in lines[-1])
        assert not lines[-1].endswith("HINT ")
        if acknowledged:
            assert "nothing was appended HINT" in lines[-1] or "whether the last event was kept is unknown HINT" in lines[-1]
        if "nothing was appended" in lines[-1]:
            assert stored == acknowledged
    store = open_store(path)
    write_night(store, "afterwards")
    store.close()
    assert verify(path).sound


@pytest.mark.slow
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_append_survives_a_kill_at_each_write(path, call):
    need("strace")
    killed = 0
    for when in (1, 2, 3, 4, 5, 8, 13, 21, 34, 55):
        told = injected(APPEND, path, f"{call}:signal=KILL:when={when}", f"r{when}")
        acknowledged = told.stdout.split()
        mine = [event.event_id for event in reader.run_events(path, f"r{when}")]
        assert mine[: len(acknowledged)] == acknowledged
        assert len(mine) <= len(acknowledged) + 2
        killed += told.returncode != 0
        assert verify(path).sound
    assert killed > 4


CALLS = [
    ("pwrite64", (1, 2, 3, 6, 12, 20, 30, 45)),
    ("fdatasync", (1, 2, 3, 5)),
    ("fsync", (1, 2)),
    ("rename", (1,)),
    ("unlink", (1, 2)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("call", "moments"), CALLS, ids=[call for call, _ in CALLS])
def test_migration_survives_a_kill_at_each_write(tmp_path, call, moments):
    need("strace")
    for when in moments:
        path = tmp_path / str(when) / "journal.sqlite"
        make_schema_1(path, golden_lines())
        head = verify(path).head
        injected(OPEN, path, f"{call}:signal=KILL:when={when}")
        store = open_store(path)
        assert store.head() == head
        store.close()
        assert verify(path).sound
        assert verify(path.with_name(f"journal.sqlite.before-{SCHEMA}")).head == head


@pytest.mark.slow
@pytest.mark.parametrize(("call", "moments"), CALLS, ids=[call for call, _ in CALLS])
def test_creation_survives_a_kill_at_each_write(tmp_path, call, moments):
    need("strace")
    for when in moments:
        path = tmp_path / str(when) / "journal.sqlite"
        injected(OPEN, path, f"{call}:signal=KILL:when={when}")
        store = open_store(path)
        write_night(store, "a")
        store.close()
        assert verify(path).sound


@pytest.mark.parametrize("fault", ["pwrite64:error=EIO:when=4", "fdatasync:error=EIO:when=2", "fdatasync:error=ENOSPC:when=1+"])
def test_migration_on_a_failing_disk_leaves_the_old_journal(tmp_path, fault):
    need("strace")
    path = tmp_path / "journal.sqlite"
    make_schema_1(path, golden_lines())
    head = verify(path).head
    told = injected(OPEN, path, fault)
    assert told.returncode in (0, 30), told.stderr
    assert "Traceback" not in told.stderr
    assert verify(path).head == head
    store = open_store(path)
    assert store.head() == head
    store.close()
    assert verify(path).sound


# --- full disks --------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    need("root")
    point = tmp_path / "disk"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", point], check=True)
    yield point
    subprocess.run(["umount", point], check=True)


def test_full_disk_keeps_all_that_was_told_and_goes_on_when_there_is_room(small_disk):
    path = small_disk / "journal.sqlite"
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (1024 * 1024))
    store = open_store(path)
    acknowledged, number = [], 0
    with pytest.raises(JournalDamaged, match=r"the disk is full; nothing was appended") as caught:
        while True:
            for drafts in _drafts(f"r{number}"):
                acknowledged += [event.event_id for event in store.append(*drafts)]
            number += 1
    assert caught.value.exit_code == 30
    assert str(small_disk) in caught.value.hint
    assert all_ids(path) == acknowledged
    assert len(acknowledged) > 100
    with pytest.raises(JournalDamaged, match="the disk is full"):
        store.append("another", 1, 0, [draft(requested())])
    ballast.unlink()
    store.append("another", 1, 0, [draft(requested())])
    assert len(all_ids(path)) == len(acknowledged) + 1
    store.close()
    assert verify(path).sound


def _drafts(run):
    number = 0
    for drafts in night(run):
        yield run, 1, number, drafts
        number += len(drafts)


def test_disk_that_turns_read_only_under_an_open_journal(small_disk):
    """A file that is still open keeps a real disk from being remounted; here its write calls are refused instead."""
    path = small_disk / "journal.sqlite"
    store = open_store(path)
    writer = Writer(store, "a")
    writer.fact(requested())
    database.driver(store._connection).execute("PRAGMA query_only = ON")
    with pytest.raises(JournalDamaged, match=r"SQLITE_READONLY.*nothing was appended"):
        writer.fact(StepStarted(), "s", 1)
    # the connection was dropped and made anew
    writer.fact(StepStarted(), "s", 1)
    assert [event.number for event in store.stream("a")] == [1, 2]
    store.close()


def test_journal_kept_by_another_program_is_one_clear_error(path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_S", 0.2)
    store = open_store(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalDamaged, match=r"it is locked by another program") as caught:
        store.append("a", 1, 0, [draft(requested())])
    assert "lsof" in caught.value.hint
    other.execute("ROLLBACK")
    other.close()
    store.append("a", 1, 0, [draft(requested())])
    store.close()


def test_commit_that_failed_and_was_done_all_the_same_counts_once(path):
    """The journal says no, and has it: the caller is told what is true."""

    class Lying:
        def __init__(self, real):
            self.real = real

        def __call__(self, connection):
            self.real(connection)
            fault = sqlite3.OperationalError("disk I/O error")
            fault.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise fault

    store = open_store(path)
    writer = Writer(store, "a")
    writer.fact(requested())
    engine = store._connection.engine
    engine.dialect.do_commit = Lying(engine.dialect.do_commit)
    event = writer.fact(StepStarted(), "s", 1)
    assert [stored.event_id for stored in store.stream("a")][1] == event.event_id
    writer.fact(StepStarted(), "s", 2)
    store.close()
    assert verify(path).sound
    assert len(all_ids(path)) == 3


def test_clock_of_the_tests_is_a_real_one():
    before = RealClock().monotonic_us()
    time.sleep(0.001)
    assert RealClock().monotonic_us() > before
