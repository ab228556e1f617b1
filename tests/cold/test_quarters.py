"""Turns of disks, as `axej cold status` and a sync tell them; what else goes on at the same time."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import threading

import psutil
import pytest

from tests.world.disks import PAPER, Drawer, typed, until
from tests.world.home import WIDE, World, at


def test_disk_out_of_turn_is_synced_and_the_due_one_named_and_another_quarter_is_overdue(drawer: Drawer):
    world = drawer.world
    world.environment |= at("2027-02-10T10:00:00+09:00")  # 2027Q1: disk 2
    disk = drawer.prepared("3")
    said = drawer.sync("3")
    assert "2027Q1 is the turn of disk 2" in said and "part 1 of" in said
    shown = json.loads(world.axej("cold", "status", "--json").stdout)
    assert [(turn["quarter"], turn["disk"]) for turn in shown["calendar"]] == [
        ("2027Q1", "2"), ("2027Q2", "3"), ("2027Q3", "1"), ("2027Q4", "2"),
    ]  # fmt: skip
    world.environment |= at("2027-04-16T10:00:00+09:00")
    late = world.axej("cold", "status", expect=20)
    assert "overdue: disk 3 was to be synced by 2027-04-15" in late.stdout
    assert re.search(r"^3 +overdue +connected ", world.axej("status", env=WIDE).stdout, re.MULTILINE)
    assert "part 2 of" in drawer.sync("3")
    assert "read whole" not in world.axej("cold", "status", expect=0).stdout
    world.environment |= at("2028-02-12T10:00:00+09:00")  # a year and two days after it was prepared
    assert "all of its data was read back" in drawer.sync("3")
    assert "2028-02-12  " in world.axej("cold", "status").stdout.partition("read whole")[2]
    assert "part 3 of" in drawer.sync("3")
    world.environment |= at("2020-01-01T10:00:00+09:00")  # a clock that lost its battery
    assert "0 copied" in drawer.sync("3")
    assert len(drawer.held(disk)) == 1


@pytest.mark.slow
def test_disk_that_is_connected_while_the_backup_runs_gets_tonights_snapshot_too(drawer: Drawer):
    world = drawer.world
    disk = drawer.prepared("1")
    (world.files / "new.bin").write_bytes(os.urandom(20 << 20))
    backup = world.start("backup", "--local")
    until(lambda: storing(world), what="restic at work")
    held = storing(world)
    for one in held:
        one.suspend()  # for as long as the disk takes

    def let_it_go_on() -> None:
        until(lambda: "await" in steps_begun(world), what="a sync that waits")
        for one in held:
            one.resume()

    hand = threading.Thread(target=let_it_go_on)
    hand.start()
    said = drawer.sync("1")
    hand.join()
    assert backup.wait(60) == 0, world.said()
    assert "2 copied, 2 snapshots on it" in said and "was waited for: its snapshot is on it too" in said
    assert len(drawer.held(disk)) == 2


def storing(world: World) -> list[psutil.Process]:
    """restic, while it makes a snapshot."""
    found = []
    for one in world.processes():
        with contextlib.suppress(psutil.Error):
            if "backup" in one.cmdline() and "restic" in one.name():
                found.append(one)
    return found


def steps_begun(world: World) -> set[str]:
    """Of all runs."""
    with contextlib.closing(sqlite3.connect(f"file:{world.journal}?mode=ro", uri=True)) as journal:
        return {step for (step,) in journal.execute("SELECT step FROM events WHERE name = 'StepStarted'")}


@pytest.mark.slow
@pytest.mark.parametrize("offset", [1 << 20])
def test_file_system_that_is_damaged_ends_the_run_loudly(drawer: Drawer, offset: int):
    disk = drawer.prepared("1")
    drawer.sync("1")
    disk.eject()
    with disk.image.open("r+b") as image:
        image.seek(offset)
        image.write(os.urandom(6 << 20))
    try:
        disk.connect()
    except subprocess.CalledProcessError:
        pytest.skip("the system does not mount it any more")
    code, said = typed(drawer.world, ("cold", "sync", "1"), (PAPER,))
    assert code in (10, 50) and "Traceback" not in said, said
    assert "can't be read" in said or "it has its volume, but no axej-cold.json" in said
    assert drawer.runs()[0]["outcome"] == "failed"


@pytest.mark.slow
def test_disk_that_is_in_use_is_not_ejected_and_that_is_told(drawer: Drawer):
    drawer.world.config["tiers"]["cold"]["eject"] = True
    drawer.world.write()
    disk = drawer.prepared("1")
    with (disk.mount / "axej-cold.json").open():
        said = drawer.sync("1", expect=3)
    assert "could not be unmounted" in said and disk.mount.is_mount()
    assert "ejected: umount" in drawer.sync("1") and not disk.mount.is_mount()
