"""Mounted file systems of a Linux machine, as /proc/self/mountinfo tells them (proc(5))."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import AxejError
from axejournal.programs import process
from axejournal.programs.process import Command

MOUNTS = Path("/proc/self/mountinfo")
BY_UUID = Path("/dev/disk/by-uuid")
SBIN = ":/usr/sbin:/sbin"


@dataclass(frozen=True)
class Mounted:
    """One line of it."""

    id: str
    device_number: str
    mount: Path
    device: str
    filesystem: str
    read_only: bool


def mounted(text: str) -> tuple[Mounted, ...]:
    """Every mount, in the order in which they cover each other."""
    return tuple(found for line in text.splitlines() if (found := _line(line)))


def mounted_at(mount: Path) -> Mounted | None:
    """What is visible at a path: of several that cover each other the last."""
    found = [each for each in mounted(MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")) if each.mount == mount]
    return found[-1] if found else None


def uuid_of(device: str) -> str | None:
    """A device's file system's UUID: from udev's links, which need no rights, else as lsblk or blkid tell it."""
    if BY_UUID.is_dir():
        for link in BY_UUID.iterdir():
            if os.path.realpath(link) == os.path.realpath(device):
                return link.name
    for argv in (("lsblk", "-dno", "UUID", device), ("blkid", "-p", "-o", "value", "-s", "UUID", device)):
        if found := _asked(argv):
            return found
    return None


def filesystem_of(found: Mounted) -> str:
    """What is on the device, where a driver in a process of its own (FUSE) hides it: exFAT, NTFS; else what is mounted."""
    if not found.filesystem.startswith("fuse"):
        return found.filesystem
    return (
        _asked(("lsblk", "-dno", "FSTYPE", found.device))
        or _asked(("blkid", "-p", "-o", "value", "-s", "TYPE", found.device))
        or found.filesystem
    )


def program(name: str) -> str | None:
    """Where a program is, in the folders of the administrator's too."""
    return shutil.which(name, path=os.environ.get("PATH", "/usr/bin:/bin") + SBIN)


def _asked(argv: tuple[str, ...]) -> str | None:
    path = program(argv[0])
    if path is None:
        return None
    try:
        done = process.run(Command((path, *argv[1:]), timeout_s=20))
    except AxejError:
        return None
    words = done.text.split()
    return words[0] if words and done.exit_code == 0 else None


def _line(line: str) -> Mounted | None:
    before, dash, after = line.partition(" - ")
    words, more = before.split(), after.split()
    if not dash or len(words) < 6 or len(more) < 2:
        return None
    options = f"{words[5]},{more[2] if len(more) > 2 else ''}".split(",")
    return Mounted(words[0], words[2], Path(_plain(words[4])), _plain(more[1]), more[0], "ro" in options)


def _plain(word: str) -> str:
    """Spaces and the like are written in octal."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)
