"""The loop and the resume, on a toy job whose effects are lines in files."""

from __future__ import annotations

import itertools

import pytest

from axejournal.domain.errors import Busy, PersonNeeded, ProgramMissing, RunStranded, RunUnknown, StaleRunner, UsageFault
from axejournal.domain.ports import Draft
from axejournal.engine.log import Entry, RunLog
from tests.engine.toy import Bench, Crash, Written, hopeless, passing

STEPS = ("write:a", "write:b", "write:c")


def test_run_without_trouble_does_each_step_once_and_tidies(tmp_path):
    bench = Bench(tmp_path)
    run = bench.begin()
    assert run.state == "succeeded"
    assert bench.written() == {"a": 1, "b": 1, "c": 1}
    assert (tmp_path / "tidied").exists()
    assert bench.leases.held == {}


def test_intent_is_durable_before_the_effect(tmp_path):
    bench = Bench(tmp_path)
    bench.crash("intent", "write:a")
    assert bench.names()[-1] == "StepStarted"
    assert bench.written() == {}


@pytest.mark.parametrize(("point", "step"), list(itertools.product(("intent", "effect", "fact"), STEPS)))
def test_resume_after_a_crash_at_any_point_does_each_step_once(tmp_path, point, step):
    bench = Bench(tmp_path)
    bench.crash(point, step)
    run = bench.engine().resume("r1", "test")
    assert run.state == "succeeded"
    assert bench.written() == {"a": 1, "b": 1, "c": 1}
    assert run.resumed == 1
    assert run.epoch == 2
    assert bench.children.swept == ["r1"]


@pytest.mark.parametrize(("point", "again"), list(itertools.product(("intent", "effect", "fact"), repeat=2)))
def test_resume_killed_while_resuming_still_does_each_step_once(tmp_path, point, again):
    bench = Bench(tmp_path)
    bench.crash(point, "write:a")
    bench.observer.point, bench.observer.step = again, "write:b"
    with pytest.raises(Crash):
        bench.engine().resume("r1", "test")
    bench.leases.held.clear()
    run = bench.engine().resume("r1", "test")
    assert run.state == "succeeded"
    assert bench.written() == {"a": 1, "b": 1, "c": 1}


def test_resume_never_acts_on_a_step_that_the_probe_finds_done(tmp_path):
    bench = Bench(tmp_path)
    bench.crash("effect", "write:b")
    bench.engine().resume("r1", "test")
    names = bench.names()
    assert names.count("StepStarted") == 3
    assert names[names.index("RunResumed") + 1 : names.index("RunResumed") + 3] == ["StepProbed", "Written"]


def test_passing_failure_is_tried_again_with_growing_waits_and_journalled(tmp_path):
    bench = Bench(tmp_path, trouble={"b": [passing(), passing()]})
    run = bench.begin()
    assert run.state == "succeeded"
    assert run.steps["write:b"].attempts == 3
    assert bench.names().count("StepFailed") == 2
    assert len(bench.clock.slept) == 2
    assert bench.clock.slept[1] > bench.clock.slept[0]


def test_passing_failure_is_not_tried_for_ever(tmp_path):
    bench = Bench(tmp_path, trouble={"b": [passing() for _ in range(9)]})
    run = bench.begin()
    assert run.state == "failed"
    assert run.outcome.error == "SourceUnreachable"
    assert run.outcome.exit_code == 50
    assert run.steps["write:b"].attempts == 3


def test_hopeless_failure_is_not_tried_again(tmp_path):
    bench = Bench(tmp_path, trouble={"b": [hopeless()]})
    run = bench.begin()
    assert run.state == "failed"
    assert run.outcome.error == "WrongPassword"
    assert run.outcome.hint == "Type it right."
    assert run.steps["write:b"].attempts == 1
    assert bench.clock.slept == []
    assert bench.written() == {"a": 1}
    assert (tmp_path / "tidied").exists()


