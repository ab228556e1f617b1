"""How much work children of this process have done."""

from __future__ import annotations

import contextlib


def cpu_s_of(program: str) -> float:
    """CPU seconds that this process's living descendants of that name have had: a busy one's grow."""
    import psutil

    total = 0.0
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            times = child.cpu_times() if child.name() == program else None
            total += times.user + times.system if times else 0.0
    return total
