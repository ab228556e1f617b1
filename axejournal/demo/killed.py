"""A backup that is killed in the middle, for real."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from axejournal.domain.errors import ProgramFailed

if TYPE_CHECKING:
    from axejournal.app.app import App

INTO_S = 0.4
"""How far into its snapshot the run is killed: restic has its key by then and reads."""
LONGEST_WAIT_S = 60.0


def kill_in_the_middle(app: App) -> str:
    """Starts `axej backup --local` as a process of its own, waits until restic is at work on its snapshot, kills it with
    SIGKILL (only it: restic lives on) and returns the run's id. Raises ProgramFailed when it never comes so far."""
    from axejournal.programs import process

    words = ("-m", "axejournal", "--config", str(app.config_path), "backup", "--local")
    child = process.start(process.Command((sys.executable, *words)))
    try:
        run = _wait_for_snapshot(app, child.poll)
        app.clock.sleep(INTO_S)
        return run
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        child.wait()


def drill_with_a_change(app: App, database: str, statement: str) -> str:
    """Starts `axej drill` of a database as a process of its own, which kills itself when the scratch server is loaded; then
    changes something in there, and returns the run's id: a resume goes on with comparing. Raises ProgramFailed."""
    from axejournal.programs import process
    from axejournal.programs.install import require_postgres_program

    words = ("-m", "axejournal", "--config", str(app.config_path), "drill", "--target", database)
    crash = {"AXEJ_CRASH": f"fact:load:local:{database}"}
    process.run(process.Command((sys.executable, *words), crash, timeout_s=LONGEST_WAIT_S))
    (run,) = app.store.open_runs()
    sockets = sorted(Path("/tmp").glob(f"axej-drill-{run}/*/.s.PGSQL.5432"))
    if not sockets:
        raise ProgramFailed("the drill never came to its scratch server", "Run the demo again.")
    where = {"PGHOST": str(sockets[0].parent), "PGUSER": "postgres", "PGDATABASE": database}
    psql = str(require_postgres_program("psql", None))
    done = process.run(process.Command((psql, "-Xq", "-v", "ON_ERROR_STOP=1", "-c", statement), where, timeout_s=LONGEST_WAIT_S))
    if done.exit_code != 0:
        raise ProgramFailed(f"nothing could be changed in the scratch server: {done.stderr.strip()[:300]}")
    return run


def _wait_for_snapshot(app: App, ended: Callable[[], object]) -> str:
    waited_s = 0.0
    while ended() is None and waited_s < LONGEST_WAIT_S:
        for run in app.store.open_runs():
            if any(event.step == "snapshot" and event.name == "ChildStarted" for event in app.store.stream(run)):
                return run
        app.clock.sleep(0.05)
        waited_s += 0.05
    raise ProgramFailed("the second backup never came to its snapshot", "Run the demo again.")
