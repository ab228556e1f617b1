"""restore.drill killed by SIGKILL in every step, at every named instant of those that change something, and resumed: the same
verdict, nothing left."""

from __future__ import annotations

from typing import Any

import pytest

from axejournal.domain.ports.journal import snapshots_of
from axejournal.jobs import JOBS
from axejournal.journal.leases import FileLeases
from axejournal.programs.clock import SystemClock
from tests.crash.proof import assert_nothing_left, assert_nothing_repeated, events_of
from tests.drill.scenes import assert_nothing_scratch, drilled, last_drill
from tests.world.home import World
from tests.world.place import wait_until

POINTS = ("intent", "effect", "fact")
STEPS = ("scratch:local:frame", "fetch:local:frame", "load:local:frame", "compare:local:frame", "clear:local")
WITHOUT_EFFECT = ("choose:local", "check:local:frame:1", "verdict:local:frame", "proof:local:frame")
QUICK = {("effect", "scratch:local:frame"), ("intent", "load:local:frame"), ("fact", "compare:local:frame")}
CASES = [
    pytest.param(point, step, marks=() if (point, step) in QUICK else pytest.mark.slow)
    for point, step in [
        *((point, step) for step in STEPS for point in POINTS),
        *(("effect", step) for step in WITHOUT_EFFECT),
    ]
]


@pytest.mark.parametrize(("point", "step"), CASES)
def test_drill_killed_at_a_named_instant_is_resumed_and_tells_the_same(world: World, point: str, step: str):
    assert world.axej("drill", "--target", "frame", kill_at=f"{point}:{step}").returncode == -9
    world.axej("resume", expect=0)
    run = last_drill(world)
    assert (run["outcome"], run["resumed"]) == ("succeeded", 1)
    events = events_of(world, run["run"])
    machine = JOBS["restore.drill"].machine
    state = events[0]["state"]
    for event in events[1:]:
        assert machine.next(state, event["name"]) == event["state"]
        state = event["state"]
    assert_nothing_repeated(events)
    assert (drilled(world)["frame"]["passed"], drilled(world)["frame"]["proof"]) == (True, "verified")
    assert_nothing_left(world)
    assert_nothing_scratch(world, run["run"])
    world.axej("journal", "verify", expect=0)


def test_drill_and_nightly_at_the_same_minute_both_succeed(world: World):
    """And while somebody removes snapshots, a drill's fetches wait."""
    with FileLeases(world.state / "leases", SystemClock()).take(snapshots_of("local"), "a backup that prunes"):
        drill = world.start("drill", "--target", "frame")
        wait_until(lambda: any(event["step"] == "fetch:local:frame" for event in begun(world)), "the drill's fetch")
    world.axej("backup", "--local", expect=0)
    assert drill.wait(timeout=120) == 0, world.said()
    assert [event["data"] for event in begun(world) if event["name"] == "StepFailed"] == []
    assert_nothing_left(world)


def begun(world: World) -> list[dict[str, Any]]:
    """The events of the drill so far."""
    found = [run for run in world.json("history") if run["job"] == "restore.drill"]
    return events_of(world, found[0]["run"]) if found else []
