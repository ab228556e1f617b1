"""`axej resume`: go on with runs whose process died."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from axejournal.cli.backup import tell
from axejournal.cli.context import Context, context
from axejournal.cli.main import Command
from axejournal.cli.progress import watched
from axejournal.cli.runbook import tell_page
from axejournal.domain.errors import UsageFault

if TYPE_CHECKING:
    from axejournal.domain.run import Run

PAGE = "runbook"


@click.command(cls=Command, short_help="Go on with runs whose process died.")
@click.argument("run", required=False)
@click.option("--adopt", "decision", flag_value="adopt", help="Go on without the step that is open (the run ends degraded).")
@click.option("--retry", "decision", flag_value="retry", help="Do the open step again without looking whether it happened.")
@click.option("--abandon", "decision", flag_value="abandon", help="End the run as failed.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the journal.")
def resume(run: str | None, decision: str | None, reason: str) -> int:
    """Go on with runs whose process died (all of them, or RUN).

    \b
    Example:
      axej resume
      axej resume 260520-0300-k3f9
      axej resume 260520-0300-k3f9 --abandon --reason "the database is gone for good"

    What the dead process left running is ended first. A finished step is never done again; an open one is looked for
    before it is repeated. A page that waits for a person asks its question again. --adopt, --retry and --abandon are
    the ways out of a run that can't go on by itself.
    """
    if decision is not None and run is None:
        raise UsageFault(f"--{decision} needs the run that it is for", f'Write "axej resume RUN --{decision}".')
    from axejournal.cli.cold_desk import desk

    here = context()
    app, pages = here.app, _sit_down(here)
    if run is not None and (name := app.find_run(run)) in pages:
        return tell_page(app.resume(name, reason or "asked for", decision), named=True)
    worst = 0
    for page in pages if run is None else ():
        worst = max(worst, tell_page(app.resume(page, reason or "asked for"), named=False))
    with watched(app) as view:
        app.password_desk = desk(view)
        if run is not None:
            return tell_any(app.resume(app.find_run(run), reason or "asked for", decision, view))
        found = app.open_runs()
        for each in found:
            worst = max(worst, tell_any(app.resume(each, reason or "asked for", view=view)))
        for each_run in app.restoring.resume_all(view):
            found = (*found, each_run.id)
            worst = max(worst, tell_any(each_run))
        swept = app.sweep()
    if not (*pages, *found):
        click.echo("nothing to resume: no open run without a living process", err=True)
    if swept:
        click.echo(f"removed from the staging folder: {', '.join(swept)}", err=True)
    return worst


def _sit_down(here: Context) -> tuple[str, ...]:
    """Lets pages ask at this terminal; returns their open runs. They come first: what they had begun goes on within them."""
    from axejournal.cli.desk import TerminalDesk
    from axejournal.journal import reader

    rows = reader.runs(here.journal_path, job=PAGE, outcome="open", limit=None)
    if rows:
        here.app.paging.desk = TerminalDesk(here, "axej resume")
    dead = set(here.app.open_runs(waiting=True)) if rows else set()
    return tuple(row.run for row in reversed(rows) if row.run in dead)


def tell_any(run: Run) -> int:
    """Says how a run of any kind ended; returns the exit code."""
    if run.requested.job == "recover":
        from axejournal.cli.recover import tell_recovery

        return tell_recovery(run)
    if run.requested.job == "restore.drill":
        from axejournal.cli.drill import tell_drill

        return tell_drill(run)
    if not run.requested.job.startswith("restore."):
        from axejournal.cli.cold import waits

        return waits(run, str(run.requested.options.get("disk") or "")) or tell(run)
    from axejournal.cli.restore_story import tell_restore

    return tell_restore(run)
