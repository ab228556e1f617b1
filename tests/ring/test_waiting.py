"""A push at 03:30 while the backup of 03:00 still runs, failed, or never began."""

from __future__ import annotations

import signal

import pytest

from tests.ring.places import peer_in_a_folder
from tests.world.home import World, at
from tests.world.repositories import Repository

NIGHT = "2099-05-20T{}+09:00"


@pytest.fixture
def peer(world: World, tmp_path) -> Repository:
    """Yesterday's snapshot is local and waits."""
    made = peer_in_a_folder(world, tmp_path)
    world.axej("backup", "--local", expect=0)
    world.axej("ring", "init", expect=0)
    made.quicken()
    return made


def push_at(world: World, time: str, expect: int):
    return world.axej("ring", "push", "--scheduled", env=at(NIGHT.format(time)), expect=expect)


def test_tonights_snapshot_goes_along_when_the_backup_is_over(world: World, peer: Repository):
    world.axej("backup", "--local", "--scheduled", env=at(NIGHT.format("03:00:05")), expect=0)
    push_at(world, "03:30:00", 0)
    assert len(peer.snapshots()) == 2
    push_at(world, "03:31:00", 0)  # the slot is satisfied
    assert len([run for run in world.json("history") if run["job"] == "ring.push"]) == 1


def test_backup_that_is_not_over_in_time_makes_the_push_degraded(world: World, peer: Repository):
    world.config["tiers"]["ring"]["wait"] = "2s"
    world.write()
    held = world.start("backup", "--local", "--scheduled", env=at(NIGHT.format("03:00:05")), kill_at="")
    while "StepStarted dump" not in world.said() and held.poll() is None:
        pass
    held.send_signal(signal.SIGSTOP)
    try:
        late = push_at(world, "03:30:00", 3)
    finally:
        held.kill()
        held.wait()
    assert "tonight's backup is not among the copies: the backup was not over after" in late.stderr
    assert len(peer.snapshots()) == 1
