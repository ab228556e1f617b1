"""A read-only connection to the journal through plain `sqlite3`: what `history` and `status` can afford.

Never `immutable=1` (it reads wrong data from a live journal), never a long read. Imports as little as it can.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from axejournal.domain.errors import JournalDamaged
from axejournal.journal.schema import check_identity

BUSY_S = 10.0


def exists(path: Path) -> bool:
    """Whether there is a journal. Raises JournalDamaged when there was one and its file is gone or cut to nothing."""
    if path.exists() and path.stat().st_size:
        return True
    from axejournal.journal.place import check_file

    check_file(path)
    return False


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection inside, closed after; for a journal that never was, an empty one in memory.

    Raises JournalDamaged for a file that is no journal or can't be read, also in the middle; JournalNewer.
    """
    with contextlib.ExitStack() as stack:
        try:
            connection = _connect(path, stack) if exists(path) else _empty()
            stack.callback(connection.close)
            yield connection
        except (sqlite3.Error, ValueError) as fault:  # ValueError: what should be text or JSON isn't
            from axejournal.journal.faults import explain

            raise explain(fault, path) from fault


def version(connection: sqlite3.Connection) -> int:
    """The schema's number of an opened journal."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _connect(path: Path, stack: contextlib.ExitStack) -> sqlite3.Connection:
    try:
        return _open(path, path)
    except sqlite3.OperationalError as fault:
        if not str(getattr(fault, "sqlite_errorname", "")).startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
            raise
        return _open(_copy(path, stack), path)


def _open(file: Path, path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file.absolute().as_uri() + "?mode=ro", uri=True, isolation_level=None, timeout=BUSY_S)
    try:
        application_id = int(connection.execute("PRAGMA application_id").fetchone()[0])
        check_identity(application_id, version(connection), path)
    except BaseException:
        connection.close()
        raise
    return connection


def _copy(path: Path, stack: contextlib.ExitStack) -> Path:
    """A copy of a closed journal in a place that can be written: SQLite needs to, for the log of a journal whose folder
    is read-only. Only a file without a log, that nobody changes meanwhile, is all there is to a journal."""
    import shutil
    import tempfile

    def state() -> tuple[float, int, bool]:
        found = path.stat()
        return found.st_mtime_ns, found.st_size, path.with_name(path.name + "-wal").exists()

    try:
        before = state()
        copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="axej-journal-"))) / path.name
        shutil.copyfile(path, copy)
        whole = state() == before and not before[2]
    except OSError:
        whole = False
    if not whole:
        raise JournalDamaged(
            f"journal {path} can't be read: its folder is read-only, and it isn't closed or can't be copied",
            f"Copy {path.name} and {path.name}-wal into a folder that you may write and read it there.",
        )
    return copy


def _empty() -> sqlite3.Connection:
    from axejournal.journal.schema import SCHEMA, golden

    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in golden().values():
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    return connection
