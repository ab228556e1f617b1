"""Journals to test with: a clock that can be set, drafts, and believable nights."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from axejournal.domain.events import (
    ChildStarted,
    Fact,
    RunCancelled,
    RunDegraded,
    RunFailed,
    RunRequested,
    RunResumed,
    RunSucceeded,
    StepFailed,
    StepStarted,
)
from axejournal.domain.facts import (
    DatabaseDumped,
    DumpsFinished,
    PointMade,
    PreflightPassed,
    RepositoryRecorded,
    RunStarted,
    SnapshotsForgotten,
    SnapshotTaken,
    SnapshotVerified,
    TableDumped,
)
from axejournal.domain.facts.known import KNOWN_FACTS
from axejournal.domain.ports import Draft
from axejournal.journal.ids import event_id
from axejournal.journal.store import Store

MIDNIGHT = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
REPOSITORY = "ab" * 32
SOURCES = ("frame", "blueprint", "hive", "mysrt", "index")


@dataclass
class SetClock:
    """The Clock port, set by the test: it moves by itself by a millisecond a look, so that times differ."""

    at: datetime = MIDNIGHT
    monotonic: int = 0

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def monotonic_us(self) -> int:
        self.monotonic += 1000
        return self.monotonic

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.monotonic += int(seconds * 1_000_000)
        time.sleep(min(seconds, 0.01))


class RealClock:
    """The Clock port, by the machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def open_store(path: Path, clock: SetClock | RealClock | None = None, **more) -> Store:
    return Store(path, more.pop("facts", KNOWN_FACTS), "mac:4711:1795", "boot-1", clock or RealClock(), **more)


def draft(fact: Fact, step: str | None = None, attempt: int | None = None, state: str = "working") -> Draft:
    return Draft(event_id(datetime.now(UTC)), fact, state, step, attempt)


def requested(job: str = "backup.local", customer: str = "axe", slot: str | None = None, **options) -> RunRequested:
    trigger = "schedule" if slot else "operator"
    return RunRequested(job, customer, slot, trigger, 1, "0.1.0", "mac", {"tier": "local", **options})


@dataclass
class Writer:
    """Appends to one run and keeps its number, as the engine does."""

    store: Store
    run: str
    epoch: int = 1
    number: int = 0
    events: list = field(default_factory=list)

    def add(self, *drafts: Draft):
        events = self.store.append(self.run, self.epoch, self.number, drafts)
        self.number += len(drafts)
        self.events.extend(events)
        return events

    def fact(self, fact: Fact, step: str | None = None, attempt: int | None = None, state: str = "working"):
        return self.add(draft(fact, step, attempt, state))[0]

    def resume(self, reason: str = "its process died"):
        self.epoch += 1
        return self.fact(RunResumed(reason))


def dumped(source: str, tables: int = 2, size_bytes: int = 1000) -> DatabaseDumped:
    made = tuple(
        TableDumped("public", f"t{number}", 10, f"10:{number}", f"{number}.dat", 100, "cd" * 32) for number in range(tables)
    )
    return DatabaseDumped(
        source,
        source,
        f"/staging/{source}/dump",
        size_bytes,
        "ef" * 32,
        "15.20",
        "7300000000000000001",
        "UTF8",
        "C",
        ("citext",),
        made,
    )


def snapshot_of(run: str) -> str:
    return (run.encode().hex() * 64)[:64]


def verified(run: str, sources=SOURCES, taken_at: str = "2026-05-20T03:00:10+09:00", tier: str = "local") -> SnapshotVerified:
    made = tuple(PointMade(source, "postgres", (f"/staging/{source}",), 1000, 3) for source in sources)
    return SnapshotVerified(snapshot_of(run), REPOSITORY, tier, taken_at, made)


def taken(run: str) -> SnapshotTaken:
    return SnapshotTaken(snapshot_of(run), REPOSITORY, 5000, 500, 250, 20, "0" * 64)


