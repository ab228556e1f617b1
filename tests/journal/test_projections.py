"""What the tables say after events: runs, restore points, freshness, repositories. Asked through the readers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from axejournal.domain.errors import RunUnknown
from axejournal.domain.events import OperatorDecided, RunCancelled, RunDegraded, RunFailed, RunSucceeded, StepFailed, StepStarted
from axejournal.domain.facts import RepositoryRecorded, RunStarted, SnapshotsForgotten
from axejournal.journal import reader
from tests.journal.stories import (
    MIDNIGHT,
    REPOSITORY,
    SOURCES,
    SetClock,
    Writer,
    dumped,
    open_store,
    requested,
    snapshot_of,
    taken,
    verified,
    write_mixed,
    write_night,
)

KST = "+09:00"


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture
def store(path, clock):
    opened = open_store(path, clock)
    yield opened
    opened.close()


def only(rows):
    (row,) = rows
    return row


# --- runs ---


def test_succeeded_run_tells_its_whole_story(store, path, clock):
    begin = clock.at
    write_night(store, "r1", f"2026-05-20T03:00{KST}")
    row = only(reader.runs(path))
    assert (row.run, row.job, row.customer, row.slot) == ("r1", "backup.local", "axe", f"2026-05-20T03:00{KST}")
    assert (row.state, row.outcome, row.exit_code, row.trigger) == ("succeeded", "succeeded", 0, "schedule")
    assert (row.attempts, row.retries, row.resumed, row.epoch, row.number) == (9, 0, 0, 1, 28)
    assert row.snapshots == (snapshot_of("r1"),)
    assert (row.size_bytes, row.added_bytes, row.stored_bytes) == (5000, 500, 250)
    assert (row.error, row.message, row.hint, row.runbook) == (None, None, None, None)
    assert begin < row.requested_at < row.started_at < row.finished_at == clock.at == row.last_at
    assert row.open_steps == ()


def test_run_at_work_names_its_open_steps(store, path):
    writer = Writer(store, "r1")
    writer.fact(requested(), state="requested")
    assert only(reader.runs(path)).started_at is None
    writer.fact(StepStarted(), "dump:frame", 1)
    writer.fact(StepStarted(), "dump:hive", 1)
    writer.fact(dumped("frame"), "dump:frame", 1)
    writer.fact(StepFailed("SourceUnreachable", "hive is down", "Start it.", 2.0), "dump:hive", 1)
    writer.fact(StepStarted(), "dump:hive", 2, "dumping")
    row = only(reader.runs(path))
    assert (row.outcome, row.state, row.open_steps) == ("open", "dumping", ("dump:hive",))
    assert (row.attempts, row.retries) == (3, 1)
    assert (row.error, row.message, row.hint) == ("SourceUnreachable", "hive is down", "Start it.")
    assert (row.finished_at, row.exit_code) == (None, None)


@pytest.mark.parametrize(
    ("fact", "outcome", "exit_code", "error", "message", "runbook"),
    [
        (RunSucceeded(), "succeeded", 0, None, None, None),
        (RunDegraded(("hive failed", "it is small")), "degraded", 3, None, "hive failed; it is small", None),
        (
            RunFailed("WrongPassword", "wrong", "Look.", 12, "wrong-password"),
            "failed",
            12,
            "WrongPassword",
            "wrong",
            "wrong-password",
        ),
        (RunCancelled("SIGTERM"), "cancelled", 130, "Interrupted", "cancelled: SIGTERM", None),
    ],
)
def test_end_of_a_run_gives_its_outcome(store, path, fact, outcome, exit_code, error, message, runbook):
    writer = Writer(store, "r1")
    writer.fact(requested(), state="requested")
    writer.fact(StepStarted(), "s", 1)
    writer.fact(StepFailed("SourceUnreachable", "earlier trouble"), "s", 1)
    writer.fact(fact, state=outcome)
    row = only(reader.runs(path))
    assert (row.outcome, row.exit_code, row.error, row.message, row.runbook) == (outcome, exit_code, error, message, runbook)
    assert row.open_steps == ()


def test_abandoned_run_is_told_from_a_failed_one(store, path):
    writer = Writer(store, "r1")
    writer.fact(requested())
    writer.fact(OperatorDecided("abandon", "disk died"))
    writer.fact(RunFailed("RunStranded", "abandoned: disk died"), state="failed")
    other = Writer(store, "r2")
    other.fact(requested())
    other.fact(OperatorDecided("abandon"))
    other.resume()  # a later resume forgets the decision
    other.fact(RunFailed("SourceRefused", "no"), state="failed")
    assert [row.outcome for row in reader.runs(path)] == ["failed", "abandoned"]


def test_resumes_are_counted(store, path):
    writer = Writer(store, "r1")
    writer.fact(requested())
    writer.resume()
    writer.resume()
    row = only(reader.runs(path))
    assert (row.resumed, row.epoch) == (2, 3)


def test_message_that_is_no_unicode_is_kept_with_escapes(store, path):
    writer = Writer(store, "r1")
    writer.fact(requested())
    writer.fact(RunFailed("SourceRefused", "file caf\udce9 can't be read", "악세: look at \udce9."), state="failed")
    row = only(reader.runs(path))
    assert (row.message, row.hint) == ("file caf\\udce9 can't be read", "악세: look at \\udce9.")


def test_runs_are_newest_first_and_filtered(store, path):
    write_mixed(store)
    names = lambda **how: [row.run for row in reader.runs(path, **how)]  # noqa: E731
    everything = ["r6-open", "r5-cancelled", "r4-failed", "r3-degraded", "r2-good", "r1-good", "r0-init"]
    assert names() == everything
    assert names(limit=2) == everything[:2]
    assert names(limit=None) == everything
    assert names(job="init") == ["r0-init"]
    assert names(customer="realchoice") == ["r5-cancelled"]
    assert names(outcome="open") == ["r6-open"]
    assert names(outcome="succeeded", job="backup.local", limit=1) == ["r2-good"]
    begun = reader.find_run(path, "r3-degraded").requested_at
    assert names(since=begun) == everything[:4]
    assert names(until=begun) == everything[3:]
    assert names(since=begun, until=begun) == ["r3-degraded"]
    assert store.open_runs() == ("r6-open",)


def test_history_at_a_time_shows_what_was_known_then(store, path, clock):
    begin = clock.at
    writer = Writer(store, "r1")
    writer.fact(requested(slot=f"2026-05-20T03:00{KST}"), state="requested")
    writer.fact(StepStarted(), "dump:frame", 1, "dumping")
    clock.at += timedelta(minutes=10)
    writer.fact(taken("r1"), "snapshot", 1, "verifying")
    clock.at += timedelta(minutes=10)
    writer.fact(RunSucceeded(), state="succeeded")
    write_night(store, "r2")
    assert reader.runs(path, at=begin - timedelta(seconds=1)) == ()
    row = only(reader.runs(path, at=begin + timedelta(minutes=1)))
    assert (row.run, row.state, row.outcome, row.open_steps, row.snapshots) == ("r1", "dumping", "open", ("dump:frame",), ())
    row = only(reader.runs(path, at=begin + timedelta(minutes=11)))
    assert (row.state, row.outcome, row.snapshots) == ("verifying", "open", (snapshot_of("r1"),))
    assert [row.outcome for row in reader.runs(path, at=clock.at)] == ["succeeded", "succeeded"]
    assert reader.runs(path, at=clock.at) == reader.runs(path)
    assert [row.run for row in reader.runs(path, at=begin + timedelta(minutes=11), outcome="open")] == ["r1"]
    assert reader.runs(path, at=begin + timedelta(minutes=11), outcome="succeeded") == ()


def test_run_is_found_by_the_beginning_of_its_name(store, path):
    for run in ("260520-0300-abcd", "260520-0300-abce", "260521-0300-zzzz", "2605"):
        Writer(store, run).fact(requested())
    assert reader.find_run(path, "260521").run == "260521-0300-zzzz"
    assert reader.find_run(path, "2605").run == "2605"
    assert reader.find_run(path, "260520-0300-abce").run == "260520-0300-abce"
    with pytest.raises(RunUnknown, match="260520 could be any of the runs 260520-0300-abcd, 260520-0300-abce") as caught:
        reader.find_run(path, "260520")
    assert caught.value.exit_code == 10
    for name in ("9", "260520-0300-abcde", "%", "260_"):
        with pytest.raises(RunUnknown, match="no run"):
            reader.find_run(path, name)


def test_events_of_a_run_are_read_in_pages(store, path):
    writer = write_night(store, "r1")
    write_night(store, "r2")
    events = reader.run_events(path, "r1")
    assert [event.hash for event in events] == [event.hash.hex() for event in writer.events]
    assert [event.data for event in events] == [event.data for event in writer.events]
    assert events[0].recorded_at == writer.events[0].recorded_at
    assert reader.run_events(path, "r1", after=26) == events[26:]
    assert reader.run_events(path, "r1", after=3, limit=4) == events[3:7]
    assert reader.run_events(path, "unknown") == ()


# --- restore points ---


def test_verified_snapshot_gives_a_restore_point_for_each_source(store, path):
    write_night(store, "r1", f"2026-05-20T03:00{KST}", taken_at=f"2026-05-20T03:00:31{KST}")
    points = reader.points(path)
    assert [point.source for point in points] == sorted(SOURCES)
    point = points[-1]
    assert (point.tier, point.customer, point.kind, point.repository) == ("local", "axe", "postgres", REPOSITORY)
    assert (point.snapshot, point.run, point.proof) == (snapshot_of("r1"), "r1", "stored")
    assert (point.time, point.taken_at) == (f"2026-05-20T03:00{KST}", f"2026-05-20T03:00:31{KST}")
    assert point.at == datetime(2026, 5, 19, 18, 0, tzinfo=UTC)
    assert (point.paths, point.size_bytes, point.files, point.removed_by) == (("/staging/mysrt",), 1000, 3, None)


def test_snapshot_that_was_not_verified_is_no_restore_point(store, path):
    writer = Writer(store, "r1")
    writer.fact(requested())
    writer.fact(taken("r1"), "snapshot", 1)
    assert reader.points(path) == ()
    assert only(reader.runs(path)).snapshots == (snapshot_of("r1"),)


def test_point_of_a_run_by_hand_has_the_time_when_it_was_taken(store, path):
    write_night(store, "r1", sources=("frame",), taken_at=f"2026-05-20T14:07:09{KST}")
    assert only(reader.points(path)).time == f"2026-05-20T14:07:09{KST}"


def test_points_are_newest_first_by_instant_and_filtered(store, path):
    write_night(store, "r1", f"2026-05-20T03:00{KST}", sources=("frame", "hive"))
    write_night(store, "r2", "2026-05-19T19:00+00:00", sources=("frame",))  # an hour later, though the text is smaller
    write_night(store, "r3", f"2026-05-18T03:00{KST}", sources=("frame",))
    names = lambda **how: [(point.run, point.source) for point in reader.points(path, **how)]  # noqa: E731
    assert names() == [("r2", "frame"), ("r1", "frame"), ("r1", "hive"), ("r3", "frame")]
    assert names(source="hive") == [("r1", "hive")]
    assert names(run="r3") == [("r3", "frame")]
    assert names(tier="cold") == names(customer="realchoice") == []
    assert names(limit=1) == [("r2", "frame")]
    third = datetime(2026, 5, 19, 18, 0, tzinfo=UTC)
    assert names(since=third) == [("r2", "frame"), ("r1", "frame"), ("r1", "hive")]
    assert names(until=third) == [("r1", "frame"), ("r1", "hive"), ("r3", "frame")]


def test_forgotten_points_are_marked_not_lost(store, path, clock):
    write_night(store, "r1", f"2026-05-19T03:00{KST}", sources=("frame",))
    known = clock.at
    clock.at += timedelta(days=1)
    write_night(store, "r2", f"2026-05-20T03:00{KST}", sources=("frame",))
    forgetting = Writer(store, "r3")
    forgetting.fact(requested())
    forgetting.fact(SnapshotsForgotten("local", REPOSITORY, (snapshot_of("r1"), "ff" * 32), 1), "forget", 1)
    assert [point.run for point in reader.points(path)] == ["r2"]
    assert [(point.run, point.removed_by) for point in reader.points(path, removed=True)] == [("r2", None), ("r1", "r3")]
    assert [point.run for point in reader.points(path, at=known)] == ["r1"]
    assert [point.run for point in reader.points(path, at=clock.at)] == ["r2"]


def test_forgetting_in_another_repository_leaves_the_points(store, path):
    writer = write_night(store, "r1", sources=("frame",))
    other = Writer(store, "r2")
    other.fact(requested())
    other.fact(SnapshotsForgotten("cold", "99" * 32, (snapshot_of("r1"),), 1), "forget", 1)
    assert [point.run for point in reader.points(path)] == [writer.run]


# --- freshness ---


def test_freshness_tells_the_last_try_and_the_last_success(store, path, clock):
    write_night(store, "r1", f"2026-05-20T03:00{KST}")
    succeeded_at = clock.at
    degraded = Writer(store, "r2")
    degraded.fact(requested(slot=f"2026-05-21T03:00{KST}"))
    degraded.fact(RunDegraded(("hive failed",)))
    degraded_at = clock.at
    for number in (3, 4):
        failed = Writer(store, f"r{number}")
        failed.fact(requested(slot=f"2026-05-2{number}T03:00{KST}"))
        failed.fact(RunFailed("DiskFull", "full"))
    row = only(reader.freshness(path))
    assert (row.job, row.customer, row.tier) == ("backup.local", "axe", "local")
    assert (row.attempt_run, row.attempt_slot, row.attempt_outcome) == ("r4", f"2026-05-24T03:00{KST}", "failed")
    assert (row.success_run, row.success_at, row.success_slot) == ("r1", succeeded_at, f"2026-05-20T03:00{KST}")
    assert (row.done_run, row.done_at, row.failures) == ("r2", degraded_at, 2)
    assert reader.last_success(path, "backup.local", "axe") == datetime(2026, 5, 19, 18, 0, tzinfo=UTC)
    write_night(store, "r5", f"2026-05-25T03:00{KST}")
    assert only(reader.freshness(path)).failures == 0
    assert reader.last_success(path, "backup.local", "axe").isoformat() == f"2026-05-25T03:00:00{KST}"


def test_older_slot_that_ends_later_does_not_hide_a_newer_one(store, path):
    old = Writer(store, "r1")
    old.fact(requested(slot=f"2026-05-19T03:00{KST}"))
    write_night(store, "r2", f"2026-05-20T03:00{KST}")
    old.resume()
    old.fact(RunSucceeded())
    write_night(store, "r3")  # by hand: it satisfies no slot
    assert reader.last_success(path, "backup.local", "axe").isoformat() == f"2026-05-20T03:00:00{KST}"
    row = only(reader.freshness(path))
    assert (row.success_run, row.attempt_run) == ("r3", "r3")


def test_end_of_an_earlier_run_is_not_the_outcome_of_the_last_try(store, path):
    old = Writer(store, "r1")
    old.fact(requested())
    Writer(store, "r2").fact(requested())
    old.fact(RunFailed("DiskFull", "full"))
    row = only(reader.freshness(path))
    assert (row.attempt_run, row.attempt_outcome) == ("r2", "open")


def test_nothing_known_is_none(store, path):
    assert reader.last_success(path, "backup.local", "axe") is None
    assert reader.began(path) is None
    assert reader.freshness(path) == ()
    failed = Writer(store, "r1")
    failed.fact(requested(slot=f"2026-05-20T03:00{KST}"))
    failed.fact(RunFailed("DiskFull", "full"))
    assert reader.last_success(path, "backup.local", "axe") is None
    assert reader.last_success(path, "backup.local", "realchoice") is None
    assert MIDNIGHT < reader.began(path) < MIDNIGHT + timedelta(seconds=1)


def test_last_dump_is_the_newest_that_got_into_a_restore_point(store, path):
    assert reader.last_dump(path, "axe", "frame") is None
    first = write_night(store, "r1", sources=("frame", "hive"))
    event = reader.last_dump(path, "axe", "frame")
    assert event.data["tables"][0]["fingerprint"] == "10:0"
    assert event.position == next(event.position for event in first.events if event.name == "DatabaseDumped")
    killed = Writer(store, "r2")
    killed.fact(requested())
    killed.fact(dumped("frame", tables=7), "dump:frame", 1)
    assert reader.last_dump(path, "axe", "frame") == event
    killed.fact(verified("r2", ("hive",)), "verify", 1)  # without frame
    assert reader.last_dump(path, "axe", "frame") == event
    write_night(store, "r3", sources=("frame",))
    assert reader.last_dump(path, "axe", "frame").run == "r3"
    assert reader.last_dump(path, "realchoice", "frame") is None


# --- repositories ---


def test_recorded_repository_is_what_was_recorded_not_what_was_met(store, path):
    write_night(store, "r1")  # measures one that nobody recorded
    assert reader.recorded_repository(path, "axe", "local") is None
    met = only(reader.repositories(path))
    assert (met.repository, met.size_bytes, met.snapshots, met.recorded_by, met.pruned_at) == (REPOSITORY, 123_456, 7, None, None)
    first = Writer(store, "r2")
    first.fact(requested("init"))
    first.fact(RepositoryRecorded("local", "/old", "11" * 32))
    first.fact(RepositoryRecorded("local", "/repo", REPOSITORY))
    first.fact(SnapshotsForgotten("local", REPOSITORY, (), 5, True), "forget", 1)
    assert reader.recorded_repository(path, "axe", "local") == REPOSITORY
    assert reader.recorded_repository(path, "axe", "local", "/old") == "11" * 32
    assert reader.recorded_repository(path, "axe", "local", "/elsewhere") is None
    assert reader.recorded_repository(path, "axe", "cold") is None
    newest = reader.repositories(path, tier="local")[0]
    assert (newest.place, newest.recorded_by, newest.snapshots) == ("/repo", "r2", 5)
    assert newest.size_bytes == 123_456  # forgetting without measuring keeps the last size
    assert newest.pruned_at is not None


def test_first_repository_that_was_met_stays_the_first(store, path):
    for number, repository in enumerate(("ff" * 32, "aa" * 32, "ff" * 32)):
        writer = Writer(store, f"r{number}")
        writer.fact(requested())
        writer.fact(replace(verified(writer.run, ("frame",)), repository=repository), "verify", 1)
    assert [row.repository for row in reader.repositories(path, "axe", "local")] == ["ff" * 32, "aa" * 32]
    assert reader.recorded_repository(path, "axe", "local") is None


# --- around them ---


def test_head_is_the_newest_position_and_hash(store, path):
    assert reader.head(path) == (0, "0" * 64)
    write_night(store, "r1")
    assert reader.head(path) == (28, store.head())


def test_journal_that_never_was_answers_as_an_empty_one(tmp_path):
    nowhere = tmp_path / "none" / "journal.sqlite"
    assert reader.runs(nowhere) == reader.points(nowhere) == reader.freshness(nowhere) == reader.run_events(nowhere, "a") == ()
    assert reader.last_success(nowhere, "backup.local", "axe") is None
    with pytest.raises(RunUnknown):
        reader.find_run(nowhere, "a")
    assert not nowhere.parent.exists()


def test_started_at_is_when_the_run_got_its_leases(store, path, clock):
    writer = Writer(store, "r1")
    writer.fact(requested())
    clock.at += timedelta(minutes=5)
    started = writer.fact(RunStarted())
    writer.fact(StepStarted(), "s", 1)
    assert only(reader.runs(path)).started_at == started.recorded_at


def test_readers_load_neither_sqlalchemy_nor_pydantic_nor_alembic():
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from axejournal.journal import reader; nowhere = Path('/nonexistent/j.sqlite')\n"
        "reader.runs(nowhere), reader.points(nowhere), reader.freshness(nowhere), reader.last_success(nowhere, 'a', 'b')\n"
        "print(sorted({'sqlalchemy', 'pydantic', 'alembic', 'rich', 'yaml', 'click'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
