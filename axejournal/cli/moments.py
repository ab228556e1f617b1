"""Times as a person types them. A wall time is read in the customer's zone; one that the zone has twice, or not at all,
is refused with its two readings."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from axejournal.domain.errors import UsageFault

UNITS = {"min": 60, "h": 3600, "d": 86_400, "w": 604_800}
HINT = "Write a date (2026-05-20), a time (2026-05-20T03:00, 2026-05-20T03:00+09:00) or an age (12h, 7d, 2w)."


class Span(NamedTuple):
    """What a typed time covers: from `begin` up to, but not with, `end`. A date covers its day, a minute its minute."""

    begin: datetime
    end: datetime


def span(option: str, text: str, zone: str, now: Callable[[], datetime]) -> Span:
    """What `text` covers; `option` is named in the refusal. `now` is asked for ages only. Raises UsageFault."""
    from zoneinfo import ZoneInfo

    words = text.strip()
    if age := re.fullmatch(r"(\d+) ?(min|h|d|w)", words):
        return _ago(option, words, int(age[1]) * UNITS[age[2]], now())
    here = ZoneInfo(zone)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", words):
            return _day(date.fromisoformat(words), here)
        if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", words):
            raise ValueError("it is no date, no time and no age")
        moment = datetime.fromisoformat(words)
        ends_in = _precision(words)
        begin = moment.astimezone(UTC) if moment.tzinfo else instant(option, moment, here, zone)
        return Span(begin, begin + ends_in)
    except (ValueError, OverflowError) as fault:
        raise UsageFault(f'{option} "{text}" is not understood: {fault}', HINT) from fault


def instant(option: str, wall: datetime, here: tzinfo, zone: str) -> datetime:
    """The one instant of a wall time. Raises UsageFault when the zone has it twice, or skips it."""
    first, second = (wall.replace(tzinfo=here, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    readings = " or ".join(wall.isoformat(timespec="minutes") + _offset(each) for each in (first, second))
    exists = first.astimezone(UTC).astimezone(here).replace(tzinfo=None) == wall
    what = "happens twice" if exists else "does not exist"
    raise UsageFault(
        f"{option}: {wall.isoformat(sep=' ', timespec='minutes')} {what} in {zone}, where the clock is changed then",
        f"Write which one is meant: {readings}.",
    )


def _offset(moment: datetime) -> str:
    return moment.isoformat()[-6:]


def _day(day: date, here: tzinfo) -> Span:
    # a midnight that a zone skips or has twice: the first instant of the day all the same
    begin, end = (datetime.combine(each, time(), here).astimezone(UTC) for each in (day, day + timedelta(days=1)))
    return Span(begin, end)


def _precision(words: str) -> timedelta:
    clock = re.split(r"[+\-Z]", words[11:])[0]
    if "." in clock:
        return timedelta(microseconds=1)
    return timedelta(seconds=1) if clock.count(":") == 2 else timedelta(minutes=1)


def _ago(option: str, words: str, seconds: int, now: datetime) -> Span:
    try:
        moment = now - timedelta(seconds=seconds)
    except OverflowError as fault:
        raise UsageFault(f'{option} "{words}" is longer ago than time goes', HINT) from fault
    return Span(moment, moment)
