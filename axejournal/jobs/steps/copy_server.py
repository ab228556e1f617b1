"""Copies a running server physically (pg_basebackup), every so many days, into its place in the staging folder.

Beside the dump, not instead of it: it starts as a server at once, and holds what a dump of one database does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from axejournal.domain.facts import PhysicalCopied
from axejournal.domain.job import BRIEF, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.plan import BackupKit, DatabasePlan
from axejournal.jobs.steps.staging import physical_folder, stage, staged

BASE = "base.tar"  # the data directory, as pg_basebackup calls it
SLACK = timedelta(hours=12)
"""A night that begins a minute earlier than a week ago must not slip to the next."""


def is_due(kit: BackupKit, plan: DatabasePlan, moment: datetime) -> bool:
    """Whether the newest physical copy that is in a snapshot is too old for a run of this moment."""
    if plan.physical_days is None:
        return False
    last = kit.memory.last_physical(plan.name)
    return last is None or moment - last.at >= timedelta(days=plan.physical_days) - SLACK


@dataclass(frozen=True)
class CopyServer:
    """The whole server of one source."""

    kit: BackupKit
    plan: DatabasePlan
    policy: RetryPolicy = BRIEF
    contained: bool = True

    @property
    def name(self) -> str:
        return f"physical:{self.plan.name}"

    @property
    def folder(self) -> Path:
        return physical_folder(self.kit.plan.staging, self.plan.name)

    def probe(self, run: Run) -> PhysicalCopied | None:
        """The folder is renamed into place last: if it is this run's, the copy is whole."""
        content = staged(self.folder, run.id)
        return (
            PhysicalCopied(**{name: value for name, value in content.items() if name not in ("run", "fact")}) if content else None
        )

    def act(self, attempt: Attempt) -> PhysicalCopied:
        """Raises SourceUnreachable, SourceRefused, DumpIncomplete, DiskFull, ProgramFailed."""
        return stage(self.folder, attempt.run.id, lambda folder: self._copy(folder, attempt))

    def _copy(self, folder: Path, attempt: Attempt) -> PhysicalCopied:
        begin_us = self.kit.clock.monotonic_us()
        size = self.kit.server(self.plan.name).copy_physical(folder, attempt.progress)
        duration_s = round((self.kit.clock.monotonic_us() - begin_us) / 1e6, 3)
        return PhysicalCopied(self.plan.name, str(self.folder), size, duration_s)
