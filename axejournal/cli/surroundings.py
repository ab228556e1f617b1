"""What stands beside the restore points in `axej status`: growth, the last drill, the disk of the quarter, the peer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from axejournal.journal import reader

if TYPE_CHECKING:
    from axejournal.cli.context import Context
    from axejournal.journal.rows import FreshRow

NIGHTS = 12
"""How many of the newest runs a sparkline shows."""
BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Drill:
    """The newest drill. `outcome`: of its run; `done_at`: when one was last passed, if only in part."""

    run: str
    outcome: str
    at: datetime
    done_at: datetime | None


@dataclass(frozen=True)
class Disk:
    """The cold disk whose turn it is. `overdue`: its quarter's 15th day is past and it was not synced."""

    tier: str
    quarter: str
    disk: str
    synced_at: datetime | None
    overdue: bool
    free_bytes: int | None


@dataclass(frozen=True)
class Peer:
    """What is known of a ring's partner: when it was reached, when the way back was seen, when its own copies grew."""

    tier: str
    peer: str
    consent: bool | None
    reached_at: datetime | None
    way_back_at: datetime | None
    newest_of_theirs: datetime | None
    gone: int


@dataclass(frozen=True)
class Surroundings:
    """All of it, for the configured tiers."""

    drill: Drill | None
    disks: tuple[Disk, ...]
    peers: tuple[Peer, ...]
    sizes: Mapping[str, tuple[int, ...]]


def surroundings(here: Context, fresh: Sequence[FreshRow], began: datetime, now: datetime) -> Surroundings:
    """Looks, into the journal only. Raises JournalDamaged, JournalNewer."""
    tiers = here.light["tiers"]
    kinds = {name: tier.get("kind", name) for name, tier in tiers.items()}
    return Surroundings(
        _drill(fresh),
        tuple(disk for name, kind in kinds.items() if kind == "cold" for disk in _disk(here, name, tiers[name], began, now)),
        tuple(_peer(here, name, tiers[name]) for name, kind in kinds.items() if kind == "ring" and tiers[name].get("peer")),
        _sizes(here, kinds),
    )


def sparkline(sizes: Sequence[int]) -> str:
    """The course of some sizes, oldest first, between their least and their greatest; "" for fewer than two."""
    if len(sizes) < 2:
        return ""
    least, span = min(sizes), max(sizes) - min(sizes)
    return "".join(BLOCKS[(size - least) * (len(BLOCKS) - 1) // span if span else 0] for size in sizes)


def _drill(fresh: Sequence[FreshRow]) -> Drill | None:
    drills = [row for row in fresh if row.job == "restore.drill"]
    newest = max(drills, key=lambda row: row.attempt_at, default=None)
    done = max((row.done_at for row in drills if row.done_at), default=None)
    return Drill(newest.attempt_run, newest.attempt_outcome, newest.attempt_at, done) if newest else None


def _disk(here: Context, tier: str, settings: Mapping[str, Any], began: datetime, now: datetime) -> list[Disk]:
    from axejournal.domain.rotation import Quarter, turn_of
    from axejournal.journal.disks import disks

    zone = ZoneInfo(here.zone)
    known = {row.disk: row for row in disks(here.journal_path, here.light["customer"], tier)}
    synced = {name: row.synced_at.astimezone(zone).date() for name, row in known.items() if row.synced_at}
    _, _, rest = str(settings["mount"]).partition("{")
    names = [number.strip() for number in rest.partition("}")[0].split(",")] if rest else ["1"]
    today = now.astimezone(zone).date()
    turn = turn_of(Quarter.of(today), Quarter.read(settings["first_quarter"]), names, synced, today)
    if turn is None:
        return []
    row = known.get(turn.disk)
    late = turn.overdue and began.astimezone(zone).date() <= turn.quarter.last_day  # who came later has time until the next
    return [Disk(tier, str(turn.quarter), turn.disk, row.synced_at if row else None, late, row.free_bytes if row else None)]


def _peer(here: Context, tier: str, settings: Mapping[str, Any]) -> Peer:
    from axejournal.journal.ring import consent, proven_back, proven_there, ring_facts

    facts = ring_facts(here.journal_path, here.light["customer"], tier)
    agreed, watched = consent(facts), facts.get("PeerWatched")
    newest = watched.data.get("newest_at") if watched else None
    return Peer(
        tier,
        settings["peer"],
        agreed.name == "ConsentGiven" if agreed else None,
        proven_there(facts),
        proven_back(facts),
        datetime.fromisoformat(newest) if newest else None,
        len(watched.data.get("gone", ())) if watched else 0,
    )


def _sizes(here: Context, kinds: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    """Of the newest restore points of each tier: the bytes of all sources of a time, oldest first."""
    names = tuple(here.light["sources"])
    marks = ",".join(f"?{number}" for number in range(5, 5 + len(names)))
    since = (
        "SELECT min(time_us) FROM (SELECT DISTINCT time_us FROM restore_points WHERE customer = ?1 AND source = ?3 AND tier = ?2 "
        "AND removed_by IS NULL ORDER BY time_us DESC LIMIT ?4)"
    )
    query = (  # the sources are named so that the index of what is present serves each of them
        f"SELECT sum(size_bytes) FROM restore_points WHERE customer = ?1 AND tier = ?2 AND source IN ({marks}) "
        f"AND removed_by IS NULL AND time_us >= ({since}) GROUP BY time_us ORDER BY time_us DESC LIMIT ?4"
    )
    with reader.projected(here.journal_path) as journal:
        found = {}
        for tier in kinds:
            rows = journal.execute(query, (here.light["customer"], tier, names[0], NIGHTS, *names)).fetchall()
            found[tier] = tuple(row[0] for row in rows)[::-1]
        return found