def night(
    run: str, slot: str | None = None, sources=SOURCES, taken_at: str = "2026-05-20T03:00:10+09:00"
) -> Iterator[list[Draft]]:
    """The appends of one nightly backup that ends well."""
    yield [draft(requested(slot=slot, requested_at=taken_at), state="requested")]
    yield [draft(RunStarted(), state="preflight"), draft(StepStarted(), "preflight", 1, "preflight")]
    yield [draft(PreflightPassed("0.19.1", REPOSITORY, 10**10, 10**9), "preflight", 1, "dumping")]
    for source in sources:
        yield [draft(StepStarted(), f"dump:{source}", 1, "dumping")]
        yield [draft(ChildStarted("pg_dump", 4711, 1795.0, "boot-1"), f"dump:{source}", 1, "dumping")]
        yield [draft(dumped(source), f"dump:{source}", 1, "dumping")]
    yield [draft(DumpsFinished(tuple(sources)), state="snapshotting"), draft(StepStarted(), "snapshot", 1, "snapshotting")]
    yield [draft(ChildStarted("restic", 4712, 1796.0, "boot-1"), "snapshot", 1, "snapshotting")]
    yield [draft(taken(run), "snapshot", 1, "verifying"), draft(StepStarted(), "verify", 1, "verifying")]
    yield [draft(verified(run, sources, taken_at), "verify", 1, "retaining"), draft(StepStarted(), "forget", 1, "retaining")]
    yield [draft(SnapshotsForgotten("local", REPOSITORY, (), 7, False, 123_456), "forget", 1, "retaining")]
    yield [draft(RunSucceeded(), state="succeeded")]


def write_night(store: Store, run: str, slot: str | None = None, **more) -> Writer:
    writer = Writer(store, run)
    for drafts in night(run, slot, **more):
        writer.add(*drafts)
    return writer


def write_mixed(store: Store) -> None:
    """Runs of every outcome, with resumes, retries and retention: something of everything that projections know."""
    recorded = Writer(store, "r0-init")
    recorded.fact(requested("init"), state="requested")
    recorded.add(draft(RepositoryRecorded("local", "/repo", REPOSITORY)), draft(RunSucceeded(), state="succeeded"))
    write_night(store, "r1-good", "2026-05-19T03:00+09:00", taken_at="2026-05-19T03:00:09+09:00")
    write_night(store, "r2-good", "2026-05-20T03:00+09:00")
    degraded = Writer(store, "r3-degraded")
    degraded.fact(requested(slot="2026-05-21T03:00+09:00"), state="requested")
    degraded.fact(StepStarted(), "dump:frame", 1)
    degraded.fact(StepFailed("SourceUnreachable", "frame is down", "Start it.", 2.0), "dump:frame", 1)
    degraded.fact(StepStarted(), "dump:frame", 2)
    degraded.resume()
    degraded.fact(StepStarted(), "dump:frame", 3)
    degraded.fact(dumped("frame"), "dump:frame", 3)
    degraded.fact(taken("r3-degraded"), "snapshot", 1)
    degraded.fact(verified("r3-degraded", ("frame",), "2026-05-21T03:00:10+09:00"), "verify", 1)
    degraded.fact(SnapshotsForgotten("local", REPOSITORY, (snapshot_of("r1-good"),), 2, True, 99_000), "forget", 1)
    degraded.fact(RunDegraded(("hive failed", "index failed")), state="degraded")
    failed = Writer(store, "r4-failed")
    failed.fact(requested(slot="2026-05-22T03:00+09:00"), state="requested")
    failed.fact(RunFailed("WrongPassword", "the password is wrong", "Look at it.", 12, "wrong-password"), state="failed")
    cancelled = Writer(store, "r5-cancelled")
    cancelled.fact(requested(customer="realchoice"), state="requested")
    cancelled.fact(RunCancelled("SIGTERM"), state="cancelled")
    still_open = Writer(store, "r6-open")
    still_open.fact(requested(), state="requested")
    still_open.fact(StepStarted(), "dump:frame", 1, "dumping")
    still_open.fact(StepStarted(), "dump:hive", 1, "dumping")
    still_open.fact(ChildStarted("pg_dump", 1, 1.0, "boot-1"), "dump:hive", 1, "dumping")
    still_open.fact(dumped("frame"), "dump:frame", 1, "dumping")
