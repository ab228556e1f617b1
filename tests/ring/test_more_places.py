"""More than one place: a ring with a partner, and any other that restic knows, each by itself; and restores from there."""

from __future__ import annotations

from pathlib import Path

from tests.ring.conftest import Ring
from tests.world.home import PASSWORD
from tests.world.repositories import Repository


def test_each_place_has_its_own_repository_and_points_and_restores_come_from_either(ring: Ring, tmp_path: Path):
    world = ring.world
    password = tmp_path / "offsite-password"
    password.write_text(f"{PASSWORD} offsite\n")
    offsite = Repository(tmp_path / "offsite", password, world.repository.restic, tmp_path / "offsite-cache")
    world.config["tiers"]["offsite"] = {
        "kind": "ring",
        "repository": str(offsite.path),
        "password": {"file": str(password)},
        "schedule": "0 12 * * 0",
        "retention": {"weekly": 4},
    }
    world.write()
    world.axej("backup", "--local", expect=0)
    ring.set_up()
    world.axej("ring", "init", "offsite", expect=0)
    world.axej("ring", "push", "offsite", expect=0)
    world.axej("ring", "push", expect=0)
    (there,), (elsewhere,) = ring.copies.snapshots(), offsite.snapshots()
    assert there["original"] == elsewhere["original"] and there["id"] != elsewhere["id"]
    assert {row["tier"] for row in world.json("points")} == {"local", "ring", "offsite"}
    assert "no partner in customers.yaml" in world.axej("ring", "verify", "offsite", expect=2).stderr
    assert {one["tier"]: one["held_there"]["snapshots"] for one in world.json("ring", "status")} == {"ring": 1, "offsite": 1}

    (world.files / "photo.bin").unlink()
    words = ("restore", "--customer", "axe", "--tier", "ring", "--from", "realchoice", "--as-of", "last", "--target", "files")
    plan = world.axej(*[word if word != "last" else _today(world) for word in words], "--dry-run", expect=0)
    assert "ring" in plan.stdout and not (world.files / "photo.bin").exists()
    world.axej(*[word if word != "last" else _today(world) for word in words], "--yes", expect=0)
    assert (world.files / "photo.bin").stat().st_size == 256 * 400


def _today(world) -> str:
    return str(world.json("points", "--tier", "ring")[0]["time"])[:10]
