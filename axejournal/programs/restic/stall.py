"""Ends a restic that makes no progress. sftp can stall for hours, and restic goes on printing the same line meanwhile.

Progress is a pack more, or work of its ssh: restic counts a pack as copied when it was read, and the last ones may take
minutes to go out. A connection over which nothing goes but keep-alives costs ssh less than 1 ms a minute.
"""

from __future__ import annotations

import time

from axejournal.domain.errors import ProgramStalled
from axejournal.domain.ports import Progress
from axejournal.programs.process_work import cpu_s_of

LOOK_EACH_S = 1.0
WORK_S = 0.02  # about 4 MB sent; clocks of processes tick in hundredths


class StallWatch:
    """Called while restic runs; raises ProgramStalled when nothing went on for `limit_s`."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._at = self._looked_at = time.monotonic()
        self._last: Progress | None = None
        self._work_s = 0.0

    def heard(self, progress: Progress) -> None:
        """How far it is."""
        if progress != self._last:
            self._last, self._at = progress, time.monotonic()

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._looked_at >= min(LOOK_EACH_S, self._limit_s / 4):
            self._looked_at, work_s = now, cpu_s_of("ssh")
            if not self._work_s <= work_s < self._work_s + WORK_S:
                self._work_s, self._at = work_s, now
        if now - self._at > self._limit_s:
            how_far = f" (at {self._last.note})" if self._last else ""
            raise ProgramStalled(f"no progress for {self._limit_s:g} s{how_far}")
