"""A read-only connection to the journal through plain `sqlite3`: what `history` and `status` can afford.

Never `immutable=1` (it reads wrong data from a live journal), never a long read. Imports as little as it can.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from axejournal.domain.errors import JournalDamaged
from axejournal.journal.faults import explain
from axejournal.journal.schema import check_identity

BUSY_S = 10.0


def exists(path: Path) -> bool:
    """Whether there is a journal. Raises JournalDamaged when there was one and its file is gone or cut to nothing."""
    from axejournal.journal.place import check_file

    if path.exists() and path.stat().st_size:
        return True
    check_file(path)
    return False


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection inside, closed after; for a journal that never was, an empty one in memory.

    Raises JournalDamaged for a file that is no journal or can't be read, also in the middle; JournalNewer.
    """
    try:
        connection = _connect(path) if exists(path) else _empty()
    except sqlite3.Error as fault:
        raise explain(fault, path) from fault
    try:
        yield connection
    except sqlite3.Error as fault:
        raise explain(fault, path) from fault
    finally:
        connection.close()


def version(connection: sqlite3.Connection) -> int:
    """The schema's number of an opened journal."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _connect(path: Path) -> sqlite3.Connection:
    uri = path.absolute().as_uri() + "?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_S)
    try:
        application_id = int(connection.execute("PRAGMA application_id").fetchone()[0])
        check_identity(application_id, version(connection), path)
    except sqlite3.OperationalError as fault:
        connection.close()
        if getattr(fault, "sqlite_errorname", "").startswith("SQLITE_CANTOPEN") and path.exists():
            raise JournalDamaged(
                f"journal {path} can't be read in place: its folder is read-only and its log is closed",
                f"Copy {path.name} into a folder that you may write and read it there.",
            ) from fault
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def _empty() -> sqlite3.Connection:
    from axejournal.journal.schema import SCHEMA, golden

    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in golden().values():
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    return connection
