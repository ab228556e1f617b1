"""backup.local killed by SIGKILL at every named instant of every step, resumed, killed while resuming, and at random."""

from __future__ import annotations

import random
import time

import pytest

from tests.crash.proof import assert_nothing_left, assert_sound, only_run
from tests.world.home import World

POINTS = ("intent", "effect", "fact")
STEPS = ("preflight", "dump:frame", "dump:hive", "snapshot", "verify", "forget", "clear-staging")
PARTS = 8  # so that the kills are spread over the workers
SOURCES = {"files", "frame", "hive"}


@pytest.fixture
def world(make_world) -> World:
    """Two databases and files."""
    return make_world(databases=("frame", "hive"))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("point", POINTS)
def test_backup_killed_at_a_named_instant_is_resumed_and_done_once(world, point, step):
    killed = world.axej("backup", "--local", kill_at=f"{point}:{step}")
    assert killed.returncode == -9, killed.stderr
    world.axej("resume", expect=0)
    run = only_run(world)
    assert run["resumed"] == 1
    assert_sound(world, run, SOURCES)


@pytest.mark.parametrize(("first", "second"), [("intent", "effect"), ("effect", "intent"), ("fact", "effect")])
@pytest.mark.parametrize("step", ["dump:frame", "snapshot"])
def test_backup_killed_again_while_resuming_is_done_once(world, first, second, step):
    assert world.axej("backup", "--local", kill_at=f"{first}:{step}").returncode == -9
    following = {"dump:frame": "snapshot", "snapshot": "verify"}[step]
    assert world.axej("resume", kill_at=f"{second}:{following}").returncode == -9
    world.axej("resume", expect=0)
    run = only_run(world)
    assert run["resumed"] == 2
    assert_sound(world, run, SOURCES)


def test_the_next_scheduled_call_resumes_what_is_open(world):
    assert world.axej("backup", "--local", kill_at="effect:snapshot").returncode == -9
    world.axej("backup", "--local", "--scheduled", expect=0)
    assert_sound(world, only_run(world), SOURCES)


def test_resume_with_nothing_open_says_so(world):
    world.axej("backup", "--local", expect=0)
    assert "nothing to resume" in world.axej("resume", expect=0).stderr


def test_a_run_that_ended_while_its_dumps_were_still_there_is_swept(world):
    """Killed between its end and the clearing that a failed run does: the next resume empties the staging folder."""
    world.axej("backup", "--local", expect=0)
    left = world.state / "staging" / "frame"
    left.mkdir()
    (left / "readable").write_text("rows")
    (world.state / "progress").mkdir(exist_ok=True)
    (world.state / "progress" / f"{only_run(world)['run']}.json").write_text("{}")
    assert "removed from the staging folder: frame" in world.axej("resume", expect=0).stderr
    assert_nothing_left(world)


@pytest.mark.parametrize("part", range(PARTS))
def test_backup_killed_at_random_moments_is_always_done_once(world, kills, part, capsys):
    """One run after another, each killed again and again at random moments until it ends; `kills` in all parts. In one of
    them new interpreters are killed, while they load too."""
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    whole_s = _duration(world)
    killed = 0
    while killed < -(-kills // PARTS):
        words = ["backup", "--local"]
        for _ in range(chance.randint(2, 5)):
            process = world.start(*words, cold=part == 0)
            time.sleep(chance.random() * whole_s)
            process.kill()
            process.wait()
            killed += 1
            words = ["resume"]
        world.axej("resume")
        run = world.json("history", "--limit", "1")[0]
        if run["outcome"] == "failed":  # five crashes in one step end a run, loudly
            assert run["error_code"] == "RunStranded", (seed, run)
        else:
            assert_sound(world, run, SOURCES)
    with capsys.disabled():
        print(f"\n{killed} kills, seed {seed}")


def _duration(world: World) -> float:
    begin = time.monotonic()
    world.axej("backup", "--local", expect=0)
    return time.monotonic() - begin
