"""Keeps the machine from falling asleep while a scheduled run is at work."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from axejournal.domain.errors import AxejError
from axejournal.programs import process


def command(platform: str, pid: int) -> tuple[str, ...] | None:
    """What holds sleep off for as long as the process lives, and not a second longer: it ends by itself even when the
    process is killed. None where nothing does. On a Mac a job that was started in a dark wake is suspended without it."""
    if platform == "darwin":
        return ("/usr/bin/caffeinate", "-i", "-s", "-w", str(pid))
    inhibit, tail = shutil.which("systemd-inhibit"), shutil.which("tail")
    if inhibit and tail and Path("/run/systemd/system").is_dir():
        why = ("--what=sleep", "--mode=block", "--who=axej", "--why=a backup is at work")
        return (inhibit, *why, tail, f"--pid={pid}", "--follow", "/dev/null")
    return None


@contextlib.contextmanager
def awake() -> Iterator[None]:
    """Inside, the machine does not go to sleep by itself. That it can't be held awake is no reason not to back up."""
    argv = command(sys.platform, os.getpid())
    holder = None
    with contextlib.suppress(AxejError):
        holder = process.start(process.Command(argv)) if argv else None
    try:
        yield
    finally:
        if holder is not None:
            process.end(holder, grace_s=1.0)
