"""File systems that other systems can read (exFAT): by this kernel, or by a driver in a process of its own (FUSE)."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import psutil

SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
FUSE = {"exfat": "mount.exfat-fuse"}
"""The driver of each. (FAT has one too, Debian's fusefat; axej works on it, but it takes 25 s to make a repository.)"""
PACKAGES = {"exfat": "exfat-fuse"}


def kernel_has(filesystem: str) -> bool:
    """Whether the kernel itself mounts it, by now or after a module was loaded."""
    return any(line.split()[-1] == filesystem for line in Path("/proc/filesystems").read_text().splitlines())


def lack(filesystem: str) -> str:
    """Why such a disk can't be mounted here; "" when it can."""
    if kernel_has(filesystem):
        return ""
    program = FUSE[filesystem]
    if not Path("/dev/fuse").exists():
        return f"this kernel mounts no {filesystem} and has no /dev/fuse"
    found = shutil.which(program, path=SEARCHED)
    return "" if found else f"this kernel mounts no {filesystem}, and {program} (Debian: {PACKAGES[filesystem]}) is not installed"


def mount_words(filesystem: str, loop: str, mount: Path, options: tuple[str, ...]) -> tuple[str, ...]:
    """What mounts it."""
    if filesystem not in FUSE or kernel_has(filesystem):
        return ("mount", *options, loop, str(mount))
    return (FUSE[filesystem], *options, loop, str(mount))


def end_driver(loop: str) -> bool:
    """Ends the driver that holds a device, without a word: whatever is open on it fails, and its mount point stays behind,
    dead, as that of a stick that was torn off. False when there is none."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or [""]
        if loop and loop in words and Path(words[0]).name in FUSE.values():
            process.send_signal(signal.SIGKILL)
            process.wait(10)
            return True
    return False
