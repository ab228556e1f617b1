"""Files brought back, whole and in part, and taken back."""

from __future__ import annotations

import pytest

from tests.crash.proof import run_id
from tests.world.home import World, at


@pytest.fixture
def world(make_world) -> World:
    """Files, backed up once."""
    made = make_world(databases=())
    made.axej("backup", "--local", expect=0)
    return made


def tree(world: World) -> dict[str, bytes]:
    """Everything in the source's folder."""
    return {str(path.relative_to(world.files)): path.read_bytes() for path in world.files.rglob("*") if path.is_file()}


def damage(world: World) -> None:
    """One file changed, one lost, one new."""
    (world.files / "photo.bin").write_bytes(b"scrambled")
    (world.files / "ledger" / "2026" / "03.csv").unlink()
    (world.files / "ransom.txt").write_text("pay")


def test_files_come_back_with_a_comparison_and_are_taken_back(world: World):
    before = tree(world)
    damage(world)
    damaged = tree(world)
    done = world.axej("restore", "--target", "files", "--yes", expect=0)
    assert "1 added (ledger/2026/03.csv); 1 changed (photo.bin); 1 removed (ransom.txt)" in done.stderr
    assert tree(world) == before
    run = run_id(done.stderr)
    assert (world.files.parent / f"files.before-{run}" / "ransom.txt").read_text() == "pay"
    assert not (world.files.parent / f"files.restoring-{run}").exists()
    assert world.json("points", "--source", "files")[0]["proof"] == "restored"
    world.axej("undo", run, expect=0)
    assert tree(world) == damaged


def test_part_of_the_files_comes_back_and_the_rest_stays(world: World):
    damage(world)
    run = run_id(world.axej("restore", "--target", "files", "--path", "ledger/2026", "--yes", expect=0).stderr)
    assert (world.files / "ledger" / "2026" / "03.csv").exists()
    assert (world.files / "photo.bin").read_bytes() == b"scrambled"
    assert not [path for path in world.files.rglob("*") if run in path.name]
    world.axej("undo", run, expect=0)
    assert not (world.files / "ledger" / "2026" / "03.csv").exists()


def test_files_into_another_place_swap_nothing(world: World):
    damage(world)
    damaged = tree(world)
    place = world.folder / "look here"
    world.axej("restore", "--target", "files", "--into", str(place), "--yes", expect=0)
    assert (place / "ledger" / "2026" / "03.csv").exists()
    assert tree(world) == damaged
    assert "already there" in world.axej("restore", "--target", "files", "--into", str(place), "--yes", expect=1).stderr


def test_path_that_is_not_in_the_snapshot_is_refused(world: World):
    done = world.axej("restore", "--target", "files", "--path", "no/such", "--yes", expect=10)
    assert "does not hold" in done.stderr
    outside = world.axej("restore", "--target", "files", "--path", "../x", "--yes", expect=1)
    assert "is not below" in outside.stderr


def test_replaced_files_are_removed_by_a_later_restore_when_their_time_has_passed(world: World):
    first = run_id(world.axej("restore", "--target", "files", "--yes", env=at("2027-01-01T10:00:00+09:00"), expect=0).stderr)
    part = ("restore", "--target", "files", "--path", "photo.bin", "--yes")
    second = run_id(world.axej(*part, env=at("2027-01-05T10:00:00+09:00"), expect=0).stderr)
    foreign = world.files.parent / "files.before-somebody"
    foreign.mkdir()
    kept = [world.files.parent / f"files.before-{run}" for run in (first, second)]
    assert [path.is_dir() for path in kept] == [True, True]
    done = world.axej(*part, env=at("2027-01-10T10:00:00+09:00"), expect=0)
    assert [path.is_dir() for path in kept] == [False, True]
    assert foreign.is_dir()
    events = world.json("history", run_id(done.stderr))["events"]
    assert [event["data"]["swept"] for event in events if event["name"] == "RestorePrepared"] == [[str(kept[0])]]
    assert "is gone; it was kept until" in world.axej("undo", first, expect=10).stderr
