"""What tests of drills look at."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import psutil

from tests.crash.proof import events_of
from tests.world.home import World


def last_drill(world: World) -> dict[str, Any]:
    """The newest drill."""
    return next(run for run in world.json("history") if run["job"] == "restore.drill")


def drilled(world: World, tier: str = "local") -> dict[str, dict[str, Any]]:
    """The newest drill's verdicts in a tier, by source."""
    facts = facts_of(world, "SourceDrilled")
    return {fact["source"]: fact for fact in facts if fact["tier"] == tier}


def facts_of(world: World, name: str) -> list[dict[str, Any]]:
    """The newest drill's facts of a kind."""
    return [event["data"] for event in events_of(world, last_drill(world)["run"]) if event["name"] == name]


def assert_nothing_scratch(world: World, run: str) -> None:
    """No folder, no server, no process of a drill."""
    base = world.state / "drill"
    assert not base.exists() or [path.name for path in base.iterdir()] == []
    assert not Path(f"/tmp/axej-drill-{run}").exists()
    assert [process.cmdline() for process in servers(run)] == []


def servers(run: str) -> list[psutil.Process]:
    """Living postmasters of a run's scratch."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres" and any(run in word for word in process.info["cmdline"] or ()):
            found.append(process)
    return found


def scratch_sql(world: World, run: str, database: str, statement: str) -> None:
    """Changes something in a scratch server whose drill was killed."""
    (socket,) = Path(f"/tmp/axej-drill-{run}").rglob(".s.PGSQL.5432")
    environment = {**os.environ, "PGHOST": str(socket.parent), "PGUSER": "postgres", "PGDATABASE": database}
    subprocess.run([str(world.server.bin_dir / "psql"), "-Xqc", statement], check=True, env=environment, capture_output=True)
