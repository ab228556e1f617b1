"""A backup that is killed in the middle, for real."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from axejournal.domain.errors import ProgramFailed

if TYPE_CHECKING:
    from axejournal.app import App

ENOUGH_BYTES = 20 * 1024 * 1024
"""How much restic has read when the run is killed."""
LONGEST_WAIT_S = 60.0


def kill_in_the_middle(app: App) -> str:
    """Starts `axej backup --local` as a process of its own, waits until restic has read a good part, kills it with
    SIGKILL (only it: restic lives on) and returns the run's id. Raises ProgramFailed when it never comes so far."""
    from axejournal.programs import process

    words = ("-m", "axejournal", "--config", str(app.config_path), "backup", "--local")
    child = process.start(process.Command((sys.executable, *words)))
    try:
        return _wait_for_snapshot(app, child.poll)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()


def _wait_for_snapshot(app: App, ended: Callable[[], object]) -> str:
    waited_s = 0.0
    while ended() is None and waited_s < LONGEST_WAIT_S:
        for run in app.store.open_runs():
            progress = app.traces.read_progress(run).get("snapshot")
            if progress is not None and progress.done_bytes >= ENOUGH_BYTES:
                return run
        app.clock.sleep(0.02)
        waited_s += 0.02
    raise ProgramFailed("the second backup was never in the middle of its snapshot", "Run the demo again.")
