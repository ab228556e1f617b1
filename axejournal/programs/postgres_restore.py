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
from dataclasses import replace
from pathlib import Path

from axejournal.domain.errors import AxejError, ProgramFailed, SourceRefused
from axejournal.domain.ports import Containers, Progress, Table
from axejournal.domain.ports.restore import LiveDatabase, ServerLook
from axejournal.programs import postgres_roles, process
from axejournal.programs.postgres_catalog import FINGERPRINT_SETTINGS, Relation, read_relations
from axejournal.programs.postgres_dump import fingerprint
from axejournal.programs.postgres_faults import fault_of_program, first_line
from axejournal.programs.postgres_properties import LIST_SCRIPT, renamed
from axejournal.programs.postgres_reach import Find, ServerAddress, Way, open_way
from axejournal.programs.postgres_session import Session, identifier, literal

MAINTENANCE = ("postgres", "template1")  # where one is connected while another database is renamed
SWAP_S = 60.0  # sessions that come back faster than they are ended are given up on
LONG_S = 12 * 3600.0
LOAD_OPTIONS = "-c synchronous_commit=off -c maintenance_work_mem=128MB -c statement_timeout=0"
"""Of the sessions that load: a crash makes the load begin anew, so that nothing in it has to be durable before its end."""


class PostgresRestorer:
    """The `RestoreServer` port, as one run uses it. `folder`: below which the dumps lie (a sidecar has it mounted)."""

    def __init__(self, address: ServerAddress, run: str, folder: Path, find: Find, containers: Containers | None = None) -> None:
        self.address = address
        self._run = run
        self._folder = folder
        self._find = find
        self._containers = containers

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
        found = postgres_roles.parse(roles.read_text(encoding="utf-8"))
        with self._way() as way, Session(way, MAINTENANCE[0]) as session:
            there = {row["name"] for row in session.rows("SELECT rolname AS name FROM pg_roles")}
            missing = tuple(name for name in found.names if name not in there)
            if missing:
                self._script(way, session, MAINTENANCE[0], found.script_for(frozenset(missing)), f"making the roles {missing}")
        return missing, tuple(name for name in found.names if name in there)

    def load(self, dump: Path, source: str, database: str, jobs: int, progress: Callable[[Progress], None]) -> None:
        """See the port."""
        with self._way() as way, Session(way, MAINTENANCE[0]) as session:
            major = session.facts.major
            _drop(session, database)
            done = process.run(way.shell(LIST_SCRIPT, "pg_restore", major, str(dump)))
            if done.exit_code != 0:
                raise self._fault(way, f"pg_restore --create of {source}", done.stderr, done.exit_code, way.killed_by(done))
            self._script(way, session, MAINTENANCE[0], renamed(done.text, source, database), f"making database {database}")
            words = (
                f"--dbname={way.conninfo(database, options=LOAD_OPTIONS)}",
                "--format=directory",
                f"--jobs={jobs}",
                "--exit-on-error",
                "--no-password",
                str(dump),
            )
            command = replace(way.command("pg_restore", major, *words), watch=_Growth(session, database, dump, progress).look)
            done = process.run(command)
            if done.exit_code != 0:
                raise self._fault(way, f"pg_restore of {source}", done.stderr, done.exit_code, way.killed_by(done))

    def _script(self, way: Way, session: Session, database: str, script: str, what: str) -> None:
        """Runs statements, one transaction each. psql's words stay terse: a statement may hold a password's hash."""
        quiet = ("-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse", "-v", "SHOW_CONTEXT=never")
        words = ("--no-psqlrc", "--quiet", "--no-password", *quiet, f"--dbname={way.conninfo(database)}", "--file=-")
        done = process.run(replace(way.command("psql", session.facts.major, *words), stdin=script.encode("utf-8")))
        if done.exit_code != 0:
            raise self._fault(way, what, done.stderr, done.exit_code, way.killed_by(done))

    def _fault(self, way: Way, what: str, said: str, exit_code: int, killed_by: int | None) -> AxejError:
        found = fault_of_program(way.place, way.user, what, said, killed_by, exit_code)
        if isinstance(found, SourceRefused):
            hint = f"The role {way.user} must be allowed to make databases and roles; let `user:` of the source name a superuser."
            return SourceRefused(f"{what} at {way.place}: {first_line(said)}", hint)
        return found

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

    def large_objects(self, database: str) -> int:
        """See the port."""
        with self._session(database) as session:
            return int(session.row("SELECT count(*) AS n FROM pg_largeobject_metadata")["n"])

    def analyze(self, database: str) -> None:
        """See the port."""
        with self._session(database) as session:
            session.execute("ANALYZE", LONG_S)

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
                    work = pool.submit(copy_context().run, _rename_both, renaming, live, incoming, kept)
                    while not work.done():
                        ended += _end_sessions(ending, live)
                        with contextlib.suppress(TimeoutError):
                            work.exception(timeout=0.05)
                failure = work.exception()
            if failure is None:
                return ended
            if "55006" not in str(failure) or time.monotonic() > end_s:  # object_in_use
                raise _refused(failure, live)

    def drop(self, database: str) -> None:
        """See the port."""
        with self._session(away_from=database) as session:
            _drop(session, database)

    # --- ways in ---------------------------------------------------------------------------------------------------

    def _way(self) -> contextlib.AbstractContextManager[Way]:
        return open_way(self.address, self._run, self._folder, self._find, self._containers)

    @contextlib.contextmanager
    def _session(self, database: str | None = None, away_from: str | None = None) -> Iterator[Session]:
        """A session in a database, or in one that is not the one to be renamed."""
        chosen = database or next(name for name in MAINTENANCE if name != away_from)
        with self._way() as way, Session(way, chosen) as session:
            yield session


