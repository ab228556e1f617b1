"""Answers of the journal to `history`, `status`, `points` and the scheduler: plain `sqlite3`, read-only, in short reads.

A journal that never was is an empty one. All functions raise JournalDamaged and JournalNewer. An older journal is
answered by folding its events on the spot; the next command that writes brings it up to date.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axejournal.domain.errors import RunUnknown
from axejournal.journal import readonly
from axejournal.journal.clauses import all_of, at_most, instant, microseconds, times
from axejournal.journal.disks import is_recorded
from axejournal.journal.schema import EVENT_COLUMNS, SCHEMA

if TYPE_CHECKING:
    from axejournal.journal.rows import EventRow, FreshRow, PointRow, RepositoryRow, RunRow

_STREAM_UNTIL = f"""
SELECT {EVENT_COLUMNS} FROM events WHERE run = ?
  AND number <= (SELECT max(number) FROM events WHERE run = ? AND recorded_at_us <= ?) ORDER BY number"""
_RUN_COLUMNS = (
    "run, job, customer, slot, trigger, program_version, state, outcome, requested_at_us, started_at_us, finished_at_us, "
    "attempts, retries, resumed, snapshots, error, message, hint, runbook, exit_code, epoch, number, first_position, "
    "last_position, last_at_us, size_bytes, added_bytes, stored_bytes, tier"
)
_POINT_COLUMNS = (
    "source, customer, tier, kind, repository, snapshot, run, time, time_us, taken_at, proof, paths, size_bytes, files, "
    "removed_by, recorded_at_us, proof_by, proof_reason"
)
_FRESH_COLUMNS = (
    "job, customer, tier, attempt_run, attempt_slot, attempt_at_us, attempt_outcome, success_run, success_at_us, "
    "success_slot, done_run, done_at_us, failures"
)


def runs(
    path: Path,
    job: str | None = None,
    customer: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    outcome: str | None = None,
    limit: int | None = 20,
    at: datetime | None = None,
) -> tuple[RunRow, ...]:
    """Runs, newest first, requested in [since, until]. With `at`: as they were known at that time, by its events."""
    with projected(path) as journal:
        if at is not None:
            return _runs_at(journal, _where(job, customer, since, until, None), outcome, limit, at)
        clause, values = _where(job, customer, since, until, outcome)
        rows = journal.execute(
            f"SELECT {_RUN_COLUMNS} FROM runs {clause} ORDER BY first_position DESC LIMIT ?", (*values, at_most(limit))
        ).fetchall()
        return tuple(_run(journal, row) for row in rows)


def find_run(path: Path, name: str) -> RunRow:
    """The run of that name, or the only one whose name begins so. Raises RunUnknown, naming those that it could be."""
    with projected(path) as journal:
        found = journal.execute(
            f"SELECT {_RUN_COLUMNS} FROM runs WHERE run >= ?1 AND run < ?1 || char(1114111) ORDER BY run LIMIT 6", (name,)
        ).fetchall()
        exact = [row for row in found if row[0] == name]
        if len(exact or found) == 1:
            return _run(journal, (exact or found)[0])
    if not found or not name:
        raise RunUnknown(f"no run {name} is in the journal", '"axej history" lists the runs there are.')
    names = ", ".join(row[0] for row in found[:5]) + (", …" if len(found) > 5 else "")
    raise RunUnknown(f"{name} could be any of the runs {names}", "Type more of the run's name.")


def run_events(path: Path, run: str, after: int = 0, limit: int | None = None) -> tuple[EventRow, ...]:
    """The run's events as they are stored, behind number `after`. Empty when there is no such run."""
    query = f"SELECT {EVENT_COLUMNS} FROM events WHERE run = ? AND number > ? ORDER BY number LIMIT ?"
    with readonly.opened(path) as journal:
        return tuple(_event(row) for row in journal.execute(query, (run, after, at_most(limit))).fetchall())


