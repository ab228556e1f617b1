"""What every EventStore must do: the journal, and the list that the engine's tests use instead of it."""

from __future__ import annotations

import pytest

from axejournal.domain.errors import StaleRunner
from axejournal.domain.events import RunResumed, RunSucceeded, StepStarted
from axejournal.domain.facts import RunStarted
from tests.engine.toy import MemoryStore
from tests.journal.stories import draft, open_store, requested


@pytest.fixture(params=["journal", "list"])
def store(request, tmp_path):
    if request.param == "list":
        yield MemoryStore()
        return
    opened = open_store(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


def test_append_gives_events_with_growing_positions_and_numbers(store):
    first = store.append("a", 1, 0, [draft(requested(), state="requested"), draft(RunStarted(), state="working")])
    second = store.append("b", 1, 0, [draft(requested(), state="requested")])
    assert [(event.run, event.number, event.name, event.state) for event in (*first, *second)] == [
        ("a", 1, "RunRequested", "requested"),
        ("a", 2, "RunStarted", "working"),
        ("b", 1, "RunRequested", "requested"),
    ]
    assert [event.position for event in (*first, *second)] == [1, 2, 3]


def test_stream_gives_back_what_was_appended(store):
    facts = [requested(files=["a", "b"], at_once=2), RunStarted(), StepStarted()]
    store.append("a", 1, 0, [draft(fact, step="s" if fact == StepStarted() else None, attempt=1) for fact in facts])
    store.append("b", 1, 0, [draft(requested())])
    events = store.stream("a")
    assert [store.fact(event) for event in events] == facts
    assert [event.step for event in events] == [None, None, "s"]
    assert store.stream("unknown") == ()


def test_append_behind_an_unknown_event_is_refused(store):
    store.append("a", 1, 0, [draft(requested()), draft(RunStarted())])
    with pytest.raises(StaleRunner):
        store.append("a", 1, 1, [draft(StepStarted(), "s", 1)])
    with pytest.raises(StaleRunner):
        store.append("a", 1, 3, [draft(StepStarted(), "s", 1)])
    assert len(store.stream("a")) == 2


def test_append_of_an_overtaken_process_is_refused(store):
    store.append("a", 1, 0, [draft(requested())])
    store.append("a", 2, 1, [draft(RunResumed("its process died"))])
    with pytest.raises(StaleRunner):
        store.append("a", 1, 2, [draft(StepStarted(), "s", 1)])
    assert store.append("a", 2, 2, [draft(StepStarted(), "s", 1)])[0].number == 3


def test_append_again_of_the_same_drafts_is_harmless(store):
    drafts = [draft(requested()), draft(RunStarted())]
    first = store.append("a", 1, 0, drafts)
    assert store.append("a", 1, 0, drafts) == first
    assert store.stream("a") == first


def test_open_runs_are_those_that_have_not_ended_oldest_first(store):
    for run in ("c", "b", "a"):
        store.append(run, 1, 0, [draft(requested(), state="requested")])
    store.append("b", 1, 1, [draft(RunSucceeded(), state="succeeded")])
    assert store.open_runs() == ("c", "a")
