"""What must be true of a world after a run was killed and resumed, whatever the instant was."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from axejournal.jobs import JOBS
from tests.world.home import World

ENDED = ("succeeded", "degraded", "failed", "cancelled")


def events_of(world: World, run: str) -> list[dict[str, Any]]:
    """The run's events, as `axej history RUN --json` gives them."""
    return world.json("history", run)["events"]


def only_run(world: World) -> dict[str, Any]:
    """The one run of this world that is a backup."""
    runs = [run for run in world.json("history") if run["job"] == "backup.local"]
    assert len(runs) == 1, runs
    return runs[0]


def assert_sound(world: World, run: dict[str, Any], sources: set[str], outcome: str = "succeeded") -> None:
    """One snapshot for the run, every source in it, a legal history, finished steps not repeated, nothing left over,
    the journal whole."""
    events = events_of(world, run["run"])
    assert run["outcome"] == outcome, (run, [event["data"] for event in events if event["name"].endswith("Failed")])
    assert_one_snapshot(world, run["run"], sources)
    assert_legal(events)
    assert_nothing_repeated(events)
    assert_nothing_left(world)
    world.axej("journal", "verify", expect=0)


def assert_one_snapshot(world: World, run: str, sources: set[str]) -> None:
    """Found by the run's tag; and every source is a restore point of it."""
    snapshots = world.repository.snapshots(f"run={run}")
    assert len(snapshots) == 1, snapshots
    points = [point for point in world.json("points") if point["run"] == run]
    assert {point["source"] for point in points} == sources
    assert {point["snapshot"] for point in points} == {snapshots[0]["id"]}
    held = world.repository.files(snapshots[0]["id"])
    staging = f"{world.state}/staging"
    for source in sources - {"files"}:
        assert f"{staging}/{source}/dump/toc.dat" in held
        assert f"{staging}/{source}/axej-dump.json" in held
    assert f"{staging}/axej/journal.sqlite" in held
    assert any(path.startswith(f"{world.files}/") for path in held)


def assert_legal(events: list[dict[str, Any]]) -> None:
    """Each event was allowed by the state table, and led where the table says."""
    machine = JOBS["backup.local"].machine
    state = events[0]["state"]
    assert (events[0]["name"], state) == ("RunRequested", machine.initial)
    for event in events[1:]:
        assert machine.next(state, event["name"]) == event["state"]
        state = event["state"]
    assert state in ENDED
    numbers = [event["number"] for event in events]
    assert numbers == list(range(1, len(events) + 1))


def assert_nothing_repeated(events: list[dict[str, Any]]) -> None:
    """After a step's fact comes no further intent of that step."""
    done: set[str] = set()
    for event in events:
        if event["step"] is None:
            continue
        if event["name"] == "StepStarted":
            assert event["step"] not in done, f"{event['step']} was done and begun again"
        elif event["name"] not in ("ChildStarted", "StepFailed", "StepProbed", "StepGivenUp", "RunWaits"):
            assert event["step"] not in done, f"{event['step']} was recorded twice"
            done.add(event["step"])


def assert_nothing_left(world: World) -> None:
    """No process, no lock in the repository, no dump on the disk, no session in the database, no open run."""
    assert [process.cmdline() for process in world.processes()] == []
    assert list((world.repository.path / "locks").iterdir()) == []
    staging = world.state / "staging"
    assert [path.name for path in staging.iterdir()] == []
    assert not list((world.state / "progress").glob("*.json")) if (world.state / "progress").is_dir() else True
    sessions = world.server.sql("postgres", "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'axej%'")
    assert sessions == []
    assert [run for run in world.json("history") if run["outcome"] == "open"] == []


def snapshot_bytes(path: Path) -> int:
    """Bytes in a repository's packs."""
    return sum(file.stat().st_size for file in (path / "data").rglob("*") if file.is_file())


def run_id(said: str) -> str:
    """The run's id in what axej said."""
    found = re.search(r"run (\d{6}-\d{4}-\w{4})", said)
    assert found, said
    return found[1]
