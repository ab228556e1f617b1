"""Two companies push to each other at the same moment."""

from __future__ import annotations

from tests.ring.test_verify import two as two  # the fixture


def test_both_sides_push_at_once(two):
    for side in two:
        side.world.axej("backup", "--local", expect=0)
        side.world.axej("ring", "consent", "--as", "Kim, axe", "--as", "Lee, realchoice", expect=0)
        side.world.axej("ring", "verify", expect=3)
        side.world.axej("ring", "init", expect=0)
    started = [side.world.start("ring", "push") for side in two]
    assert [process.wait(120) for process in started] == [0, 0], [side.world.said() for side in two]
    for side in two:
        (copy,) = side.world.json("points", "--tier", "ring")
        assert (side.there / "snapshots" / copy["snapshot"]).is_file()