def points(
    path: Path,
    source: str | None = None,
    tier: str | None = None,
    customer: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    run: str | None = None,
    limit: int | None = None,
    at: datetime | None = None,
    removed: bool = False,
    current: bool = False,
) -> tuple[PointRow, ...]:
    """Restore points, newest first (of one second, the one recorded last), of times in [since, until]. With `at`: those
    known and not removed at that time; with `removed`: also those that retention has removed; with `current`: none in a
    repository that is no longer the recorded one of its tier."""
    tests: list[tuple[str, Any]] = [
        ("source = ?", source), ("tier = ?", tier), ("customer = ?", customer), ("run = ?", run),
        ("time_us >= ?", microseconds(since)), ("time_us <= ?", microseconds(until)), ("recorded_at_us <= ?", microseconds(at)),
    ]  # fmt: skip
    if not removed:
        tests += [("(removed_by IS NULL OR removed_at_us > ?)", microseconds(at))] if at else [("removed_by IS NULL AND ?", 1)]
    with projected(path) as journal:
        if current:
            tests += [(f"{is_recorded(journal)} AND ?", 1)]
        clause, values = all_of(tests)
        query = f"SELECT {_POINT_COLUMNS} FROM restore_points {clause} ORDER BY time_us DESC, recorded_at_us DESC, source LIMIT ?"
        return tuple(_point(row) for row in journal.execute(query, (*values, at_most(limit))).fetchall())


def standing(path: Path, customer: str) -> tuple[tuple[PointRow, int], ...]:
    """For each source and tier that has restore points in a recorded repository of the tier: the newest, and how many."""
    with projected(path) as journal:
        test = f"customer = ? AND removed_by IS NULL AND {is_recorded(journal)}"
        of_each = f"SELECT tier, source, count(*), max(time_us) FROM restore_points WHERE {test} GROUP BY customer, source, tier"
        newest = f"SELECT {_POINT_COLUMNS} FROM restore_points WHERE {test} AND source = ? AND tier = ? AND time_us = ? LIMIT 1"
        counted = journal.execute(of_each, (customer,)).fetchall()
        return tuple(
            (_point(journal.execute(newest, (customer, source, tier, time_us)).fetchone()), count)
            for tier, source, count, time_us in counted
        )


def freshness(path: Path, customer: str | None = None) -> tuple[FreshRow, ...]:
    """How fresh each job is, by job, customer and tier."""
    clause, values = all_of([("customer = ?", customer)])
    with projected(path) as journal:
        rows = journal.execute(f"SELECT {_FRESH_COLUMNS} FROM freshness {clause} ORDER BY job, customer, tier", values).fetchall()
    from axejournal.journal.rows import FreshRow

    return tuple(FreshRow(*times(row, 5, 8, 11)) for row in rows)


def last_success(path: Path, job: str, customer: str, tier: str = "local") -> datetime | None:
    """The newest slot that a success satisfied, or None."""
    with projected(path) as journal:
        query = "SELECT success_slot FROM freshness WHERE job = ? AND customer = ? AND tier = ?"
        row = journal.execute(query, (job, customer, tier)).fetchone()
    return datetime.fromisoformat(row[0]) if row and row[0] else None


def began(path: Path) -> datetime | None:
    """When the first event was recorded; None for an empty journal."""
    with readonly.opened(path) as journal:
        row = journal.execute("SELECT recorded_at_us FROM events ORDER BY position LIMIT 1").fetchone()
    return instant(row[0]) if row else None


def head(path: Path) -> tuple[int, str]:
    """The newest event's position and its hash in hex: what to keep elsewhere, for verify's anchors."""
    with readonly.opened(path) as journal:
        row = journal.execute("SELECT position, hash FROM events ORDER BY position DESC LIMIT 1").fetchone()
    return (row[0], row[1].hex()) if row else (0, "0" * 64)


def last_dump(path: Path, customer: str, source: str) -> EventRow | None:
    """The newest DatabaseDumped of a source that got into a restore point: its tables' fingerprints may be used again."""
    with projected(path) as journal:
        newest = "SELECT position FROM last_dumps WHERE customer = ? AND source = ?"
        query = f"SELECT {EVENT_COLUMNS} FROM events WHERE position = ({newest})"
        row = journal.execute(query, (customer, source)).fetchone()
    return _event(row) if row else None


def last_physical(path: Path, customer: str, source: str) -> tuple[datetime, int] | None:
    """Time and bytes of the newest physical copy of a source's server, or None when none is in a snapshot."""
    query = "SELECT time_us, size_bytes FROM physical_copies WHERE customer = ? AND source = ? ORDER BY time_us DESC LIMIT 1"
    with projected(path) as journal:
        row = journal.execute(query, (customer, source)).fetchone()
    moment = instant(row[0]) if row else None
    return (moment, row[1]) if moment else None


def repositories(path: Path, customer: str | None = None, tier: str | None = None) -> tuple[RepositoryRow, ...]:
    """Known repositories: the newest recorded first, then those that were only met, the first met first."""
    clause, values = all_of([("customer = ?", customer), ("tier = ?", tier)])
    query = (
        "SELECT customer, tier, repository, place, recorded_by, size_bytes, snapshots, measured_at_us, pruned_at_us "
        f"FROM repositories {clause} ORDER BY recorded_position IS NULL, recorded_position DESC, met_position"
    )
    from axejournal.journal.rows import RepositoryRow

    with projected(path) as journal:
        return tuple(RepositoryRow(*times(row, 7, 8)) for row in journal.execute(query, values).fetchall())


