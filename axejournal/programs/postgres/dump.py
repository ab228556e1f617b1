"""One dump of one database, and the proof that it is whole.

A session exports its snapshot, pg_dump dumps that snapshot, and then the same session says what must be in the files:
each table that the catalog names has its file, closed, with as many rows as the server counts, and a content fingerprint
that a restore can be compared with. The session holds a lock on each table from before pg_dump starts, so that no
TRUNCATE or ALTER TABLE, which old snapshots do see, comes between dump and count.
"""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from axejournal.domain.errors import DiskFull, DumpIncomplete, ProgramFailed, ProgramStalled
from axejournal.domain.ports import Dump, Progress, Table
from axejournal.programs import process
from axejournal.programs.postgres import files
from axejournal.programs.postgres.catalog import (
    FINGERPRINT_SETTINGS,
    Catalog,
    Relation,
    all_schemas,
    fingerprint_query,
    locks,
    read_catalog,
)
from axejournal.programs.postgres.faults import fault_of_program, first_line
from axejournal.programs.postgres.files import Contents, DataFile
from axejournal.programs.postgres.session import Session
from axejournal.programs.process import Completed

LONG_S = 12 * 3600.0  # for one table's fingerprint
ROLES_END = b"\n-- PostgreSQL database cluster dump complete\n"
SHOWN = 5  # faults named in an error; the rest is counted


@dataclass(frozen=True)
class DumpOrder:
    """What is dumped where. `known`: tables of the last dump; `progress` is called a few times a second."""

    database: str
    into: Path
    known: Mapping[tuple[str, str], Table]
    progress: Callable[[Progress], None]
    lock_wait_timeout_s: int
    stall_s: float


def known_tables(tables: Iterable[Table]) -> dict[tuple[str, str], Table]:
    """Tables by schema and name."""
    return {(table.schema, table.name): table for table in tables}


def take_dump(session: Session, order: DumpOrder) -> Dump:
    """Dumps a session's database. Raises DumpIncomplete, DiskFull, SourceRefused, SourceUnreachable, ProgramStalled (a lock
    not got, no progress), ProgramKilled, ProgramFailed; what is in the directory is then worth nothing."""
    with _disk_faults(order.into):
        _make_folder(order.into)
    session.set({**FINGERPRINT_SETTINGS, "lock_timeout": f"{order.lock_wait_timeout_s}s"})
    session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    catalog = read_catalog(session)
    for statement in locks(catalog.relations):
        session.execute(statement, timeout_s=order.lock_wait_timeout_s + 60)
    snapshot = str(session.row("SELECT pg_export_snapshot() AS id")["id"])
    _run_pg_dump(session, order, snapshot, catalog)
    contents = _read_contents(session, order)
    with _disk_faults(order.into), ThreadPoolExecutor(max_workers=1) as pool:
        durable = pool.submit(files.make_durable, order.into)  # beside the queries, which need no disk
        proven = _prove(session, order, catalog, contents)
        durable.result()
    session.execute("COMMIT")
    return Dump(
        tables=tuple(proven.tables),
        size_bytes=sum(file.size_bytes for file in proven.files),
        sha256=files.digest_of(proven.files),
        server=session.facts,
        encoding=catalog.encoding,
        collation=catalog.collation,
        extensions=catalog.extensions,
        sequences=contents.sequences,
        large_objects=catalog.large_objects,
        fingerprints_reused=proven.reused,
        fingerprints_s=proven.seconds,
    )


