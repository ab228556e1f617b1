"""Opens the journal for writing: creates it, brings it to the present schema, and proves how SQLite will keep it.

WAL with synchronous=FULL is the one setting that lost nothing in simulated power cuts; the pragmas are read back at
each open. All writers hold one lock file, so that creating, migrating and appending never meet.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from axejournal.domain.errors import JournalDamaged
from axejournal.journal import place
from axejournal.journal.faults import explain
from axejournal.journal.locks import WriterLock
from axejournal.journal.schema import SCHEMA, check_identity
from axejournal.shipped import folder

BUSY_S = 30.0
"""How long another program (a sqlite3 shell) may keep SQLite's own lock."""
LOG_BYTES = 8 * 1024 * 1024
"""What the write-ahead log is cut back to after a checkpoint."""

Fill = Callable[[Connection], object]


def lock_path(journal: Path) -> Path:
    """The lock file of a journal's writers."""
    return journal.with_name(journal.name + ".lock")


def open_for_writing(path: Path, lock: WriterLock, fill: Fill) -> Connection:
    """A connection whose transactions begin with BEGIN IMMEDIATE, on a journal of the present schema.

    Creates or migrates it first; `fill` computes the projections, in the migration's own transaction. May be killed at
    any instant and called again. Raises JournalDamaged, JournalNewer.
    """
    place.check_folder(path)
    try:
        with lock.held():
            place.check_file(path)
            if not path.exists():
                _create(path)
            return _open_current(path, fill)
    except (sqlite3.Error, DBAPIError) as fault:
        raise explain(fault, path) from fault
    except OSError as fault:
        raise JournalDamaged(
            f"journal {path}: {fault.strerror} ({fault.filename})",
            f"Make {path.parent} writable for this user and see that its disk isn't full.",
        ) from fault


def _open_current(path: Path, fill: Fill) -> Connection:
    connection = _connect(path)
    try:
        version = _version(connection, path)
        if version < SCHEMA:
            _keep_copy(connection, path)
            _migrate(connection, fill)
        _prove(connection, path)
    except BaseException:
        close(connection)
        raise
    return connection


def close(connection: Connection) -> None:
    """Ends it; the last one to close checkpoints, so hold the writers' lock."""
    engine = connection.engine
    connection.close()
    engine.dispose()


def driver(connection: Connection) -> sqlite3.Connection:
    """The driver's connection below. Hot statements go to it (5 µs each; through SQLAlchemy 40 µs), inside a
    transaction that SQLAlchemy begins and ends."""
    found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


def _connect(path: Path) -> Connection:
    engine = sqlalchemy.create_engine("sqlite://", creator=lambda: _driver_connection(path), poolclass=NullPool)
    # pysqlite's own transactions lost updates of two processes; these begin when they say so, and as writers
    event.listen(engine, "begin", lambda connection: driver(connection).execute("BEGIN IMMEDIATE"))
    return engine.connect()


def _driver_connection(path: Path) -> sqlite3.Connection:
    uri = path.absolute().as_uri() + "?mode=rw"
    made = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_S, check_same_thread=False)
    for pragma in ("synchronous = FULL", f"journal_size_limit = {LOG_BYTES}"):
        made.execute(f"PRAGMA {pragma}")
    if sys.platform == "darwin":  # fsync alone leaves the data in the drive's cache there
        made.execute("PRAGMA fullfsync = ON")
        made.execute("PRAGMA checkpoint_fullfsync = ON")
    return made


def _pragma(connection: Connection, name: str) -> Any:
    return driver(connection).execute(f"PRAGMA {name}").fetchone()[0]


def _version(connection: Connection, path: Path) -> int:
    version = int(_pragma(connection, "user_version"))
    check_identity(int(_pragma(connection, "application_id")), version, path)
    return version


def _prove(connection: Connection, path: Path) -> None:
    """A copy out of a snapshot is not in WAL mode: it is set here, under the writers' lock."""
    if _pragma(connection, "journal_mode") != "wal":
        driver(connection).execute("PRAGMA journal_mode = WAL")
    wanted = {"journal_mode": "wal", "synchronous": 2}
    if sys.platform == "darwin":
        wanted |= {"fullfsync": 1, "checkpoint_fullfsync": 1}
    for name, value in wanted.items():
        if (found := _pragma(connection, name)) != value:
            raise JournalDamaged(
                f"journal {path}: SQLite keeps {name} = {found} where {value} is needed; a power cut could lose events",
                'Set "state" in the configuration to a folder on a local disk of this machine.',
            )


def _create(path: Path) -> None:
    """Made whole under another name, then renamed: a journal's own name never stands for a half-made file."""
    made = path.with_name(path.name + ".new")
    place.new_file(made)
    connection = _connect(made)
    try:
        _migrate(connection, lambda _: None)
        _prove(connection, made)
    finally:
        close(connection)
    place.put_in_place(made, path)


def _keep_copy(connection: Connection, path: Path) -> None:
    """`journal.sqlite.before-N`: the journal as it was before schema N."""
    copy_into(driver(connection), path.with_name(f"{path.name}.before-{SCHEMA}"))


def copy_into(source: sqlite3.Connection, target: Path) -> None:
    """A complete, consistent copy (0600) that replaces `target` at once or not at all. Only VACUUM INTO sees what is
    still in the log; a plain file copy lost every row. Raises JournalDamaged, naming the target."""
    made = target.with_name(target.name + ".part")
    try:
        place.new_file(made)
        source.execute("VACUUM INTO ?", (str(made),))
        place.put_in_place(made, target)
    except sqlite3.Error as fault:
        raise explain(fault, target) from fault
    except OSError as fault:
        raise JournalDamaged(
            f"journal: no copy can be made at {target}: {fault.strerror}",
            f"Free space in {target.parent} and see that it can be written.",
        ) from fault
    finally:
        made.unlink(missing_ok=True)


def _migrate(connection: Connection, fill: Fill) -> None:
    """All missing migrations and the projections' content, in one transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    with connection.begin():
        command.upgrade(config, "head")
        fill(connection)
