"""Copies a running server physically (pg_basebackup), every so many days, into its place in the staging folder.

Beside the dump, not instead of it: it starts as a server at once, and holds what a dump of one database does not.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from axejournal.domain.facts import PhysicalCopied
from axejournal.domain.job import BRIEF, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.plan import BackupKit, DatabasePlan
from axejournal.jobs.steps.dump_database import MANIFEST, PARTIAL, PHYSICAL, folder_of, sync_directory, write_durably

BASE = "base.tar"  # the data directory, as pg_basebackup calls it
SLACK = timedelta(hours=12)
"""A night that begins a minute earlier than a week ago must not slip to the next."""


def physical_folder(staging: Path, source: str) -> Path:
    """Where a source's physical copy lies."""
    dump = folder_of(staging, source)
    return dump.with_name(dump.name + PHYSICAL)


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
        """The manifest is renamed into place last: if it is this run's, the copy is whole."""
        manifest = self.folder / MANIFEST
        content = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
        return PhysicalCopied(**content["fact"]) if content.get("run") == run.id else None

    def act(self, attempt: Attempt) -> PhysicalCopied:
        """Raises SourceUnreachable, SourceRefused, DumpIncomplete, DiskFull, ProgramFailed."""
        partial = self.folder.with_name(self.folder.name + PARTIAL)
        for stale in (partial, self.folder):
            if stale.exists():
                shutil.rmtree(stale)
        partial.mkdir(parents=True, mode=0o700)
        begin_us = self.kit.clock.monotonic_us()
        try:
            size = self.kit.server(self.plan.name).copy_physical(partial, attempt.progress)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)  # on a full disk the journal needs the room
            raise
        duration_s = round((self.kit.clock.monotonic_us() - begin_us) / 1e6, 3)
        fact = PhysicalCopied(self.plan.name, str(self.folder), size, duration_s)
        write_durably(partial / MANIFEST, {"run": attempt.run.id, "fact": dataclasses.asdict(fact)})
        partial.rename(self.folder)
        sync_directory(self.folder.parent)
        return fact
