"""Ends a restic that makes no progress. sftp can stall for hours, and restic goes on printing the same line meanwhile."""

from __future__ import annotations

import time

from axejournal.domain.errors import ProgramStalled
from axejournal.domain.ports import Progress


class StallWatch:
    """Called while restic runs; raises ProgramStalled when `heard` was told nothing new for `limit_s`."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._at = time.monotonic()
        self._last: Progress | None = None

    def heard(self, progress: Progress) -> None:
        """How far it is."""
        if progress != self._last:
            self._last, self._at = progress, time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._at > self._limit_s:
            how_far = f" (at {self._last.note})" if self._last else ""
            raise ProgramStalled(f"no progress for {self._limit_s:g} s{how_far}")
