"""cold.sync killed by SIGKILL at every named instant of every step, and gone on with: each snapshot is on the disk once,
nothing is done twice, the password is asked for again and is nowhere."""

from __future__ import annotations

import signal

import pytest

from axejournal.jobs import JOBS
from tests.crash.proof import assert_nothing_repeated, events_of
from tests.world.disks import PAPER, Drawer, typed

POINTS = ("intent", "effect", "fact")
STEPS = (
    "identify:1", "password:1", "preflight", "choose", "copy", "await", "verify", "forget", "choose-reading", "read", "prove",
    "record", "eject",
)  # fmt: skip
QUICK = {("intent", "password:1"), ("effect", "copy"), ("effect", "record")}
CASES = [
    pytest.param(point, step, marks=() if (point, step) in QUICK else pytest.mark.slow) for step in STEPS for point in POINTS
]


@pytest.mark.parametrize(("point", "step"), CASES)
def test_sync_killed_at_a_named_instant_goes_on_and_copies_once(drawer: Drawer, point: str, step: str):
    world = drawer.world
    world.config["tiers"]["cold"]["eject"] = True
    world.write()
    disk = drawer.prepared("1")
    local = world.repository.snapshots()[0]["id"]
    at = f"copy:{local[:8]}" if step == "copy" else step
    code, said = typed(world, ("cold", "sync", "1"), (PAPER,), kill_at=f"{point}:{at}")
    assert code == -signal.SIGKILL, said
    world.axej("resume")  # nobody is there to type: it goes as far as it can
    if drawer.runs()[0]["outcome"] == "open":
        code, said = typed(world, ("cold", "sync", "1"), (PAPER,))
        assert code == 0, said
    (run,) = drawer.runs()
    assert run["outcome"] == "succeeded"
    events = events_of(world, run["run"])
    assert_nothing_repeated(events)
    machine = JOBS["cold.sync"].machine
    state = events[0]["state"]
    for event in events[1:]:
        assert machine.next(state, event["name"]) == event["state"]
        state = event["state"]
    if not disk.mount.is_mount():
        disk.connect()
    (copy,) = drawer.held(disk)
    assert copy["original"] == local
    assert [one.cmdline() for one in world.processes()] == []
    assert PAPER.encode() not in world.journal.read_bytes()
