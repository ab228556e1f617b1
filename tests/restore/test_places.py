"""Restores of databases with hostile names, and of a database in a container."""

from __future__ import annotations

import pytest

from tests.crash.proof import run_id
from tests.world.engine import Engine
from tests.world.home import SMALL_SQL, World, reach
from tests.world.samples import HOSTILE_SQL

NAMES = ("has space", "--help", "한국어 데이터", "host=elsewhere dbname=postgres", 'double"quote', "back\\slash", "n" * 63)


@pytest.mark.parametrize("name", NAMES)
def test_hostile_name_is_restored_and_undone(make_world, database, name):
    world: World = make_world(databases=())
    database(exact=name, file=HOSTILE_SQL)
    world.add_source("odd", kind="postgres", **reach(world.server), database=name)
    world.server.sql(name, "CREATE TABLE public.mark (n int); INSERT INTO public.mark VALUES (1)")
    world.axej("backup", "--local", expect=0)
    world.server.sql(name, "UPDATE public.mark SET n = 2")
    run = run_id(world.axej("restore", "--target", "odd", "--yes", expect=0).stderr)
    assert world.server.sql(name, "SELECT n FROM public.mark") == [("1",)]
    undo = run_id(world.axej("undo", run, expect=0).stderr)
    assert world.server.sql(name, "SELECT n FROM public.mark") == [("2",)]
    left = [one for one in world.server.databases() if one.endswith((run, undo))]
    for one in left:
        world.server.drop_database(one)
    assert len(left) == 1 and left[0].endswith(f"__before_{undo}")


def test_database_in_a_container_is_restored_and_its_service_restarted(make_world, docker_engine: Engine):
    world: World = make_world(databases=())
    world.environment |= docker_engine.environment
    container = docker_engine.run_postgres("ledger-postgres", user="axe", database="ledger")
    try:
        container.sql("ledger", SMALL_SQL)
        restart = {"restart": ["docker restart ledger-postgres"]}
        world.add_source(
            "ledger", kind="postgres", container="ledger-postgres", database="ledger", user="axe", after_restore=restart
        )
        world.axej("backup", "--local", expect=0)
        before = container.sql("ledger", "SELECT count(*), sum(amount) FROM journal_line")
        container.sql("ledger", "DELETE FROM journal_line")
        world.axej("restore", "--target", "ledger-postgres", "--yes", expect=0)
        assert docker_engine.containers("label=axej.run") == set()
        said = docker_engine.docker("logs", "ledger-postgres")
        assert "received fast shutdown" in said.stdout + said.stderr
        container.wait()
        assert container.sql("ledger", "SELECT count(*), sum(amount) FROM journal_line") == before
    finally:
        container.remove()
