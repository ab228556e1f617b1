"""What is overdue by the journal and the clock, asked by whoever runs next. Plain sqlite3, so that `status` can afford it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from axejournal.app import due
from axejournal.domain import overdue as rules
from axejournal.domain.overdue import DiskKnown, Known, Late, SlotKnown, TierKnown, WaitKnown
from axejournal.domain.resting import WAITS_FOR
from axejournal.engine.schedule import Schedule, newest_slot
from axejournal.journal import reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from axejournal.journal.rows import FreshRow, PointRow

JOB = "watch.overdue"
SLOW = timedelta(days=1)
"""Grace of schedules that are not nightly."""


Held = Sequence["tuple[PointRow, int]"]
"""What reader.standing and reader.freshness answer: who has asked already hands it on."""


def late(
    effective: Mapping[str, Any],
    journal: Path,
    config_path: Path,
    now: datetime,
    held: Held | None = None,
    fresh: Sequence[FreshRow] | None = None,
) -> tuple[Late, ...]:
    """Everything that is overdue now. Raises JournalDamaged, JournalNewer."""
    return rules.overdue(known(effective, journal, config_path, now, held, fresh), now)


def began(journal: Path, config_path: Path) -> datetime:
    """Nothing can be overdue from before it was asked for: the journal's first event, or a later change of the
    configuration (which may have added a source)."""
    written = datetime.fromtimestamp(config_path.stat().st_mtime, UTC)
    first = reader.began(journal)
    return max(first, written) if first else written


def known(
    effective: Mapping[str, Any],
    journal: Path,
    config_path: Path,
    now: datetime,
    held: Held | None = None,
    fresh: Sequence[FreshRow] | None = None,
) -> Known:
    """What the rules ask for. `held`, `fresh`: what is known of it already."""
    customer = effective["customer"]
    held = reader.standing(journal, customer) if held is None else held
    fresh = reader.freshness(journal, customer) if fresh is None else fresh
    since = began(journal, config_path)
    first = reader.began(journal) or since
    return Known(
        began=since,
        sources=tuple(effective["sources"]),
        tiers=tuple(_tiers(effective, held)),
        slots=tuple(_slots(effective, fresh, first, since, now)),
        disks=tuple(_disks(effective, journal, now)),
        waits=tuple(_waits(journal, effective["customer"])),
    )


def told(journal: Path, customer: str) -> tuple[dict[str, object] | None, datetime | None]:
    """The keys of what the last run of the job found (none when all was well), and when; None when there was none."""
    rows = reader.runs(journal, job=JOB, customer=customer, limit=1)
    if not rows:
        return None, None
    found = reader.run_events(journal, rows[0].run, limit=1)[0].data["options"]["late"]
    return {str(one["key"]): one for one in found}, rows[0].requested_at


def _tiers(effective: Mapping[str, Any], held: Held) -> Iterator[TierKnown]:
    from axejournal.config.units import duration

    newest: dict[str, dict[str, datetime]] = {}
    for point, _ in held:
        newest.setdefault(point.tier, {})[point.source] = point.at
    for tier, settings in effective["tiers"].items():
        text = settings.get("rpo")
        yield TierKnown(tier, duration(text) if text else None, text or "", newest.get(tier, {}))


def _slots(
    effective: Mapping[str, Any], fresh: Sequence[FreshRow], first: datetime, since: datetime, now: datetime
) -> Iterator[SlotKnown]:
    """A schedule that never ran counts from when the configuration was written; see due.due_slot."""
    from axejournal.config.units import duration

    for name in due.names(effective):
        settings, job = due.wanted(name, effective), due.job_of(name, effective)
        if settings is None or job is None:
            continue
        mine = [row for row in fresh if row.job == job and (row.tier == name or name not in effective["tiers"])]
        wait = effective["tiers"].get(name, {}).get("wait")
        grace = (rules.GRACE if name in effective["tiers"] else SLOW) + (duration(wait) if wait else timedelta())
        yield SlotKnown(
            name=name,
            job=job,
            slot=newest_slot(Schedule(settings["cron"], settings["timezone"]), now),
            began=first if mine else since,
            asked=max((row.attempt_at for row in mine), default=None),
            done=max((row.done_at for row in mine if row.done_at), default=None),
            grace=grace,
        )


def _disks(effective: Mapping[str, Any], journal: Path, now: datetime) -> Iterator[DiskKnown]:
    zone = ZoneInfo(effective["timezone"])
    for tier, settings in effective["tiers"].items():
        if settings.get("kind", tier) != "cold":
            continue
        from axejournal.domain.rotation import Quarter, turn_of
        from axejournal.journal.disks import disks

        names = re.findall(r"[\w-]+", settings["mount"].partition("{")[2].partition("}")[0]) or ["1"]
        rows = disks(journal, effective["customer"], tier)
        synced: dict[str, date] = {row.disk: row.synced_at.astimezone(zone).date() for row in rows if row.synced_at}
        today = now.astimezone(zone).date()
        turn = turn_of(Quarter.of(today), Quarter.read(settings["first_quarter"]), names, synced, today)
        if turn is not None:
            until = datetime.combine(turn.quarter.last_day + timedelta(days=1), time(), zone).astimezone(UTC)
            yield DiskKnown(tier, turn.disk, str(turn.quarter), until, turn.synced is not None)


def _waits(journal: Path, customer: str) -> Iterator[WaitKnown]:
    for row in reader.runs(journal, customer=customer, outcome="open", limit=None):
        what = WAITS_FOR.get(row.state)
        if what:
            yield WaitKnown(row.run, row.job, row.tier or "", what, _waits_since(journal, row.run, row.state) or row.last_at)


def _waits_since(journal: Path, run: str, state: str) -> datetime | None:
    """A resume that came no further is no news: since the first event of the present stay in that state."""
    since = None
    for event in reader.run_events(journal, run):
        since = (since or event.recorded_at) if event.state == state else None
    return since
