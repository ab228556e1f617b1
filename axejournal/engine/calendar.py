"""A cron expression in the words of launchd and of systemd.

Both only call axej; the journal decides what is due. So a translation may fire too often, and never too seldom: what
these can't say (the last day of a month, a zone whose summer time is not the machine's) fires daily.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from axejournal.engine.schedule import Schedule

MOST = 120
"""Longer lists of moments are shortened to "every hour": launchd keeps each as a trigger of its own."""
DAYS_AHEAD = 400  # every change of both zones' clocks in a year
ALL_DAYS, ALL_MONTHS, ALL_HOURS, ALL_WEEKDAYS = set(range(1, 32)), set(range(1, 13)), set(range(24)), set(range(7))
WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


class Fields(NamedTuple):
    """What a cron expression names. `days` and `weekdays`: None when not restricted; `either`: one of both is enough."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...] | None
    months: tuple[int, ...] | None
    weekdays: tuple[int, ...] | None
    either: bool

    @property
    def dates(self) -> tuple[tuple[tuple[int, ...] | None, tuple[int, ...] | None], ...]:
        """Days and weekdays, as alternatives of which each restricts by both."""
        if self.either and self.days is not None and self.weekdays is not None:
            return ((self.days, None), (None, self.weekdays))
        return ((self.days, self.weekdays),)


def fields(cron: str) -> Fields:
    """The fields; a day that isn't a plain number (`L`, `1#2`) counts as every day."""
    from cronsim import CronSim

    read: Any = CronSim(cron, datetime(2026, 1, 1))
    plain = all(isinstance(day, int) and day > 0 for day in read.days) and all(isinstance(day, int) for day in read.weekdays)
    days = set(read.days) if plain else ALL_DAYS
    weekdays = {day % 7 for day in read.weekdays} if plain else ALL_WEEKDAYS
    return Fields(
        tuple(sorted(read.minutes)),
        tuple(sorted(read.hours)),
        None if days == ALL_DAYS else tuple(sorted(days)),
        None if set(read.months) == ALL_MONTHS else tuple(sorted(read.months)),
        None if weekdays == ALL_WEEKDAYS else tuple(sorted(weekdays)),
        not read.day_and,
    )


def start_calendar_intervals(
    schedule: Schedule, machine_zone: str, now: datetime, catch_up_minute: int
) -> tuple[Mapping[str, int], ...]:
    """launchd's StartCalendarInterval (it goes by the machine's zone), then the hourly call that makes up for what was
    missed. Calls that were missed during sleep come as one, at the wake."""
    found = fields(schedule.cron)
    shifts = _shifts(schedule.zone, machine_zone, now)
    moments = tuple(_exact(found)) if shifts == {timedelta()} else tuple(_shifted(found, shifts))
    kept = moments if len(moments) <= MOST else ()
    return (*kept, {"Minute": catch_up_minute})


def on_calendar(schedule: Schedule, catch_up_minute: int) -> tuple[str, ...]:
    """systemd's OnCalendar (systemd.time(7)), which knows zones, then the hourly call that makes up for what was missed."""
    found = fields(schedule.cron)
    lines = []
    for days, weekdays in found.dates:
        week = ",".join(WEEKDAYS[day] for day in weekdays) + " " if weekdays else ""
        date = f"*-{_numbers(found.months)}-{_numbers(days)}"
        lines.append(f"{week}{date} {_numbers(found.hours)}:{_numbers(found.minutes)}:00 {schedule.zone}")
    return (*lines, f"*-*-* *:{catch_up_minute:02}:00")


def crontab_line(command: str, catch_up_minute: int) -> str:
    """A line for cron, where neither of the two is: every hour, as the journal decides."""
    return f"{catch_up_minute} * * * * {command}"


def _exact(found: Fields) -> Iterator[Mapping[str, int]]:
    for days, weekdays in found.dates:
        yield from _product(
            Month=found.months,
            Day=days,
            Weekday=weekdays,
            Hour=None if set(found.hours) == ALL_HOURS else found.hours,
            Minute=found.minutes,
        )


def _shifted(found: Fields, shifts: set[timedelta]) -> Iterator[Mapping[str, int]]:
    """The same times of day in the machine's zone, with each distance that the zones have in a year, every day."""
    wanted = [timedelta(hours=hour, minutes=minute) for hour, minute in product(found.hours, found.minutes)]
    times = {int((time + shift).total_seconds()) // 60 % 1440 for time in wanted for shift in shifts}
    for minutes in sorted(times):
        yield {"Hour": minutes // 60, "Minute": minutes % 60}


def _shifts(zone: str, machine_zone: str, now: datetime) -> set[timedelta]:
    """How far the machine's wall clock is ahead of the schedule's, over the coming year."""
    found = set()
    for days in range(DAYS_AHEAD):
        moment = now + timedelta(days=days)
        there, here = moment.astimezone(ZoneInfo(zone)).utcoffset(), moment.astimezone(ZoneInfo(machine_zone)).utcoffset()
        found.add((here or timedelta()) - (there or timedelta()))
    return found


def _product(**choices: tuple[int, ...] | None) -> Iterator[Mapping[str, int]]:
    named = {name: values for name, values in choices.items() if values is not None}
    for values in product(*named.values()):
        yield dict(zip(named, values, strict=True))


def _numbers(values: tuple[int, ...] | None) -> str:
    return "*" if values is None else ",".join(f"{value:02}" for value in values)
