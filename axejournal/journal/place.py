"""Where a journal may lie, and the durable ways of making a file there."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import sys
from pathlib import Path

from axejournal.domain.errors import JournalDamaged

NETWORK = frozenset(["nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "afs", "ncpfs", "webdav", "davfs", "davfs2"]) | frozenset(
    f"fuse.{kind}" for kind in ("sshfs", "rclone", "davfs", "davfs2", "s3fs", "curlftpfs")
)
"""File systems on which SQLite's write-ahead log is not safe: it needs memory shared by all writers."""

_MNT_LOCAL = 0x1000  # sys/mount.h on macOS


def check_folder(path: Path) -> None:
    """Makes the journal's folder (0700) where it is missing. Raises JournalDamaged when a journal can't live there:
    a network file system, or a place that can't be written."""
    parent = path.parent
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise JournalDamaged(
            f"journal {path}: its folder can't be made: {fault.strerror}",
            f'Make the folder {parent} writable, or set another "state" in the configuration.',
        ) from fault
    kind = file_system(parent)
    if kind in NETWORK:
        raise JournalDamaged(
            f"journal {path} lies on a network file system ({kind}), where a power cut or a second machine would ruin it",
            'Set "state" in the configuration to a folder on a disk of this machine.',
        )
    for place in (parent, path):
        if place.exists() and not os.access(place, os.W_OK):
            raise JournalDamaged(
                f"journal {path}: {place} is read-only; nothing was appended",
                f"Make {place} writable for this user (a disk that turned read-only by itself needs a look at its health).",
            )


def check_file(path: Path) -> None:
    """Raises JournalDamaged for what an absent or cut journal leaves. A journal that never was is fine."""
    if path.exists():
        if path.stat().st_size == 0:
            raise JournalDamaged(f"journal {path} is empty (0 bytes): its content is lost", _from_copy(path))
    elif path.with_name(path.name + "-wal").exists():
        raise JournalDamaged(f"journal {path} is gone, but its write-ahead log {path.name}-wal is there", _from_copy(path))


def _from_copy(path: Path) -> str:
    return (
        f"Move what is left of {path.name} aside and put a copy in its place: every snapshot holds one, and a migration "
        f"leaves {path.name}.before-N."
    )


def file_system(path: Path) -> str:
    """The kind of file system that an existing path lies on, as the system names it; "" when it doesn't say."""
    if sys.platform == "darwin":
        return _darwin(path)
    with contextlib.suppress(OSError):
        return kind_in(Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape"), path.resolve())
    return ""


def kind_in(mountinfo: str, path: Path) -> str:
    """The file system of an absolute path by the text of /proc/self/mountinfo (format: man 5 proc)."""
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        point = Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), left.split(" ")[4]))
        # a later mount at the same point hides the earlier
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), right.split(" ")[0]
    return kind


def _darwin(path: Path) -> str:
    # struct statfs with 64-bit inodes (sys/mount.h): f_flags at byte 64, f_fstypename[16] at byte 72
    libc = ctypes.CDLL(None, use_errno=True)
    statfs = getattr(libc, "statfs$INODE64", None) or libc.statfs
    buffer = ctypes.create_string_buffer(4096)
    if statfs(os.fsencode(path), buffer) != 0:
        return ""
    flags = int.from_bytes(buffer.raw[64:68], sys.byteorder)
    kind = buffer.raw[72:88].split(b"\0")[0].decode()
    return kind if flags & _MNT_LOCAL else "nfs"


def sync_folder(folder: Path) -> None:
    """Makes what was created, renamed or removed in a folder durable."""
    _flush(folder, os.O_RDONLY | os.O_DIRECTORY)


def put_in_place(made: Path, target: Path) -> None:
    """Renames a finished, closed file over `target`, durably. No connection may be open on either: closing a file
    descriptor drops SQLite's locks on it."""
    _flush(made, os.O_RDONLY)
    made.replace(target)
    sync_folder(target.parent)


def _flush(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        # on macOS fsync leaves the data in the drive's own cache (man 2 fsync)
        if full := getattr(fcntl, "F_FULLFSYNC", None):
            fcntl.fcntl(handle, full)
        else:
            os.fsync(handle)
    finally:
        os.close(handle)


def new_file(path: Path) -> None:
    """An empty file that only its owner may read, replacing what a killed process left there."""
    for suffix in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
