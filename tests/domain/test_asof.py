"""Which moment a person means, and which restore point answers it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from axejournal.domain.asof import choose, parse
from axejournal.domain.errors import RestorePointMissing, UsageFault

NOW = datetime.fromisoformat("2026-11-25T12:00+09:00")
SEOUL, BERLIN = "Asia/Seoul", "Europe/Berlin"


@dataclass(frozen=True)
class Point:
    at: datetime
    run: str
    proof: str = "stored"


def night(day, proof="stored", clock="03:00"):
    return Point(datetime.fromisoformat(f"2026-05-{day:02d}T{clock}+09:00"), f"2605{day:02d}-0300-aaaa", proof)


NIGHTS = [night(18), night(19), night(20), night(21)]


@pytest.mark.parametrize(
    ("asked", "day"),
    [
        ("2026-05-20T03:00", 20),  # the operator's "last night's 03:00"
        ("2026-05-20 03:00", 20),
        ("2026-05-20T02:59", 19),
        ("2026-05-20T02:59:59", 19),
        ("2026-05-20T03:00:00", 20),
        ("2026-05-19T18:00Z", 20),
        ("2026-05-20T03:00+09:00", 20),
        ("2026-05-20T03:00+0900", 20),
        ("2026-05-20T03:00+00:00", 20),
        ("2026-05-20", 20),
        ("2026-06-01", 21),
        ("260519-0300-aaaa", 19),
        ("260519-0300-a", 19),
    ],
)
def test_as_of_chooses_the_point_that_a_person_means(asked, day):
    assert choose(NIGHTS, parse(asked, SEOUL, NOW)) == night(day)


def test_as_of_a_date_is_its_last_restore_point():
    evening = night(20, clock="23:59")
    assert choose([*NIGHTS, evening], parse("2026-05-20", SEOUL, NOW)) == evening


def test_as_of_a_minute_includes_a_run_by_hand_within_it():
    by_hand = Point(datetime.fromisoformat("2026-05-20T14:30:45+09:00"), "260520-1430-bbbb")
    assert choose([*NIGHTS, by_hand], parse("2026-05-20T14:30", SEOUL, NOW)) == by_hand


def test_as_of_last_valid_is_the_newest_verified():
    points = [night(18, "verified"), night(19, "verified"), night(20, "restored"), night(21)]
    assert choose(points, parse("last-valid", SEOUL, NOW)) == points[1]


def test_as_of_last_valid_without_a_verified_one_names_the_best():
    with pytest.raises(RestorePointMissing, match=r"the best is 2026-05-19.*checked") as caught:
        choose([night(18), night(19, "checked"), night(20)], parse("last-valid", SEOUL, NOW))
    assert "--as-of 260519-0300-aaaa" in caught.value.hint


def test_as_of_before_the_first_point_names_the_nearest():
    with pytest.raises(RestorePointMissing, match=r"the nearest is 2026-05-18T03:00") as caught:
        choose(NIGHTS, parse("2026-05-01", SEOUL, NOW))
    assert caught.value.exit_code == 10
    assert "--as-of 260518-0300-aaaa" in caught.value.hint


def test_as_of_without_any_point_says_so():
    with pytest.raises(RestorePointMissing, match="no restore point at all"):
        choose([], parse("2026-05-20", SEOUL, NOW))


def test_as_of_a_run_without_a_point_says_so():
    with pytest.raises(RestorePointMissing, match="260101-0300-zzzz made no restore point"):
        choose(NIGHTS, parse("260101-0300-zzzz", SEOUL, NOW))


def test_as_of_in_the_future_is_refused():
    with pytest.raises(UsageFault, match="lies in the future"):
        parse("2027-05-20", SEOUL, NOW)
    assert parse("2026-11-25", SEOUL, NOW).until is not None  # today has begun


@pytest.mark.parametrize(
    "asked", ["", "yesterday", "2026-13-01", "2026-05-20T25:00", "20.05.2026", "2026-05-20+09:00", "2026-05-20T03"]
)
def test_as_of_that_is_no_moment_shows_the_forms(asked):
    with pytest.raises(UsageFault, match="is no moment") as caught:
        parse(asked, SEOUL, NOW)
    assert "last-valid" in caught.value.hint


def test_as_of_that_exists_twice_is_refused_with_both_readings():
    with pytest.raises(UsageFault, match=r"exists twice.*02:30\+02:00 or 2026-10-25T02:30\+01:00"):
        parse("2026-10-25T02:30", BERLIN, NOW)
    first, second = (parse(f"2026-10-25T02:30{offset}", BERLIN, NOW).until for offset in ("+02:00", "+01:00"))
    assert (second - first).total_seconds() == 3600


def test_as_of_that_does_not_exist_is_refused_with_both_readings():
    with pytest.raises(UsageFault, match=r"does not exist.*02:30\+01:00 or 2026-03-29T02:30\+02:00"):
        parse("2026-03-29T02:30", BERLIN, NOW)


def test_as_of_a_day_of_the_change_ends_with_that_day():
    end = parse("2026-03-29", BERLIN, NOW).until
    assert end.utcoffset().total_seconds() == 7200
    assert (end.hour, end.minute) == (23, 59)


def test_of_two_points_in_one_second_the_newer_counts():
    older, newer = replace(night(20), run="older"), replace(night(20), run="newer")
    assert choose([newer, older, night(19)], parse("2026-05-20", SEOUL, NOW)) == newer