def recorded_repository(path: Path, customer: str, tier: str, place: str | None = None) -> str | None:
    """The id that a tier's repository (at a place) must have, or None when none was ever recorded."""
    known = (row for row in repositories(path, customer, tier) if row.recorded_by is not None)
    return next((row.repository for row in known if place in (None, row.place)), None)


@contextlib.contextmanager
def projected(path: Path) -> Iterator[sqlite3.Connection]:
    """The journal with its projections, for one short read."""
    with readonly.opened(path) as journal:
        if readonly.version(journal) < SCHEMA:
            from axejournal.journal.chain import event_of
            from axejournal.journal.projections import PROJECTIONS
            from axejournal.journal.replay import pages, replay, temporary_tables
            from axejournal.journal.upcasters import Upcasters

            upcasters = Upcasters()
            temporary_tables(journal, PROJECTIONS)
            for rows in pages(journal):
                replay(journal, (event_of(row, upcasters) for row in rows), PROJECTIONS)
        yield journal


def _runs_at(
    journal: sqlite3.Connection, where: tuple[str, tuple[Any, ...]], outcome: str | None, limit: int | None, at: datetime
) -> tuple[RunRow, ...]:
    """Replays the streams of the runs that had begun, as far as they had come, newest first, until enough are found."""
    from axejournal.journal.chain import event_of
    from axejournal.journal.projections.runs import PROJECTION
    from axejournal.journal.replay import replay, temporary_tables
    from axejournal.journal.upcasters import Upcasters

    clause, values = where
    begun = f"{clause} AND" if clause else "WHERE"
    query = f"SELECT run FROM runs {begun} requested_at_us <= ? ORDER BY first_position DESC"
    candidates = journal.execute(query, (*values, microseconds(at))).fetchall()
    temporary_tables(journal, [PROJECTION])
    upcasters = Upcasters()
    found: list[RunRow] = []
    for (run,) in candidates:
        if limit is not None and len(found) >= limit:
            break
        events = [event_of(row, upcasters) for row in journal.execute(_STREAM_UNTIL, (run, run, microseconds(at))).fetchall()]
        replay(journal, events, [PROJECTION])
        row = journal.execute(f"SELECT {_RUN_COLUMNS} FROM runs WHERE run = ?", (run,)).fetchone()
        if row is not None and outcome in (None, row[7]):
            found.append(_run(journal, row))
    return tuple(found)


def _run(journal: sqlite3.Connection, row: Sequence[Any]) -> RunRow:
    import json

    from axejournal.journal.rows import RunRow

    fields = list(times(row, 8, 9, 10, 24))
    fields[14] = tuple(json.loads(fields[14]))
    fields.append(_open_steps(journal, row[0]) if row[7] == "open" else ())
    return RunRow(*fields)


def _open_steps(journal: sqlite3.Connection, run: str) -> tuple[str, ...]:
    """Steps of an open run whose last intent has no answer; few runs are open, so that this is asked when read."""
    steps: dict[str, None] = {}
    for name, step in journal.execute(
        "SELECT name, step FROM events WHERE run = ? AND step IS NOT NULL ORDER BY number", (run,)
    ).fetchall():
        if name == "StepStarted":
            steps[step] = None
        elif name not in ("ChildStarted", "StepProbed"):
            steps.pop(step, None)
    return tuple(steps)


def _event(row: Sequence[Any]) -> EventRow:
    from axejournal.journal.chain import event_of
    from axejournal.journal.rows import EventRow

    event = event_of(row)
    fields = {name: getattr(event, name) for name in EventRow.__dataclass_fields__ if name != "hash"}
    return EventRow(**fields, hash=event.hash.hex())


def _point(row: Sequence[Any]) -> PointRow:
    import json

    from axejournal.journal.rows import PointRow

    fields = list(times(row, 8, 15))
    fields[11] = tuple(json.loads(fields[11]))
    return PointRow(*fields)


def _where(
    job: str | None, customer: str | None, since: datetime | None, until: datetime | None, outcome: str | None
) -> tuple[str, tuple[Any, ...]]:
    who = (("job = ?", job), ("customer = ?", customer), ("outcome = ?", outcome))
    return all_of([*who, ("requested_at_us >= ?", microseconds(since)), ("requested_at_us <= ?", microseconds(until))])
