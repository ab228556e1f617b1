"""`axej status`: is everything backed up?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Command

if TYPE_CHECKING:
    from datetime import datetime

    from axejournal.cli.standing import Standing, TierStanding

MISSED = 20
STYLES = {"ok": "green", "overdue": "bold red", "never": "yellow"}


@click.command(cls=Command, short_help="Show at a look whether everything is backed up.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(as_json: bool) -> int:
    """Show at a look whether everything is backed up.

    \b
    Example:
      axej status
      axej status --json || echo "something is overdue"

    A tier is overdue when the newest restore point of any source is older than its RPO allows; then the exit code is 20.
    """
    from axejournal.cli import standing

    here = context()
    found = standing.stand(here)
    if as_json:
        from axejournal.cli.output import print_json

        print_json(standing.as_json(found))
    else:
        _print(here, found)
    return MISSED if found.overdue else 0


def _print(here: Context, found: Standing) -> None:
    from axejournal.cli.output import Styled, say

    head = "overdue" if found.overdue else "ok" if all(tier.state == "ok" for tier in found.tiers) else "never"
    words = {"overdue": "something is OVERDUE", "ok": "everything is backed up", "never": "not everything has been backed up yet"}
    say(f"{found.customer}: ", Styled(words[head], STYLES[head]))
    say()
    left_out = _print_tiers(here, found)
    _print_sources(found)
    _print_notes(here, found, "next run" in left_out)


def _print_tiers(here: Context, found: Standing) -> tuple[str, ...]:
    from axejournal.cli.output import Styled, duration, local, size, times
    from axejournal.cli.tables import Column, print_table

    title, successes = times("last success", [local(_succeeded_at(tier), here.zone) for tier in found.tiers])
    return print_table(
        [
            "tier",
            "state",
            Column(title, spare=1),
            Column("age", spare=3, right=True),
            Column("RPO", spare=4, right=True),
            Column("size", spare=5, right=True),
            Column("grew", spare=7, right=True),
            Column("points", spare=6, right=True),
            Column("next run", spare=2),
        ],
        [
            (
                tier.tier,
                Styled(tier.state, STYLES[tier.state]),
                successes[place] or ("no run yet" if tier.fresh is None else "none"),
                duration(_age_s(tier, found)),
                duration(tier.rpo_s),
                size(tier.size_bytes),
                size(tier.grown_bytes),
                tier.points or "",
                _next(tier, found),
            )
            for place, tier in enumerate(found.tiers)
        ],
    )


def _age_s(tier: TierStanding, found: Standing) -> float | None:
    """Since the last success."""
    since = _succeeded_at(tier)
    return max(0.0, (found.at - since).total_seconds()) if since else None


def _succeeded_at(tier: TierStanding) -> datetime | None:
    return tier.fresh.success_at if tier.fresh else None


def _next(tier: TierStanding, found: Standing) -> str:
    """The next run, in its schedule's zone, in UTC and from now: the machine's clock may have another zone."""
    from datetime import UTC

    from axejournal.cli.output import duration

    if tier.next_run is None:
        return ""
    wait = duration((tier.next_run - found.at).total_seconds())
    return f"{tier.next_run.isoformat(sep=' ', timespec='minutes')}, {tier.next_run.astimezone(UTC):%H:%M} UTC, in {wait}"


def _print_sources(found: Standing) -> None:
    from axejournal.cli.output import Styled, duration, size, times
    from axejournal.cli.tables import Column, print_table

    rows = [source for tier in found.tiers if tier.fresh for source in tier.sources]
    if not rows:
        return
    click.echo()
    title, newest = times("newest restore point", [row.newest.time.replace("T", " ", 1) if row.newest else "" for row in rows])
    print_table(
        [
            "source",
            "tier",
            "state",
            Column(title, spare=1),
            Column("age", spare=2, right=True),
            Column("proof", spare=3),
            Column("size", spare=4, right=True),
            Column("points", spare=5, right=True),
        ],
        [
            (
                row.source,
                row.tier,
                Styled(row.state, STYLES[row.state]),
                newest[place] or "none",
                duration(row.age_s),
                row.newest.proof if row.newest else "",
                size(row.newest.size_bytes) if row.newest else "",
                row.points or "",
            )
            for place, row in enumerate(rows)
        ],
    )


def _print_notes(here: Context, found: Standing, tell_next: bool) -> None:
    """What the tables can't say: why, since when, and what to do."""
    from axejournal.cli.output import local, plain

    notes = []
    for tier in found.tiers:
        if tell_next and tier.next_run is not None:
            notes.append(f"next run of {tier.tier}: {_next(tier, found)}")
        if tier.overdue_since is not None:
            notes.append(f"overdue since {local(tier.overdue_since, here.zone)}: {tier.tier}: {tier.reason}")
        if tier.last is not None and tier.last.outcome not in ("succeeded", "open"):
            why = (tier.last.message or "").split("\n", 1)[0]
            notes.append(f'last run {tier.last.run} {tier.last.outcome}: {why} ("axej history {tier.last.run}")')
    for each in found.open_runs:
        steps = f" ({', '.join(each.run.open_steps)})" if each.run.open_steps else ""
        where = f"run {each.run.run} is in state {each.run.state}{steps}"
        how = "it waits for a person" if each.run.state == "waiting" else "its process is dead"
        notes.append(f"{where}, at work" if each.alive else f'{where}, {how}: go on with "axej resume"')
    if notes:
        click.echo()
    for note in notes:
        click.echo(plain(note))
