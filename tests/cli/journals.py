"""Journals for the face: written by the real Store, with events that a nightly backup would leave, at times that the
test says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from axejournal.domain import facts as f
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
    StepGivenUp,
    StepProbed,
    StepStarted,
)
from axejournal.domain.facts.known import KNOWN_FACTS
from axejournal.domain.ports import Draft
from axejournal.jobs.local_backup import JOB
from axejournal.journal.ids import event_id
from axejournal.journal.store import Store

REPOSITORY = "4f3c2b1a" * 8
FINAL = {"RunSucceeded": "succeeded", "RunDegraded": "degraded", "RunFailed": "failed", "RunCancelled": "cancelled"}


@dataclass
class SetClock:
    """The Clock port, set by hand."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic_us(self) -> int:
        return int(self.at.timestamp() * 1e6)

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Journal:
    """A journal and the pen that writes it."""

    path: Path
    clock: SetClock
    process: str = "axe-macmini:4711:1.00"
    stores: dict[str, Store] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        if self.process not in self.stores:
            self.stores[self.process] = Store(
                self.path, KNOWN_FACTS, clock=self.clock, process_name=self.process, boot_id="boot-1"
            )
        return self.stores[self.process]

    def begin(self, run: str, at: str, slot: str | None = None, customer: str = "axe", **more: Any) -> Pen:
        """A new run, requested at that time."""
        self.clock.at = datetime.fromisoformat(at).astimezone(UTC)
        pen = Pen(self, run)
        requested = {"trigger": "schedule" if slot else "operator", "host": "axe-macmini", "program_version": "0.1.0"}
        pen.note(
            RunRequested(
                **{
                    "job": JOB.name,
                    "customer": customer,
                    "slot": slot,
                    "machine_version": 1,
                    "options": {"tier": "local"},
                    **requested,
                    **more,
                }
            )
        )
        return pen

    def close(self) -> None:
        for store in self.stores.values():
            store.close()
        self.stores.clear()


@dataclass
class Pen:
    """Writes one run."""

    journal: Journal
    run: str
    number: int = 0
    epoch: int = 1
    state: str = JOB.machine.initial
    tries: dict[str, int] = field(default_factory=dict)

    def note(self, fact: Fact, step: str | None = None, after_s: float = 0.0) -> Pen:
        """One event, some time later."""
        self.journal.clock.sleep(after_s)
        if self.number:
            self.state = JOB.machine.next(self.state, type(fact).__name__)
        if isinstance(fact, RunResumed):
            self.epoch += 1
        if isinstance(fact, StepStarted):
            self.tries[step or ""] = self.tries.get(step or "", 0) + 1
        draft = Draft(event_id(self.journal.clock.at), fact, self.state, step, self.tries.get(step or "") if step else None)
        self.number = self.journal.store.append(self.run, self.epoch, self.number, (draft,))[-1].number
        return self

    def step(self, name: str, fact: Fact, took_s: float = 1.0, children: tuple[str, ...] = ()) -> Pen:
        """A step that went well."""
        self.note(StepStarted(), name)
        for number, program in enumerate(children):
            self.note(ChildStarted(program, 5000 + number, 1.0, "boot-1"), name)
        return self.note(fact, name, took_s)

    def fail(self, name: str, error: str, message: str, retry_in_s: float | None = None, hint: str = "Look there.") -> Pen:
        """An attempt that failed."""
        return self.note(StepStarted(), name).note(StepFailed(error, message, hint, retry_in_s), name, 0.5)

    def give_up(self, name: str, error: str, message: str) -> Pen:
        return self.fail(name, error, message).note(StepGivenUp(error, message, "Look there."), name)

    def resume(self, process: str = "axe-macmini:4712:2.00", ended: tuple[str, ...] = ("process 5000 (pg_dump)",)) -> Pen:
        """Another process takes the run over."""
        self.journal.process = process
        return self.note(RunResumed("asked for", ended), after_s=5)

    def preflight(self) -> Pen:
        passed = f.PreflightPassed("0.19.1", REPOSITORY, 50 * 2**30, 2**30)
        return self.note(f.RunStarted()).step("preflight", passed, 0.8, ("restic", "psql"))

    def dump(self, source: str, size_bytes: int = 120 * 2**20) -> Pen:
        return self.step(f"dump:{source}", dumped(source, size_bytes), 2.3, ("psql", "pg_dump", "pg_dumpall"))

    def snapshot(self, name: str, size_bytes: int = 429 * 2**20) -> Pen:
        taken = f.SnapshotTaken(name, REPOSITORY, size_bytes, 5_000_000, 1_300_000, 420, "0" * 64, duration_s=3.2)
        return self.step("snapshot", taken, 3.2, ("restic",))

    def verified(self, name: str, taken_at: str, sources: Mapping[str, str], **more: Any) -> Pen:
        points = tuple(f.PointMade(source, kind, (f"/s/{source}",), 120 * 2**20, 12) for source, kind in sources.items())
        return self.step("verify", f.SnapshotVerified(name, REPOSITORY, "local", taken_at, points, **more), 0.6, ("restic",))

    def retained(self, removed: tuple[str, ...] = (), kept: int = 1) -> Pen:
        forgotten = f.SnapshotsForgotten("local", REPOSITORY, removed, kept, bool(removed), 300 * 2**20)
        return self.step("forget", forgotten, 0.7, ("restic",)).step("clear-staging", f.StagingCleared(2**20), 0.1)

    def succeed(self) -> Pen:
        return self.note(RunSucceeded())

    def degrade(self, *reasons: str) -> Pen:
        return self.note(RunDegraded(reasons))

    def break_off(self, error: str, message: str, hint: str, exit_code: int, runbook: str) -> Pen:
        return self.note(RunFailed(error, message, hint, exit_code, runbook))

    def cancel(self, signal: str = "SIGINT") -> Pen:
        return self.note(RunCancelled(signal))

    def probe(self, name: str, happened: bool) -> Pen:
        return self.note(StepProbed(happened), name)


def dumped(source: str, size_bytes: int) -> f.DatabaseDumped:
    """A dump of two tables, as the step records it."""
    tables = tuple(
        f.TableDumped("public", name, rows, f"{rows}:77", f"{rows}.dat", 10, "ab", 1) for name, rows in (("a", 1000), ("b", 20))
    )
    who = ("15.20", "7300000000000000001", "UTF8", "C", ("plpgsql",))
    return f.DatabaseDumped(source, source, f"/s/{source}", size_bytes, "cd" * 32, *who, tables, roles_bytes=500, duration_s=2.3)


def night(
    journal: Journal, run: str, slot: str, snapshot: str, sources: Mapping[str, str], removed: tuple[str, ...] = ()
) -> None:
    """A whole nightly run that succeeded."""
    pen = journal.begin(run, slot, slot).preflight()
    databases = [source for source, kind in sources.items() if kind == "postgres"]
    for source in databases:
        pen.dump(source)
    pen.note(f.DumpsFinished(tuple(databases))).snapshot(snapshot)
    pen.verified(snapshot, slot, sources).retained(removed).succeed()
