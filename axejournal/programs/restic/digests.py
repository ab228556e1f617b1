"""A repository's files against their names, without restic and without a key: each pack, index, snapshot and key is named by
the SHA-256 of its bytes (restic: design, Repository Format).

It proves that these bytes are those which restic wrote, and, against the names of the last time, that none of them is gone. It
does not prove that the indexes and folders in them fit together: only restic's own check shows that.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

SMALL = ("index", "snapshots", "keys")
NAME = re.compile("[0-9a-f]{64}")
BLOCK_BYTES = 1 << 20


def present(folder: Path) -> frozenset[str]:
    """The packs and indexes of a repository, as paths from its folder. Raises OSError."""
    packs = (f"data/{one.name}/{pack}" for one in (folder / "data").iterdir() for pack in os.listdir(one))  # noqa: PTH208
    indexes = (f"index/{name}" for name in os.listdir(folder / "index"))  # noqa: PTH208
    return frozenset(path for path in (*packs, *indexes) if NAME.fullmatch(path.rpartition("/")[2]))


def differing(folder: Path, part: int, of: int) -> Iterator[str]:
    """The files whose bytes are not what their name says: of all small ones, and of the packs of one part (restic's rule: the
    name's first byte, modulo `of`). They are read from the disk, not from memory. Raises OSError."""
    for path in (*_small(folder), *_packs(folder, part, of)):
        if _digest(path) != path.name:
            yield str(path.relative_to(folder))


def read_list(file: Path, identity: str) -> frozenset[str] | None:
    """The names that were noted for the repository of this id; None when there are none."""
    with contextlib.suppress(OSError, ValueError):
        whose, *names = file.read_text(encoding="ascii").split("\n")
        return frozenset(name for name in names if name) if whose == identity else None
    return None


def write_list(file: Path, identity: str, names: Iterable[str]) -> None:
    """Notes them; does nothing, without error, where that can't be done: restic's own check is made then."""
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.write_text("\n".join((identity, *sorted(names))), encoding="ascii")
        beside.replace(file)


def _small(folder: Path) -> Iterator[Path]:
    for name in SMALL:
        yield from (path for path in (folder / name).iterdir() if NAME.fullmatch(path.name))


def _packs(folder: Path, part: int, of: int) -> Iterator[Path]:
    for one in (folder / "data").iterdir():
        if re.fullmatch("[0-9a-f]{2}", one.name) and int(one.name, 16) % of == part - 1:
            yield from (path for path in one.iterdir() if NAME.fullmatch(path.name))


def _digest(path: Path) -> str:
    seen = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        _from_the_disk(file.fileno())
        while block := file.read(BLOCK_BYTES):
            seen.update(block)
    return seen.hexdigest()


def _from_the_disk(descriptor: int) -> None:
    """What this system keeps of the file in memory says nothing of the disk."""
    with contextlib.suppress(OSError):
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        else:
            import fcntl

            fcntl.fcntl(descriptor, getattr(fcntl, "F_NOCACHE", 48), 1)
