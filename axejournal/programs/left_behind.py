"""What a killed process left alive: found by what was recorded of it and by the run's mark, and ended."""

from __future__ import annotations

import contextlib
import os
import signal

from axejournal.domain.ports import Child
from axejournal.programs.process import GRACE_S, MARK, boot_id, identify


def end_left_behind(run_id: str, recorded: tuple[Child, ...]) -> tuple[Child, ...]:
    """Ends what a dead parent left: recorded children that still live, and all that carry the run's mark.

    Returns those that lived. The mark covers the instant between a child's start and its record.
    """
    import psutil

    found: dict[int, Child] = {}
    here = boot_id()
    for child in recorded:
        if child.boot_id == here and _is_alive(child):
            found[child.pid] = child
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == run_id:
                found.setdefault(process.pid, identify(process.pid, process.name()))
    for child in found.values():
        _end_foreign(child)
    return tuple(found.values())


def _end_foreign(child: Child) -> None:
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(child.pid)
        group = os.getpgid(child.pid)
        mine = group == os.getpgid(0)
        _signal(child.pid, group if not mine else None, signal.SIGTERM)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(timeout=GRACE_S)
        if process.is_running():
            _signal(child.pid, group if not mine else None, signal.SIGKILL)
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(timeout=GRACE_S)


def _is_alive(child: Child) -> bool:
    import psutil

    try:
        process = psutil.Process(child.pid)
        return abs(process.create_time() - child.started_at_s) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _signal(pid: int, group: int | None, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if group is not None:
            os.killpg(group, number)
        else:
            os.kill(pid, number)
