"""Free space, and the order of writing that survives a power cut."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from axejournal.domain.errors import AxejError, DiskFull

FULL = (errno.ENOSPC, errno.EDQUOT)
NO_MODES = (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)


class SystemDisk:
    """The `Disk` port: the file systems of this machine."""

    def free_bytes(self, path: Path) -> int:
        """Bytes that an ordinary user may still write at path (or at its nearest existing parent)."""
        nearest = next((place for place in (path, *path.absolute().parents) if place.exists()), Path("/"))
        found = os.statvfs(nearest)
        return found.f_bavail * found.f_frsize


def taken_bytes(folder: Path) -> int:
    """What the files below a folder take of the disk; those that go away meanwhile are left out."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_blocks * 512  # noqa: PTH118 (a thousand files a second)
    return total


def kind(path: Path) -> str:
    """ "file", "folder", "" for anything else and for nothing; "" too where a disk that was torn off left a dead mount point."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else ""


def write_durable(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Puts `data` at `path` so that after a power cut there is either all of it or what was there before.

    May be called twice. Raises DiskFull, or AxejError with the path and the system's words when it can't be written;
    then what was there before is untouched.
    """
    try:
        _replace(path, data, mode)
    except OSError as fault:
        if fault.errno in FULL:
            message = f"no space is left to write {path} ({len(data):,} bytes)"
            raise DiskFull(message, "Free some space on that disk, then run the command again.") from fault
        hint = "Check that the folder exists and that this user may write into it."
        raise AxejError(f"{path} can't be written: {fault.strerror}", hint) from fault


def sync_folder(folder: Path) -> None:
    """Makes new, renamed and removed names in a folder durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _flush(descriptor)
    finally:
        os.close(descriptor)


def _replace(path: Path, data: bytes, mode: int) -> None:
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _give_mode(file.fileno(), mode)
            file.write(data)
            file.flush()
            _flush(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(beside).unlink()
        raise
    sync_folder(path.parent)


def _give_mode(descriptor: int, mode: int) -> None:
    """A disk for other systems (exFAT, FAT) may know no modes; what mkstemp gave is the tightest."""
    try:
        os.fchmod(descriptor, mode)
    except OSError as fault:
        if fault.errno not in NO_MODES:
            raise


def _flush(descriptor: int) -> None:
    """On a Mac fsync leaves data in the drive's own cache; F_FULLFSYNC empties that too (fsync(2) of macOS)."""
    full: Any = getattr(fcntl, "F_FULLFSYNC", None)
    if full is not None:
        with contextlib.suppress(OSError):  # some network file systems refuse it
            fcntl.fcntl(descriptor, full)
            return
    os.fsync(descriptor)
