"""cold.init and cold.enroll killed by SIGKILL, and asked for again: one repository, its number, the keys that belong there."""

from __future__ import annotations

import signal

import pytest

from tests.world.disks import PAPER, Drawer, typed

QUICK = {"effect"}
POINTS = [pytest.param(point, marks=() if point in QUICK else pytest.mark.slow) for point in ("intent", "effect", "fact")]


@pytest.mark.parametrize("point", POINTS)
def test_init_and_enrolling_killed_at_a_named_instant_are_done_once(drawer: Drawer, point: str):
    world = drawer.world
    world.config["tiers"]["cold"]["machine_key"] = {"file": str(drawer.folder / "key")}
    world.write()
    disk = drawer.new("1").connect()
    code, said = typed(world, ("cold", "init", "1"), (PAPER, PAPER), kill_at=f"{point}:prepare")
    assert code == -signal.SIGKILL, said
    made = (disk.mount / "restic-repo" / "config").exists()
    assert made == (point != "intent")
    assert world.axej("resume").returncode in (0, 12)  # nobody types: it waits for a password, or is done
    if drawer.runs("cold.init")[0]["outcome"] == "open":
        code, said = typed(world, ("cold", "init", "1"), (PAPER,) if made else (PAPER, PAPER))
        assert code == 0, said
    assert [run["outcome"] for run in drawer.runs("cold.init")] == ["succeeded"]
    code, said = typed(world, ("cold", "enroll-key", "1"), (PAPER,), kill_at=f"{point}:enroll")
    assert code == -signal.SIGKILL, said
    world.axej("resume")
    if any(run["outcome"] == "open" for run in drawer.runs("cold.enroll")):
        code, said = typed(world, ("cold", "enroll-key", "1"), (PAPER,))
        assert code == 0, said
    assert [run["outcome"] for run in drawer.runs("cold.enroll")] == ["succeeded"]
    assert len(list((disk.mount / "restic-repo" / "keys").iterdir())) == 2
    assert "1 copied" in world.axej("cold", "sync", "1", expect=0).stderr
    world.axej("journal", "verify", expect=0)
    if point == "effect":  # another secret for the machine
        (drawer.folder / "key").write_text("another secret of this machine")
        before = {path.name for path in (disk.mount / "restic-repo" / "keys").iterdir()}
        code, said = typed(world, ("cold", "enroll-key", "1"), (PAPER,))
        assert code == 0, said
        after = {path.name for path in (disk.mount / "restic-repo" / "keys").iterdir()}
        assert len(after) == 2 and len(after & before) == 1
        assert "keys" not in world.axej("cold", "sync", "1", expect=0).stderr
