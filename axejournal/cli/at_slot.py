"""What every scheduled call does: go on with what is open, then run what is due, once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING

import click

from axejournal.cli.context import Context
from axejournal.domain.errors import AxejError, Busy

if TYPE_CHECKING:
    from axejournal.app.app import App, View

Watched = Callable[["App"], AbstractContextManager["View"]]


def run_scheduled(here: Context, name: str, begin: Callable[[datetime, View], int]) -> int:
    """The exit code of a call such as `axej backup --local --scheduled`. `name`: of the schedule (a tier, drill, check);
    `begin` drives a run for the slot that is due, to its end, and tells how it ended.

    Of two calls at once one works and the other ends with 0: what is due is asked while nobody else can begin.
    """
    from axejournal.cli.progress import watched

    app = here.app
    try:
        with app.leases.take(f"schedule:{name}", f"schedule-{name}"), app.awake(), watched(app) as view:
            app.traces.prune(app.clock.now())
            worst = _resume(app, view)
            slot = app.due_slot(name)
            return worst if slot is None else begin(slot, view) or worst
    except Busy as busy:
        if not busy.message.startswith(f"schedule:{name} "):
            raise
        click.echo(f"{name}: another scheduled call is at work ({busy.message})", err=True)
        return 0


def _resume(app: App, view: View) -> int:
    """A run that died may be the one that is due. One that can't go on keeps nothing else from running."""
    from axejournal.cli.main import report
    from axejournal.cli.resume import tell_any

    worst = 0
    for run in app.open_runs():
        try:
            worst = max(worst, tell_any(app.resume(run, "the scheduler found it open", view=view)))
        except Busy:
            continue  # somebody else has just taken it up, or works on the same thing: the next call looks again
        except AxejError as fault:
            report(fault)
            worst = max(worst, fault.exit_code)
    return worst