def test_contained_failure_degrades_and_does_not_stop_the_others(tmp_path):
    bench = Bench(tmp_path, trouble={"b": [hopeless()]}, contained=True)
    run = bench.begin()
    assert run.state == "degraded"
    assert run.outcome.reasons == ("write:b",)
    assert bench.written() == {"a": 1, "c": 1}


def test_attempts_used_before_a_crash_count(tmp_path):
    bench = Bench(tmp_path, trouble={"b": [passing()]})
    bench.crash("effect", "write:b")
    (tmp_path / "b").unlink()
    bench.toy.trouble["b"] = [passing(), passing(), passing()]
    run = bench.engine().resume("r1", "test")
    assert run.state == "failed"
    assert run.steps["write:b"].failures == 3


def test_a_step_that_crashes_its_process_too_often_strands_the_run(tmp_path):
    bench = Bench(tmp_path)
    bench.crash("intent", "write:a")
    for _ in range(4):
        bench.observer.point = "intent"
        with pytest.raises(Crash):
            bench.engine().resume("r1", "test")
        bench.leases.held.clear()
    run = bench.engine().resume("r1", "test")
    assert run.state == "failed"
    assert run.outcome.error == "RunStranded"
    assert "write:a" in run.outcome.message


def test_parallel_steps_are_all_done_once(tmp_path):
    names = tuple(f"n{i}" for i in range(20))
    bench = Bench(tmp_path, at_once=4, names=names)
    run = bench.begin()
    assert run.state == "succeeded"
    assert bench.written() == dict.fromkeys(names, 1)


def test_cancelled_run_ends_with_a_clean_event(tmp_path):
    bench = Bench(tmp_path)
    bench.children.why = "SIGTERM"
    run = bench.begin()
    assert run.state == "cancelled"
    assert run.outcome.signal == "SIGTERM"
    assert bench.written() == {}


def test_second_run_of_the_same_resource_is_refused_before_anything_is_recorded(tmp_path):
    bench = Bench(tmp_path)
    bench.leases.held["paper"] = "r0"
    with pytest.raises(Busy, match="held by run r0; toy was not started"):
        bench.begin()
    assert bench.store.events == []
    assert bench.leases.held == {"paper": "r0"}


def test_resume_of_a_living_run_is_refused(tmp_path):
    bench = Bench(tmp_path)
    bench.crash("effect", "write:a")
    bench.leases.held["run:r1"] = "r1"
    with pytest.raises(Busy):
        bench.engine().resume("r1", "test")
    assert bench.engine().open_runs() == ()


def test_resume_of_an_ended_run_changes_nothing(tmp_path):
    bench = Bench(tmp_path)
    bench.begin()
    before = list(bench.store.events)
    assert bench.engine().resume("r1", "test").state == "succeeded"
    assert bench.store.events == before


def test_resume_of_an_unknown_run_says_so(tmp_path):
    with pytest.raises(RunUnknown, match="no run r9"):
        Bench(tmp_path).engine().resume("r9", "test")


def test_overtaken_process_appends_nothing_more(tmp_path):
    bench = Bench(tmp_path)
    bench.crash("effect", "write:a")
    engine = bench.engine()
    old = RunLog(bench.store, engine.jobs["toy"].machine, "r1", lambda: "old", engine._fold("r1"))
    old._epoch = 1
    engine.resume("r1", "test")
    count = len(bench.store.events)
    with pytest.raises(StaleRunner):
        old.record(Entry(Written("late"), "write:a", 1))
    assert len(bench.store.events) == count


def test_run_in_a_renamed_state_of_an_older_version_goes_on(tmp_path):
    bench = Bench(tmp_path)
    bench.crash("fact", "write:a")
    last = bench.store.events[-1]
    object.__setattr__(last, "state", "scribbling")
    run = bench.engine().resume("r1", "test")
    assert run.state == "succeeded"
    assert bench.written() == {"a": 1, "b": 1, "c": 1}


