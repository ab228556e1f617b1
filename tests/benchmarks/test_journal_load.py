"""The big journal of the benchmarks is a journal: sound, current, and believable."""

from __future__ import annotations

from axejournal.journal import reader
from axejournal.journal.verify import verify
from tests.benchmarks.journal_load import KEPT_NIGHTS, build
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
