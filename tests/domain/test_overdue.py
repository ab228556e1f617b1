"""What is overdue, and when it is said: moments around each limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from axejournal.domain.overdue import (
    DiskKnown,
    Known,
    SlotKnown,
    TierKnown,
    WaitKnown,
    is_to_be_told,
    overdue,
    sentences,
)

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def ago(hours: float) -> datetime:
    return NOW - hours * HOUR


def tier(**newest: datetime) -> TierKnown:
    return TierKnown("local", 26 * HOUR, "26h", newest)


def slot(at: datetime, name: str = "local", **more: datetime) -> SlotKnown:
    return SlotKnown(name, f"job-of-{name}", at, BEGAN, **more)


def keys(known: Known, now: datetime = NOW) -> list[str]:
    return [late.key for late in overdue(known, now)]


@pytest.mark.parametrize(("age", "late"), [(25.9, []), (26, []), (26.1, ["age:local:frame"])])
def test_restore_point_that_is_older_than_allowed_is_overdue(age: float, late: list[str]):
    assert keys(Known(BEGAN, ("frame",), (tier(frame=ago(age)),))) == late


def test_source_that_has_no_restore_point_counts_from_the_beginning():
    assert keys(Known(ago(25), ("frame",), (tier(),))) == []
    (late,) = overdue(Known(ago(30), ("frame",), (tier(),)), NOW)
    assert (late.key, late.since) == ("age:local:frame", ago(4))


@pytest.mark.parametrize(
    ("known", "late"),
    [
        (slot(ago(1.9)), []),
        (slot(ago(2)), ["slot:local"]),
        (slot(ago(5), asked=ago(4.9)), []),  # it ran, however it ended
        (slot(ago(5), asked=ago(5.1)), ["slot:local"]),
        (slot(ago(5), asked=ago(30), done=ago(4)), []),  # resumed
        (SlotKnown("local", "job", ago(5), ago(5)), []),  # asked for later than that
        (slot(ago(5), "drill", asked=ago(4)), ["drill"]),  # a drill that failed proves nothing
        (slot(ago(5), "drill", done=ago(4)), []),
    ],
)
def test_slot_that_passed_without_a_run_is_overdue(known: SlotKnown, late: list[str]):
    assert keys(Known(BEGAN, (), slots=(known,))) == late


def test_old_restore_point_says_more_than_its_missed_slot():
    known = Known(BEGAN, ("frame",), (tier(frame=ago(60)),), (slot(ago(5)), slot(ago(5), "ring")))
    assert keys(known) == ["age:local:frame", "slot:ring"]


@pytest.mark.parametrize(("synced", "until", "late"), [(True, ago(1), []), (False, ago(1), ["disk:cold"]), (False, ago(-1), [])])
def test_disk_of_the_quarter_is_overdue_after_its_15th_day(synced: bool, until: datetime, late: list[str]):
    assert keys(Known(BEGAN, (), disks=(DiskKnown("cold", "2", "2026Q2", until, synced),))) == late
    assert keys(Known(ago(0.5), (), disks=(DiskKnown("cold", "2", "2026Q2", until, synced),))) == []


@pytest.mark.parametrize(("hours", "late"), [(23, []), (24, ["waits:cold:r1"])])
def test_run_that_waits_for_a_password_is_remembered_after_a_day(hours: float, late: list[str]):
    assert keys(Known(BEGAN, (), waits=(WaitKnown("r1", "cold.sync", "cold", "its password", ago(hours)),))) == late


def test_sentences_name_the_sources_of_a_tier_together():
    known = Known(BEGAN, ("frame", "hive"), (tier(frame=ago(60), hive=ago(60)), TierKnown("ring", 28 * HOUR, "28h", {})))
    assert sentences(overdue(known, NOW)) == (
        "local: no restore point of frame, hive is younger than 26h",
        "ring: no restore point of frame, hive is younger than 28h",
    )


def test_it_is_said_at_once_when_new_then_once_a_day_and_once_when_it_is_over():
    found = overdue(Known(BEGAN, ("frame",), (tier(frame=ago(60)),)), NOW)
    same = {"age:local:frame": {}}
    assert is_to_be_told(found, None, None, NOW)
    assert not is_to_be_told(found, same, ago(22.9), NOW)
    assert is_to_be_told(found, same, ago(23), NOW)
    assert is_to_be_told(found, {"slot:local": {}}, ago(0.1), NOW)
    assert is_to_be_told(found, {}, ago(0.1), NOW)
    assert not is_to_be_told((), {}, ago(60), NOW)
    assert not is_to_be_told((), None, None, NOW)
    assert is_to_be_told((), same, ago(0.1), NOW)
    assert not is_to_be_told(found, same, NOW + HOUR, NOW)  # the clock went back
