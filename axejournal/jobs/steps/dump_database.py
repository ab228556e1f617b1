"""Dumps one database, whole, with what proves a restore of it, into its place in the staging folder.

The dump is written beside its place with a manifest of its own and renamed into it when it is complete, so that a
complete dump can be told from a cut one after a crash, and so that a new machine without a journal can compare too.
"""

from __future__ import annotations

import dataclasses
import json
import os
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

MANIFEST = "axej-dump.json"
ROLES = "roles.sql"
DATA = "dump"  # pg_dump's directory format, below the source's folder
MEMORY_FOLDER = "axej"  # below the staging folder: what a new machine starts from
PARTIAL, PHYSICAL = ".partial", ".physical"  # what comes after a source's folder: half a dump, a copy of its server
NOT_PLAIN = str.maketrans({"/": "%2F", "%": "%25", "\0": "%00"})


def folder_of(staging: Path, source: str) -> Path:
    """Where a source's dump lies: the same path every night, so that restic finds its parent. Never a folder of another's:
    a source may be called `axej`, or `frame.partial` beside `frame`."""
    plain = source.translate(NOT_PLAIN)
    is_ours = plain == MEMORY_FOLDER or plain.endswith((PARTIAL, PHYSICAL))
    return staging / (f"{plain}%" if is_ours else plain)


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
        """The manifest is renamed into place last: if it is this run's, the dump is whole."""
        manifest = self.folder / MANIFEST
        if not manifest.is_file():
            return None
        content = json.loads(manifest.read_text(encoding="utf-8"))
        return _from_manifest(content) if content.get("run") == run.id else None

    def act(self, attempt: Attempt) -> Fact:
        """Raises SourceUnreachable, SourceRefused, DumpIncomplete, DiskFull, ProgramFailed."""
        partial = self.folder.with_name(self.folder.name + PARTIAL)
        for stale in (partial, self.folder):
            if stale.exists():
                shutil.rmtree(stale)
        partial.mkdir(parents=True, mode=0o700)
        begin_us = self.kit.clock.monotonic_us()
        try:
            fact = self._dump_or_stage(partial, attempt)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)  # on a full disk the journal needs the room
            raise
        if isinstance(fact, DatabaseDumped):
            fact = dataclasses.replace(fact, duration_s=(self.kit.clock.monotonic_us() - begin_us) / 1e6)
        write_durably(partial / MANIFEST, {"run": attempt.run.id, "fact": type(fact).__name__, **dataclasses.asdict(fact)})
        partial.rename(self.folder)
        sync_directory(self.folder.parent)
        return fact

    def _dump_or_stage(self, partial: Path, attempt: Attempt) -> DatabaseDumped | VolumeStaged:
        try:
            return self._dump(partial, attempt)
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


def write_durably(path: Path, content: dict[str, Any]) -> None:
    """JSON, for its owner only, on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _from_manifest(content: dict[str, Any]) -> Fact:
    values = {name: value for name, value in content.items() if name not in ("run", "fact")}
    if content["fact"] == VolumeStaged.__name__:
        return VolumeStaged(**values)
    tables = tuple(TableDumped(**table) for table in values.pop("tables"))
    return DatabaseDumped(**{**values, "tables": tables, "extensions": tuple(values["extensions"])})


def sync_directory(path: Path) -> None:
    """Makes a rename in it durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