def take_roles(session: Session, into: Path) -> int:
    """Roles, memberships and tablespaces into a file (0600), durable; returns its size. Raises what `take_dump` raises.

    pg_dumpall itself ends well when it could write nothing more on a full disk (seen with 15): its output comes here.
    """
    done = _run_pg_dumpall(session)
    if done.exit_code != 0 and "pg_authid" in done.stderr:
        done = _run_pg_dumpall(session, "--no-role-passwords")
    if done.exit_code != 0:
        way, killed_by = session.way, session.way.killed_by(done)
        raise fault_of_program(way.place, way.user, "pg_dumpall of the roles", done.stderr, killed_by, done.exit_code)
    if ROLES_END not in done.stdout[-200:]:
        raise DumpIncomplete(f"the dump of the roles at {session.way.place} was cut", "Look at the server's log.")
    with _disk_faults(into):
        files.write_durable(into, done.stdout)
    return len(done.stdout)


def fingerprint(session: Session, relation: Relation) -> tuple[int, str]:
    """A table's rows and its content fingerprint, in a session with FINGERPRINT_SETTINGS."""
    if relation.kind == "p":
        return 0, "0:0"
    with all_schemas(session) if relation.needs_path else contextlib.nullcontext():
        found = session.row(fingerprint_query(relation), LONG_S)
    return found["rows"], f"{found['rows']}:{found['sum']}"


# --- dumping ---------------------------------------------------------------------------------------------------


def _make_folder(into: Path) -> None:
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    into.chmod(0o700)
    if any(into.iterdir()):
        raise ValueError(f"{into} is not empty")


def _run_pg_dump(session: Session, order: DumpOrder, snapshot: str, catalog: Catalog) -> None:
    options = {"options": "-c lc_messages=C"} if session.is_superuser else {}
    words = (
        f"--dbname={session.way.conninfo(order.database, **options)}",
        "--format=directory",
        "--compress=0",
        f"--file={order.into}",
        f"--snapshot={snapshot}",
        f"--encoding={catalog.encoding}",  # what is not valid UTF-8 could be dumped as such, and never be restored
        f"--lock-wait-timeout={order.lock_wait_timeout_s * 1000}",
        "--no-password",
        "--no-sync",
    )
    expected = sum(table.size_bytes for table in order.known.values()) or catalog.size_bytes
    command = session.way.command("pg_dump", session.facts.major, *words)
    done = process.run(replace(command, watch=_Growth(order, expected).look))
    if done.exit_code != 0:
        session.rows("SELECT 1 AS answer")  # a server that went away is the cause, whatever pg_dump said
        what = f"pg_dump of {order.database}"
        killed_by = session.way.killed_by(done)
        raise fault_of_program(session.way.place, session.way.user, what, done.stderr, killed_by, done.exit_code)


def _run_pg_dumpall(session: Session, *more: str) -> Completed:
    conninfo = session.way.conninfo(session.database)
    words = (f"--dbname={conninfo}", "--globals-only", "--no-password", *more)
    return process.run(session.way.command("pg_dumpall", session.facts.major, *words))


@dataclass
class _Growth:
    """Tells how a dump grows, and gives up on one that does not."""

    order: DumpOrder
    expected_bytes: int
    size_bytes: int = -1
    grown_at_s: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        size, now = files.size_of(self.order.into), time.monotonic()
        if size != self.size_bytes:
            self.size_bytes, self.grown_at_s = size, now
        elif now - self.grown_at_s > self.order.stall_s:
            what = f"the dump of {self.order.database} did not grow for {self.order.stall_s:g} s"
            raise ProgramStalled(f"{what}; it was ended", "Look at what the server does, and at its disk.")
        self.order.progress(Progress(size, max(size, self.expected_bytes), "dumping"))


# --- proving ---------------------------------------------------------------------------------------------------


@dataclass
class _Proven:
    """What was found, and what is wrong."""

    tables: list[Table] = field(default_factory=list)
    files: list[DataFile] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    reused: int = 0
    seconds: float = 0.0


