"""Appending and reading back, on real files."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from axejournal.domain.errors import JournalDamaged, JournalNewer, StaleRunner
from axejournal.domain.events import RunRequested, RunSucceeded, StepStarted
from axejournal.domain.facts import RunStarted
from axejournal.journal import database
from axejournal.journal.schema import EVENT_COLUMNS, SCHEMA
from axejournal.journal.verify import verify
from tests.journal.stories import SetClock, Writer, draft, dumped, open_store, requested, write_mixed, write_night


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "journal.sqlite"


@pytest.fixture
def store(path):
    opened = open_store(path)
    yield opened
    opened.close()


def rows(path, query, *values):
    with sqlite3.connect(path) as connection:
        return connection.execute(query, values).fetchall()


def test_new_journal_is_private_and_kept_the_safe_way(store, path):
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    journal = database.driver(store._connection)
    pragmas = {name: journal.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "user_version")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "user_version": SCHEMA}


def test_log_and_shared_memory_of_the_journal_are_private_too(store, path):
    write_night(store, "a")
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_envelope_says_who_when_and_where(path):
    clock = SetClock(datetime(2026, 5, 20, 3, 0, 0, 5, tzinfo=UTC), monotonic=41_000)
    store = open_store(path, clock)
    (event,) = store.append("a", 1, 0, [draft(requested(), "s", 3, "requested")])
    assert (event.process, event.boot_id) == ("mac:4711:1795", "boot-1")
    assert (event.recorded_at_us, event.monotonic_us) == (1_779_246_000_001_005, 42_000)
    assert event.recorded_at == clock.at
    assert (event.step, event.attempt, event.state, event.version) == ("s", 3, "requested", 1)
    assert store.stream("a") == (event,)


def test_hash_can_be_computed_by_hand(store, path):
    writer = write_night(store, "a")
    previous = bytes(32)
    for event in writer.events:
        text = rows(path, "SELECT data FROM events WHERE position = ?", event.position)[0][0]
        array = [event.position, event.event_id, event.run, event.number, event.name, event.version, event.state, event.step]
        array += [event.attempt, event.epoch, event.process, event.boot_id, event.recorded_at_us, event.monotonic_us, text]
        line = json.dumps(array, ensure_ascii=False, separators=(",", ":")).encode()
        assert event.previous_hash == previous
        assert event.hash == hashlib.sha256(previous + line).digest()
        previous = event.hash
    assert store.head() == previous.hex()


def test_head_of_an_empty_journal_is_zeros(store):
    assert store.head() == "0" * 64


def test_append_is_durable_and_read_by_another_process(store, path):
    write_night(store, "a")
    code = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM events').fetchone()[0])"
    out = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout
    assert int(out) == len(store.stream("a"))


def test_append_survives_reopening(path):
    store = open_store(path)
    write_night(store, "a")
    before = store.stream("a")
    store.close()
    again = open_store(path)
    assert again.stream("a") == before
    write_night(again, "b")
    again.close()
    assert verify(path).sound


def test_closed_store_opens_again_by_itself(store):
    store.append("a", 1, 0, [draft(requested())])
    store.close()
    store.close()
    assert store.append("a", 1, 1, [draft(RunStarted())])[0].position == 2


def test_all_drafts_of_an_append_or_none(store):
    store.append("a", 1, 0, [draft(requested())])
    taken = draft(RunStarted())
    store.append("b", 1, 0, [draft(requested()), taken])
    with pytest.raises(ValueError, match="can't be appended"):
        store.append("a", 1, 1, [draft(StepStarted(), "s", 1), taken])
    assert [event.name for event in store.stream("a")] == ["RunRequested"]
    assert store.append("a", 1, 1, [draft(RunStarted())])[0].position == 4


def test_run_begins_with_the_request_and_has_only_one(store):
    with pytest.raises(ValueError, match="RunRequested"):
        store.append("a", 1, 0, [draft(RunStarted())])
    store.append("a", 1, 0, [draft(requested())])
    with pytest.raises(ValueError, match="RunRequested"):
        store.append("a", 1, 1, [draft(requested())])
    with pytest.raises(ValueError, match="at least one draft"):
        store.append("a", 1, 1, [])
    assert len(store.stream("a")) == 1


def test_stale_runner_is_told_where_the_run_is(store):
    store.append("a", 2, 0, [draft(requested()), draft(RunStarted())])
    with pytest.raises(StaleRunner, match="run a is at event 2 of epoch 2; this process knows event 2 of epoch 1"):
        store.append("a", 1, 2, [draft(StepStarted(), "s", 1)])


def test_fact_that_json_lacks_is_refused_before_anything_is_written(store):
    with pytest.raises(ValueError, match="Out of range float"):
        store.append("a", 1, 0, [draft(requested(number=float("nan")))])
    with pytest.raises(ValueError, match="can't hold a set"):
        store.append("a", 1, 0, [draft(requested(names={"a"}))])
    assert store.head() == "0" * 64


def test_strings_of_every_kind_come_back(store):
    strings = ["악세", "a\0b", 'quote " and \\', "line\nend\r\t", "\ud800lone", os.fsdecode(b"name-\xff"), "𝄞", "", "\u2028"]
    fact = requested(strings=strings, 키={"깊이": [1, None, True, 2.5, -0.0, 10**30]})
    store.append("a", 1, 0, [draft(fact)])
    read = store.fact(store.stream("a")[0])
    assert isinstance(read, RunRequested)
    assert read.options == fact.options
    assert verify(store.path).sound


def test_events_are_never_changed_removed_or_replaced(store, path):
    write_night(store, "a")
    count = rows(path, "SELECT count(*) FROM events")
    rest = EVENT_COLUMNS.partition("event_id, ")[2]
    for statement in (
        "UPDATE events SET state = 'x' WHERE position = 1",
        "DELETE FROM events WHERE position = 1",
        "DELETE FROM events",
        "REPLACE INTO events SELECT * FROM events WHERE position = 3",
        f"REPLACE INTO events SELECT 999, event_id, {rest} FROM events WHERE position = 3",
        f"REPLACE INTO events SELECT 999, 'new', {rest} FROM events WHERE position = 3",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            rows(path, statement)
    assert rows(path, "SELECT count(*) FROM events") == count
    assert verify(path).sound


def test_clock_that_goes_back_an_hour_keeps_the_order_of_positions(path):
    clock = SetClock()
    store = open_store(path, clock)
    writer = Writer(store, "a")
    writer.fact(requested())
    clock.at -= timedelta(hours=1)
    writer.fact(RunStarted())
    writer.fact(RunSucceeded())
    times = [event.recorded_at for event in store.stream("a")]
    assert times[0] > times[1]
    assert [event.name for event in store.stream("a")] == ["RunRequested", "RunStarted", "RunSucceeded"]
    assert verify(path).sound


def test_threads_append_for_their_runs_at_once(store, path):
    def write(name):
        for number in range(5):
            write_night(store, f"{name}-{number}", sources=("frame",))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(path, "SELECT count(*), sum(outcome = 'succeeded') FROM runs") == [(20, 20)]
    assert verify(path).sound


def test_thread_that_appends_the_same_number_loses(store):
    store.append("a", 1, 0, [draft(requested())])
    results = []

    def write():
        try:
            results.append(store.append("a", 1, 1, [draft(StepStarted(), "s", 1)])[0].number)
        except StaleRunner:
            results.append("stale")

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == ["2"] + ["stale"] * 7


def test_forked_child_must_not_use_its_parents_store(store):
    store.append("a", 1, 0, [draft(requested())])
    pid = os.fork()
    if pid == 0:
        try:
            store.append("a", 1, 1, [draft(RunStarted())])
        except RuntimeError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert store.append("a", 1, 1, [draft(RunStarted())])[0].position == 2


def test_forked_child_does_not_keep_the_writers_lock(store, path):
    with store._lock.held():
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.read(read, 1)
            os._exit(0)
    other = open_store(path)  # would wait a minute and fail if the child held the lock
    other.append("a", 1, 0, [draft(requested())])
    os.write(write, b"x")
    os.waitpid(pid, 0)


def test_copy_is_complete_while_another_thread_writes(store, path, tmp_path):
    write_mixed(store)
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            write_night(store, f"more-{number}", sources=("frame",))
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            copy = tmp_path / f"copy-{number}.sqlite"
            before = len(store.stream("r2-good"))
            store.write_copy(copy)
            verdict = verify(copy)
            assert verdict.sound, verdict.faults
            assert verdict.events >= before
            assert copy.stat().st_mode & 0o777 == 0o600
    finally:
        stop.set()
        thread.join()
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith(".part")] == []


def test_copy_replaces_an_older_one(store, tmp_path):
    copy = tmp_path / "copy.sqlite"
    store.append("a", 1, 0, [draft(requested())])
    store.write_copy(copy)
    store.append("a", 1, 1, [draft(RunStarted())])
    store.write_copy(copy)
    assert verify(copy).events == 2
    assert verify(copy).head == store.head()


def test_copy_becomes_a_journal_again(store, tmp_path):
    write_mixed(store)
    copy = tmp_path / "new" / "journal.sqlite"
    copy.parent.mkdir()
    store.write_copy(copy)
    again = open_store(copy)
    assert database.driver(again._connection).execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert again.head() == store.head()
    write_night(again, "z")
    again.close()
    assert verify(copy).sound


def test_copy_into_a_folder_that_is_not_there_is_one_clear_error(store, tmp_path):
    with pytest.raises(JournalDamaged, match=r"no copy can be made at .*/nowhere/copy\.sqlite"):
        store.write_copy(tmp_path / "nowhere" / "copy.sqlite")


def test_journal_whose_file_was_replaced_is_not_written(store, path):
    store.append("a", 1, 0, [draft(requested())])
    store.write_copy(path.with_name("copy"))
    path.with_name("copy").rename(path)
    with pytest.raises(JournalDamaged, match="removed or replaced while it was open; nothing was appended"):
        store.append("a", 1, 1, [draft(RunStarted())])


def test_journal_whose_file_was_removed_is_not_written(store, path):
    store.append("a", 1, 0, [draft(requested())])
    path.unlink()
    with pytest.raises(JournalDamaged, match="removed or replaced while it was open; nothing was appended"):
        store.append("a", 1, 1, [draft(RunStarted())])


def test_journal_that_vanished_while_it_was_closed_is_not_begun_anew(store, path):
    store.append("a", 1, 0, [draft(requested())])
    store.close()
    path.unlink()
    with pytest.raises(JournalDamaged, match="removed or replaced while it was open; nothing was appended"):
        store.append("a", 1, 1, [draft(RunStarted())])
    assert not path.exists()


def test_journal_that_was_migrated_meanwhile_is_not_written(store, path):
    store.append("a", 1, 0, [draft(requested())])
    rows(path, f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(JournalNewer, match=f"was brought to schema {SCHEMA + 1} while this process ran; it knows {SCHEMA}"):
        store.append("a", 1, 1, [draft(RunStarted())])
    rows(path, f"PRAGMA user_version = {SCHEMA}")
    assert store.append("a", 1, 1, [draft(RunStarted())])[0].position == 2


def test_event_of_a_newer_version_is_refused_by_the_codec(store):
    (event,) = store.append("a", 1, 0, [draft(requested())])
    with pytest.raises(JournalNewer, match="event 1 is RunRequested version 2; this axej knows version 1"):
        store.fact(replace(event, version=2))


def test_big_fact_is_kept_whole(store):
    store.append("a", 1, 0, [draft(requested())])
    fact = dumped("frame", tables=5000)
    store.append("a", 1, 1, [draft(fact, "dump:frame", 1)])
    assert store.fact(store.stream("a")[1]) == fact


def test_log_stays_small_while_pages_are_read(store, path):
    from axejournal.journal import readonly
    from axejournal.journal.replay import pages

    log = path.with_name(path.name + "-wal")
    with readonly.opened(path) as journal:
        for number in range(30):
            write_night(store, f"r{number}")
            for _ in pages(journal):
                pass
        assert log.stat().st_size < 16 * 1024 * 1024
    paged = log.stat().st_size
    with readonly.opened(path) as journal:  # the harness has teeth: a long read does make it grow
        journal.execute("BEGIN")
        journal.execute("SELECT count(*) FROM events").fetchone()
        for number in range(30):
            write_night(store, f"s{number}")
        assert log.stat().st_size > paged + 4 * 1024 * 1024
