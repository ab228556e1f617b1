"""A drill of a source in a container: in one of its own image without a network; without Docker in this machine's own server."""

from __future__ import annotations

import signal
from datetime import UTC, datetime

import pytest

from tests.crash.proof import events_of
from tests.drill.scenes import assert_nothing_scratch, drilled, facts_of, last_drill
from tests.world.engine import Engine
from tests.world.home import SMALL_SQL, World, at
from tests.world.place import wait_until


@pytest.fixture
def world(make_world, docker_engine: Engine, container) -> World:
    """One database in a container, backed up once."""
    server = container("drill-postgres", volume="drill-live", user="axe", database="frame")
    server.sql("frame", SMALL_SQL)
    made = make_world(databases=())
    made.environment |= docker_engine.environment
    check = {"run": "psql -XAtc 'SELECT count(*) FROM journal_line'", "expect": "^2000$"}
    settings = {"container": "drill-postgres", "database": "frame", "user": "axe", "volume": "drill-live"}
    made.add_source("frame", kind="postgres", **settings, drill={"checks": [check]})
    made.axej("backup", "--local", "--source", "frame")
    return made


def test_drill_in_a_container_of_the_sources_image_has_no_network_and_leaves_nothing(world: World, docker_engine: Engine):
    before = docker_engine.docker("inspect", "--format", "{{.State.StartedAt}}", "drill-postgres").stdout
    assert world.axej("drill", "--target", "frame", kill_at="fact:load:local:frame").returncode == -9
    run = last_drill(world)["run"]
    (name,) = docker_engine.containers(f"name=axej-drill-{run}")
    shown = docker_engine.docker(
        "inspect",
        "--format",
        "{{.HostConfig.NetworkMode}} {{len .NetworkSettings.Ports}} {{.HostConfig.Memory}} {{.Image}}",
        name,
    ).stdout.split()
    image = docker_engine.docker("inspect", "--format", "{{.Image}}", "drill-postgres").stdout.strip()
    assert shown == ["none", "0", str(2 * 2**30), image]
    assert "drill-live" not in docker_engine.docker("inspect", "--format", "{{json .Mounts}}", name).stdout
    planted = ("psql", "-h", "/axej-socket", "-U", "axe", "-d", "frame", "-qc", "DELETE FROM journal_line WHERE id = 7")
    docker_engine.docker("exec", name, *planted)
    world.axej("resume", expect=0)  # in a fresh server: the one that died with its run is not waited for
    fact = drilled(world)["frame"]
    assert (fact["passed"], fact["proof"], fact["scratch"].split(",")[0]) == (True, "verified", "container")
    assert_no_container(docker_engine, run)
    assert docker_engine.docker("inspect", "--format", "{{.State.StartedAt}}", "drill-postgres").stdout == before
    assert_nothing_scratch(world, run)


@pytest.mark.slow
def test_load_that_outgrows_its_limit_and_a_drill_that_is_cancelled_leave_no_container(world: World, docker_engine: Engine):
    drill = world.config["sources"]["frame"]["drill"]
    world.config["sources"]["frame"]["drill"] = {"scratch_mib": 20}
    world.write()
    done = world.axej("drill", "--target", "frame", expect=21)
    assert "bytes and may take 20,971,520: its load was ended" in done.stderr, done.stderr[-900:]
    assert_no_container(docker_engine, last_drill(world)["run"])
    world.config["sources"]["frame"]["drill"] = {**drill, "checks": [{"run": "sleep 60"}]}
    world.write()
    child = world.start("drill", "--target", "frame")
    wait_until(lambda: "check" in steps_begun(world), "the drill's check")
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=60) == 130, world.said()
    run = last_drill(world)
    assert run["outcome"] == "cancelled"
    assert_no_container(docker_engine, run["run"])
    assert_nothing_scratch(world, run["run"])


def assert_no_container(engine: Engine, run: str) -> None:
    """Neither a server nor its data are left in the engine."""
    assert engine.containers(f"name=axej-drill-{run}") == set()
    assert f"axej-drill-{run}" not in engine.docker("volume", "ls", "--quiet").stdout


def steps_begun(world: World) -> set[str]:
    """What the newest drill has begun, by verb."""
    run = last_drill(world)
    return {event["step"].split(":")[0] for event in events_of(world, run["run"]) if event["step"]} if run else set()


@pytest.mark.slow
def test_without_docker_it_waits_and_takes_this_machines_own_server(world: World):
    hasty = at(datetime.now(UTC).isoformat()) | {"TESTS_HASTE": "50"}
    dead = {"DOCKER_HOST": f"unix://{world.folder}/no-such-socket", **hasty}
    done = world.axej("drill", "--target", "frame", env=dead, expect=3)
    assert "its own image was not to be had: Docker does not answer" in done.stderr
    assert len(facts_of(world, "StepFailed")) == 4  # it waited for Docker, a minute in all
    (ready,) = facts_of(world, "ScratchReady")
    assert ready["kind"] == "local"
    assert drilled(world)["frame"]["proof"] == "verified"
    assert_nothing_scratch(world, last_drill(world)["run"])
