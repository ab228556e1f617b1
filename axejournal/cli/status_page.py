"""What `axej status` prints: first what is wrong and what to type, then tiers, sources, cold disks, and what stands around
them. Made to be read at four in the morning."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from axejournal.cli.output import Styled, duration, local, plain, say, size, times
from axejournal.cli.surroundings import sparkline
from axejournal.cli.tables import Column, print_table
from axejournal.domain.overdue import sentences
from axejournal.domain.resting import AWAITING_PASSWORD, WAITS_FOR

if TYPE_CHECKING:
    from axejournal.app.cold import DiskStanding
    from axejournal.cli.context import Context
    from axejournal.cli.standing import Standing, TierStanding
    from axejournal.cli.surroundings import Peer

STYLES = {"ok": "green", "overdue": "bold red", "never": "yellow", "mixed": "yellow", "error": "bold red", "due": "yellow"}
HEADS = {"overdue": "something is OVERDUE", "ok": "everything is backed up", "never": "not everything has been backed up yet"}
REMEDIES = {
    "backup.local": "axej backup --local",
    "ring.push": "axej ring push {tier}",
    "cold.sync": "axej cold sync",
    "restore.drill": "axej drill",
    "repository.check": "axej check",
}
"""What to type when nothing ran, by job."""


def show(here: Context, found: Standing) -> None:
    """Prints all of it to stdout."""
    head = "overdue" if found.overdue else "ok" if all(tier.state == "ok" for tier in found.tiers) else "never"
    say(f"{found.customer}: ", Styled(HEADS[head], STYLES[head]))
    for trouble in _troubles(here, found):
        click.echo(f"  {plain(trouble)}")
    say()
    left_out = _tiers(here, found)
    _sources(found)
    _disks(here, found)
    around = [*(_next_runs(found) if "next run" in left_out else ()), *_around(here, found)]
    if around:
        click.echo()
    for line in around:
        click.echo(plain(line))


def _troubles(here: Context, found: Standing) -> Iterator[str]:
    """Why not all is well, since when, and what to type."""
    names = {tier.tier for tier in found.tiers}
    for tier in found.tiers:
        if tier.overdue_since is not None:
            since, remedy = local(tier.overdue_since, here.zone), _remedy(tier.job, tier.tier)
            yield f"overdue since {since}: {tier.tier}: {tier.reason}{remedy}"
        elif tier.why and tier.fresh is not None:
            yield f"{tier.tier} is {tier.health}: {tier.why}"
        if tier.last is not None and tier.last.outcome not in ("succeeded", "open"):
            why = (tier.last.message or "").split("\n", 1)[0]
            yield f'last run {tier.last.run} {tier.last.outcome}: {why} ("axej history {tier.last.run}")'
    for late in found.late:
        if late.tier not in names:
            job = {"drill": "restore.drill"}.get(late.kind, "repository.check" if late.tier == "check" else None)
            yield f"overdue since {local(late.since, here.zone)}: {sentences((late,))[0]}{_remedy(job, late.tier)}"
    for each in found.open_runs:
        steps = f" ({', '.join(each.run.open_steps)})" if each.run.open_steps else ""
        where = f"run {each.run.run} is in state {each.run.state}{steps}"
        waits = WAITS_FOR.get(each.run.state)
        how = f"it waits for {waits}" if waits else "at work" if each.alive else "its process is dead"
        again = f"axej resume {each.run.run}" if waits else "axej resume"
        todo = "axej cold unlock" if each.run.state == AWAITING_PASSWORD else "" if each.alive else again
        yield f"{where}, {how}" + (f': go on with "{todo}"' if todo else "")


def _remedy(job: str | None, tier: str) -> str:
    return f' -> "{REMEDIES[job].format(tier=tier)}"' if job in REMEDIES else ""


def _tiers(here: Context, found: Standing) -> tuple[str, ...]:
    title, successes = times("last success", [local(_succeeded_at(tier), here.zone) for tier in found.tiers])
    return print_table(
        [
            "tier",
            "state",
            Column(title, spare=1),
            Column("age", spare=2, right=True),
            Column("RPO", spare=3, right=True),
            Column("size", spare=4, right=True),
            Column("grew", spare=8, right=True),
            Column("growth", spare=7),
            Column("points", spare=5, right=True),
            Column("next run", spare=6),
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


def _succeeded_at(tier: TierStanding) -> datetime | None:
    return tier.fresh.success_at if tier.fresh else None


def _age_s(tier: TierStanding, found: Standing) -> float | None:
    """Since the last success."""
    since = _succeeded_at(tier)
    return max(0.0, (found.at - since).total_seconds()) if since else None


def _next(tier: TierStanding, found: Standing) -> str:
    """The next run, in its schedule's zone, in UTC and from now: the machine's clock may have another zone."""
    if tier.next_run is None:
        return ""
    wait = duration((tier.next_run - found.at).total_seconds())
    return f"{tier.next_run.isoformat(sep=' ', timespec='minutes')}, {tier.next_run.astimezone(UTC):%H:%M} UTC, in {wait}"


def _next_runs(found: Standing) -> Iterator[str]:
    """For a table that had no room for them."""
    return (f"next run of {tier.tier}: {_next(tier, found)}" for tier in found.tiers if tier.next_run is not None)


def _sources(found: Standing) -> None:
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


def _disks(here: Context, found: Standing) -> None:
    """A row for each cold disk; the one whose turn it is says so."""
    disks = [one for tier in found.tiers if tier.job == "cold.sync" for one in _standing_disks(here, tier.tier)]
    if not disks:
        return
    click.echo()
    title, synced = times("last sync", [local(one.row.synced_at if one.row else None, here.zone) for one in disks])
    print_table(
        ["cold disk", "state", Column("where", spare=3), Column(title, spare=2), Column("age", spare=4, right=True), "turn"],
        [
            (
                one.disk if one.tier == "cold" else f"{one.tier} {one.disk}",
                Styled(one.state, STYLES.get(one.state, "")),
                "connected" if one.connected else "in the drawer",
                synced[place] or "never",
                duration((found.at - one.row.synced_at).total_seconds()) if one.row and one.row.synced_at else "",
                _turn(one, found.at),
            )
            for place, one in enumerate(disks)
        ],
    )


def _standing_disks(here: Context, tier: str) -> tuple[DiskStanding, ...]:
    from axejournal.cli.cold_status import look

    return look(here, tier).disks


def _turn(one: DiskStanding, now: datetime) -> str:
    if one.turn is None:
        return ""
    in_time = one.turn.overdue or one.turn.quarter.last_day >= now.date()  # who came after that day has the whole quarter
    by = f", by {one.turn.quarter.last_day}" if in_time else ""
    return f"{one.turn.quarter}, synced" if one.turn.synced else f"{one.turn.quarter}{by}"


def _around(here: Context, found: Standing) -> Iterator[str]:
    """The last drill and the peers: a line each."""
    if found.around.drill is not None:
        drill = found.around.drill
        yield f'last drill: {drill.outcome} {local(drill.at, here.zone)} ("axej history {drill.run}")'
    for peer in found.around.peers:
        yield _peer(peer, found.at)


def _peer(peer: Peer, now: datetime) -> str:
    def ago(moment: datetime | None) -> str:
        return f"{duration((now - moment).total_seconds())} ago" if moment else "never"

    consent = "" if peer.consent else ", consent withdrawn" if peer.consent is False else ", no consent yet"
    gone = f", {peer.gone} of its snapshots are gone" if peer.gone else ""
    seen = f"reached {ago(peer.reached_at)}, way back proven {ago(peer.way_back_at)}"
    return f"{peer.tier}: {peer.peer} {seen}, its newest copy here {ago(peer.newest_of_theirs)}{consent}{gone}"
