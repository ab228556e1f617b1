"""Dumps one database, whole, with what proves a restore of it, into its place in the staging folder."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axejournal.domain.errors import SourceUnreachable
from axejournal.domain.events import Fact
from axejournal.domain.facts import DatabaseDumped, TableDumped, VolumeStaged
from axejournal.domain.job import BRIEF, Attempt, RetryPolicy
from axejournal.domain.ports import Dump, Table
from axejournal.domain.run import Run
from axejournal.jobs.plan import BackupKit, DatabasePlan
from axejournal.jobs.steps.staging import folder_of, stage, staged

ROLES = "roles.sql"
DATA = "dump"  # pg_dump's directory format, below the source's folder


@dataclass(frozen=True)
class DumpDatabase:
    """One database. When its server is down and a volume is configured, the stopped volume is taken instead."""

    kit: BackupKit
    plan: DatabasePlan
    policy: RetryPolicy = BRIEF
    contained: bool = True

    @property
    def name(self) -> str:
        return f"dump:{self.plan.name}"

    @property
    def folder(self) -> Path:
        return folder_of(self.kit.plan.staging, self.plan.name)

    def probe(self, run: Run) -> Fact | None:
        """The folder is renamed into place last: if it is this run's, the dump is whole."""
        content = staged(self.folder, run.id)
        return _from_manifest(content) if content is not None else None

    def act(self, attempt: Attempt) -> Fact:
        """Raises SourceUnreachable, SourceRefused, DumpIncomplete, DiskFull, ProgramFailed."""
        return stage(self.folder, attempt.run.id, lambda folder: self._dump_or_stage(folder, attempt))

    def _dump_or_stage(self, partial: Path, attempt: Attempt) -> DatabaseDumped | VolumeStaged:
        begin_us = self.kit.clock.monotonic_us()
        try:
            dumped = self._dump(partial, attempt)
            return dataclasses.replace(dumped, duration_s=(self.kit.clock.monotonic_us() - begin_us) / 1e6)
        except SourceUnreachable as down:
            if self.plan.volume is None or self.kit.server(self.plan.name).is_running():
                raise
            return self._stage_volume(partial, self.plan.volume, down)

    def _dump(self, partial: Path, attempt: Attempt) -> DatabaseDumped:
        server = self.kit.server(self.plan.name)
        last = self.kit.memory.last_dump(self.plan.name)
        known = tuple(Table(**dataclasses.asdict(table)) for table in last.tables) if last else ()
        dump = server.dump(self.plan.database, partial / DATA, known, attempt.progress)
        roles_bytes = server.dump_roles(partial / ROLES)
        return self._fact(dump, roles_bytes)

    def _fact(self, dump: Dump, roles_bytes: int) -> DatabaseDumped:
        return DatabaseDumped(
            source=self.plan.name,
            database=self.plan.database,
            directory=str(self.folder),
            size_bytes=dump.size_bytes,
            sha256=dump.sha256,
            server_version=dump.server.version,
            system_identifier=dump.server.system_identifier,
            encoding=dump.encoding,
            collation=dump.collation,
            extensions=dump.extensions,
            tables=tuple(TableDumped(**dataclasses.asdict(table)) for table in dump.tables),
            sequences=dump.sequences,
            large_objects=dump.large_objects,
            roles_bytes=roles_bytes,
            fingerprints_reused=dump.fingerprints_reused,
            fingerprints_s=round(dump.fingerprints_s, 3),
        )

    def _stage_volume(self, partial: Path, volume: str, down: SourceUnreachable) -> VolumeStaged:
        shutil.rmtree(partial)
        partial.mkdir(mode=0o700)
        size = self.kit.server(self.plan.name).stage_volume(volume, partial)
        return VolumeStaged(self.plan.name, volume, str(self.folder), size, down.message)


def _from_manifest(content: dict[str, Any]) -> Fact:
    values = {name: value for name, value in content.items() if name not in ("run", "fact")}
    if content["fact"] == VolumeStaged.__name__:
        return VolumeStaged(**values)
    tables = tuple(TableDumped(**table) for table in values.pop("tables"))
    return DatabaseDumped(**{**values, "tables": tables, "extensions": tuple(values["extensions"])})