class _Growth:
    """Tells how a load grows; asked a few times a second by the process that waits for it."""

    def __init__(self, session: Session, database: str, dump: Path, progress: Callable[[Progress], None]) -> None:
        self._session, self._database, self._progress = session, database, progress
        self._of = sum(file.stat().st_size for file in dump.iterdir() if file.is_file())
        self._asked_at_s = 0.0

    def look(self) -> None:
        """Asks once a second."""
        now = time.monotonic()
        if now - self._asked_at_s < 1.0:
            return
        self._asked_at_s = now
        query = f"SELECT pg_database_size(oid) AS size FROM pg_database WHERE datname = {literal(self._database)}"
        found = self._session.rows(query)
        size = found[0]["size"] if found else 0
        self._progress(Progress(size, max(size, self._of), "loading"))


def _rename_both(session: Session, live: str, incoming: str, kept: str) -> None:
    session.execute("BEGIN")
    try:
        session.execute(f"ALTER DATABASE {identifier(live)} RENAME TO {identifier(kept)}")
        session.execute(f"ALTER DATABASE {identifier(incoming)} RENAME TO {identifier(live)}")
        session.execute("COMMIT")
    except AxejError:
        with contextlib.suppress(AxejError):
            session.execute("ROLLBACK")
        raise


def _end_sessions(session: Session, database: str) -> int:
    query = (
        "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) AS n FROM pg_stat_activity "
        f"WHERE datname = {literal(database)} AND pid <> pg_backend_pid()"
    )
    return int(session.row(query)["n"])


def _refused(failure: BaseException, live: str) -> BaseException:
    if isinstance(failure, ProgramFailed) and "55006" in str(failure):
        hint = "Stop the programs that use it, end prepared transactions (pg_prepared_xacts), then resume or restore again."
        return SourceRefused(f"database {live} could not be had alone within {SWAP_S:g} s: {failure.message}", hint)
    return failure


def _drop(session: Session, database: str) -> None:
    there = session.rows(f"SELECT datname AS name FROM pg_database WHERE datname = {literal(database)}")
    if not there:
        return
    if session.facts.major >= 13:
        session.execute(f"DROP DATABASE IF EXISTS {identifier(database)} WITH (FORCE)", LONG_S)
        return
    _end_sessions(session, database)
    session.execute(f"DROP DATABASE IF EXISTS {identifier(database)}", LONG_S)
