"""`axej status`: is everything backed up?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Command
from axejournal.domain.errors import UsageFault
from axejournal.domain.resting import WAITS_FOR

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from axejournal.cli.standing import Standing, TierStanding

MISSED = 20
STYLES = {"ok": "green", "overdue": "bold red", "never": "yellow", "mixed": "yellow", "error": "bold red"}
EVERY_S = 5.0


@click.command(cls=Command, short_help="Show at a look whether everything is backed up.")
@click.option("--watch", is_flag=True, help="Show it again every five seconds, until Ctrl-C.")
@click.option("--prometheus", is_flag=True, help="As Prometheus' text format, for a textfile collector.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(watch: bool, prometheus: bool, as_json: bool) -> int:
    """Show at a look whether everything is backed up.

    \b
    Example:
      axej status
      axej status --json || echo "something is overdue"
      axej status --prometheus > /var/lib/node_exporter/axej.prom

    A tier is overdue when the newest restore point of any source is older than its RPO allows, or when the cold disk of the
    quarter was not synced by its 15th day; then the exit code is 20.
    """
    from axejournal.cli import standing

    here = context()
    if watch and (as_json or prometheus):
        raise UsageFault("--watch goes with neither --json nor --prometheus", 'Write "axej status --watch".')
    if watch:
        return _watch(here)
    found = standing.stand(here)
    if prometheus:
        from axejournal.cli.prometheus import prometheus as as_text

        click.echo(as_text(found), nl=False)
    elif as_json:
        from axejournal.cli.output import print_json

        print_json(standing.as_json(found))
    else:
        _print(here, found)
    _record(here, found)
    return MISSED if found.overdue else 0


def _record(here: Context, found: Standing) -> None:
    """What is overdue and was not told today becomes a run, so that it is told; nothing that fails in that is status's."""
    import contextlib

    from axejournal.app.watching import told
    from axejournal.domain.overdue import is_to_be_told

    with contextlib.suppress(Exception):
        before, at = told(here.journal_path, here.light["customer"])
        if is_to_be_told(found.late, before, at, found.at):
            here.app.telling.after()


def _watch(here: Context) -> int:
    """On a terminal the screen is cleared each time. Ends with Ctrl-C."""
    from axejournal.cli import standing
    from axejournal.programs.clock import SystemClock

    while True:
        found = standing.stand(here)
        click.clear()
        _print(here, found)
        try:
            SystemClock().sleep(EVERY_S)
        except KeyboardInterrupt:
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
    from axejournal.cli.surroundings import sparkline
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
            Column("grew", spare=8, right=True),
            Column("growth", spare=7),
            Column("points", spare=6, right=True),
            Column("next run", spare=2),
        ],
        [
            (
                tier.tier,
                Styled(tier.health, STYLES[tier.health]),
                successes[place] or ("no run yet" if tier.fresh is None else "none"),
                duration(_age_s(tier, found)),
                duration(tier.rpo_s),
                size(tier.size_bytes),
                size(tier.grown_bytes),
                sparkline(found.around.sizes.get(tier.tier, ())),
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
    from axejournal.domain.overdue import sentences

    notes = []
    for tier in found.tiers:
        if tell_next and tier.next_run is not None:
            notes.append(f"next run of {tier.tier}: {_next(tier, found)}")
        if tier.overdue_since is None and tier.why and tier.fresh is not None:
            notes.append(f"{tier.tier} is {tier.health}: {tier.why}")
        if tier.overdue_since is not None:
            notes.append(f"overdue since {local(tier.overdue_since, here.zone)}: {tier.tier}: {tier.reason}")
        if tier.last is not None and tier.last.outcome not in ("succeeded", "open"):
            why = (tier.last.message or "").split("\n", 1)[0]
            notes.append(f'last run {tier.last.run} {tier.last.outcome}: {why} ("axej history {tier.last.run}")')
    for late in found.late:
        if late.tier not in {tier.tier for tier in found.tiers}:
            notes.append(f"overdue since {local(late.since, here.zone)}: {sentences((late,))[0]}")
    for each in found.open_runs:
        steps = f" ({', '.join(each.run.open_steps)})" if each.run.open_steps else ""
        where = f"run {each.run.run} is in state {each.run.state}{steps}"
        waits = WAITS_FOR.get(each.run.state)
        how = f"it waits for {waits}" if waits else "its process is dead"
        notes.append(f"{where}, at work" if each.alive else f'{where}, {how}: go on with "axej resume"')
    notes += _around(here, found)
    if notes:
        click.echo()
    for note in notes:
        click.echo(plain(note))


def _disks(here: Context, ago: Callable[[datetime | None], str]) -> list[str]:
    """A line for each cold disk."""
    from axejournal.app.cold import cold_tiers
    from axejournal.cli.cold_status import look

    return [
        f"{tier}: disk {one.disk} {one.state}, {'connected' if one.connected else 'in the drawer'}, "
        f"last synced {ago(one.row.synced_at if one.row else None)}"
        for tier in cold_tiers(here.light)
        for one in look(here, tier).disks
    ]


def _around(here: Context, found: Standing) -> list[str]:
    """The last drill, the disk of the quarter, the peers: a line each."""
    from axejournal.cli.output import duration, local

    def ago(moment: datetime | None) -> str:
        return f"{duration((found.at - moment).total_seconds())} ago" if moment else "never"

    lines = []
    if found.around.drill is not None:
        drill = found.around.drill
        lines.append(f'last drill: {drill.outcome} {local(drill.at, here.zone)} ("axej history {drill.run}")')
    for disk in found.around.disks:
        late = ", OVERDUE" if disk.overdue else ""
        lines.append(f"{disk.tier}: disk {disk.disk} is due in {disk.quarter}, last synced {ago(disk.synced_at)}{late}")
    lines += _disks(here, ago)
    for peer in found.around.peers:
        consent = "" if peer.consent else ", consent withdrawn" if peer.consent is False else ", no consent yet"
        gone = f", {peer.gone} of its snapshots are gone" if peer.gone else ""
        seen = f"reached {ago(peer.reached_at)}, way back seen {ago(peer.way_back_at)}"
        lines.append(f"{peer.tier}: {peer.peer} {seen}, its newest copy here {ago(peer.newest_of_theirs)}{consent}{gone}")
    return lines
