"""Restores from a cold disk, and keys that open it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.world.disks import PAPER, Drawer, typed


def test_restore_from_the_connected_disk_asks_for_the_paper_password(drawer: Drawer):
    world = drawer.world
    drawer.prepared("1")
    drawer.sync("1")
    drawer.disks["1"].eject()
    drawer.prepared("3")
    drawer.sync("3")
    (world.files / "photo.bin").write_bytes(b"scrambled")
    code, said = typed(world, ("restore", "--tier", "cold", "--target", "files", "--yes"), ("wrong one", PAPER))
    assert code == 0 and "cold" in said, said
    assert len((world.files / "photo.bin").read_bytes()) == 256 * 400
    drawer.disks["3"].eject()
    code, said = typed(world, ("restore", "--tier", "cold", "--target", "files", "--yes"), ())
    assert code == 50 and "no disk is mounted" in said, said


def test_enrolled_machine_key_syncs_without_a_person_and_paper_stays(drawer: Drawer):
    world = drawer.world
    key = drawer.folder / "machine-key"
    world.config["tiers"]["cold"]["machine_key"] = {"file": str(key)}
    world.config["tiers"]["cold"]["eject"] = True
    world.write()
    disk = drawer.prepared("1")
    code, said = typed(world, ("cold", "enroll-key", "1"), (PAPER,))
    assert code == 0 and key.stat().st_mode & 0o777 == 0o600, said
    typed(world, ("cold", "enroll-key", "1"), ())
    assert len(list((disk.mount / "restic-repo" / "keys").iterdir())) == 2
    done = world.axej("cold", "sync", "1", expect=0)
    assert "ejected: umount" in done.stderr and not disk.mount.is_mount()
    disk.connect()
    code, said = typed(world, ("keys", "verify", "--paper", "--tier", "cold"), (PAPER,))
    assert code == 0 and "disk 1: the password on paper opens it" in said, said
    world.axej("keys", "verify", expect=0)
    kept = {(row["tier"], row["kind"]) for row in world.json("keys", "list")["keys"] if row["proven_at"]}
    assert ("cold", "paper") in kept and ("cold", "machine key") in kept
    assert any(tier == "local" for tier, _ in kept)


@pytest.mark.slow
def test_machine_key_that_no_longer_opens_is_noticed_by_the_copy_and_paper_is_asked_for(drawer: Drawer):
    """A key that opened the disk before is not tried before the copy: what a program gives can change without a trace."""
    world = drawer.world
    key = drawer.folder / "machine-key"
    key.write_text("the machine's\n")
    world.config["tiers"]["cold"]["machine_key"] = {"command": f"cat {key}"}
    world.write()
    disk = drawer.prepared("1")
    code, said = typed(world, ("cold", "enroll-key", "1"), (PAPER,))
    assert code == 0, said
    key.write_text("another\n")
    world.axej("keys", "verify", "--tier", "cold", expect=12)
    world.axej("backup", "--local", expect=0)
    noticed = world.axej("cold", "sync", "1", expect=50)
    assert "disk 1 is not opened any more: wrong password" in noticed.stderr and "asks for the one on paper" in noticed.stderr
    assert "2 snapshots on it" in drawer.sync("1", expect=3)
    assert len(drawer.held(disk)) == 2 and [run["outcome"] for run in drawer.runs()] == ["degraded"]


def test_circle_of_keys_is_an_error_until_paper_breaks_it(drawer: Drawer):
    world = drawer.world
    inside = world.files / "password"
    inside.write_bytes(world.repository.password_file.read_bytes())
    world.config["tiers"]["local"]["password"] = {"file": str(inside)}
    world.write()  # cold disks would break it, if one held anything
    done = world.axej("keys", "list", expect=4)
    assert "keys-circular" in world.axej("doctor", expect=4).stdout
    assert f"circle: file {inside} -> local -> file {inside}" in done.stdout
    secret = Path(inside).read_text().strip()
    code, said = typed(world, ("keys", "verify", "--paper"), ("not that", secret))
    assert code == 0 and secret not in said, said
    assert world.json("keys", "list")["circles"] == []
