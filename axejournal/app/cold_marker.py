"""What is written on a cold disk about itself, and whether the disk can be read at all."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

from axejournal.domain.errors import DiskUnreadable

MARKER = "axej-cold.json"
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ENOTCONN)
FORBIDDEN = (errno.EACCES, errno.EPERM)


def marker_on(mount: Path, disk: str) -> dict[str, Any] | None:
    """None when there is none, or none that makes sense. Raises DiskUnreadable."""
    try:
        found = json.loads((mount / MARKER).read_text(encoding="utf-8"))
    except OSError as fault:
        _check(fault, mount, disk)
        return None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def has_repository(place: Path, mount: Path, disk: str) -> bool:
    """Whether one is there. Raises DiskUnreadable."""
    try:
        return (place / "config").stat().st_size > 0
    except OSError as fault:
        _check(fault, mount, disk)
        return False


def _check(fault: OSError, mount: Path, disk: str) -> None:
    """Raises DiskUnreadable for a fault that does not mean that nothing is there."""
    if fault.errno in GONE:
        return
    hint = "Its file system is damaged: check it before anything is written on it (Disk Utility, fsck)."
    if fault.errno in FORBIDDEN:
        hint = "This user may not read it; on a Mac give the program that starts axej Full Disk Access."
    raise DiskUnreadable(f"disk {disk} at {mount} can't be read: {fault.strerror}", hint)
