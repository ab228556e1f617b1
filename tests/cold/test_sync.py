"""`axej cold init` and `axej cold sync` on real file systems: what is copied, what is recorded, what the disk says."""

from __future__ import annotations

import json
import signal

import pytest

from tests.world.disks import PAPER, Drawer, typed
from tests.world.home import WIDE
from tests.world.needs import need


def test_sync_copies_each_snapshot_once_and_makes_restore_points(drawer: Drawer):
    world = drawer.world
    disk = drawer.prepared("2")
    said = drawer.sync("2")
    assert "1 copied, 1 snapshots on it" in said and "of its data was read back, no faults" in said
    assert "0 copied" in drawer.sync("2")
    (copy,), (local,) = drawer.held(disk), world.repository.snapshots()
    assert copy["original"] == local["id"]
    points = world.json("points", "--tier", "cold")
    assert [(point["source"], point["snapshot"]) for point in points] == [("files", copy["id"])]
    marker = json.loads((disk.mount / "axej-cold.json").read_text())
    assert (marker["customer"], marker["disk"], len(marker["journal_head"])) == ("axe", "2", 64)
    everything = b"".join(path.read_bytes() for path in world.state.rglob("*") if path.is_file())
    assert PAPER.encode() not in everything + said.encode()


@pytest.mark.slow
def test_exfat_disk_is_synced_torn_off_and_gone_on_with(drawer: Drawer):
    need("exfat")
    world = drawer.world
    world.config["tiers"]["cold"]["eject"] = True
    world.write()
    disk = drawer.prepared("1", filesystem="exfat")
    local = world.repository.snapshots()[0]["id"]
    code, said = typed(world, ("cold", "sync", "1"), (PAPER,), kill_at=f"effect:copy:{local[:8]}")
    assert code == -signal.SIGKILL, said
    disk.tear_off()
    assert "goes on when it is back" in drawer.sync("1", expect=50)
    assert "not connected" in world.axej("cold", "status", env=WIDE).stdout
    disk.connect()
    assert "1 snapshots on it" in drawer.sync("1") and not disk.mount.is_mount()
    assert [run["outcome"] for run in drawer.runs()] == ["succeeded"]
    assert len(drawer.held(disk.connect())) == 1
    (row,) = (row for row in json.loads(world.axej("cold", "status", "--json").stdout)["disks"] if row["disk"] == "1")
    assert (row["filesystem"], len(row["volume"])) == ("exfat", 9)


@pytest.mark.slow
def test_points_of_all_disks_count_and_each_is_looked_for_on_its_own(drawer: Drawer):
    world = drawer.world
    drawer.prepared("1")
    drawer.sync("1")
    drawer.disks["1"].eject()
    world.axej("backup", "--local", expect=0)
    second = drawer.prepared("2")
    said = drawer.sync("2")
    assert "vanished" not in said and len(drawer.held(second)) == 2
    points = world.json("points", "--tier", "cold")
    assert len(points) == 3 and len({point["repository"] for point in points}) == 2
    rows = {row["disk"]: row for row in json.loads(world.axej("cold", "status", "--json").stdout)["disks"]}
    assert [rows[number]["connected"] for number in "123"] == [False, True, False]
    assert [rows[number]["snapshots"] for number in "123"] == [1, 2, None]


def test_init_shows_a_card_that_brings_the_data_back_and_holds_no_password(drawer: Drawer):
    disk = drawer.new("3").connect()
    card = drawer.folder / "card.html"
    code, said = typed(drawer.world, ("cold", "init", "3", "--card", str(card)), (PAPER, PAPER))
    assert code == 0, said
    page = card.read_text()
    for text in (said, page):
        assert f"restic -r {disk.mount}/restic-repo" in text and PAPER not in text
    assert page.startswith("<!doctype html>") and "http" not in page


@pytest.mark.slow
def test_init_with_two_different_passwords_makes_nothing(drawer: Drawer):
    disk = drawer.new("1").connect()
    code, said = typed(drawer.world, ("cold", "init", "1"), (PAPER, f"{PAPER}s"))
    assert (code, [path.name for path in disk.mount.iterdir()]) == (2, ["lost+found"]), said


@pytest.mark.slow
def test_init_of_a_disk_that_is_not_empty_is_refused_unless_told(drawer: Drawer):
    disk = drawer.new("1").connect()
    (disk.mount / "photos").mkdir()
    (disk.mount / "._.Trashes").touch()  # a Mac's, beside each file on exFAT
    code, said = typed(drawer.world, ("cold", "init", "1"), (PAPER, PAPER))
    assert code == 2 and "not empty: photos\r\n" in said and "--not-empty" in said
    code, said = typed(drawer.world, ("cold", "init", "1", "--not-empty"), (PAPER, PAPER))
    assert code == 0 and (disk.mount / "photos").is_dir()
