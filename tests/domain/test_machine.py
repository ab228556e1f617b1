"""State tables are checked when they are built, since `transitions` itself takes a wrong one in silence."""

from __future__ import annotations

import pytest

from axejournal.domain.machine import IllegalTransition, build
from axejournal.jobs import JOBS

ROWS = (("asked", "Started", "working"), ("working", "Found", "working"), ("working", "RunSucceeded", "succeeded"))


def make(rows=ROWS, final=("succeeded",)):
    return build("test", 1, "asked", rows, final)


def test_next_follows_the_table():
    machine = make()
    assert machine.next("asked", "Started") == "working"
    assert machine.next("working", "Found") == "working"
    assert machine.next("working", "RunSucceeded") == "succeeded"


def test_next_of_an_event_that_the_state_does_not_allow_is_refused():
    with pytest.raises(IllegalTransition, match="Found is not allowed in state asked"):
        make().next("asked", "Found")


def test_next_of_an_unknown_event_is_refused():
    with pytest.raises(IllegalTransition):
        make().next("asked", "Nonsense")


def test_next_out_of_a_final_state_is_refused():
    for event in ("Started", "RunFailed", "RunCancelled", "RunSucceeded"):
        with pytest.raises(IllegalTransition):
            make().next("succeeded", event)


def test_engine_events_leave_the_state():
    assert make().next("working", "StepStarted") == "working"


@pytest.mark.parametrize("state", ["asked", "working"])
def test_failure_and_cancellation_lead_out_of_every_working_state(state):
    assert make().next(state, "RunFailed") == "failed"
    assert make().next(state, "RunCancelled") == "cancelled"


@pytest.mark.parametrize(
    ("rows", "final", "complaint"),
    [
        ((*ROWS, ("asked", "Started", "succeeded")), ("succeeded",), "two rows for Started in asked"),
        ((*ROWS, ("island", "Found", "succeeded")), ("succeeded",), "no way leads to"),
        ((*ROWS, ("working", "Stuck", "pit"), ("pit", "Found", "pit")), ("succeeded",), "no way leads from"),
        ((*ROWS, ("succeeded", "Found", "working")), ("succeeded",), "out of the final state"),
        ((*ROWS, ("working", "StepStarted", "asked")), ("succeeded",), "belongs to the engine"),
    ],
)
def test_a_faulty_table_is_refused(rows, final, complaint):
    with pytest.raises(ValueError, match=complaint):
        make(rows, final)


def test_every_job_has_a_stage_for_each_working_state_and_only_those():
    for job in JOBS.values():
        assert set(job.stages) == set(job.machine.states) - job.machine.final


def test_mermaid_draws_every_row_of_the_job():
    for job in JOBS.values():
        drawing = job.machine.mermaid()
        own = [row for row in job.machine.rows if row.next not in ("failed", "cancelled")]
        assert all(f"{row.state} --> {row.next}: {row.event}" in drawing for row in own)
        assert drawing.startswith("stateDiagram-v2")
