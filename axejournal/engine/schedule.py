"""What is due. A slot is the moment that a cron expression asked for, in the schedule's own time zone.

The journal is the only truth: a slot is satisfied by a success at or after it, however often, late or early the
system's scheduler fires. Only the newest missed slot is ever due; slots before `since` (when the journal began) never
are, so that a fresh install starts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import NamedTuple
from zoneinfo import ZoneInfo

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=30), timedelta(hours=8)
"""Between two tries of a slot."""


class Schedule(NamedTuple):  # no dataclass: importing that costs a call with nothing due half of a bare Python's start
    """A cron expression and its zone. A local time that does not exist fires once, right after the gap; one that
    exists twice fires once (Debian's cron; cronsim does the same)."""

    cron: str
    zone: str


def newest_slot(schedule: Schedule, now: datetime) -> datetime:
    """The newest slot at or before now, with the zone's offset."""
    from cronsim import CronSim

    # cronsim goes back by wall time, so that an hour that exists twice can hide a slot: begin later, compare instants
    begin = now.astimezone(ZoneInfo(schedule.zone)) + timedelta(hours=3)
    backward: Iterator[datetime] = CronSim(schedule.cron, begin, reverse=True)
    return next(slot for slot in map(_instant, backward) if slot <= now)


def next_slot(schedule: Schedule, now: datetime) -> datetime:
    """The first slot after now, with the zone's offset."""
    from cronsim import CronSim

    forward: Iterator[datetime] = CronSim(schedule.cron, now.astimezone(ZoneInfo(schedule.zone)))
    return next(slot for slot in map(_instant, forward) if slot > now)


def due(schedule: Schedule, now: datetime, since: datetime, satisfied: datetime | None) -> datetime | None:
    """The slot that is to be run now, or None. `satisfied`: the newest slot that a success satisfied."""
    slot = newest_slot(schedule, now)
    if slot <= since or (satisfied is not None and satisfied >= slot):
        return None
    return slot


def may_try(tries: int, last: datetime | None, now: datetime) -> bool:
    """Whether a slot that was tried so often, without success, may be tried again: after 30 minutes, an hour, two, …,
    eight. The system's scheduler calls every hour, and a night that can't succeed is not to run all day."""
    if not tries or last is None or last > now:  # a clock that went back keeps nothing waiting
        return True
    return now - last >= min(FIRST_WAIT * (1 << min(tries, 8) - 1), LONGEST_WAIT)


def text(slot: datetime) -> str:
    """A slot as it is written everywhere: `2026-05-20T03:00+09:00`."""
    return slot.isoformat(timespec="minutes")


def _instant(slot: datetime) -> datetime:
    # a fixed offset: datetimes of one ZoneInfo compare by wall time, not by instant
    return slot.astimezone(timezone(slot.utcoffset() or timedelta()))
