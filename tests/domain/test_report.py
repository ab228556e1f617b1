"""What is missing in a quarter, and how old the newest copy ever was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from axejournal.domain.facts.drill import SourceDrilled, TierDrilled
from axejournal.domain.report import Ages, Drill, Journal, Read, Report, gaps, worst_age

BEGIN, UNTIL = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
HOUR = 3600.0


def good(source: str, tier: str) -> SourceDrilled:
    return SourceDrilled(tier, source, "postgres", True)


def drill(*sources: SourceDrilled, restore_s: float = 60.0) -> Drill:
    tiers = tuple(TierDrilled(tier, (), (), restore_s, HOUR) for tier in dict.fromkeys(each.tier for each in sources))
    return Drill("r1", BEGIN, UNTIL, "succeeded", "", tiers, sources)


WHOLE = Report(
    customer="axe",
    host="axe-macmini",
    quarter="2026Q2",
    begin=BEGIN,
    until=UNTIL,
    made_at=UNTIL,
    sources=("frame", "files"),
    tiers=("local", "ring"),
    rto_s=HOUR,
    drills=(drill(*(good(source, tier) for source in ("frame", "files") for tier in ("local", "ring"))),),
    nights={},
    ages=(Ages("local", 24 * HOUR, 26 * HOUR, "frame", 90), Ages("ring", 25 * HOUR, 28 * HOUR, "frame", 90)),
    reads=(Read("local", 13, 0, 13, UNTIL, BEGIN),),
    journal=Journal(100, "ab" * 32, ()),
)


def kinds(**changed: object) -> list[str]:
    return [gap.kind for gap in gaps(replace(WHOLE, **changed))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"drills": ()}, ["no_drill"]),
        ({"drills": (drill(good("frame", "local")),)}, ["tier_not_drilled", "source_not_drilled"]),
        ({"drills": (drill(*WHOLE.drills[0].sources, restore_s=HOUR + 1),)}, ["slow", "slow"]),
        ({"drills": (drill(*WHOLE.drills[0].sources, replace(good("frame", "local"), passed=False)),)}, []),  # an older one
        ({"drills": (drill(replace(good("frame", "local"), passed=False), *WHOLE.drills[0].sources),)}, ["source_failed"]),
        ({"ages": (Ages("local", 27 * HOUR, 26 * HOUR, "frame", 90),)}, ["too_old"]),
        ({"ages": (Ages("local", None, 26 * HOUR),)}, ["no_points"]),
        ({"reads": (Read("local", 12, 0, 13, UNTIL, None),)}, ["not_read"]),
        ({"reads": (Read("local", 12, 1, 13, UNTIL, None),)}, ["damaged"]),
        ({"journal": Journal(100, "ab" * 32, ("event 7 was changed",))}, ["journal"]),
        ({"overdue": ("cold: connect it",)}, ["overdue"]),
    ],
)
def test_gap_of_each_kind_is_found(changed: dict[str, object], found: list[str]):
    assert kinds(**changed) == found


@pytest.mark.parametrize(
    ("hours", "worst"),
    [
        ([], None),
        ([-10, 0, 24, 48], 48),  # the last one ages until the end
        ([-10, 30, 54, 78], 40),  # one from before counts
        ([50, 74], 24),  # the first there ever was
        ([-200, 90], 290),
        ([-200], 296),
    ],
)
def test_worst_age_is_the_longest_time_without_a_newer_one(hours: list[int], worst: int | None):
    times = [BEGIN + timedelta(hours=hour) for hour in hours]
    found = worst_age(times, BEGIN, BEGIN + timedelta(hours=96))
    assert found == (None if worst is None else worst * HOUR)
