"""backup.local of databases in containers, killed by SIGKILL: done once, no sidecar left, the live servers untouched."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from tests.crash.proof import assert_sound, events_of, only_run
from tests.world.engine import Container, Engine
from tests.world.home import SMALL_SQL, World
from tests.world.place import wait_until

SOURCES = {"files", "frame", "hive"}
KILLS = 8


@pytest.fixture(scope="module")
def servers(docker_engine: Engine) -> Iterator[dict[str, Container]]:
    """Two servers in containers, started once."""
    made = {name: docker_engine.run_postgres(f"{name}-crash", user="axe", database=name) for name in ("frame", "hive")}
    for name, one in made.items():
        one.sql(name, SMALL_SQL)
    yield made
    for one in made.values():
        one.remove()


@pytest.fixture
def world(make_world: Callable[..., World], servers: dict[str, Container], docker_engine: Engine) -> Iterator[World]:
    """Both as sources. After the test: no sidecar, no session of axej's, and the servers run since before."""
    made = make_world(databases=())
    made.environment |= docker_engine.environment
    for name, one in servers.items():
        made.add_source(name, kind="postgres", container=one.name, database=name, user="axe")
    before = _starts(servers)
    yield made
    assert docker_engine.containers("label=axej.run") == set()
    assert _starts(servers) == before
    for one in servers.values():
        assert one.sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'axej%'") == [("0",)]


def _starts(servers: dict[str, Container]) -> dict[str, str | None]:
    return {name: one.sql("postgres", "SELECT pg_postmaster_start_time()")[0][0] for name, one in servers.items()}


@pytest.mark.parametrize("step", ["dump:frame", "snapshot"])
@pytest.mark.parametrize("point", ["intent", "effect", "fact"])
def test_backup_of_containers_killed_at_a_named_instant_is_resumed_and_done_once(world, docker_engine, point, step):
    since = f"{time.time():.6f}"
    assert world.axej("backup", "--local", kill_at=f"{point}:{step}").returncode == -9
    world.axej("resume", expect=0)
    run = only_run(world)
    assert run["resumed"] == 1
    assert_sound(world, run, SOURCES)
    assert_sidecars_in_turn(world, docker_engine, since)


def test_sidecar_that_outlived_its_run_is_ended_before_the_step_is_repeated(world, docker_engine):
    """Its client is frozen, so that the engine does not hear that axej is dead."""
    world.config["sources"].pop("hive")
    world.write()
    since = f"{time.time():.6f}"
    process = world.start("backup", "--local", kill_at="effect:dump:frame")
    _freeze_client(world)
    assert process.wait(timeout=120) == -9
    (left,) = docker_engine.containers("label=axej.run", "status=running")
    world.axej("resume", expect=0)
    run = only_run(world)
    assert_sound(world, run, SOURCES - {"hive"})
    assert_sidecars_in_turn(world, docker_engine, since)
    (ended,) = [event["data"]["ended"] for event in events_of(world, run["run"]) if event["name"] == "RunResumed"]
    assert any("docker" in one or left in one for one in ended), ended


def test_forgotten_container_of_a_dead_run_is_ended_by_its_label_and_named(world, docker_engine):
    assert world.axej("backup", "--local", kill_at="effect:dump:frame").returncode == -9
    run = only_run(world)["run"]
    words = ("run", "-d", "--name", "axej-forgotten", "--label", f"axej.run={run}", "--entrypoint", "sleep")
    docker_engine.docker(*words, docker_engine.image, "1000")
    docker_engine.docker("run", "-d", "--name", "bystander", "--entrypoint", "sleep", docker_engine.image, "1000")
    try:
        world.axej("resume", expect=0)
        assert_sound(world, only_run(world), SOURCES)
        (ended,) = [event["data"]["ended"] for event in events_of(world, run) if event["name"] == "RunResumed"]
        assert "container axej-forgotten" in ended
        assert "bystander" in docker_engine.containers()
    finally:
        docker_engine.docker("rm", "--force", "bystander", "axej-forgotten", check=False)


def test_backup_of_containers_killed_at_random_moments_is_always_done_once(world, capsys):
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    begin = time.monotonic()
    world.axej("backup", "--local", expect=0)
    whole_s, killed = time.monotonic() - begin, 0
    while killed < KILLS:
        words = ["backup", "--local"]
        for _ in range(chance.randint(1, 3)):
            process = world.start(*words)
            time.sleep(chance.random() * whole_s)
            process.kill()
            process.wait()
            killed += 1
            words = ["resume"]
        world.axej("resume")
        assert_sound(world, world.json("history", "--limit", "1")[0], SOURCES)
    with capsys.disabled():
        print(f"\n{killed} kills, seed {seed}")


def _freeze_client(world: World) -> None:
    """Stops the client that holds the sidecar, once something runs in the sidecar."""
    found: dict[str, psutil.Process] = {}

    def look() -> bool:
        found.clear()
        for process in world.processes():
            with contextlib.suppress(psutil.Error, IndexError):  # it may end meanwhile
                words = process.cmdline()
                if Path(words[0]).name == "docker":
                    found[words[1]] = process
        return {"run", "exec"} <= set(found)

    wait_until(look, "something that runs in a sidecar", 60)
    found["run"].suspend()


def assert_sidecars_in_turn(world: World, engine: Engine, since: str) -> None:
    """No sidecar of the run was alive when the resume began its work: by the engine's events and the journal's times."""
    (run,) = [one["run"] for one in world.json("history")]
    (resumed,) = [event["recorded_at"] for event in events_of(world, run) if event["name"] == "RunResumed"]
    words = ("events", "--since", since, "--until", f"{time.time():.6f}", "--filter", f"label=axej.run={run}")
    lines = engine.docker(*words, "--filter", "type=container", "--format", "{{json .}}").stdout.splitlines()
    alive: set[str] = set()
    moment = datetime.fromisoformat(resumed).timestamp()
    for event in map(json.loads, lines):
        if event["timeNano"] / 1e9 > moment:
            break
        if event["Action"] == "start":
            alive.add(event["id"])
        if event["Action"] == "die":
            alive.discard(event["id"])
    assert lines
    assert alive == set()
