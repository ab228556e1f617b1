"""A machine for one step: a repository in a folder, servers in memory, a memory that says what a test tells it."""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from axejournal.domain.events import Fact, RunRequested
from axejournal.domain.facts import DatabaseDumped, DumpsFinished, PreflightPassed, SnapshotTaken
from axejournal.domain.job import Attempt, Step
from axejournal.domain.policy import Held, Keep
from axejournal.domain.ports import LastPhysical, LastPoint, Progress
from axejournal.domain.run import Run
from axejournal.jobs.plan import BackupKit, BackupPlan, DatabasePlan, FilesPlan
from axejournal.jobs.steps.dump_database import DumpDatabase
from axejournal.jobs.steps.take_snapshot import TakeSnapshot
from axejournal.programs.clock import SystemClock
from tests.contract.fake_repository import FolderRepository
from tests.contract.fake_server import SmallServer
from tests.engine.toy import MemoryStore

RUN = "260520-0300-test"
SLOT = "2026-05-20T03:00:00+09:00"
ROWS = {"entries": [f"{n}\tentry {n}" for n in range(200)], "notes": []}


@dataclass
class Told:
    """The Memory port: what a test told it."""

    repository: str | None = None
    dumps: dict[str, DatabaseDumped] = field(default_factory=dict)
    last_points: dict[str, LastPoint] = field(default_factory=dict)
    physical: dict[str, LastPhysical] = field(default_factory=dict)
    held: tuple[Held, ...] = ()
    pruned_at: datetime | None = None
    is_alone: bool = True

    def repository_id(self, tier: str) -> str | None:
        return self.repository

    def last_dump(self, source: str) -> DatabaseDumped | None:
        return self.dumps.get(source)

    def last_point(self, source: str, tier: str) -> LastPoint | None:
        return self.last_points.get(source)

    def last_physical(self, source: str) -> LastPhysical | None:
        return self.physical.get(source)

    def points(self, tier: str) -> tuple[Held, ...]:
        return self.held

    def alone(self, tier: str, run: str) -> AbstractContextManager[bool]:
        return nullcontext(self.is_alone)

    def last_prune(self, tier: str) -> datetime | None:
        return self.pruned_at


@dataclass(frozen=True)
class SizedDisk:
    """The Disk port: as large as a test says."""

    free: int = 10**12

    def free_bytes(self, path: Path) -> int:
        return self.free


@dataclass
class Small:
    """Makes kits, runs and attempts for one step."""

    folder: Path
    repository: FolderRepository
    servers: dict[str, SmallServer]
    memory: Told = field(default_factory=Told)
    disk: SizedDisk = field(default_factory=SizedDisk)
    settings: dict[str, Any] = field(default_factory=dict)  # of the plan
    seen: list[Progress] = field(default_factory=list)

    @property
    def staging(self) -> Path:
        return self.folder / "staging"

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def kit(self) -> BackupKit:
        plan = BackupPlan(
            customer="axe",
            host="axe-macmini",
            tier="local",
            databases=tuple(DatabasePlan(name, name) for name in self.servers),
            files=(FilesPlan("files", self.files),),
            left_out=(),
            staging=self.staging,
            configuration_files=(),
        )
        return BackupKit(
            plan=dataclasses.replace(plan, **self.settings),
            repository=self.repository,
            server=self.servers.__getitem__,
            is_dead_lock=lambda lock: lock.host == "axe-macmini",
            memory=self.memory,
            store=MemoryStore(),
            disk=self.disk,
            clock=SystemClock(),
            restic_version=lambda: "0.18.1",
        )

    def run(self, *facts: Fact) -> Run:
        """A run in which these facts are recorded."""
        requested = RunRequested("backup.local", "axe", SLOT, "schedule", 1, "0.1.0", "axe-macmini", {"requested_at": SLOT})
        return Run(RUN, requested, "dumping", 1, len(facts) + 1, facts=tuple((None, fact) for fact in facts))

    def attempt(self, *facts: Fact, number: int = 1) -> Attempt:
        return Attempt(self.run(*facts), number, self.seen.append)

    def act(self, step: Step, *facts: Fact, number: int = 1) -> Any:
        """What the step records."""
        return step.act(self.attempt(*facts, number=number))

    def plan(self, name: str, **settings: Any) -> DatabasePlan:
        return DatabasePlan(name, name, **settings)

    def passed(self) -> PreflightPassed:
        return PreflightPassed("0.18.1", self.repository.identity(), 10**12, 1)

    def snapshot(self) -> tuple[Fact, ...]:
        """Dumps every database and takes the snapshot; the facts of it."""
        dumps = [self.act(DumpDatabase(self.kit, plan)) for plan in self.kit.plan.databases]
        facts = (self.passed(), *dumps, DumpsFinished(tuple(self.servers)))
        taken = self.act(TakeSnapshot(self.kit), *facts)
        assert isinstance(taken, SnapshotTaken)
        return (*facts, taken)


def moment(day: int) -> datetime:
    """03:00 UTC on a day of May 2026."""
    return datetime(2026, 5, day, 3, tzinfo=UTC)


def keep(**rules: int) -> Keep:
    """Retention."""
    return Keep(**rules)