def _read_contents(session: Session, order: DumpOrder) -> Contents:
    """The dump's own table of contents."""
    script = files.LIST_SCRIPT
    done = process.run(session.way.shell(script, "pg_restore", session.facts.major, str(order.into)))
    if done.exit_code != 0 and "pg_restore: error" not in done.stderr:
        what, killed_by = f"pg_restore --list of {order.database}", session.way.killed_by(done)
        raise fault_of_program(session.way.place, session.way.user, what, done.stderr, killed_by, done.exit_code)
    contents = files.parse_contents(done.text)
    if done.exit_code != 0 or not contents.is_complete:
        raise _incomplete(order, [f"its table of contents can't be read: {first_line(done.stderr)}"])
    return contents


def _prove(session: Session, order: DumpOrder, catalog: Catalog, contents: Contents) -> _Proven:
    """Compares a dump's files with the server. Raises DumpIncomplete, with what is wrong."""
    proven = _Proven()
    size = files.size_of(order.into)
    for number, relation in enumerate(catalog.relations, start=1):
        dump_id = contents.tables.get(relation.oid)
        if relation.kind == "p":
            proven.tables.append(Table(relation.schema, relation.name, 0, "0:0", None, 0, None, None, relation.digest))
        elif dump_id is not None:
            _prove_table(session, order, relation, dump_id, proven)
        elif not (catalog.is_standby and relation.is_unlogged):  # a standby has no data of unlogged tables
            proven.faults.append(f"table {relation.full_name} is not in it")
        order.progress(Progress(size, size, f"proving {number} of {len(catalog.relations)} tables"))
    _prove_large_objects(order, catalog, proven)
    if proven.faults:
        raise _incomplete(order, proven.faults)
    done = {file.name for file in proven.files}
    proven.files += [files.read_file(path) for path in sorted(order.into.iterdir()) if path.name not in done]
    return proven


def _prove_table(session: Session, order: DumpOrder, relation: Relation, dump_id: int, proven: _Proven) -> None:
    path = order.into / f"{dump_id}.dat"
    what = f"{path.name} with the rows of table {relation.full_name}"
    if not path.is_file():
        proven.faults.append(f"{what} is missing")
        return
    if not files.is_closed(path):
        proven.faults.append(f"{what} is cut after {path.stat().st_size:,} bytes")
        return
    file = files.read_file(path)
    known = order.known.get((relation.schema, relation.name))
    if known is not None and (known.sha256, known.columns) == (file.sha256, relation.digest):
        rows, mark = known.rows, known.fingerprint
        proven.reused += 1
    else:
        begin_s = time.monotonic()
        rows, mark = fingerprint(session, relation)
        proven.seconds += time.monotonic() - begin_s
        if rows != (found := files.count_rows(path)):
            proven.faults.append(f"{what} holds {found:,}, the server has {rows:,}")
    proven.files.append(file)
    made = Table(relation.schema, relation.name, rows, mark, path.name, file.size_bytes, file.sha256, dump_id, relation.digest)
    proven.tables.append(made)


def _prove_large_objects(order: DumpOrder, catalog: Catalog, proven: _Proven) -> None:
    count, size, missing = files.large_objects(order.into)
    if missing:
        proven.faults.append(f"{len(missing):,} files of large objects are missing, {missing[0]} among them")
    elif count != catalog.large_objects:
        proven.faults.append(f"{count:,} large objects are in it, the server has {catalog.large_objects:,}")
    elif catalog.large_object_bytes not in (None, size):
        proven.faults.append(f"its large objects have {size:,} bytes, the server's {catalog.large_object_bytes:,}")


def _incomplete(order: DumpOrder, faults: list[str]) -> DumpIncomplete:
    more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    hint = "It is not kept. Look at the disk that holds `state:` and at the server's log, then back up again."
    return DumpIncomplete(f"the dump of {order.database} is not whole: {'; '.join(faults[:SHOWN])}{more}", hint)


@contextlib.contextmanager
def _disk_faults(into: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"no space is left at {into}", "Free some space on the disk that holds `state:`.") from fault
        raise ProgramFailed(f"{into} can't be read or written: {fault.strerror}", "Look at that disk.") from fault
