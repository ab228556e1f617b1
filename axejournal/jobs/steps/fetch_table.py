"""Fetches the table of contents and the data of one table out of the snapshot, and nothing else."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import AxejError, ProgramFailed, SnapshotIncomplete
from axejournal.domain.facts import TableDumped
from axejournal.domain.facts.table import TableFetched
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.ports.tables import Name
from axejournal.domain.run import Run
from axejournal.jobs.restore_table_plan import TableKit
from axejournal.jobs.steps.dump_database import DATA
from axejournal.jobs.steps.prepare_restore import check_repository

TOC = "toc.dat"


@dataclass(frozen=True)
class FetchTable:
    """Into the run's own folder. An undo has nothing to fetch."""

    kit: TableKit
    name: str = "fetch"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> TableFetched | None:
        """Every file is there, byte for byte. Which files they are is in the table of contents."""
        if self.kit.undone:
            return TableFetched("", 0)
        with contextlib.suppress(AxejError, OSError):
            if (self._folder / TOC).is_file():
                return self._verified(self._tables())
        return None

    def act(self, attempt: Attempt) -> TableFetched:
        """Raises what Repository.restore raises, RepositoryForeign, SnapshotIncomplete when a file is not as it was dumped."""
        if self.kit.undone:
            return TableFetched("", 0)
        own = self.kit.dumped_table()
        shutil.rmtree(self.kit.base.plan.folder, ignore_errors=True)
        self.kit.base.plan.folder.mkdir(parents=True, mode=0o700)
        with ThreadPoolExecutor(max_workers=1) as pool:  # beside the fetch: each restic call costs 0.5 s before any work
            is_known = pool.submit(copy_context().run, check_repository, self.kit.base)
            try:
                self._fetch([TOC, *([own.file] if own.file else [])], attempt)
            finally:
                is_known.result()
        tables = self._tables()
        if not own.file:
            self._fetch([str(table.file) for table in tables], attempt)
        return self._verified(tables)

    @property
    def _folder(self) -> Path:
        return self.kit.folder / DATA

    def _fetch(self, names: list[str], attempt: Attempt) -> None:
        if not names:
            return
        base = self.kit.base
        paths = [f"{base.plan.point.paths[0]}/{DATA}/{name}" for name in names]
        try:
            base.repository.restore(base.plan.point.snapshot, paths, base.plan.folder, attempt.progress)
        except ProgramFailed as fault:
            raise self._damaged(fault.message) from fault

    def _tables(self) -> tuple[TableDumped, ...]:
        """The table, or its partitions, as they were when it was dumped."""
        own, dumped = self.kit.dumped_table(), self.kit.dumped
        if own.file:
            return (own,)
        parents = self.kit.tables.read_contents(self._folder, dumped.encoding, ()).parents
        return tuple(
            table for table in dumped.tables if table.file and _is_below((table.schema, table.name), self.kit.table, parents)
        )

    def _verified(self, tables: tuple[TableDumped, ...]) -> TableFetched:
        paths = [self._folder / str(table.file) for table in tables]
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
            digests = list(pool.map(_sha256, paths))
        for table, digest in zip(tables, digests, strict=True):
            if digest != table.sha256:
                raise self._damaged(f"{table.file} with the rows of {table.schema}.{table.name} is not as it was dumped")
        size = sum(path.stat().st_size for path in [*paths, self._folder / TOC])
        return TableFetched(str(self._folder), size, {str(table.file): (table.schema, table.name) for table in tables})

    def _damaged(self, why: str) -> SnapshotIncomplete:
        point = self.kit.base.plan.point
        return SnapshotIncomplete(
            f"the restore point {point.time} does not give table {self.kit.title} back: {why}",
            f'Take an older one ("axej points --source {self.kit.base.plan.source}") or another tier. Nothing was changed.',
        )


def _is_below(table: Name, top: Name, parents: Mapping[Name, Name]) -> bool:
    while table in parents:
        table = parents[table]
        if table == top:
            return True
    return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
