"""`axej check`: a part of the data at a time; damage is named with the restore points that it hits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.proof import assert_nothing_left, assert_nothing_repeated, events_of
from tests.world.disks import PAPER, Drawer, typed
from tests.world.home import World


@pytest.fixture
def world(make_world) -> World:
    """Files only, read in two parts, backed up once."""
    made = make_world(databases=())
    made.config["check"] = {"parts": 2}
    made.write()
    made.axej("backup", "--local", expect=0)
    return made


def reads(world: World) -> list[dict]:
    """Every DataRead, oldest first."""
    runs = [run["run"] for run in world.json("history") if run["job"] == "repository.check"]
    return [event["data"] for run in reversed(runs) for event in events_of(world, run) if event["name"] == "DataRead"]


def proofs(world: World) -> list[str]:
    return [point["proof"] for point in world.json("points")]


def pack_of(world: World, path: Path) -> Path:
    """The largest pack: the photo is in it."""
    return max((world.repository.path / "data").rglob("*"), key=lambda one: one.stat().st_size if one.is_file() else 0)


def corrupt(pack: Path) -> None:
    pack.chmod(0o600)
    content = bytearray(pack.read_bytes())
    content[100] ^= 0xFF
    pack.write_bytes(content)


def test_every_part_is_read_in_turn_and_then_the_points_are_checked(world: World):
    size = sum(one.stat().st_size for one in (world.repository.path / "data").rglob("*") if one.is_file())
    world.axej("check", expect=0)
    assert proofs(world) == ["stored"]
    done = world.axej("check", expect=0)
    assert proofs(world) == ["checked"]
    assert "all of it was read since" in done.stderr
    world.axej("backup", "--local", expect=0)
    world.axej("check", expect=0)
    assert proofs(world) == ["stored", "checked"]
    assert [(read["part"], read["of"], read["faults"]) for read in reads(world)] == [(1, 2, []), (2, 2, []), (1, 2, [])]
    assert sum(read["size_bytes"] for read in reads(world)[:2]) == size
    world.axej("journal", "verify", expect=0)


def test_corrupt_pack_names_what_it_hits_and_takes_its_proof(world: World):
    corrupt(pack_of(world, world.files))
    results = [world.axej("check"), world.axej("check")]
    (failed,) = [done for done in results if done.returncode == 1]
    assert "repository local is damaged: files: 1 restore point, the newest" in failed.stderr
    assert "restic repair packs" in failed.stderr and "See runbooks/repository-damaged.md" in failed.stderr
    (point,) = world.json("points")
    assert point["proof"] == "suspect"
    assert "damaged in tier local: " in point["proof_reason"] and str(world.files) in point["proof_reason"]
    for _ in range(2):
        world.axej("check")
    assert proofs(world) == ["suspect"]


def test_pack_that_is_gone_is_found_by_any_part(world: World):
    pack_of(world, world.files).unlink()
    done = world.axej("check", expect=1)
    assert "files: 1 restore point" in done.stderr
    assert proofs(world) == ["suspect"]


def test_folder_that_cannot_be_read_hits_all_below_it(world: World):
    packs = sorted(((world.repository.path / "data").rglob("*")), key=lambda one: one.stat().st_size if one.is_file() else 0)
    for pack in packs:
        if pack.is_file() and pack != packs[-1]:
            corrupt(pack)
    failed = [done for done in (world.axej("check"), world.axej("check")) if done.returncode]
    assert failed and "files: 1 restore point" in failed[0].stderr
    assert proofs(world) == ["suspect"]


def test_point_that_a_restore_found_bad_is_not_lifted_by_reading(world: World):
    """Bytes that are what was written say nothing of what was written."""
    world.config["sources"]["files"]["after_restore"] = {"check": ["false"]}
    world.write()
    world.axej("restore", "--target", "files", "--yes", expect=1)
    assert proofs(world) == ["suspect"]
    for _ in range(3):
        world.axej("check", expect=0)
    assert proofs(world) == ["suspect"]


@pytest.mark.slow
@pytest.mark.parametrize("point", ("intent", "effect", "fact"))
@pytest.mark.parametrize("step", ("read", "prove"))
def test_check_killed_at_a_named_instant_is_resumed_and_done_once(world: World, point, step):
    assert world.axej("check", kill_at=f"{point}:{step}").returncode == -9
    world.axej("resume", expect=0)
    (run,) = [run for run in world.json("history") if run["job"] == "repository.check"]
    assert (run["outcome"], run["resumed"]) == ("succeeded", 1)
    assert_nothing_repeated(events_of(world, run["run"]))
    assert_nothing_left(world)
    assert [read["part"] for read in reads(world)] == [1]


@pytest.mark.slow
@pytest.mark.parametrize("point", ("intent", "effect", "fact"))
@pytest.mark.parametrize("step", ("locate", "suspect:1"))
def test_check_that_found_damage_is_resumed_too(world: World, point, step):
    pack_of(world, world.files).unlink()
    assert world.axej("check", kill_at=f"{point}:{step}").returncode == -9
    world.axej("resume", expect=1)
    assert proofs(world) == ["suspect"]
    (run,) = [run for run in world.json("history") if run["job"] == "repository.check"]
    assert_nothing_repeated(events_of(world, run["run"]))


@pytest.mark.slow
def test_cold_disk_is_read_part_by_part_and_its_damage_hits_its_own_points(drawer: Drawer):
    """A person is asked for the password on paper, as for a sync; a disk in its drawer is said to be missing."""
    world = drawer.world
    world.config["check"] = {"parts": 2}
    world.write()
    disk = drawer.prepared("1")
    drawer.sync("1")
    before = {point["tier"]: point["proof"] for point in world.json("points")}
    parts = [typed(world, ("check", "--tier", "cold"), (PAPER,)) for _ in range(2)]
    assert [code for code, _ in parts] == [0, 0], parts
    assert "tier cold: part " in parts[0][1] and "all of it was read since" in parts[1][1]
    assert {point["tier"]: point["proof"] for point in world.json("points")} == {**before, "cold": "checked"}
    for pack in (path for path in (disk.mount / "restic-repo" / "data").rglob("*") if path.is_file()):
        corrupt(pack)
    code, said = typed(world, ("check", "--tier", "cold"), (PAPER,))
    assert code == 1 and "repository cold" in said and "files: 1 restore point" in said, said
    assert {point["tier"]: point["proof"] for point in world.json("points")} == {**before, "cold": "suspect"}
    disk.eject()
    done = world.axej("check", "--tier", "cold", expect=50)
    assert "no disk of tier cold is connected" in done.stderr
