"""The checked configuration as plain values, kept beside the user's other caches, for commands that must start fast.

Nothing but os, json and zlib is imported to read it (hashlib loads OpenSSL: a quarter of a Python's start). It counts only
while it was made by this very axej, for this home folder, from these contents of axej.yaml and customers.yaml: their size,
their time, two checksums. It holds no secret, and may be deleted.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import zlib
from typing import TYPE_CHECKING, Any

from axejournal import __version__

if TYPE_CHECKING:
    from axejournal.config.models import Config

ABSENT = "absent"


def read(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """What `effective.dumps` gave for the configuration at `path`, or None when that has to be made anew. Never raises."""
    try:
        kept = json.loads(_content(_place(path)) or b"null")
        if kept["made"] != _made() or kept["files"][0][0] != os.path.abspath(path):  # noqa: PTH100 (no pathlib here)
            return None
        if any(_digest(file) != digest for file, digest in kept["files"]):
            return None
        return dict(kept["config"])
    except (OSError, ValueError, TypeError, KeyError, IndexError):
        return None


def write(path: str | os.PathLike[str], config: Config) -> None:
    """Keeps a configuration that was just loaded from `path`. Does nothing, without error, when that can't be done."""
    from axejournal.config.effective import dumps
    from axejournal.config.load import CUSTOMERS

    main = os.path.abspath(path)  # noqa: PTH100
    customers = str(config.customers.file or os.path.join(os.path.dirname(main), CUSTOMERS))  # noqa: PTH118, PTH120
    files = [[file, _digest(file)] for file in (main, customers)]
    kept = {"made": _made(), "files": files, "config": dumps(config)}
    place = _place(path)
    beside = f"{place}.{os.getpid()}"
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(kept, file, ensure_ascii=False)
        os.replace(beside, place)  # noqa: PTH105


def _place(path: str | os.PathLike[str]) -> str:
    name = _checksum(os.fsencode(os.path.abspath(path)))  # noqa: PTH100 (of two that have the same, one is kept)
    return os.path.join(_folder(), f"{name}.json")  # noqa: PTH118


def _folder() -> str:
    if base := os.environ.get("XDG_CACHE_HOME"):
        return os.path.join(base, "axej")  # noqa: PTH118
    return os.path.expanduser("~/Library/Caches/axej" if sys.platform == "darwin" else "~/.cache/axej")  # noqa: PTH111


def _content(place: str) -> bytes | None:
    """The file's bytes, if it is a file of this user that nobody else may write."""
    descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        return file.read() if state.st_uid == os.geteuid() and not state.st_mode & 0o022 else None


def _digest(file: str) -> str:
    try:
        with open(file, "rb") as opened:  # noqa: PTH123
            state, content = os.fstat(opened.fileno()), opened.read()
    except FileNotFoundError:
        return ABSENT
    return f"{state.st_mtime_ns}-{len(content)}-{_checksum(content)}"


def _checksum(content: bytes) -> str:
    return f"{zlib.crc32(content):08x}{zlib.adler32(content):08x}"


def _made() -> list[str]:
    """By whom, and for whose `~`. The modules' times tell two states of a source tree apart that have one version."""
    with os.scandir(os.path.dirname(__file__)) as room:  # noqa: PTH120
        newest = max(entry.stat().st_mtime_ns for entry in room if entry.name.endswith(".py"))
    return [__version__, str(newest), os.path.expanduser("~")]  # noqa: PTH111