def test_run_in_an_unknown_state_is_stranded_with_a_way_out(tmp_path):
    bench = Bench(tmp_path)
    bench.crash("fact", "write:a")
    object.__setattr__(bench.store.events[-1], "state", "levitating")
    with pytest.raises(RunStranded, match="levitating") as caught:
        bench.engine().resume("r1", "test")
    assert "--abandon" in caught.value.hint
    object.__setattr__(bench.store.events[-1], "state", "writing")
    assert bench.engine().resume("r1", "was stuck", "abandon").state == "failed"


def test_operator_retry_skips_the_probe(tmp_path):
    bench = Bench(tmp_path)
    bench.crash("effect", "write:b")
    run = bench.engine().resume("r1", "I looked", "retry")
    assert run.state == "succeeded"
    assert bench.written()["b"] == 2


def test_operator_adopt_of_a_step_that_the_run_needs_is_refused(tmp_path):
    bench = Bench(tmp_path)
    bench.crash("intent", "write:b")
    before = len(bench.store.events)
    with pytest.raises(UsageFault, match="can't go on without the step write:b"):
        bench.engine().resume("r1", "I looked", "adopt")
    assert len(bench.store.events) == before


def test_run_whose_hands_cannot_be_made_fails_and_does_not_stay_open(tmp_path):
    bench = Bench(tmp_path)
    bench.missing = ProgramMissing("restic is missing", "Get it.")
    run = bench.begin()
    assert (run.state, run.outcome.error, run.outcome.exit_code) == ("failed", "ProgramMissing", 40)
    assert bench.store.open_runs() == ()


def test_operator_adopt_goes_on_without_the_open_step_and_is_no_success(tmp_path):
    bench = Bench(tmp_path, contained=True)
    bench.crash("intent", "write:b")
    run = bench.engine().resume("r1", "I looked", "adopt")
    assert run.state == "degraded"
    assert bench.written() == {"a": 1, "c": 1}


def test_bug_in_a_step_is_recorded_and_raised(tmp_path):
    bench = Bench(tmp_path, trouble={"b": [KeyError("oops")]})
    with pytest.raises(KeyError):
        bench.begin()
    assert bench.names()[-1] == "RunFailed"
    assert bench.leases.held == {}


def test_drafts_carry_the_state_after_each_event(tmp_path):
    bench = Bench(tmp_path)
    bench.begin()
    states = [event.state for event in bench.store.events]
    assert states[0] == "requested"
    assert states[1] == "writing"
    assert states[-1] == "succeeded"
    assert isinstance(Draft("x", bench.store.facts["id0"], "s"), Draft)


def test_step_that_needs_a_person_leaves_the_run_open_and_waiting_however_often_it_is_resumed(tmp_path):
    bench = Bench(tmp_path, trouble={"b": [PersonNeeded("is it done?", "Type it.") for _ in range(8)]})
    run = bench.begin()
    assert (run.state, run.outcome, run.waits.message) == ("waiting", None, "is it done?")
    assert bench.names()[-1] == "RunWaits"
    assert bench.engine().open_runs() == ()
    assert bench.engine().open_runs(waiting=True) == ("r1",)
    for _ in range(7):
        assert bench.engine().resume("r1", "test").state == "waiting"
    run = bench.engine().resume("r1", "somebody is there")
    assert (run.state, run.waits) == ("succeeded", None)
    assert bench.written() == {"a": 1, "b": 1, "c": 1}
    assert (run.steps["write:b"].failures, run.steps["write:b"].crashes) == (0, 0)


def test_waiting_step_is_no_excuse_for_one_that_failed_beside_it(tmp_path):
    bench = Bench(tmp_path, at_once=2, trouble={"a": [PersonNeeded("is it done?")], "b": [hopeless()]})
    assert bench.begin().state == "failed"
