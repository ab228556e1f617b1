"""A database brought back: beside the live one, compared, swapped in, checked; and taken back."""

from __future__ import annotations

import pytest

from tests.crash.proof import run_id
from tests.world.home import World

COUNTS = "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM journal_line), (SELECT sum(amount) FROM journal_line)"


@pytest.fixture
def world(make_world) -> World:
    """One database and files, backed up once."""
    made = make_world(databases=("frame",))
    made.axej("backup", "--local", expect=0)
    return made


def frame(world: World) -> str:
    """The database's name in the server."""
    return str(world.config["sources"]["frame"]["database"])


def mine(world: World) -> set[str]:
    """Databases of this world's source, beside ones included."""
    return {name for name in world.server.databases() if name.startswith(frame(world))}


def damage(world: World) -> None:
    """A bad migration."""
    world.server.sql(frame(world), "DELETE FROM journal_line WHERE id % 2 = 0; UPDATE customers SET name = 'x';")


def test_restore_brings_back_what_was_backed_up_and_keeps_the_old(world: World):
    before = world.server.sql(frame(world), COUNTS)
    damage(world)
    damaged = world.server.sql(frame(world), COUNTS)
    done = world.axej("restore", "--target", "frame", "--yes", expect=0)
    run = run_id(done.stderr)
    assert world.server.sql(frame(world), COUNTS) == before
    kept = f"{frame(world)}__before_{run}"
    assert mine(world) == {frame(world), kept}
    assert world.server.sql(kept, COUNTS) == damaged
    assert not (world.state / "restore" / run).exists()
    (point,) = world.json("points", "--source", "frame")
    assert point["proof"] == "restored"
    assert "restore point   frame, local, " in done.stdout
    world.axej("journal", "verify", expect=0)
