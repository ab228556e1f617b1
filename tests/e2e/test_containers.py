"""The nightly backup of databases in containers, on a real Docker engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.crash.proof import assert_legal, assert_nothing_left, assert_nothing_repeated, assert_sound, events_of, only_run
from tests.world.engine import Container, Engine
from tests.world.home import SMALL_SQL, World, at
from tests.world.place import wait_until

OWN = ("exec_create: psql -X -q -t --csv", "exec_start: psql -X -q -t --csv", "exec_die")
"""What the tests themselves do inside a container: Container.sql."""
NAMES = ("frame", "blueprint", "hive", "mysrt", "index")
ODD = ["quote \" and ' it", "회계 장부", "-d postgres", "back\\slash", "a=b host=evil", "postgres://evil/x", "%41%", "two\nlines"]
BIG = "CREATE TABLE big AS SELECT n, md5(n::text) AS a, md5((n + 1)::text) AS b FROM generate_series(1, 500000) AS n;"


@pytest.fixture(scope="module")
def platform(docker_engine: Engine) -> Iterator[dict[str, Container]]:
    """The operator's five, each in a container NAME-postgres, running before and after every test."""
    made = {}
    for name in NAMES:
        made[name] = docker_engine.run_postgres(f"{name}-postgres", user="axe", database=name)
        made[name].sql(name, SMALL_SQL)
    yield made
    for one in made.values():
        one.remove()


@pytest.fixture
def undisturbed(platform: dict[str, Container], docker_engine: Engine) -> Iterator[None]:
    """The live servers were not restarted, nothing was run inside their containers, and no sidecar is left."""
    before, since = _starts(platform), time.time()
    yield
    until = f"{time.time():.6f}"
    filters = [part for one in platform for part in ("--filter", f"container={one}-postgres")]
    events = ("events", "--since", f"{since:.6f}", "--until", until, "--format", "{{.Action}}", *filters)
    actions = docker_engine.docker(*events).stdout.strip().split("\n")  # not splitlines: psql's NULL is a line's end to it
    assert [action for action in actions if action and not action.startswith(OWN)] == []
    assert _starts(platform) == before
    assert docker_engine.containers("label=axej.run") == set()


@pytest.fixture
def world(make_world: Callable[..., World], docker_engine: Engine) -> World:
    """Files only, on a machine whose Docker is the session's engine."""
    made = make_world(databases=())
    made.environment |= docker_engine.environment
    return made


def _starts(platform: dict[str, Container]) -> dict[str, str | None]:
    return {name: one.sql("postgres", "SELECT pg_postmaster_start_time()")[0][0] for name, one in platform.items()}


def add(world: World, name: str, container: str, database: str = "", user: str = "axe", **settings: object) -> None:
    """A source in a container."""
    world.add_source(name, kind="postgres", container=container, database=database or name, user=user, **settings)


def clear_message(said: str, *words: str) -> None:
    """These words, a hint, no traceback."""
    assert "Traceback" not in said
    for word in ("HINT: ", *words):
        assert word in said, said


def test_five_databases_in_containers_are_backed_up_and_their_servers_left_alone(world, platform, undisturbed):
    for name in NAMES:
        add(world, name, f"{name}-postgres")
    world.axej("backup", "--local", expect=0)
    run = only_run(world)
    assert_sound(world, run, {"files", *NAMES})
    dumped = [event["data"] for event in events_of(world, run["run"]) if event["name"] == "DatabaseDumped"]
    rows = {fact["source"]: {table["name"]: table["rows"] for table in fact["tables"]} for fact in dumped}
    assert rows == {name: {"customers": 50, "journal_line": 2000} for name in NAMES}
    assert len({fact["system_identifier"] for fact in dumped}) == 5


def test_databases_with_hostile_names_in_a_container_are_backed_up(world, platform, undisturbed):
    hive = platform["hive"]
    sources = {f"odd-{number}": name for number, name in enumerate(ODD)}
    for name in ODD:
        hive.create_database(name, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2);")
    for source, name in sources.items():
        add(world, source, "hive-postgres", name)
    world.axej("backup", "--local", expect=0)
    run = only_run(world)
    assert_sound(world, run, {"files", *sources})
    dumped = [event["data"] for event in events_of(world, run["run"]) if event["name"] == "DatabaseDumped"]
    assert {fact["source"]: fact["database"] for fact in dumped} == sources


def test_docker_that_starts_late_is_waited_for_by_a_scheduled_run_only(world, platform, undisturbed, docker_engine):
    """The machine was off at 03:00; at boot the scheduler is there minutes before Docker."""
    add(world, "frame", "frame-postgres")
    asleep = world.folder / "sock"
    late = {"DOCKER_HOST": f"unix://{asleep}"}
    done = world.axej("backup", "--local", env={**late, **at("2026-05-19T20:00:00+09:00")}, expect=3)
    clear_message(done.stdout + done.stderr, "dump:frame failed", "Docker does not answer")
    started = world.start("backup", "--local", "--scheduled", env={**late, **at("2026-05-20T07:00:00+09:00")})
    wait_until(lambda: "preflight" in world.said(), "a run that looks", 30)
    time.sleep(2)
    assert started.poll() is None
    asleep.symlink_to(docker_engine.folder / "sock")
    assert started.wait(timeout=60) == 0, world.said()
    (run, _) = world.json("history")
    assert (run["slot"], run["outcome"], run["retries"]) == ("2026-05-20T03:00+09:00", "succeeded", 0)


