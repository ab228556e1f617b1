"""A disk that is pulled out in the middle: the run waits for it, and goes on with that disk only, days later too."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.crash.proof import assert_nothing_repeated, events_of
from tests.world.disks import PAPER, Drawer, typed, until


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
    run = pulled(drawer, f"copy:{local[:8]}" if step == "copy" else step)
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
    assert [(one["run"], one["outcome"]) for one in drawer.runs()] == [(run, "succeeded")]
    assert_nothing_repeated(events_of(world, run))
    world.axej("journal", "verify", expect=0)


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
        disk.pull()
        os._exit(0)
    said = drawer.sync("1", expect=50)
    os.waitpid(pid, 0)
    assert "goes on when it is back" in said
    assert names(place) == []
    disk.connect()
    said = drawer.sync("1")
    (run,) = drawer.runs()
    assert (run["outcome"], run["resumed"]) == ("succeeded", 1), said
    assert len(drawer.held(disk)) == 2
    assert_nothing_repeated(events_of(world, run["run"]))
    until(lambda: not world.processes(), what="children end")
