"""`axej drill`: every source brought back into a scratch server, compared, checked, measured; nothing left over."""

from __future__ import annotations

from tests.crash.proof import assert_nothing_left
from tests.drill.scenes import assert_nothing_scratch, drilled, last_drill
from tests.world.home import World


def test_drill_brings_all_back_proves_the_points_and_leaves_nothing(world: World):
    done = world.axej("drill", expect=0)
    run = last_drill(world)
    assert run["outcome"] == "succeeded"
    verdicts = drilled(world)
    assert {source: (fact["passed"], fact["proof"]) for source, fact in verdicts.items()} == {
        "frame": (True, "verified"),
        "files": (True, "verified"),
    }
    frame = verdicts["frame"]
    assert [(check["name"], check["passed"]) for check in frame["checks"][:5]] == [
        ("contents", True), ("roles", True), ("extensions", True), ("constraints", True), ("indexes", True),
    ]  # fmt: skip
    assert frame["checks"][0]["detail"] == "2 tables, 2,050 rows and 0 sequences as they were dumped"
    assert frame["checks"][5]["detail"] == "2000"
    assert set(frame["seconds"]) == {"scratch", "fetch", "load", "compare", "check"}
    assert {point["proof"] for point in world.json("points")} == {"verified"}
    assert "everything was back after" in done.stdout
    assert_nothing_left(world)
    assert_nothing_scratch(world, run["run"])
    world.axej("journal", "verify", expect=0)
