"""restore.drill killed by SIGKILL in every step, at every named instant of those that change something, and resumed: the same
verdict, nothing left."""

from __future__ import annotations

import pytest

from axejournal.jobs import JOBS
from tests.crash.proof import assert_nothing_left, assert_nothing_repeated, events_of
from tests.drill.scenes import assert_nothing_scratch, drilled, last_drill
from tests.world.home import World

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
    nightly = world.start("backup", "--local")
    world.axej("drill", expect=0)
    assert nightly.wait(timeout=120) == 0, world.said()
    assert_nothing_left(world)
