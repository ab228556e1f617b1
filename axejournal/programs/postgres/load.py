"""Loads a dump in directory format into a new database, and knows its way around what keeps sound dumps from being loaded.

pg_restore loads with an empty search_path, checks rows while other tables are still empty, and wants the tablespaces of the
old server. So functions that name no schema (in checks, indexes, generated columns), checks that look into other tables and
missing tablespaces stop it, although the dump is whole. Each is gone around once it was met; what is loaded is compared with
what was dumped in any case.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from axejournal.domain.errors import AxejError, SourceRefused
from axejournal.domain.ports import Progress
from axejournal.domain.ports.restore import Loaded
from axejournal.programs import process
from axejournal.programs.postgres.faults import fault_of_program, first_line
from axejournal.programs.postgres.properties import LIST_SCRIPT, renamed
from axejournal.programs.postgres.reach import Way
from axejournal.programs.postgres.session import SETTINGS_OF_LOADS, Session, identifier, literal

LOAD_SETTINGS: Mapping[str, str] = {
    "synchronous_commit": "off",  # a crash makes the load begin anew: nothing in it has to be durable before its end
    "maintenance_work_mem": "128MB",
    **SETTINGS_OF_LOADS,
}
"""Of the sessions that load. What the database itself sets is in force in them, unless it is said here."""

EMPTY_PATH = b"SELECT pg_catalog.set_config('search_path', '', false);\n"
CHECK_OFF = "UPDATE pg_catalog.pg_class SET relchecks = 0 WHERE relkind IN ('r', 'p') AND relchecks > 0 AND oid >= 16384"
CHECK_ON = """
UPDATE pg_catalog.pg_class AS c SET relchecks = found.n
  FROM (SELECT conrelid, count(*) AS n FROM pg_catalog.pg_constraint WHERE contype = 'c' GROUP BY 1) AS found
 WHERE c.oid = found.conrelid AND c.oid >= 16384 AND c.relchecks <> found.n
"""
"""A table's rows are checked when pg_class says that it has checks; the constraints themselves are not touched."""


@dataclass(frozen=True)
class Adapted:
    """What a load does otherwise than pg_restore by itself."""

    names_schemas: bool = False
    without_tablespaces: bool = False
    checks_off: bool = False

    def after(self, said: str) -> Adapted:
        """What to do otherwise after these words of an error; itself when there is nothing."""
        if re.search(r"tablespace \"[^\n]*\" does not exist|\"default_tablespace\"", said, re.IGNORECASE):
            return replace(self, without_tablespaces=True)
        if "violates check constraint" in said:
            return replace(self, checks_off=True)
        if re.search(r"(relation|function|type|operator|schema|dictionary|configuration|collation)\b[^\n]* does not exist", said):
            return replace(self, names_schemas=True)
        return self

    def told(self) -> Loaded:
        """For the run."""
        notes = []
        if self.names_schemas:
            notes.append("functions of this database name no schema: it was loaded with all its schemas in search_path")
        if self.checks_off:
            notes.append("checks of this database look into other tables: rows were loaded without them, then they were put back")
        left = ("tablespaces that this server lacks: what was in them is in the default one",) if self.without_tablespaces else ()
        return Loaded(tuple(notes), left)


class LoadFailed(Exception):
    """A program's failure, with all that it said."""

    def __init__(self, fault: AxejError, said: str) -> None:
        super().__init__(fault.message)
        self.fault, self.said = fault, said


@dataclass(frozen=True)
class Load:
    """One load: the dump's directory, the name in it, the name that the new database gets."""

    dump: Path
    source: str
    database: str
    jobs: int
    progress: Callable[[Progress], None]


def load(way: Way, session: Session, order: Load, drop: Callable[[], None]) -> Loaded:
    """Makes the database and loads it, each time anew (`drop`), until it is loaded or nothing helps. Raises what the first
    failure was."""
    adapted, first = Adapted(), None
    while True:
        drop()
        try:
            _attempt(way, session, order, adapted)
            return _with_subscriptions(session, order, adapted.told())
        except LoadFailed as failed:
            first = first or failed.fault
            other = adapted.after(failed.said)
            if other == adapted:
                raise first from None
            adapted = other


def _with_subscriptions(session: Session, order: Load, loaded: Loaded) -> Loaded:
    """pg_dump leaves subscriptions disabled (manual, pg_dump, Notes), in silence."""
    found = session.rows(subscriptions_of(order.database)) if session.is_superuser else []
    names = ", ".join(row["name"] for row in found)
    told = f"that subscriptions run: {names} is there and disabled; the replaced database still has its own, running"
    return replace(loaded, left_out=(*loaded.left_out, told)) if found else loaded


def subscriptions_of(database: str) -> str:
    """The query for the names of a database's subscriptions; only a superuser may ask."""
    where = f"(SELECT oid FROM pg_database WHERE datname = {literal(database)})"
    return f"SELECT subname AS name FROM pg_subscription WHERE subdbid = {where} ORDER BY 1"


def _attempt(way: Way, session: Session, order: Load, adapted: Adapted) -> None:
    _create(way, session, order, adapted)
    dump = order.dump
    if adapted.names_schemas:
        dump = _with_search_path(order, _search_path(way, session, order))
    if not adapted.checks_off:
        _restore(way, session, order, adapted, dump)
        return
    _restore(way, session, order, adapted, dump, "--section=pre-data")
    _switch(way, session, order, CHECK_OFF)
    _restore(way, session, order, adapted, dump, "--section=data")
    _switch(way, session, order, CHECK_ON)
    _restore(way, session, order, adapted, dump, "--section=post-data")


