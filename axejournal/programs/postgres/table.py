"""The port TableServer: one table of a live PostgreSQL database, by address or by container.

table_toc: what a dump says of a table. table_catalog: what the live table is made of. table_sql:
the statements. table_stage: the wanted rows beside it. table_equalise: the one transaction.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from axejournal.domain.errors import SourceRefused
from axejournal.domain.ports import Containers, Progress
from axejournal.domain.ports.tables import Contents, Difference, DumpedPart, Equalised, LiveTable, Name, Staged, TableTask
from axejournal.programs.postgres import table_equalise, table_stage, table_toc
from axejournal.programs.postgres.reach import Find, ServerAddress, open_way
from axejournal.programs.postgres.session import Session, identifier, literal
from axejournal.programs.postgres.table_catalog import Detail, read_detail
from axejournal.programs.postgres.table_sql import scratch_of

MAINTENANCE = "postgres"
QUIET_SINCE_17 = {"event_triggers": "off"}  # ours make schemas and tables, which is nobody's business


class PostgresTables:
    """The `TableServer` port, as one run uses it, from one thread. `folder`: below which the files lie (a sidecar has it
    mounted)."""

    def __init__(self, address: ServerAddress, run: str, folder: Path, find: Find, containers: Containers | None = None) -> None:
        self.address = address
        self._run = run
        self._folder = folder
        self._find = find
        self._containers = containers
        self._opened = contextlib.ExitStack()
        self._session_now: Session | None = None

    def look(self, database: str, table: Name) -> LiveTable | None:
        """See the port."""
        with self._session(database) as session:
            detail = read_detail(session, table)
            return detail.live if detail else None

    def read_contents(self, folder: Path, encoding: str, dump_ids: tuple[int, ...]) -> Contents:
        """See the port; `folder` must be below the one that a sidecar has mounted."""
        with self._session(self._session_now.database if self._session_now else MAINTENANCE) as session:
            return table_toc.read_contents(session.way, session.facts.major, folder, encoding, dump_ids)

    def changed_types(self, task: TableTask, parts: tuple[DumpedPart, ...], contents: Contents) -> tuple[str, ...]:
        """See the port."""
        with self._session(task.database) as session:
            return table_stage.changed_types(_detail(session, task.table), parts, contents)

    def stage(
        self, task: TableTask, parts: tuple[DumpedPart, ...], encoding: str, progress: Callable[[Progress], None]
    ) -> Staged:
        """See the port."""
        with self._session(task.database) as session:
            return table_stage.stage(session, _detail(session, task.table), task, parts, encoding, progress)

    def stage_kept(self, task: TableTask, run: str) -> Staged:
        """See the port."""
        with self._session(task.database) as session:
            return table_stage.stage_kept(session, _detail(session, task.table), task, run)

    def compare(self, task: TableTask) -> Difference:
        """See the port."""
        with self._session(task.database) as session:
            return table_equalise.compare(session, _detail(session, task.table), task)

    def equalise(self, task: TableTask, staged: Staged, sequences: Mapping[str, int | None], kept_until: str) -> Equalised:
        """See the port."""
        wait_s = self.address.lock_wait_timeout_s
        with self._session(task.database) as session:
            return table_equalise.Equaliser(session, task, staged, sequences, kept_until, wait_s).run()

    def equalised(self, database: str, run: str) -> Equalised | None:
        """See the port."""
        with self._session(database) as session:
            return table_equalise.equalised(session, run)

    def drop_scratch(self, database: str, run: str) -> bool:
        """See the port."""
        with self._session(database) as session:
            name = scratch_of(run)
            found = session.rows(f"SELECT 1 AS one FROM pg_namespace WHERE nspname = {literal(name)}")
            session.execute(f"DROP SCHEMA IF EXISTS {identifier(name)} CASCADE")
            return bool(found)

    def kept(self, database: str, run: str) -> tuple[str, ...] | None:
        """See the port."""
        with self._session(database) as session:
            found = table_stage.kept_relation(session, run)
            return None if found is None else tuple(column.name for column in found.columns)

    def sweep(self, database: str, now: str) -> tuple[str, ...]:
        """See the port."""
        with self._session(database) as session:
            return table_equalise.sweep(session, now)

    def close(self) -> None:
        """See the port."""
        self._session_now = None
        self._opened.close()

    @contextlib.contextmanager
    def _session(self, database: str) -> Iterator[Session]:
        """One session for all steps of a run, since each costs a process and several questions. What raises ends it."""
        try:
            yield self._ready(database)
        except BaseException:
            self.close()
            raise

    def _ready(self, database: str) -> Session:
        if self._session_now is None or self._session_now.database != database:
            self.close()
            way = self._opened.enter_context(open_way(self.address, self._run, self._folder, self._find, self._containers))
            session = self._opened.enter_context(Session(way, database))
            if session.facts.major >= 17 and session.is_superuser:
                session.set(QUIET_SINCE_17)
            self._session_now = session
        return self._session_now


def _detail(session: Session, table: Name) -> Detail:
    found = read_detail(session, table)
    if found is None:
        raise SourceRefused(f"table {table[0]}.{table[1]} is no longer in database {session.database}", "Nothing was changed.")
    return found
