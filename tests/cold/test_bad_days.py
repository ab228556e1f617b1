"""Bad days of cold disks: one clear message, the right exit code, nothing lost, nothing written on the wrong disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.world.disks import PAPER, Disk, Drawer, run, typed


def locks(disk: Disk) -> list[Path]:
    return list((disk.mount / "restic-repo" / "locks").iterdir())


def tree(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


def test_folder_without_a_disk_is_refused_and_stays_empty(drawer: Drawer):
    drawer.prepared("1").eject()
    said = drawer.sync("1", expect=50)
    assert "no disk is mounted on it" in said
    assert tree(drawer.place("1")) == []


def test_another_disk_under_the_same_name_is_refused_untouched(drawer: Drawer):
    drawer.prepared("1").eject()
    other = drawer.new("1", name="other").connect()
    before = tree(other.mount)
    said = drawer.sync("1", expect=10)
    assert "a disk that the journal does not know" in said and tree(other.mount) == before
    other.eject()
    drawer.prepared("2").eject()
    swapped = drawer.disks["2"].connect(at=drawer.place("1"))
    assert "is disk 2" in drawer.sync("1", expect=10)
    run("umount", str(drawer.place("1")))
    assert swapped.loop


@pytest.mark.slow
def test_disk_at_a_name_with_a_number_is_named_with_what_to_do(drawer: Drawer):
    disk = drawer.prepared("1")
    disk.eject()
    odd = drawer.folder / "axe-cold-1 1"
    disk.connect(at=odd)
    said = drawer.sync("1", expect=50)
    run("umount", str(odd))
    assert "a disk is at" in said and "axe-cold-1 1" in said and tree(drawer.place("1")) == []


@pytest.mark.slow
def test_read_only_disk_is_refused(drawer: Drawer):
    disk = drawer.prepared("1")
    disk.eject()
    disk.connect(None, "-o", "ro")
    assert "read-only" in drawer.sync("1", expect=50)


@pytest.mark.slow
def test_disk_of_another_customer_is_refused(drawer: Drawer):
    disk = drawer.prepared("1")
    marker = disk.mount / "axej-cold.json"
    marker.write_text(marker.read_text().replace('"axe"', '"realchoice"'))
    assert "customer realchoice" in drawer.sync("1", expect=10)
    code, said = typed(drawer.world, ("cold", "init", "1", "--not-empty"), (PAPER, PAPER))
    assert code == 10 and "realchoice" in said
    marker.unlink()
    assert "it has its volume, but no axej-cold.json" in drawer.sync("1", expect=10)
    marker.mkdir()  # what a damaged file system may make of it
    assert "can't be read: Is a directory" in drawer.sync("1", expect=50)


def test_wrong_password_is_told_at_once_and_three_end_the_run(drawer: Drawer):
    drawer.prepared("1")
    said = drawer.sync("1", "wrong one", "wrong two", "wrong three", expect=12)
    assert said.count("wrong password; ") == 2
    assert "1 copied" in drawer.sync("1", "wrong one", PAPER)


@pytest.mark.slow
def test_full_disk_leaves_the_run_degraded_with_what_was_copied_kept(drawer: Drawer):
    world = drawer.world
    disk = drawer.prepared("1", mib=24)
    drawer.sync("1")
    (world.files / "big.bin").write_bytes(os.urandom(30 << 20))
    world.axej("backup", "--local", expect=0)
    said = drawer.sync("1", expect=3)
    assert "no space is left" in said
    assert len(drawer.held(disk)) == 1
    assert len(world.json("points", "--tier", "cold")) == 1


def test_lock_of_a_dead_process_of_another_machine_does_not_stop_a_sync(drawer: Drawer):
    disk = drawer.prepared("1")
    drawer.sync("1")
    drawer.world.axej("backup", "--local", expect=0)
    password = drawer.folder / "paper"
    password.write_text(PAPER)
    restic = (str(drawer.world.repository.restic), "-r", str(disk.mount / "restic-repo"), "--password-file", str(password))
    whole = f"ls '{disk.mount}/restic-repo/locks' | grep -qv tmp"  # one that is half written is none
    wait = f"until {whole}; do kill -0 $! || break; sleep 0.01; done; kill -9 $!; wait"
    script = f'hostname elsewhere; "$@" check --read-data --limit-download 1 & {wait}'
    for _ in range(5):
        run("unshare", "--uts", "sh", "-c", script, "sh", *restic, check=False)
        if locks(disk):
            break
    assert locks(disk)
    assert "1 copied" in drawer.sync("1")
    assert locks(disk) == []


@pytest.mark.slow
def test_damaged_data_fail_the_run_and_name_what_is_hit(drawer: Drawer):
    world = drawer.world
    world.config["check"] = {"parts": 1}
    world.write()
    disk = drawer.prepared("1")
    drawer.sync("1")
    for pack in (disk.mount / "restic-repo" / "data").rglob("*"):
        if pack.is_file():
            pack.chmod(0o600)
            data = bytearray(pack.read_bytes())
            data[len(data) // 3] ^= 0xFF
            pack.write_bytes(data)
    said = drawer.sync("1", expect=1)
    assert "disk 1 is damaged" in said and "files" in said
    assert {point["proof"] for point in world.json("points", "--tier", "cold")} == {"suspect"}


@pytest.mark.slow
def test_strange_key_on_a_disk_is_told(drawer: Drawer):
    disk = drawer.prepared("1")
    drawer.sync("1")
    password, other = drawer.folder / "paper", drawer.folder / "other"
    password.write_text(PAPER)
    other.write_text("somebody else's")
    words = ("-r", str(disk.mount / "restic-repo"), "--password-file", str(password))
    run(str(drawer.world.repository.restic), *words, "key", "add", "--new-password-file", str(other))
    assert "keys that axej did not add" in drawer.sync("1", expect=3)
