"""What was learned of a repository on this machine: its id, which only a key opens (0.5 s of deriving it, every time).

A repository's file `config` holds the id, encrypted and authenticated: the same bytes are the same id, whoever copied
them here. So the id may be kept beside a digest of these bytes; a note that is lost or foreign costs half a second.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

PASSWORD_FILE = "RESTIC_PASSWORD_FILE"


def look(folder: Path, password: Mapping[str, str]) -> str | None:
    """A digest of a repository's configuration and of the names of its keys, each of which is the digest of a key; and
    of where its password file is and when it was written, so that another password is tried. None where there is none."""
    try:
        seen = hashlib.sha256((folder / "config").read_bytes())
        seen.update("\n".join(sorted(path.name for path in (folder / "keys").iterdir())).encode())
        if file := password.get(PASSWORD_FILE):
            state = Path(file).stat()
            seen.update(f"\n{file} {state.st_mtime_ns} {state.st_size} {state.st_ino}".encode())
    except OSError:
        return None
    return seen.hexdigest()


def look_at(config: bytes, password: Mapping[str, str]) -> str:
    """The same for a repository on another machine, by its configuration alone."""
    seen = hashlib.sha256(config)
    if file := password.get(PASSWORD_FILE):
        with contextlib.suppress(OSError):
            state = Path(file).stat()
            seen.update(f"\n{file} {state.st_mtime_ns} {state.st_size} {state.st_ino}".encode())
    return seen.hexdigest()


def read(note: Path, seen: str) -> str | None:
    """The id that was noted for this digest, or None."""
    with contextlib.suppress(OSError, ValueError):
        digest, identity = note.read_text(encoding="ascii").split()
        if digest == seen and re.fullmatch("[0-9a-f]{64}", identity):
            return identity
    return None


def write(note: Path, seen: str, identity: str) -> None:
    """Notes it; does nothing, without error, where that can't be done."""
    beside = note.with_name(f"{note.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.write_text(f"{seen} {identity}\n", encoding="ascii")
        beside.replace(note)


def file_bytes(folder: Path | None) -> int | None:
    """What a repository's packs and indexes take; None when they can't be looked at. 5 ms for 500 files."""
    if folder is None or not (folder / "config").is_file():
        return None
    total = 0
    with contextlib.suppress(OSError):
        for path in (*(folder / "data").glob("*/*"), *(folder / "index").iterdir()):
            total += path.stat().st_size
    return total


def snapshot_names(folder: Path | None) -> frozenset[str] | None:
    """The files of a repository's snapshots; None when they can't be looked at. Each is named by the digest of what it
    holds: the same names are the same snapshots."""
    if folder is not None and (folder / "config").is_file():
        with contextlib.suppress(OSError):
            return frozenset(path.name for path in (folder / "snapshots").iterdir())
    return None
