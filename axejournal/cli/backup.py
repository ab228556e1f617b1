"""`axej backup`: the nightly run, by hand or by the scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from axejournal.cli.context import context
from axejournal.cli.main import Command
from axejournal.cli.pages import see
from axejournal.cli.progress import watched
from axejournal.domain.errors import UsageFault

if TYPE_CHECKING:
    from axejournal.domain.run import Run
    from axejournal.jobs.preview import Preview


@click.command(cls=Command, short_help="Back up databases and files now.")
@click.option("--local", "tier", flag_value="local", help="Into the local repository (tier A).")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only this source (several times for several).")
@click.option("--dry-run", is_flag=True, help="Print what would be done, touch nothing.")
@click.option("--scheduled", is_flag=True, help="Called by the scheduler: resume what is open, then run only what is due.")
def backup(tier: str | None, sources: tuple[str, ...], dry_run: bool, scheduled: bool) -> int:
    """Back up databases and files now.

    \b
    Example:
      axej backup --local
      axej backup --local --source frame --source index
      axej backup --local --dry-run

    All databases are dumped at once and go into one restic snapshot with the files, a copy of the journal and the
    configuration. A database that fails does not stop the others; the run is then degraded (exit 3).
    """
    if tier is None:
        raise UsageFault("nothing to do: no tier was named", 'Write "axej backup --local".')
    if scheduled and (sources or dry_run):
        raise UsageFault("--scheduled goes with neither --source nor --dry-run", 'Write "axej backup --local --scheduled".')
    here = context()
    if dry_run:
        return _show(here.app.preview_backup(tier, sources))
    if scheduled:
        from axejournal.cli.at_slot import run_scheduled

        chosen = tier
        return run_scheduled(here, tier, lambda slot, view: tell(here.app.begin_backup(chosen, (), slot=slot, view=view)))
    with watched(here.app) as view:
        run = here.app.begin_backup(tier, sources, slot=None, view=view)
    return tell(run)


def tell(run: Run) -> int:
    """Says on stderr how a run ended and what to type next; returns the exit code."""
    from axejournal.domain.events import RunDegraded, RunFailed
    from axejournal.domain.facts import SnapshotTaken, SnapshotVerified

    taken, verified = run.find(SnapshotTaken), run.find(SnapshotVerified)
    click.echo(f"run {run.id} {run.state}", err=True)
    if taken is not None and verified is not None:
        from axejournal.cli.output import size

        names = ", ".join(point.source for point in verified.points)
        added = f", {size(taken.stored_bytes)} new" if taken.files else ""
        click.echo(f"  snapshot {taken.snapshot[:8]}: {size(taken.size_bytes)}{added}: {names}", err=True)
    match run.outcome:
        case RunDegraded(reasons=reasons):
            for reason in reasons:
                click.echo(f"  {reason}", err=True)
            click.echo(f'HINT: "axej history {run.id}" tells what happened. {see("failed-run")}', err=True)
            return 3
        case RunFailed() as failure:
            click.echo(f"  {failure.message}", err=True)
            click.echo(f"HINT: {failure.hint} {see(failure.runbook)}".replace("HINT:  ", "HINT: "), err=True)
            return failure.exit_code
    return 130 if run.state == "cancelled" else 0


def _show(preview: Preview) -> int:
    from axejournal.cli.output import size
    from axejournal.cli.tables import Column, print_table

    click.echo(f"backup of {preview.customer} into {preview.tier} ({preview.repository}); nothing is touched")
    print_table(
        [
            "source",
            Column("kind", spare=2),
            Column("what", spare=1, least=24),
            Column("about", spare=1, right=True),
            Column("state", least=20),
        ],
        [(line.source, line.kind, line.what, size(line.size_bytes), line.state) for line in preview.lines],
    )
    click.echo(f"steps: {' -> '.join(preview.steps)}")
    click.echo(f"staging: {preview.staging}, {size(preview.free_bytes)} free, about {size(preview.needed_bytes)} needed")
    for warning in preview.warnings:
        click.echo(f"warning: {warning}")
    return 0
