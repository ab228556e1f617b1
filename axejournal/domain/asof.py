"""`--as-of`: which moment a person means, and which restore point answers it.

A value includes the whole of its precision: a minute includes its seconds, a date its day (in the customer's zone). A
backup of the slot 03:00 is taken some seconds later, so that a plain "at or before 03:00:00" would give the night
before; a restore point's time is its slot, and the slot lies within the minute that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from axejournal.domain.errors import RestorePointMissing, UsageFault
from axejournal.domain.policy import proof_rank

LAST_VALID = "last-valid"
FORMS = "Write 2026-05-20, 2026-05-20T03:00, 2026-05-20T03:00+09:00, last-valid, or the name of a run."
_WALL = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?)?(Z|[+-]\d\d:?\d\d)?")
_RUN = re.compile(r"\d{6}-\d{4}-[a-z0-9]{1,4}")


class Point(Protocol):
    """What is asked of a restore point here."""

    @property
    def at(self) -> datetime:
        """Its time, as an instant."""
        ...

    @property
    def run(self) -> str:
        """The run that made it."""
        ...

    @property
    def proof(self) -> str:
        """How far it has been shown good."""
        ...


P = TypeVar("P", bound=Point)


@dataclass(frozen=True)
class AsOf:
    """What was asked for. Exactly one of: `until` (the last instant that it includes), `run`, `last_valid`."""

    text: str
    until: datetime | None = None
    run: str | None = None
    last_valid: bool = False


def parse(text: str, zone: str, now: datetime) -> AsOf:
    """What a person typed. Raises UsageFault for what is no moment, lies in the future, or is a wall time that does not
    exist or exists twice in the zone; then both readings are shown."""
    asked = text.strip()
    if asked == LAST_VALID:
        return AsOf(asked, last_valid=True)
    if _RUN.fullmatch(asked):
        return AsOf(asked, run=asked)
    match = _WALL.fullmatch(asked)
    if match is None:
        raise UsageFault(f"{asked!r} is no moment", FORMS)
    try:
        until = _until(match, ZoneInfo(zone))
    except ValueError as fault:
        raise UsageFault(f"{asked!r} is no moment: {fault}", FORMS) from None
    begin = until - _length(match)
    if begin > now:
        raise UsageFault(f"{asked} lies in the future; now is {now.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}", FORMS)
    return AsOf(asked, until=until)


def choose(points: Iterable[P], asked: AsOf) -> P:
    """The restore point that answers, of one source in one tier. Points come newest first: times are whole
    seconds, and of two in one second the first given counts. Raises RestorePointMissing naming the nearest there is."""
    known = sorted(points, key=lambda point: point.at, reverse=True)[::-1]  # both keep the order of equals
    if asked.last_valid:
        fitting = [point for point in known if point.proof == "verified"]
    elif asked.run is not None:
        fitting = [point for point in known if point.run.startswith(asked.run)]
    else:
        assert asked.until is not None
        fitting = [point for point in known if point.at <= asked.until]
    if fitting:
        return fitting[-1]
    raise _missing(known, asked)


def _missing(known: list[P], asked: AsOf) -> RestorePointMissing:
    if not known:
        return RestorePointMissing("there is no restore point at all", '"axej points" lists what can be restored.')
    if asked.last_valid:
        best = max(known, key=lambda point: (proof_rank(point.proof), point.at))
        return RestorePointMissing(
            f"no restore point is verified; the best is {_name(best)} ({best.proof})",
            f"Verify one with a drill, or take that one: --as-of {best.run}",
        )
    if asked.run is not None:
        return RestorePointMissing(f"run {asked.run} made no restore point here", '"axej points" lists those there are.')
    first = known[0]
    return RestorePointMissing(
        f"no restore point is at or before {asked.text}; the nearest is {_name(first)}", f"Take that one: --as-of {first.run}"
    )


def _name(point: Point) -> str:
    return f"{point.at.isoformat(timespec='minutes')} of run {point.run}"


def _length(match: re.Match[str]) -> timedelta:
    if match[2] is None:
        return timedelta(days=1)
    return timedelta(seconds=1) if match[3] else timedelta(minutes=1)


def _until(match: re.Match[str], zone: ZoneInfo) -> datetime:
    day, clock, seconds, offset = match.groups()
    tick = timedelta(microseconds=1)
    if clock is None:
        if offset is not None:
            raise ValueError("a date with an offset needs a time, too")
        following = date.fromisoformat(day) + timedelta(days=1)
        return datetime(following.year, following.month, following.day, tzinfo=zone) - tick
    if offset is not None:
        return datetime.fromisoformat(f"{day}T{clock}{seconds or ''}{offset}") + _length(match) - tick
    wall = datetime.fromisoformat(f"{day}T{clock}{seconds or ''}")
    return _only_reading(wall, zone) + _length(match) - tick


def _only_reading(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall time, as one of a fixed offset, so that adding to it moves the instant."""
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return datetime.fromisoformat(first.isoformat())
    readings = " or ".join(f"{wall:%Y-%m-%dT%H:%M}{_offset(reading)}" for reading in (first, second))
    exists = datetime.fromisoformat(first.isoformat()).astimezone(zone).replace(tzinfo=None, fold=0) == wall
    what = "exists twice" if exists else "does not exist"
    raise UsageFault(
        f"{wall:%Y-%m-%dT%H:%M} {what} in {zone.key} (the clocks change): it could be {readings}",
        f"Write one of them: {readings}",
    )


def _offset(moment: datetime) -> str:
    return moment.isoformat()[-6:]
