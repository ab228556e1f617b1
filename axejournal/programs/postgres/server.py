"""A PostgreSQL server: the port DatabaseServer, by address or by container.

reach: how its programs are run. session: a conversation through psql. catalog: what a database
holds, and the fingerprint of a table. dump: a dump and its proof; files: its files. volume: the
copy of a stopped server; physical: of a running one. faults: what went wrong.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from axejournal.domain.errors import AxejError
from axejournal.domain.ports import Containers, Dump, Progress, ServerFacts, Table
from axejournal.programs.postgres.catalog import FINGERPRINT_SETTINGS, read_relations
from axejournal.programs.postgres.dump import DumpOrder, fingerprint, known_tables, take_dump, take_roles
from axejournal.programs.postgres.physical import copy_server
from axejournal.programs.postgres.reach import Find, Way, open_way, session_name
from axejournal.programs.postgres.reach import ServerAddress as ServerAddress  # asked for with the server
from axejournal.programs.postgres.session import Session, literal
from axejournal.programs.postgres.volume import stage_volume

MAINTENANCE = "postgres"  # the database for questions about the server itself


class PostgresServer:
    """The `DatabaseServer` port, as one run uses it.

    `staging`: the folder below which dumps go; `find`: gives this machine's client programs (install); `containers`: the
    engine of a container's server. May be used by several threads: each call has a session of its own.
    """

    def __init__(self, address: ServerAddress, run: str, staging: Path, find: Find, containers: Containers | None = None) -> None:
        self.address = address
        self.run = run
        self.staging = staging
        self._find = find
        self._containers = containers

    def facts(self) -> ServerFacts:
        """See the port."""
        with self._session(MAINTENANCE) as session:
            return session.facts

    def database_size_bytes(self, database: str) -> int:
        """See the port."""
        with self._session(database) as session:
            return int(session.row("SELECT pg_database_size(current_database()) AS size")["size"])

    def dump(self, database: str, into: Path, known: Iterable[Table], progress: Callable[[Progress], None]) -> Dump:
        """See the port; `into` must be below `staging`. Also raises DiskFull, ProgramStalled (a lock not got within the
        address's time, no progress), ProgramKilled, ProgramFailed. What is left in `into` is then worth nothing."""
        wait_s, stall_s = self.address.lock_wait_timeout_s, self.address.stall_s
        order = DumpOrder(database, into, known_tables(known), progress, wait_s, stall_s)
        with self._session(database) as session:
            return take_dump(session, order)

    def dump_roles(self, into: Path) -> int:
        """See the port. Also raises DiskFull, DumpIncomplete, ProgramKilled, ProgramFailed."""
        with self._session(MAINTENANCE) as session:
            return take_roles(session, into)

    def copy_physical(self, into: Path, progress: Callable[[Progress], None]) -> int:
        """See the port, and physical; `into` must be below `staging`. Also raises what `dump` raises."""
        with self._session(MAINTENANCE) as session:
            return copy_server(session, into, self.address.stall_s, progress)

    def is_running(self) -> bool:
        """See the port: the container's state, or whether something listens at the address."""
        if self.address.container is not None:
            found = self._containers.inspect(self.address.container) if self._containers else None
            return found is not None and found.is_running and found.status != "paused"
        return _is_listening(self.address)

    def stage_volume(self, volume: str, into: Path) -> int:
        """See the port, and volume: one tar archive with a note of how it is restored. `volume`: a name, or the
        path of a folder."""
        return stage_volume(self.address, self.run, volume, into, self._containers)

    def fingerprints(self, database: str, tables: Iterable[tuple[str, str]] | None = None) -> tuple[Table, ...]:
        """Rows and content fingerprints of tables (schema, name), or of all, in one snapshot: to compare a restored database
        with its dump. They have no file. A table that is not there is left out. Raises SourceRefused, SourceUnreachable."""
        wanted = None if tables is None else set(tables)
        with self._session(database) as session:
            session.set(FINGERPRINT_SETTINGS)
            session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            found = [one for one in read_relations(session) if wanted is None or (one.schema, one.name) in wanted]
            made = [(one, *fingerprint(session, one)) for one in found]
        return tuple(Table(one.schema, one.name, rows, mark, None, 0, None, None, one.digest) for one, rows, mark in made)

    def terminate_sessions(self, run: str) -> tuple[str, ...]:
        """Ends the sessions that a dead process of a run left in the server; says which there were. A server that can't be
        asked has none worth waiting for. In a container they end with their sidecar."""
        if self.address.container is not None:
            return ()
        query = f"""
            SELECT pid, pg_terminate_backend(pid) AS is_ended FROM pg_stat_activity
             WHERE application_name = {literal(session_name(run))} AND pid <> pg_backend_pid()
        """
        try:
            with self._session(MAINTENANCE) as session:
                return tuple(f"database session {row['pid']} at {self.address.place}" for row in session.rows(query))
        except AxejError:
            return ()

    # --- ways in ---------------------------------------------------------------------------------------------------

    def _way(self) -> AbstractContextManager[Way]:
        return open_way(self.address, self.run, self.staging, self._find, self._containers)

    @contextlib.contextmanager
    def _session(self, database: str) -> Iterator[Session]:
        with self._way() as way, Session(way, database) as session:
            yield session


def _is_listening(address: ServerAddress) -> bool:
    try:
        if address.socket is not None:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(5)
                probe.connect(str(address.socket / f".s.PGSQL.{address.port}"))
            return True
        with socket.create_connection((str(address.host), address.port), timeout=5):
            return True
    except OSError:
        return False
