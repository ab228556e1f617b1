"""Retention against a small independent model, and the promises that no rule may break."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from axejournal.domain.policy import PROOFS, Held, Keep, proof_rank, to_forget

SEOUL = ZoneInfo("Asia/Seoul")
START = datetime(2026, 1, 1, 3, 0, tzinfo=SEOUL)


def nights(count, source="frame", proof="stored"):
    return [Held(source, f"s{night:04d}", START + timedelta(days=night), proof) for night in range(count)]


def test_forget_without_any_rule_removes_nothing():
    assert to_forget(nights(100), Keep()) == ()


def test_forget_keeps_the_newest_of_each_of_the_last_days():
    two_a_day = [Held("frame", f"s{n}", START + timedelta(hours=12 * n)) for n in range(20)]
    removed = to_forget(two_a_day, Keep(daily=3))
    kept = [point for point in two_a_day if point.snapshot not in removed]
    assert [point.snapshot for point in kept] == ["s15", "s17", "s19"]


def test_forget_day_is_the_zones_day_not_utcs():
    late = Held("frame", "late", datetime(2026, 1, 1, 23, 30, tzinfo=SEOUL))
    early = Held("frame", "early", datetime(2026, 1, 2, 0, 30, tzinfo=SEOUL))
    assert to_forget([late, early], Keep(daily=2)) == ()


def test_forget_counts_weeks_months_and_years():
    points = nights(800)
    removed = set(to_forget(points, Keep(daily=7, weekly=4, monthly=6, yearly=2)))
    kept = [point for point in points if point.snapshot not in removed]
    months = {(point.time.year, point.time.month) for point in kept}
    assert len(kept) <= 7 + 4 + 6 + 2
    assert {point.snapshot for point in points[-7:]} <= {point.snapshot for point in kept}
    assert len(months) >= 6


def test_forget_never_takes_the_newest_point_even_when_the_rule_says_one_year_only():
    assert to_forget(nights(3), Keep(yearly=1)) == ("s0000", "s0001")


def test_forget_keeps_a_proven_point_while_no_newer_one_has_its_proof():
    points = nights(30)
    points[2] = Held("frame", "s0002", points[2].time, "verified")
    points[5] = Held("frame", "s0005", points[5].time, "checked")
    removed = to_forget(points, Keep(last=3))
    assert "s0002" not in removed
    assert "s0005" not in removed
    points[29] = Held("frame", "s0029", points[29].time, "verified")
    assert {"s0002", "s0005"} <= set(to_forget(points, Keep(last=3)))


def test_forget_keeps_the_newest_verified_point_and_the_newest_that_is_not_suspect():
    points = nights(30)
    points[3] = Held("frame", "s0003", points[3].time, "verified")
    points[28:] = [Held("frame", point.snapshot, point.time, "suspect") for point in points[28:]]
    removed = to_forget(points, Keep(last=1))
    assert {point.snapshot for point in points} - set(removed) == {"s0003", "s0027", "s0029"}


def test_forget_keeps_a_snapshot_that_one_source_still_needs():
    points = nights(10)
    points.append(Held("index", "s0000", START))  # index was in the first night only
    removed = to_forget(points, Keep(last=2))
    assert "s0000" not in removed
    assert "s0001" in removed


point = st.builds(
    Held,
    st.sampled_from(["frame", "index"]),
    st.integers(0, 40).map(lambda n: f"s{n:02d}"),
    st.integers(0, 400).map(lambda days: START + timedelta(days=days)),
    st.sampled_from(PROOFS),
)
keep = st.builds(Keep, *(st.integers(0, 5) for _ in range(5)))


@given(st.lists(point, max_size=60), keep)
def test_forget_always_leaves_each_source_its_newest_point_and_its_best_proof(points, rule):
    removed = set(to_forget(points, rule))
    for source in {each.source for each in points}:
        own = [each for each in points if each.source == source]
        left = [each for each in own if each.snapshot not in removed]
        assert max(each.time for each in left) == max(each.time for each in own)
        sound = [each.time for each in own if each.proof != "suspect"]
        assert not sound or max(each.time for each in left if each.proof != "suspect") == max(sound)
        best = max(proof_rank(each.proof) for each in own)
        assert best <= proof_rank("stored") or max(proof_rank(each.proof) for each in left) == best


@given(st.lists(point, max_size=60, unique_by=lambda each: (each.source, each.snapshot)), keep)
def test_forget_twice_removes_nothing_more_of_what_rules_keep(points, rule):
    removed = set(to_forget(points, rule))
    left = [each for each in points if each.snapshot not in removed]
    assert to_forget(left, rule) == ()