def _create(way: Way, session: Session, order: Load, adapted: Adapted) -> None:
    done = process.run(way.shell(LIST_SCRIPT, "pg_restore", session.facts.major, str(order.dump)))
    if done.exit_code != 0:
        raise load_fault(way, f"pg_restore --create of {order.source}", done)
    script = renamed(done.text, order.source, order.database)
    if adapted.without_tablespaces:
        script = re.sub(r"^(CREATE DATABASE .*) TABLESPACE = .+;$", r"\1;", script, flags=re.MULTILINE)
    done = _psql(way, session, "postgres", script)
    if done.exit_code != 0:
        raise LoadFailed(load_fault(way, f"making database {order.database}", done), done.stderr)


def _restore(way: Way, session: Session, order: Load, adapted: Adapted, dump: Path, *more: str) -> None:
    words = (
        f"--dbname={way.conninfo(order.database, options=_options(session))}",
        "--format=directory",
        f"--jobs={order.jobs}",
        "--exit-on-error",
        "--no-password",
        *(("--no-tablespaces",) if adapted.without_tablespaces else ()),
        *more,
        str(dump),
    )
    command = way.command("pg_restore", session.facts.major, *words)
    done = process.run(replace(command, watch=_Growth(session, order).look))
    if done.exit_code != 0:
        raise LoadFailed(load_fault(way, f"pg_restore of {order.source}", done), done.stderr)


def _options(session: Session) -> str:
    settings = {**LOAD_SETTINGS, **({"lc_messages": "C"} if session.is_superuser else {})}
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _switch(way: Way, session: Session, order: Load, statement: str) -> None:
    with Session(way, order.database, session.facts.major) as inside:
        inside.execute(statement)


def _search_path(way: Way, session: Session, order: Load) -> str:
    """The paths that the database and its roles set, `public`, then every schema of the dump."""
    found = session.rows(
        "SELECT DISTINCT substr(setting, 13) AS path FROM pg_db_role_setting AS s, unnest(setconfig) AS setting "
        f"WHERE setting LIKE 'search_path=%' AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = "
        f"{literal(order.database)})) ORDER BY 1"
    )
    done = process.run(way.command("pg_restore", session.facts.major, "--list", str(order.dump)))
    schemas = re.findall(r"^\d+; 2615 \d+ SCHEMA - (.+) \S+$", done.text, re.MULTILINE)
    paths = [row["path"] for row in found if row["path"] not in ("", '""')]
    return ", ".join(dict.fromkeys([*paths, "public", *(identifier(name) for name in schemas)]))


def _with_search_path(order: Load, path: str) -> Path:
    """The dump with another search_path in its table of contents, beside it: data files are linked, not copied. Strings have
    their length before them (sign, then as many bytes as the header says; pg_backup_archiver.c, WriteStr)."""
    made = order.dump.with_name(f"{order.dump.name}.path")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700)
    for file in order.dump.iterdir():
        if file.name != "toc.dat":
            (made / file.name).hardlink_to(file)
    toc = (order.dump / "toc.dat").read_bytes()
    (made / "toc.dat").write_bytes(replaced_string(toc, EMPTY_PATH, EMPTY_PATH.replace(b"''", literal(path).encode())))
    return made


def replaced_string(toc: bytes, old: bytes, new: bytes) -> bytes:
    """A table of contents with one string for another."""
    size = toc[8]
    before, after = (b"\0" + len(text).to_bytes(size, "little") + text for text in (old, new))
    return toc.replace(before, after)


def run_script(way: Way, session: Session, database: str, script: str, what: str) -> None:
    """Runs statements, one transaction each. Raises what `load_fault` makes."""
    done = _psql(way, session, database, script)
    if done.exit_code != 0:
        raise load_fault(way, what, done)


def _psql(way: Way, session: Session, database: str, script: str) -> process.Completed:
    """psql's words stay terse: a statement may hold a password's hash."""
    quiet = ("-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse", "-v", "SHOW_CONTEXT=never")
    dbname = f"--dbname={way.conninfo(database, options=_options(session))}"
    words = ("--no-psqlrc", "--quiet", "--no-password", *quiet, dbname, "--file=-")
    return process.run(replace(way.command("psql", session.facts.major, *words), stdin=script.encode("utf-8")))


def load_fault(way: Way, what: str, done: process.Completed) -> AxejError:
    """What the failure of a program that loads means."""
    found = fault_of_program(way.place, way.user, what, done.stderr, way.killed_by(done), done.exit_code)
    if isinstance(found, SourceRefused):
        hint = f"The role {way.user} must be allowed to make databases and roles; let `user:` of the source name a superuser."
        return SourceRefused(f"{what} at {way.place}: {first_line(done.stderr)}", hint)
    return found


class _Growth:
    """Tells how a load grows; asked a few times a second by the process that waits for it."""

    def __init__(self, session: Session, order: Load) -> None:
        self._session, self._order = session, order
        self._of = sum(file.stat().st_size for file in order.dump.iterdir() if file.is_file())
        self._asked_at_s = 0.0

    def look(self) -> None:
        """Asks once a second."""
        now = time.monotonic()
        if now - self._asked_at_s < 1.0:
            return
        self._asked_at_s = now
        query = f"SELECT pg_database_size(oid) AS size FROM pg_database WHERE datname = {literal(self._order.database)}"
        found = self._session.rows(query)
        size = found[0]["size"] if found else 0
        self._order.progress(Progress(size, max(size, self._of), "loading"))
