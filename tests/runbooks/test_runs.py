"""Pages of runbooks/ worked through as runs: with answers given, waiting for a person, killed and gone on with."""

from __future__ import annotations

from typing import Any

import pytest

from tests.crash.proof import assert_nothing_repeated, events_of
from tests.world.home import Done, World
from tests.world.terminal import at_terminal

COUNTS = "SELECT count(*), sum(amount) FROM journal_line"
GOOD = [("2000", "3001500.0")]
PAGE = ("runbook", "run", "frame-damaged")
STEPS = (
    "stop-writing",
    "choose-point",
    "look-first",
    "restore",
    "restart-services",
    "check-integrity",
    "look-at-data",
    "undo",
    "backup-after",
    "tell",
)


@pytest.fixture
def world(make_world) -> World:
    """A database, backed up once, then damaged."""
    made: World = make_world(databases=("frame",))
    made.config["sources"]["frame"]["aliases"] = ["frame-postgres"]
    made.write()
    made.axej("backup", "--local", expect=0)
    made.server.sql(name(made), "DELETE FROM journal_line WHERE id % 2 = 0")
    return made


def page(world: World, *words: str, **options: Any) -> Done:
    """Works through the page frame-damaged, as it was at the backup."""
    backup = world.json("history", "--job", "backup.local")[-1]["run"]
    return world.axej(*PAGE, "--as-of", backup, *words, **options)


def name(world: World) -> str:
    return str(world.config["sources"]["frame"]["database"])


def page_run(world: World) -> dict:
    (found,) = [run for run in world.json("history") if run["job"] == "runbook"]
    return found


def facts(world: World, run: str, kind: str) -> dict[str, dict]:
    return {event["step"]: event["data"] for event in events_of(world, run) if event["name"] == kind}


def test_page_is_worked_through_and_its_restore_is_a_run_of_its_own(world: World):
    done = page(world, "--yes", expect=0)
    assert world.server.sql(name(world), COUNTS) == GOOD
    run = page_run(world)["run"]
    assert f"run {run} succeeded\n  `axej restore " in done.stderr
    worked, performed = facts(world, run, "StepWorked"), facts(world, run, "CommandPerformed")
    assert {step: fact["answer"] for step, fact in worked.items()}["undo"] == "no"
    restore = performed["restore"]
    linked = world.json("history", restore["run"])
    assert (linked["job"], linked["outcome"]) == ("restore.database", "succeeded")
    assert linked["events"][0]["data"]["options"]["part_of"] == {"run": run, "step": "restore"}
    assert "--tier local --as-of 2" in restore["command"]
    assert "Stop the programs that write into frame." in done.stdout
    assert set(worked) | set(performed) == set(STEPS)


def test_page_waits_where_nobody_can_answer_and_goes_on_when_somebody_does(world: World):
    refused = page(world, expect=2)
    assert "step stop-writing: is that done? A person must say, and this is no terminal" in refused.stderr
    assert 'Type "axej runbook run frame-damaged" on a terminal, or answer with --answer stop-writing=done.' in refused.stderr
    run = page_run(world)
    assert (run["outcome"], run["state"]) == ("open", "waiting")
    assert "it waits for a person" in world.axej("status").stdout
    assert f"run {run['run']} waits: step stop-writing" in world.axej("resume", expect=0).stderr
    world.axej("resume", run["run"], expect=2)
    page(world, "--answer", "stop-writing=done", expect=2)
    again = page(world, "--yes", expect=0)
    assert "Stop the programs that write into frame." not in again.stdout
    assert page_run(world)["outcome"] == "succeeded"
    assert world.server.sql(name(world), COUNTS) == GOOD


@pytest.mark.parametrize("inner", ("intent:restore", "effect:swap", "effect:restore"))
def test_page_killed_around_its_restore_goes_on_with_that_restore(world: World, inner: str):
    assert page(world, "--yes", kill_at=inner).returncode == -9
    world.axej("resume")
    page(world, "--yes", expect=0)
    assert_done_once(world)


def assert_done_once(world: World) -> None:
    run = page_run(world)
    assert run["outcome"] == "succeeded"
    events = events_of(world, run["run"])
    assert_nothing_repeated([event for event in events if event["name"] != "RunWaits"])
    restores = [each for each in world.json("history") if each["job"] == "restore.database"]
    assert [each["outcome"] for each in restores] == ["succeeded"]
    assert world.server.sql(name(world), COUNTS) == GOOD


def test_command_that_fails_leaves_the_page_open_at_its_step(world: World):
    world.config["sources"]["frame"]["after_restore"] = {"check": ["false"]}
    world.write()
    failed = page(world, "--yes", expect=2)
    assert "ended with exit 1, run " in failed.stderr
    assert page_run(world)["state"] == "waiting"
    restore = next(run for run in world.json("history") if run["outcome"] == "failed")
    told = world.axej("history", restore["run"], expect=0).stdout
    assert "step 4 of frame-damaged: restore" in told
    assert 'go on: "axej runbook run frame-damaged"' in told
    page(world, "--yes", "--answer", "restore=skip", expect=3)
    assert page_run(world)["outcome"] == "degraded"


def test_person_at_a_terminal_is_asked_may_leave_and_goes_on(world: World):
    done = ("that done? (done, later) [done]", "")
    leave = ("that done? (done, later) [done]", "later")
    code, said = at_terminal(world, [done, done, leave], *PAGE)
    assert (code, "step 3: look-first" in said) == (2, True), said
    run = page_run(world)["run"]
    assert f"run {run} waits: left by the person at the terminal" in said
    now = "What now? (again, change, skip, later) [again]"
    rest = [done, ("AS_OF:", "2099-01-01"), (now, "change"), ("AS_OF:", "2020-01-01"), (now, "later")]
    code, said = at_terminal(world, rest, *PAGE)
    assert "lies in the future" in said and "is at or before 2020-01-01" in said, said
    assert "step 1: stop-writing" not in said
    after = [(now, "skip"), done, done, done, ("(no, yes, later) [no]", ""), done]
    code, said = at_terminal(world, after, "resume", run)
    assert code == 3, said
    assert page_run(world)["outcome"] == "degraded"
