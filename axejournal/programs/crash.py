"""Dies on purpose at a named instant of a run, so that what a crash leaves can be tested with real processes.

`AXEJ_CRASH=POINT:STEP` in the environment names it: `effect:dump:frame` dies by SIGKILL after the dump of frame and
before its fact is recorded. The points are the engine's: intent, effect, fact.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "AXEJ_CRASH"


class CrashPoint:
    """Kills this process when it reaches the instant that the environment names; does nothing without one."""

    def __init__(self, wanted: str) -> None:
        self._point, _, self._step = wanted.partition(":")

    @classmethod
    def from_environment(cls) -> CrashPoint:
        """The instant that the environment names."""
        return cls(os.environ.get(VARIABLE, ""))

    def at(self, point: str, step: str) -> None:
        """An instant was reached."""
        if self._point == point and self._step == step:
            os.kill(os.getpid(), signal.SIGKILL)
