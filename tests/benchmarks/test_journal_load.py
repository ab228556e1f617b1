"""The big journal of the benchmarks is a journal: sound, current, and believable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from axejournal.domain.policy import Keep
from axejournal.journal import reader
from axejournal.journal.verify import verify
from tests.benchmarks.journal_load import KEPT_NIGHTS, build
from tests.benchmarks.journal_years import ten_years
from tests.journal.stories import open_store, write_night


def test_built_journal_is_sound_and_goes_on(tmp_path):
    path = tmp_path / "journal.sqlite"
    events = build(path, 2000)
    assert 2000 <= events < 2028
    verdict = verify(path)
    assert verdict.sound, verdict.faults
    assert verdict.events == events
    runs = reader.runs(path, limit=None)
    assert {row.outcome for row in runs} == {"succeeded"}
    assert len({point.snapshot for point in reader.points(path)}) == KEPT_NIGHTS
    assert len({point.snapshot for point in reader.points(path, removed=True)}) == len(runs)
    store = open_store(path)
    write_night(store, "tonight")
    store.close()
    assert verify(path).sound


def test_years_leave_what_the_policy_keeps_in_each_tier(tmp_path):
    path = tmp_path / "journal.sqlite"
    last = datetime(2026, 5, 20, 3, tzinfo=UTC)
    ten_years(path, last, Keep(daily=7, monthly=3), nights=100)
    verdict = verify(path)
    assert verdict.sound, verdict.faults
    counted = {(point.tier, point.source): (point.at, count) for point, count in reader.standing(path, "axe")}
    assert {tier for tier, _ in counted} == {"local", "ring", "cold"}
    assert counted["local", "frame"] == counted["ring", "hive"] == (last, 9)
    assert counted["cold", "index"] == (last - timedelta(days=2), 16)  # of two disks
