"""ring.push killed by SIGKILL at every step, and again while it resumes; and cut in the middle of a copy."""

from __future__ import annotations

import random

import pytest

from tests.crash.proof import assert_nothing_repeated, events_of, snapshot_bytes
from tests.ring.conftest import Ring
from tests.ring.places import peer_in_a_folder
from tests.world.home import World
from tests.world.place import wait_until
from tests.world.repositories import Repository

STEPS = ("preflight", "await", "choose", "room", "copy", "verify", "letter", "forget")


@pytest.fixture
def world(make_world) -> World:
    """Files only."""
    return make_world(databases=())


@pytest.fixture
def peer(world: World, tmp_path) -> Repository:
    """A peer that is a folder, with its repository; a snapshot waits."""
    made = peer_in_a_folder(world, tmp_path)
    world.axej("backup", "--local", expect=0)
    world.axej("ring", "init", expect=0)
    made.quicken()
    return made


def the_push(world: World) -> dict:
    """The one push."""
    (found,) = [run for run in world.json("history") if run["job"] == "ring.push"]
    return found


@pytest.mark.parametrize("point", ["intent", "effect", "fact"])
@pytest.mark.parametrize("step", STEPS)
def test_push_killed_at_a_named_instant_is_resumed_and_copies_once(world: World, peer: Repository, step: str, point: str):
    (local,) = world.repository.snapshots()
    name = f"copy:{local['id'][:8]}" if step == "copy" else step
    assert world.axej("ring", "push", kill_at=f"{point}:{name}").returncode == -9
    world.axej("resume", expect=0)
    run = the_push(world)
    assert (run["outcome"], run["resumed"]) == ("succeeded", 1)
    assert_nothing_repeated(events_of(world, run["run"]))
    (copy,) = peer.snapshots()
    assert copy["original"] == local["id"]
    assert {point["snapshot"] for point in world.json("points", "--tier", "ring")} == {copy["id"]}
    assert peer.locks() == [] == world.repository.locks()
    assert world.processes() == []


def test_copy_killed_in_the_middle_and_cut_while_resuming_sends_nothing_twice(ring: Ring):
    """kill -9 of axej and restic's orphan; then the connection is cut under the resumed copy; then it ends."""
    world = ring.world
    (world.files / "big.bin").write_bytes(random.Random(7).randbytes(100_000_000))
    world.axej("backup", "--local", expect=0)
    ring.set_up()
    push = world.start("ring", "push")
    wait_until(lambda: snapshot_bytes(ring.there) > 20_000_000, "a part was sent", 60)
    push.kill()
    push.wait()
    resumed = world.start("resume")
    sent = snapshot_bytes(ring.there)
    wait_until(lambda: snapshot_bytes(ring.there) > sent + 20_000_000 or resumed.poll() is not None, "more was sent", 90)
    ring.sshd.cut()
    assert resumed.wait(180) == 0, world.said()
    (copy,) = ring.copies.snapshots()
    assert copy["original"] == world.repository.snapshots()[0]["id"]
    assert snapshot_bytes(ring.there) < 1.02 * 100_000_000  # and what was half written when it was cut is gone
    assert ring.copies.locks() == []
    ring.copies.read_check()


@pytest.mark.parametrize("point", ["intent", "effect"])
@pytest.mark.parametrize(
    ("words", "step", "outcome"),
    [
        (("verify",), "host-key", "degraded"),
        (("verify",), "there", "degraded"),
        (("verify",), "back", "degraded"),
        (("consent", "--as", "Kim, axe", "--as", "Lee, realchoice"), "record", "succeeded"),
        (("watch-peer",), "look", "failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_other_runs_of_a_ring_killed_are_resumed(ring: Ring, words: tuple[str, ...], step: str, outcome: str, point: str):
    world = ring.world
    assert world.axej("ring", *words, kill_at=f"{point}:{step}").returncode == -9
    world.axej("resume", expect={"degraded": 3, "succeeded": 0, "failed": 1}[outcome])
    (run,) = world.json("history")
    assert (run["outcome"], run["resumed"]) == (outcome, 1)
    assert_nothing_repeated(events_of(world, run["run"]))
    assert world.processes() == []
