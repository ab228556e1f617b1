"""`axej drill`: the rehearsed restore."""

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
    from axejournal.domain.facts.drill import SourceDrilled
    from axejournal.domain.run import Run
    from axejournal.jobs.drill_plan import DrillAsk


@click.command(cls=Command, short_help="Rehearse a restore, and prove the copies.")
@click.option("--tier", metavar="NAME", help="From this tier only (else local, and the others for what fails there).")
@click.option("--all-tiers", is_flag=True, help="From every tier, whatever the first one gives.")
@click.option("--target", "targets", multiple=True, metavar="SOURCE", help="What (several times for several; else all).")
@click.option("--as-of", metavar="WHEN", help="A date, a time, last-valid, or a run (else the newest there is).")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--scheduled", is_flag=True, help="Called by the scheduler: resume what is open, then run only what is due.")
def drill(tier: str | None, all_tiers: bool, targets: tuple[str, ...], as_of: str | None, as_json: bool, scheduled: bool) -> int:
    """Rehearse a restore, and prove the copies.

    \b
    Example:
      axej drill
      axej drill --tier ring --target frame
      axej drill --all-tiers

    Each source is brought back into a scratch server that nobody else can reach: a container of the source's own image
    without a network, or this machine's own PostgreSQL. Every table's rows and contents are compared with what was
    recorded when it was dumped, then the source's own checks run (drill.checks). No live server is asked. What fails in
    the first tier is tried in the others, so that it is known which tier would have saved the day.
    """
    from axejournal.jobs.drill_plan import DrillAsk

    here, ask = context(), DrillAsk(tier, all_tiers, targets, as_of)
    if scheduled:
        from axejournal.cli.at_slot import run_scheduled

        return run_scheduled(here, "drill", lambda slot, view: _begin(here, ask, slot, view))
    with watched(here.app) as view:
        here.app.password_desk = desk(view)
        run = here.app.proving.drill(ask, None, view)
    if as_json:
        return _print_json(run)
    return tell_drill(run)


def _begin(here: Context, ask: DrillAsk, slot: datetime, view: View) -> int:
    return tell_drill(here.app.proving.drill(ask, slot, view))


def tell_drill(run: Run) -> int:
    """The verdicts as a table on stdout, how it ended on stderr; returns the exit code."""
    from axejournal.cli.backup import tell
    from axejournal.cli.output import duration
    from axejournal.cli.tables import Column, print_table
    from axejournal.domain.facts.drill import SourceDrilled, TierDrilled

    judged = run.all(SourceDrilled)
    if judged:
        columns = [
            Column("source"), Column("tier"), Column("restore point", spare=3), Column("verdict"), Column("proof", spare=2),
            Column("took", spare=1, right=True), Column("what was seen", least=30),
        ]  # fmt: skip
        rows = [
            (
                fact.source,
                fact.tier,
                fact.time.replace("T", " ", 1)[:16],
                "passed" if fact.passed else "FAILED",
                fact.proof or fact.proof_before,
                duration(sum(fact.seconds.values())) if fact.seconds else "",
                seen(fact),
            )
            for fact in judged
        ]
        print_table(columns, rows)
    for tier in run.all(TierDrilled):
        allowed = f" ({duration(tier.rto_s)} allowed)" if tier.rto_s is not None else ""
        if tier.restore_s:
            click.echo(f"tier {tier.tier}: everything was back after {duration(tier.restore_s)}{allowed}")
    return tell(run)


def seen(fact: SourceDrilled) -> str:
    """What a verdict rests on, in one line."""
    if not fact.passed:
        return fact.reason
    first = next((check.detail for check in fact.checks if check.name == "contents"), "")
    more = [check for check in fact.checks if check.name not in ("contents", "roles", "extensions", "constraints", "indexes")]
    ran = f"; {len(more)} check{'s' if len(more) > 1 else ''} of its own" if more else ""
    return "; ".join([f"{first}{ran}", *fact.findings])


def _print_json(run: Run) -> int:
    from dataclasses import asdict

    from axejournal.cli.output import print_json
    from axejournal.domain.events import RunFailed
    from axejournal.domain.facts.drill import SourceDrilled, TierDrilled

    tiers = [asdict(fact) for fact in run.all(TierDrilled)]
    sources = [asdict(fact) for fact in run.all(SourceDrilled)]
    print_json({"run": run.id, "outcome": run.state, "tiers": tiers, "sources": sources})
    outcome = run.outcome
    return outcome.exit_code if isinstance(outcome, RunFailed) else {"degraded": 3, "cancelled": 130}.get(run.state, 0)