def test_stopped_container_without_volume_is_named_with_what_starts_it(world, platform, undisturbed, container):
    container("stopped-postgres", user="axe").stop()
    add(world, "stopped", "stopped-postgres", "postgres")
    add(world, "frame", "frame-postgres")
    done = world.axej("backup", "--local", expect=3)
    clear_message(done.stdout + done.stderr, "dump:stopped failed", "container stopped-postgres is exited")
    page = " ".join(world.axej("history", only_run(world)["run"]).stdout.split())  # a table folds its cells
    assert "docker start stopped-postgres" in page
    assert_sound(world, only_run(world), {"files", "frame"}, outcome="degraded")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_volume_of_a_stopped_container_is_backed_up_and_starts_as_a_server_again(
    world, platform, undisturbed, container, docker_engine, tmp_path, end
):
    volume = f"down-data-{end}"
    server = container("down-postgres", volume=volume, user="axe")
    server.sql("postgres", SMALL_SQL)
    rows = server.sql("postgres", "SELECT count(*), sum(amount) FROM journal_line")
    getattr(server, end)()
    add(world, "down", "down-postgres", "postgres", volume=volume)
    add(world, "frame", "frame-postgres")
    done = world.axej("backup", "--local", expect=3)
    assert f"down: its server was down, its volume {volume} was backed up instead" in done.stdout + done.stderr
    run = only_run(world)
    events = events_of(world, run["run"])
    assert run["outcome"] == "degraded"
    assert not server.is_running()
    assert_legal(events)
    assert_nothing_repeated(events)
    assert_nothing_left(world)
    points = {point["source"]: point for point in world.json("points")}
    assert set(points) == {"files", "down", "frame"}
    folder = f"{world.state}/staging/down"
    world.repository.run("restore", points["down"]["snapshot"], "--target", str(tmp_path / "back"), "--include", folder)
    server.remove()
    _unpack(docker_engine, tmp_path / f"back{folder}", "restored-data")
    again = container("again-postgres", volume="restored-data", user="axe")
    assert again.sql("postgres", "SELECT count(*), sum(amount) FROM journal_line") == rows


def _unpack(engine: Engine, folder: Path, volume: str) -> None:
    """As README.txt beside the archive says."""
    assert "docker volume create restored" in (folder / "README.txt").read_text()
    engine.docker("volume", "create", volume)
    mounts = ("-v", f"{volume}:/volume", "-v", f"{folder}:/from:ro")
    engine.docker("run", "--rm", *mounts, "--entrypoint", "tar", engine.image, "-C", "/volume", "-xf", "/from/volume.tar")


def test_missing_container_does_not_stop_the_others_and_does_not_hide(world, platform, undisturbed):
    add(world, "ghost", "ghost-postgres")
    add(world, "frame", "frame-postgres")
    done = world.axej("backup", "--local", expect=3)
    clear_message(done.stdout + done.stderr, "dump:ghost failed", "container ghost-postgres does not exist")
    assert_sound(world, only_run(world), {"files", "frame"}, outcome="degraded")


def test_docker_that_does_not_answer_fails_its_sources_and_saves_the_rest(world, platform, undisturbed):
    own = world.database("own", sql=SMALL_SQL)
    world.add_source(
        "own", kind="postgres", socket=str(world.server.socket_dir), port=world.server.port, user="postgres", database=own
    )
    add(world, "frame", "frame-postgres")
    add(world, "hive", "hive-postgres")
    dead = {"DOCKER_HOST": f"unix://{world.folder}/no-such-socket"}
    done = world.axej("backup", "--local", env=dead, expect=3)
    clear_message(done.stdout + done.stderr, "dump:frame failed: Docker does not answer", "dump:hive failed")
    assert "Start Docker." in world.axej("history", only_run(world)["run"]).stdout
    assert_sound(world, only_run(world), {"files", "own"}, outcome="degraded")


def test_docker_client_that_is_killed_in_the_middle_of_a_dump_is_tried_again(world, platform, undisturbed, container):
    big = container("big-postgres", user="axe")
    big.sql("postgres", BIG)
    started = big.sql("postgres", "SELECT pg_postmaster_start_time()")
    add(world, "big", "big-postgres", "postgres")
    process = world.start("backup", "--local")
    _dumping_client(world).kill()
    assert process.wait(timeout=120) == 0, world.said()
    run = only_run(world)
    assert_sound(world, run, {"files", "big"})
    failed = [event["data"] for event in events_of(world, run["run"]) if event["name"] == "StepFailed"]
    assert [fact["error"] for fact in failed] == ["ProgramKilled"]
    assert big.sql("postgres", "SELECT pg_postmaster_start_time()") == started
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'axej%'"
    assert big.sql("postgres", sessions) == [("0",)]


def _dumping_client(world: World) -> psutil.Process:
    found: list[psutil.Process] = []

    def look() -> bool:
        found[:] = [process for process in world.processes() if _is_dumping(process)]
        return bool(found)

    wait_until(look, "a docker client that dumps", 60)
    return found[0]


def _is_dumping(process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:  # it ended meanwhile
        return False
    return bool(words) and Path(words[0]).name == "docker" and "pg_dump" in words
