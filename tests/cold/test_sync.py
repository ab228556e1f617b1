"""`axej cold init` and `axej cold sync` on real file systems: what is copied, what is recorded, what the disk says."""

from __future__ import annotations

import json

from tests.world.disks import PAPER, Drawer, typed


def test_sync_copies_each_snapshot_once_and_makes_restore_points(drawer: Drawer):
    world = drawer.world
    world.axej("backup", "--local", expect=0)
    disk = drawer.prepared("2")
    said = drawer.sync("2")
    assert "1 copied, 1 snapshots on it" in said
    assert PAPER not in said
    assert "0 copied" in drawer.sync("2")
    points = world.json("points", "--tier", "cold")
    assert {point["source"] for point in points} == {"frame", "files"}
    marker = json.loads((disk.mount / "axej-cold.json").read_text())
    assert (marker["customer"], marker["disk"], len(marker["journal_head"])) == ("axe", "2", 64)
    assert PAPER not in world.journal.read_bytes().decode("latin-1")
