"""`axej ring push`: the local repository's snapshots in another repository, each once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.world.home import PASSWORD, World
from tests.world.repositories import Repository


@pytest.fixture
def peer(world: World, tmp_path: Path) -> Repository:
    """A ring whose peer is a folder: what is the same for every place that restic reaches."""
    password = tmp_path / "peer-password"
    password.write_text(f"{PASSWORD} at the peer's\n")
    made = Repository(tmp_path / "peer", password, world.repository.restic, tmp_path / "peer-cache")
    world.config["tiers"]["ring"] = {
        "repository": str(made.path),
        "password": {"file": str(password)},
        "schedule": "30 3 * * *",
    }
    world.write()
    return made


def test_push_copies_each_snapshot_once_and_makes_restore_points(world: World, peer: Repository):
    world.axej("backup", "--local", expect=0)
    world.axej("ring", "init", expect=0)
    world.axej("ring", "push", expect=0)
    world.axej("ring", "push", expect=0)
    (local,) = world.repository.snapshots()
    (copy,) = peer.snapshots()
    assert copy["original"] == local["id"] != copy["id"]
    points = world.json("points", "--tier", "ring")
    assert {(point["source"], point["snapshot"]) for point in points} == {("frame", copy["id"]), ("files", copy["id"])}
    config = json.loads(peer.run("cat", "config").stdout)
    assert config["chunker_polynomial"] == json.loads(world.repository.run("cat", "config").stdout)["chunker_polynomial"]


def test_wrong_password_of_either_repository_is_told_by_name_and_the_next_push_goes_on(world: World, peer: Repository):
    world.axej("backup", "--local", expect=0)
    world.axej("ring", "init", expect=0)
    peer.quicken()
    for repository in (world.repository, peer):
        right = repository.password_file.read_text()
        repository.password_file.write_text("another\n")
        wrong = world.axej("ring", "push", expect=12).stderr
        assert f"wrong password for repository {repository.path}" in wrong
        assert wrong.count("HINT: ") == 1 and "wrong-password" in wrong
        repository.password_file.write_text(right)
        assert peer.snapshots() == [] == peer.locks()
    world.axej("ring", "push", expect=0)
    assert len(peer.snapshots()) == 1 == len(world.repository.snapshots())
    world.repository.password_file.write_text("another\n")  # once what is known of both was noted
    assert f"wrong password for repository {world.repository.path}" in world.axej("ring", "push", expect=12).stderr
