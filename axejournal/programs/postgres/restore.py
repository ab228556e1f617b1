"""The restoring side of a PostgreSQL server: the port RestoreServer, by address or by container.

Nothing of a restore touches the live database before `swap`, which is one transaction.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

from axejournal.domain.errors import AxejError, ProgramFailed, SourceRefused
from axejournal.domain.ports import Containers, Progress, Table
from axejournal.domain.ports.restore import LiveDatabase, Loaded, ServerLook, Unpacked
from axejournal.programs.postgres.catalog import FINGERPRINT_SETTINGS, Relation, all_schemas, read_relations
from axejournal.programs.postgres.dump import fingerprint
from axejournal.programs.postgres.load import Load, load, run_script
from axejournal.programs.postgres.names import LONG_S, SWAP_S, drop_database, end_sessions, refused, rename_both
from axejournal.programs.postgres.reach import Find, ServerAddress, Way, open_way
from axejournal.programs.postgres.roles import parse as parse_roles
from axejournal.programs.postgres.session import Session, identifier, literal, qualified
from axejournal.programs.postgres.unpack import Place, check_archives

MAINTENANCE = ("postgres", "template1")  # where one is connected while another database is renamed

ANALYZED = """
SELECT n.nspname AS schema, c.relname AS name FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT 1 FROM pg_partition_tree(c.oid) AS part JOIN pg_class AS f ON f.oid = part.relid WHERE f.relkind = 'f')
 ORDER BY c.oid
