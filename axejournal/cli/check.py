"""`axej check`: reads a part of a tier's repository, so that in some weeks all of it was read."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from axejournal.cli.cold_desk import desk
from axejournal.cli.context import Context, context
from axejournal.cli.main import Command
from axejournal.cli.progress import watched

if TYPE_CHECKING:
    from axejournal.app.app import View
    from axejournal.domain.run import Run


@click.command(cls=Command, short_help="Read a part of a repository, and say what damage hits.")
@click.option("--tier", metavar="NAME", help="Which tier's repository (else local).")
@click.option("--scheduled", is_flag=True, help="Called by the scheduler: resume what is open, then run only what is due.")
def check(tier: str | None, scheduled: bool) -> int:
    """Read a part of a repository, and say what damage hits.

    \b
    Example:
      axej check
      axej check --tier ring

    restic checks the repository's structure and reads one part of its data, the one that was read longest ago; after
    13 runs (check.parts) all was read. Restore points whose data were all read get the proof "checked". Of a damaged
    pack file it is said which restore points need it; they become suspect, and the run fails.
    """
    here = context()
    if scheduled:
        from axejournal.cli.at_slot import run_scheduled

        return run_scheduled(here, "check", lambda slot, view: _all(here, tier, slot, view))
    with watched(here.app) as view:
        here.app.password_desk = desk(view)
        run = here.app.proving.check(tier or "local", None, view)
    return tell_check(run)


def _all(here: Context, tier: str | None, slot: datetime, view: View) -> int:
    """Each tier that can be reached without a person; one that fails does not stop the next."""
    worst = 0
    for name, settings in here.app.config.tiers.items():
        if name == tier or (tier is None and settings.kind != "cold"):
            worst = max(worst, tell_check(here.app.proving.check(name, slot, view)))
    return worst


def tell_check(run: Run) -> int:
    """Says on stderr what was read and what it came to; returns the exit code."""
    from axejournal.cli.backup import tell
    from axejournal.cli.output import size
    from axejournal.domain.facts.check import DataRead, PointsChecked

    code = tell(run)
    read, checked = run.find(DataRead), run.find(PointsChecked)
    if read is not None:
        amount = f", {size(read.size_bytes)}" if read.size_bytes is not None else ""
        found = f"{len(read.faults)} faults" if read.faults else "no fault"
        click.echo(f"  tier {read.tier}: part {read.part} of {read.of} was read{amount}: {found}", err=True)
    if checked is not None and checked.read_since is not None:
        click.echo(f"  all of it was read since {checked.read_since}; {len(checked.points)} restore points are checked", err=True)
    return code
