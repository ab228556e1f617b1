"""Cron in the words of launchd and systemd: never seldomer than the schedule itself."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axejournal.engine.calendar import on_calendar, start_calendar_intervals
from axejournal.engine.schedule import Schedule, next_slot
from tests.world.needs import need

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
CRONS = ["0 3 * * *", "30 2 * * 1-5", "0 3 15 1,4,7,10 *", "0 5 * * 0", "0 3 1 * 1", "15 */6 * * *", "0 3 L * *", "0 4 * * 1#2"]
ZONES = ["Asia/Seoul", "Europe/Berlin", "America/New_York", "UTC", "Asia/Kolkata"]


def fires(interval, wall: datetime) -> bool:
    """launchd.plist(5), StartCalendarInterval: what is absent matches everything."""
    has = {"Month": wall.month, "Day": wall.day, "Weekday": wall.isoweekday() % 7, "Hour": wall.hour, "Minute": wall.minute}
    return all(has[name] == value for name, value in interval.items())


@settings(max_examples=60, deadline=None)
@given(cron=st.sampled_from(CRONS), zone=st.sampled_from(ZONES), machine=st.sampled_from(ZONES), days=st.integers(0, 300))
def test_launchd_fires_at_each_slot_but_on_days_when_clocks_change(cron, zone, machine, days):
    intervals = start_calendar_intervals(Schedule(cron, zone), machine, NOW, 17)
    slot = next_slot(Schedule(cron, zone), NOW + timedelta(days=days))
    around = {(slot + timedelta(days=day)).astimezone(ZoneInfo(each)).utcoffset() for each in (zone, machine) for day in (-1, 1)}
    if len(around) <= len({zone, machine}):
        assert any(fires(interval, slot.astimezone(ZoneInfo(machine))) for interval in intervals[:-1])
    assert intervals[-1] == {"Minute": 17}


@pytest.mark.parametrize("cron", CRONS)
def test_systemd_reads_it_and_its_next_moment_is_not_after_ours(cron):
    need("systemd-analyze")
    lines = on_calendar(Schedule(cron, "Asia/Seoul"), 17)[:-1]
    slot = next_slot(Schedule(cron, "Asia/Seoul"), NOW)
    command = ["systemd-analyze", "calendar", "--base-time=2026-05-20 12:00:00 UTC", *lines]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={"TZ": "UTC", "LC_ALL": "C"}).stdout
    stamps = [line.split(": ", 1)[1].split()[1:3] for line in said.splitlines() if "Next elapse" in line]
    assert min(datetime.fromisoformat(" ".join(stamp)).replace(tzinfo=UTC) for stamp in stamps) <= slot
    assert len(stamps) == len(lines)


def test_every_five_minutes_is_twelve_moments_and_every_hour_is_left_out():
    assert len(start_calendar_intervals(Schedule("*/5 * * * *", "UTC"), "UTC", NOW, 17)) == 13
    assert start_calendar_intervals(Schedule("* 3-8 * * *", "UTC"), "UTC", NOW, 17) == ({"Minute": 17},)
