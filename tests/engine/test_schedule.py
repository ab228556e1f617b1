"""Slots, against a small independent model that walks minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axejournal.engine.schedule import Schedule, due, newest_slot, next_slot, text

NIGHTLY = Schedule("0 3 * * *", "Asia/Seoul")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def at(stamp):
    return datetime.fromisoformat(stamp)


@pytest.mark.parametrize(
    ("now", "newest", "following"),
    [
        ("2026-05-20T02:59:59+09:00", "2026-05-19T03:00+09:00", "2026-05-20T03:00+09:00"),
        ("2026-05-20T03:00:00+09:00", "2026-05-20T03:00+09:00", "2026-05-21T03:00+09:00"),
        ("2026-05-19T18:00:30+00:00", "2026-05-20T03:00+09:00", "2026-05-21T03:00+09:00"),
    ],
)
def test_slot_is_the_schedules_own_zones_whatever_the_machines_zone(now, newest, following):
    assert text(newest_slot(NIGHTLY, at(now))) == newest
    assert text(next_slot(NIGHTLY, at(now))) == following


def test_slot_in_a_gap_fires_once_right_after_it():
    berlin = Schedule("30 2 * * *", "Europe/Berlin")
    midnight = at("2026-03-29T00:00+01:00")
    slots = {text(newest_slot(berlin, midnight + timedelta(minutes=m))) for m in range(24 * 60)}
    assert slots == {"2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00"}


def test_slot_that_exists_twice_fires_once():
    berlin = Schedule("30 2 * * *", "Europe/Berlin")
    midnight = at("2026-10-25T00:00+02:00")
    slots = [text(newest_slot(berlin, midnight + timedelta(minutes=m))) for m in range(25 * 60)]
    assert sorted(set(slots)) == ["2026-10-24T02:30+02:00", "2026-10-25T02:30+02:00"]
    assert slots == sorted(slots)


def test_due_is_nothing_at_a_fresh_install():
    assert due(NIGHTLY, at("2026-05-20T10:00+09:00"), since=at("2026-05-20T09:59+09:00"), satisfied=None) is None


def test_due_is_the_first_night_after_the_install():
    slot = due(NIGHTLY, at("2026-05-21T03:00:05+09:00"), since=at("2026-05-20T09:59+09:00"), satisfied=None)
    assert slot is not None
    assert text(slot) == "2026-05-21T03:00+09:00"


def test_due_after_three_nights_without_power_is_the_newest_missed_slot_only():
    satisfied = at("2026-05-20T03:00+09:00")
    slot = due(NIGHTLY, at("2026-05-23T09:12+09:00"), LONG_AGO, satisfied)
    assert slot == at("2026-05-23T03:00+09:00")
    assert due(NIGHTLY, at("2026-05-23T09:13+09:00"), LONG_AGO, slot) is None


def test_due_with_the_clock_gone_back_is_nothing():
    assert due(NIGHTLY, at("2026-05-20T02:00+09:00"), LONG_AGO, satisfied=at("2026-05-20T03:00+09:00")) is None


@given(
    zone=st.sampled_from(["Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
)
def test_newest_slot_is_the_one_that_a_walk_back_finds(zone, minute, hour, now):
    """The model: of the local days around now, the first instant at or after the wanted wall time; the newest not in
    the future."""
    candidates = []
    for days in range(-2, 2):
        day = (now.astimezone(ZoneInfo(zone)) + timedelta(days=days)).date()
        wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))
        while wall.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(fold=0) != wall.replace(fold=0):
            wall += timedelta(minutes=1)  # in a gap: right after it
        candidates.append(wall.astimezone(UTC))
    expected = max(candidate for candidate in candidates if candidate <= now)
    assert newest_slot(Schedule(f"{minute} {hour} * * *", zone), now).astimezone(UTC) == expected
