"""Whether the process that left a lock in a restic repository is dead."""

from __future__ import annotations

import os

from axejournal.domain.errors import ProgramMissing
from axejournal.domain.ports import RepositoryLock
from axejournal.programs import process
from axejournal.programs.process import Command

CLOCK_SLACK_S = 2.0  # start times of processes are known to a second, and clocks are stepped


def lock_is_dead(lock: RepositoryLock, hostname: str) -> bool:
    """Whether a lock's process is dead for certain: it was on this host, and no process has its pid, or one that is no
    restic and began after the lock's last sign of life (restic renews a lock's time every 5 minutes). Never true for a
    lock of another host, however old."""
    if lock.host != hostname:
        return False
    holder = process.identify(lock.pid, "restic")
    if holder.started_at_s == 0.0:
        return True
    began_later = holder.started_at_s > lock.time.timestamp() + CLOCK_SLACK_S
    return began_later and not _is_restic(lock.pid)


def _is_restic(pid: int) -> bool:
    """When in doubt, yes. A clock that was set forward makes a living restic look younger than its lock."""
    try:
        name = process.run(Command(("ps", "-o", "comm=", "-p", str(pid)), timeout_s=10)).text
    except ProgramMissing:
        return True
    return "restic" in name or not name.strip()


def is_taken(pid: int) -> bool:
    """Whether a signal to that pid would reach something: a process of this machine, or one that has ended and is still
    waiting to be reaped. restic asks the same way, and keeps a lock of such a pid."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
