"""Which cold disk is due in which quarter."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axejournal.domain.rotation import Quarter, calendar, due_disk, turn_of

DISKS = ("1", "2", "3")
FIRST = Quarter(2026, 1)


@pytest.mark.parametrize(
    ("text", "disk"), [("2026Q1", "1"), ("2026Q2", "2"), ("2026Q3", "3"), ("2026Q4", "1"), ("2027Q1", "2"), ("2025Q4", None)]
)
def test_disk_of_a_quarter_goes_round(text: str, disk: str | None):
    assert due_disk(Quarter.read(text), FIRST, DISKS) == disk


@given(st.dates(date(2026, 1, 1), date(2200, 1, 1)))
def test_every_disk_has_its_turn_in_any_three_quarters(day: date):
    turns = [due_disk(Quarter.of(day).later(n), FIRST, DISKS) for n in range(3)]
    assert sorted(map(str, turns)) == list(DISKS)
    assert Quarter.of(day).begins <= day < Quarter.of(day).later(1).begins


@pytest.mark.parametrize(
    ("today", "synced", "overdue"),
    [
        (date(2026, 4, 1), None, False),
        (date(2026, 4, 15), None, False),
        (date(2026, 4, 16), None, True),
        (date(2026, 4, 16), date(2026, 3, 31), True),
        (date(2026, 4, 16), date(2026, 4, 2), False),
        (date(2026, 6, 30), date(2026, 6, 30), False),
    ],
)
def test_quarter_is_overdue_after_its_fifteenth_day_unless_its_own_disk_was_synced(today, synced, overdue):
    others = {"1": today, "3": today}
    known = {**others, **({"2": synced} if synced else {})}
    turn = turn_of(Quarter.of(today), FIRST, DISKS, known, today)
    assert turn is not None
    assert (turn.disk, turn.overdue, turn.synced is not None) == ("2", overdue, bool(synced and synced >= date(2026, 4, 1)))


def test_calendar_shows_this_quarter_and_three_more_from_the_first_on():
    shown = calendar(FIRST, DISKS, {}, date(2025, 5, 1))
    assert [(str(turn.quarter), turn.disk) for turn in shown] == [
        ("2026Q1", "1"), ("2026Q2", "2"), ("2026Q3", "3"), ("2026Q4", "1"),
    ]  # fmt: skip
    assert not any(turn.overdue for turn in shown)
