"""Data directories brought back beside the live server: a stopped server's volume, and a physical copy."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from tests.crash.proof import assert_nothing_left
from tests.world.engine import Container, Engine
from tests.world.home import SMALL_SQL, World
from tests.world.postgres import Server

SUM = "SELECT count(*), sum(amount) FROM journal_line"


@pytest.fixture
def world(make_world) -> World:
    """A database with a physical copy, backed up."""
    made = make_world()
    made.config["sources"]["frame"]["physical"] = "weekly"
    made.write()
    made.axej("backup", "--local", expect=0)
    return made


def commands(said: str) -> list[str]:
    """What is told at the end."""
    lines = said.splitlines()
    begin = next(number for number, line in enumerate(lines) if "To start a server on it:" in line)
    return [line.strip().partition("    #")[0] for line in lines[begin + 1 :] if line.startswith("    ")]


@pytest.mark.parametrize("kill_at", ["", "effect:fetch", "intent:unpack", "effect:unpack"])
def test_physical_copy_is_unpacked_into_a_folder_and_starts_as_told(world: World, place, kill_at):
    home = place.folder("physical", world.server.owner)
    words = ("restore", "--target", "frame", "--physical", "--into", str(home / "data"), "--yes")
    done = world.axej(*words, kill_at=kill_at)
    if kill_at:
        assert done.returncode == -9
        done = world.axej("resume", expect=0)
    assert done.returncode == 0, done.stderr
    told = commands(done.stderr)
    assert [line.split()[0] for line in told] == ["chmod", "chown", "sudo"]
    if kill_at:
        assert_nothing_left(world)
        return
    for line in told[:2]:
        subprocess.run(shlex.split(line), check=True)
    like = world.server
    server = Server(home / "data", home, like.port + 1, like.bin_dir, like.major, place, like.owner)
    try:
        server.start()
        database = world.config["sources"]["frame"]["database"]
        assert server.sql(database, SUM) == like.sql(database, SUM)
    finally:
        server.stop()
    again = world.axej(*words, expect=1)
    assert f"{home / 'data'} is already there" in again.stderr
    undo = world.axej("undo", world.json("history")[0]["run"], expect=2)
    assert "replaced nothing" in undo.stderr


def test_words_that_do_not_fit_a_physical_copy_are_refused(world: World):
    assert "a data directory needs a place" in world.axej("restore", "--target", "frame", "--physical", expect=2).stderr
    files = world.axej("restore", "--target", "files", "--physical", "--into", "/tmp/x", expect=2)
    assert "--physical goes with one --target that is a database" in files.stderr
    table = ("restore", "--target", "frame", "--physical", "--table", "journal_line", "--dry-run")
    assert "holds a server's data directory" in world.axej(*table, expect=1).stderr


def test_volume_of_a_stopped_server_comes_back_in_a_new_volume_and_starts_as_told(make_world, docker_engine: Engine):
    world: World = make_world(databases=())
    world.environment |= docker_engine.environment
    server = docker_engine.run_postgres("down-postgres", volume="down-data", user="axe", docker_options=("--network", "none"))
    try:
        server.sql("postgres", SMALL_SQL)
        rows = server.sql("postgres", SUM)
        server.stop()
        where = {"container": "down-postgres", "database": "postgres", "user": "axe", "volume": "down-data"}
        world.add_source("down", kind="postgres", **where)
        world.axej("backup", "--local", expect=3)
        everything = world.axej("restore", "--dry-run", expect=1)
        assert "holds its stopped server's volume, no dump" in everything.stderr
        plan = world.axej("restore", "--target", "down-postgres", "--dry-run", expect=0).stdout
        assert "nothing: down-data__restored_RUN is made beside" in plan
        killed = world.axej("restore", "--target", "down-postgres", "--yes", kill_at="effect:unpack")
        assert killed.returncode == -9
        start, _ = commands(world.axej("resume", expect=0).stderr)
        assert docker_engine.containers("label=axej.run") == set()
        assert not server.is_running()
        docker_engine.docker("run", "-d", "--network", "none", *shlex.split(start)[3:])
        again = Container("down-postgres-restored", docker_engine, "axe", None)
        again.wait()
        assert again.sql("postgres", SUM) == rows
        taken = world.axej("restore", "--target", "down-postgres", "--into", "down-data", "--yes", expect=1)
        assert "volume down-data is already there" in taken.stderr
    finally:
        docker_engine.docker("rm", "--force", "--volumes", *docker_engine.containers(), check=False)
        docker_engine.docker("volume", "prune", "--force", "--all", check=False)
