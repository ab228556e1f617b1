"""The journal comes back from last week's copy: what happened since is forgotten, and nothing is lost by it."""

from __future__ import annotations

import json
import signal

from tests.world.home import World, at


def scheduled(world: World, moment: str, expect: int = 0, **more: str) -> None:
    world.axej("backup", "--local", "--scheduled", env=at(moment), expect=expect, **more)


def test_journal_of_last_week_runs_the_newest_slot_once_and_says_what_it_lacks(make_world):
    world = make_world(databases=())
    world.axej("backup", "--local", env=at("2026-05-12T20:00:00+09:00"), expect=0)
    copy = world.folder / "copy.sqlite"
    world.axej("journal", "backup", str(copy), expect=0)
    scheduled(world, "2026-05-19T03:00:05+09:00")
    scheduled(world, "2026-05-20T03:00:05+09:00", -signal.SIGKILL, kill_at="fact:snapshot")
    said = world.axej("journal", "restore", str(copy), "--yes", expect=0)
    assert "will no longer be in the journal" in said.stderr
    scheduled(world, "2026-05-20T08:00:00+09:00")
    scheduled(world, "2026-05-20T09:00:00+09:00")
    runs = world.json("history")
    assert [(run["slot"], run["outcome"]) for run in runs if run["slot"]] == [("2026-05-20T03:00+09:00", "succeeded")]
    snapshots = world.repository.snapshots()
    assert len(snapshots) == 4  # those that the journal no longer knows stay, and restic reads them
    assert len({snapshot["id"] for snapshot in snapshots} & {point["snapshot"] for point in world.json("points")}) == 2
    world.axej("journal", "verify", expect=0)
    told = {each["check"]: each["text"] for each in json.loads(world.axej("doctor", "--json").stdout)}
    assert told["snapshots"].startswith("2 of 4 snapshots in tier local are of runs that the journal does not know")
    told = world.axej("journal", "anchors", "--snapshots", expect=30)
    assert told.stdout.count("MISSING") >= 1
