"""What SQLite's errors mean to a person."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from axejournal.domain.errors import AxejError, JournalDamaged

_VERIFY = 'Run "axej journal verify" to see where; every snapshot holds a copy, and a migration leaves one beside the journal.'


def explain(fault: Exception, path: Path) -> AxejError:
    """The JournalDamaged that a fault of SQLite (as such, or wrapped by SQLAlchemy) amounts to: one sentence and what
    to do. Result codes: https://sqlite.org/rescode.html"""
    cause = getattr(fault, "orig", None) or fault
    if isinstance(cause, ValueError | KeyError | TypeError):
        return _fault(path, f"its content can't be read ({cause!r})", _VERIFY)
    code = getattr(cause, "sqlite_errorname", None) or str(cause)
    if code.startswith("SQLITE_FULL") or (code.startswith("SQLITE_IOERR") and _is_full(path)):
        return _fault(path, "the disk is full", f'Free space on the disk of {path.parent}, then run "axej resume".')
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return _fault(path, f"it can't be opened or written here ({code})", f"Make {path.parent} writable for this user.")
    if code.startswith("SQLITE_IOERR"):
        hint = f'Look at the health of the disk of {path.parent}; then run "axej journal verify" and "axej resume".'
        return _fault(path, f"its disk reports an I/O error ({code})", hint)
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        hint = f'Another program has the journal open for writing; find it with "lsof {path}", end it, then run "axej resume".'
        return _fault(path, "it is locked by another program", hint)
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return _fault(path, f"its file is damaged ({cause})", _VERIFY)
    return _fault(path, f"SQLite says: {cause}", _VERIFY)


def _fault(path: Path, what: str, hint: str) -> JournalDamaged:
    return JournalDamaged(f"journal {path}: {what}", hint)


def _is_full(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return os.statvfs(path.parent).f_bavail < 16
    return False


def is_unsettled(fault: Exception) -> bool:
    """Whether a failed COMMIT may have been done all the same: any fault of the disk, never a refused constraint."""
    return not isinstance(getattr(fault, "orig", None) or fault, sqlite3.IntegrityError)
