"""A disk that is pulled out in the middle: the run waits for it, and goes on with that disk only, days later too."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from axejournal.programs import process
from axejournal.programs.restic.disk import DiskRepository
from axejournal.programs.secrets.source import PasswordSource
from tests.crash.proof import assert_nothing_repeated, events_of
from tests.world.disks import MKFS, PAPER, Disk, Drawer, run, typed, until
from tests.world.needs import need


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def pulled(drawer: Drawer, step: str) -> str:
    """A sync whose process was stopped at a step while the disk was pulled out; its run's id."""
    disk = drawer.disks["1"]
    code, said = typed(drawer.world, ("cold", "sync", "1"), (PAPER,), kill_at=f"intent:{step}")
    assert code == -signal.SIGKILL, said
    disk.pull()
    return str(drawer.runs()[0]["run"])


@pytest.mark.slow
@pytest.mark.parametrize("step", ["copy", "read", "record"])
def test_disk_pulled_out_at_a_step_is_waited_for_and_the_run_goes_on(drawer: Drawer, step: str):
    world = drawer.world
    disk = drawer.prepared("1")
    local = world.repository.snapshots()[0]["id"]
    name = pulled(drawer, f"copy:{local[:8]}" if step == "copy" else step)
    said = drawer.sync("1", expect=50)
    assert "goes on when it is back" in said and [one["state"] for one in drawer.runs()] == ["awaiting_disk"]
    assert names(drawer.place("1")) == []
    world.axej("resume", expect=0)  # nothing that it could do without the disk
    other = drawer.new("1", name="other").connect()
    assert "not disk 1" in drawer.sync("1", expect=50)
    assert names(other.mount) == ["lost+found"]
    other.eject()
    disk.connect()
    drawer.sync("1")
    assert len(drawer.held(disk)) == 1
    assert [(one["run"], one["outcome"]) for one in drawer.runs()] == [(name, "succeeded")]
    assert_nothing_repeated(events_of(world, name))
    world.axej("journal", "verify", expect=0)


@pytest.mark.slow
def test_two_disks_pulled_out_and_put_back_in_another_order_go_on_each_with_its_own_run(drawer: Drawer):
    world, local = drawer.world, drawer.world.repository.snapshots()[0]["id"]
    first, second = drawer.prepared("1"), drawer.prepared("2")
    code, said = typed(world, ("cold", "sync"), ())
    assert code == 2 and "disks 1, 2 are connected" in said
    for number in "12":
        assert typed(world, ("cold", "sync", number), (PAPER,), kill_at=f"intent:copy:{local[:8]}")[0] == -signal.SIGKILL
        drawer.disks[number].pull()
    second.connect(at=drawer.place("1"))  # into the other's place first
    before = sorted(map(str, drawer.place("1").rglob("*")))
    assert "is disk 2" in drawer.sync("1", expect=50)
    assert sorted(map(str, drawer.place("1").rglob("*"))) == before
    second.pull(at=drawer.place("1"))
    second.connect()
    drawer.sync("2")
    assert {one["outcome"] for one in drawer.runs()} == {"open", "succeeded"}
    first.connect()
    drawer.sync("1")
    assert [one["outcome"] for one in drawer.runs()] == ["succeeded"] * 2
    assert [len(drawer.held(disk)) for disk in (first, second)] == [1, 1]


@pytest.mark.slow
def test_disk_pulled_out_while_it_is_ejected_ends_the_run_well(drawer: Drawer):
    drawer.world.config["tiers"]["cold"]["eject"] = True
    drawer.world.write()
    disk = drawer.prepared("1")
    name = pulled(drawer, "eject")
    drawer.world.axej("resume", name, expect=0)
    assert [(one["run"], one["outcome"]) for one in drawer.runs()] == [(name, "succeeded")]
    assert len(drawer.held(disk.connect())) == 1


def test_disk_pulled_out_while_restic_copies_makes_the_run_wait_and_writes_nothing_below(drawer: Drawer):
    world = drawer.world
    (world.files / "big.bin").write_bytes(os.urandom(60 << 20))
    world.axej("backup", "--local", expect=0)
    disk = drawer.prepared("1", mib=256)
    place = drawer.place("1")
    pid = os.fork()
    if pid == 0:  # a hand that pulls it out as soon as data come
        end = time.monotonic() + 60
        while time.monotonic() < end and not list((place / "restic-repo" / "data").glob("??/*")):
            time.sleep(0.005)
        copying = [one for one in world.processes() if "copy" in one.cmdline()]
        for one in copying:
            one.suspend()  # in the middle, however quick it is
        disk.pull()
        for one in copying:
            one.resume()
        os._exit(0)
    said = drawer.sync("1", expect=50)
    os.waitpid(pid, 0)
    assert "goes on when it is back" in said
    assert names(place) == []
    disk.connect()
    said = drawer.sync("1")
    (one,) = drawer.runs()
    assert (one["outcome"], one["resumed"]) == ("succeeded", 1), said
    assert len(drawer.held(disk)) == 2
    assert_nothing_repeated(events_of(world, one["run"]))
    until(lambda: not world.processes(), what="children end")


def test_program_that_makes_missing_folders_makes_none_below_a_disk_that_was_pulled_out(tmp_path: Path):
    """restic's way of saving a file into a folder that is not there; a script stands for it, so that the moment is certain."""
    need("loop")
    disk = Disk(tmp_path / "1.image", tmp_path / "axe-cold-1")
    with disk.image.open("wb") as file:
        file.truncate(16 << 20)
    run(*MKFS["ext4"], str(disk.image))
    disk.connect()
    script = tmp_path / "restic"
    script.write_text('#!/bin/sh\necho ready\nread line\nmkdir -p "$2/data/ff"\n')
    script.chmod(0o755)
    repository = DiskRepository(script, str(disk.mount / "restic-repo"), PasswordSource("command", ("false",)), mount=disk.mount)
    child = process.start(repository.command("copy"))
    assert child.stdin and child.stdout and child.stdout.readline() == b"ready\n"
    disk.pull()
    child.stdin.write(b"go on\n")
    child.stdin.close()
    child.wait(10)
    assert names(disk.mount) == []