"""
"""What gets statistics: all tables but those with a part on another server, which would be asked for rows."""


class PostgresRestorer:
    """The `RestoreServer` port, as one run uses it. `folder`: below which the dumps lie (a sidecar has it mounted); `keeps`: a
    session that is used again, until `close`."""

    def __init__(
        self,
        address: ServerAddress,
        run: str,
        folder: Path,
        find: Find,
        containers: Containers | None = None,
        keeps: bool = False,
    ) -> None:
        self.address = address
        self._run = run
        self._folder = folder
        self._find = find
        self._containers = containers
        self._keeps = keeps and containers is None
        self._kept: dict[str, Session] = {}

    # --- looking ---------------------------------------------------------------------------------------------------

    def look(self) -> ServerLook:
        """See the port."""
        with self._session() as session:
            names = session.rows("SELECT datname AS name FROM pg_database ORDER BY 1")
            extensions = session.rows("SELECT name FROM pg_available_extensions")
            return ServerLook(
                session.facts,
                tuple(row["name"] for row in names),
                frozenset(row["name"] for row in extensions),
                self._data_folder(session),
            )

    def live(self, database: str) -> LiveDatabase | None:
        """See the port."""
        with self._session(away_from=database) as session:
            name = literal(database)
            found = session.rows(f"SELECT pg_database_size(oid) AS size FROM pg_database WHERE datname = {name}")
            if not found:
                return None
            sessions = session.rows(
                "SELECT count(*) AS n, coalesce(nullif(application_name, ''), 'unnamed') AS who, usename AS role "
                f"FROM pg_stat_activity WHERE datname = {name} AND pid <> pg_backend_pid() AND backend_type = 'client backend' "
                "GROUP BY 2, 3 ORDER BY 1 DESC, 2"
            )
            prepared = session.row(f"SELECT count(*) AS n FROM pg_prepared_xacts WHERE database = {name}")["n"]
        who = tuple(f"{row['n']} x {row['who']} ({row['role']})" for row in sessions)
        return LiveDatabase(database, found[0]["size"], who, prepared)

    def _data_folder(self, session: Session) -> Path | None:
        if self.address.container is not None or self.address.host not in (None, "localhost", "127.0.0.1", "::1"):
            return None
        try:
            folder = Path(session.row("SELECT current_setting('data_directory') AS folder")["folder"])
            return next((place for place in folder.parents if os.access(place, os.X_OK) and place.is_dir()), None)
        except AxejError:  # only pg_read_all_settings may ask
            return None

    # --- loading ---------------------------------------------------------------------------------------------------

    def restore_roles(self, roles: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """See the port."""
        found = parse_roles(roles.read_text(encoding="utf-8"))
        with self._way() as way, Session(way, MAINTENANCE[0]) as session:
            there = {row["name"] for row in session.rows("SELECT rolname AS name FROM pg_roles")}
            missing = tuple(name for name in found.names if name not in there)
            if missing:
                run_script(way, session, MAINTENANCE[0], found.script_for(frozenset(missing)), f"making the roles {missing}")
        return missing, tuple(name for name in found.names if name in there)

    def load(self, dump: Path, source: str, database: str, jobs: int, progress: Callable[[Progress], None]) -> Loaded:
        """See the port."""
        with self._way() as way, Session(way, MAINTENANCE[0]) as session:
            order = Load(dump, source, database, jobs, progress)
            return load(way, session, order, lambda: drop_database(session, database))

    # --- comparing -------------------------------------------------------------------------------------------------

    def fingerprints(self, database: str, jobs: int) -> tuple[Table, ...]:
        """See the port. The largest tables first, `jobs` at once, each in a session of its own."""
        with self._session(database) as session:
            relations = read_relations(session)
            sizes = {row["oid"]: row["size"] for row in session.rows(
                "SELECT oid::bigint AS oid, pg_table_size(oid) AS size FROM pg_class WHERE relkind IN ('r', 'p')"
            )}  # fmt: skip
        pending = sorted(relations, key=lambda one: -sizes.get(one.oid, 0))
        position = iter(pending)
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            works = [
                pool.submit(copy_context().run, self._count, database, position) for _ in range(min(jobs, len(pending) or 1))
            ]
            made = [table for work in works for table in work.result()]
        return tuple(sorted(made, key=lambda table: (table.schema, table.name)))

    def _count(self, database: str, relations: Iterator[Relation]) -> list[Table]:
        """Takes one relation after another until none is left (a list's iterator gives each to one thread only)."""
        made = []
        with self._session(database) as session:
            session.set(FINGERPRINT_SETTINGS)
            for one in relations:
                rows, mark = fingerprint(session, one)
                made.append(Table(one.schema, one.name, rows, mark, None, 0, None, None, one.digest))
        return made

    def sequences(self, database: str) -> Mapping[tuple[str, str], int | None]:
        """See the port."""
        query = "SELECT schemaname AS schema, sequencename AS name, last_value AS value FROM pg_sequences"
        with self._session(database) as session:
            return {(row["schema"], row["name"]): row["value"] for row in session.rows(query)}

    def partitions(self, database: str) -> Mapping[tuple[str, str], tuple[str, str]]:
        """See the port."""
        query = (
            "SELECT n.nspname AS schema, c.relname AS name, rn.nspname AS top_schema, r.relname AS top FROM pg_class AS c "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_class AS r ON r.oid = pg_partition_root(c.oid) "
            "JOIN pg_namespace AS rn ON rn.oid = r.relnamespace WHERE c.relispartition AND c.relkind IN ('r', 'p')"
        )
        with self._session(database) as session:
            rows = session.rows(query)
        return {(row["schema"], row["name"]): (row["top_schema"], row["top"]) for row in rows}

    def large_objects(self, database: str) -> int:
        """See the port."""
        with self._session(database) as session:
            return int(session.row("SELECT count(*) AS n FROM pg_largeobject_metadata")["n"])

    def analyze(self, database: str) -> None:
        """See the port."""
        with self._session(database) as session, all_schemas(session):
            names = [qualified(row["schema"], row["name"]) for row in session.rows(ANALYZED)]
            try:
                session.execute(f"ANALYZE {', '.join(names)}" if names else "SELECT 1", LONG_S)
            except (ProgramFailed, SourceRefused):  # an index's function that does not work, say: a plan is slower
                for name in names:
                    with contextlib.suppress(ProgramFailed, SourceRefused):
                        session.execute(f"ANALYZE {name}", LONG_S)

    # --- placing ---------------------------------------------------------------------------------------------------

    def rename(self, old: str, new: str) -> None:
        """See the port."""
        with self._session(away_from=old) as session:
            session.execute(f"ALTER DATABASE {identifier(old)} RENAME TO {identifier(new)}")

    def swap(self, live: str, incoming: str, kept: str) -> int:
        """See the port.

        ALTER DATABASE RENAME takes the lock on the database that every new connection needs first (postinit.c), then waits
        five seconds for the sessions that are in it to go away (CountOtherDBBackends). So while one session renames, another
        ends them: whoever comes back waits for the lock and then finds the new database under the name. Nothing but the one
        transaction changes anything, so that a kill at any moment leaves the old one or the new one, open to all.
        """
        ended, end_s = 0, time.monotonic() + SWAP_S
        while True:
            with self._session(away_from=live) as renaming, self._session(away_from=live) as ending:
                with ThreadPoolExecutor(max_workers=1) as pool:
                    work = pool.submit(copy_context().run, rename_both, renaming, live, incoming, kept)
                    while not work.done():
                        ended += end_sessions(ending, live)
                        with contextlib.suppress(TimeoutError):
                            work.exception(timeout=0.05)
                failure = work.exception()
            if failure is None:
                return ended
            if "55006" not in str(failure) or time.monotonic() > end_s:  # object_in_use
                raise refused(failure, live)

    def drop(self, database: str) -> None:
        """See the port."""
        with self._session(away_from=database) as session:
            drop_database(session, database)

    # --- data directories ------------------------------------------------------------------------------------------

    def check_place(self, into: str) -> None:
        """See the port."""
        Place(self.address, self._run, into, self._containers).check()

    def check_archives(self, fetched: Path) -> int:
        """See the port."""
        return check_archives(fetched)

    def unpack(self, fetched: Path, into: str) -> Unpacked:
        """See the port."""
        return Place(self.address, self._run, into, self._containers).unpack(fetched)

    # --- ways in ---------------------------------------------------------------------------------------------------

    def _way(self) -> contextlib.AbstractContextManager[Way]:
        return open_way(self.address, self._run, self._folder, self._find, self._containers)

    @contextlib.contextmanager
    def _session(self, database: str | None = None, away_from: str | None = None) -> Iterator[Session]:
        """A session in a database, or in one that is not the one to be renamed. The latter is kept for the next who asks:
        each costs a process and several questions. Beside a container it would keep the sidecar from others."""
        chosen = database or next(name for name in MAINTENANCE if name != away_from)
        if database is not None or not self._keeps:
            with self._way() as way, Session(way, chosen) as session:
                yield session
            return
        kept = self._kept.pop(chosen, None)
        if kept is None or not kept.is_alive:
            with self._way() as way:
                kept = Session(way, chosen).__enter__()
        try:
            yield kept
        except BaseException:
            kept.close()
            raise
        if self._kept.setdefault(chosen, kept) is not kept:
            kept.close()

    def close(self) -> None:
        """Ends the session that is kept. May be called twice."""
        while self._kept:
            self._kept.popitem()[1].close()
