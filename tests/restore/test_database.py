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


def test_undo_swaps_back_and_can_be_undone(world: World):
    damage(world)
    damaged = world.server.sql(frame(world), COUNTS)
    run = run_id(world.axej("restore", "--target", "frame", "--yes", expect=0).stderr)
    restored = world.server.sql(frame(world), COUNTS)
    undo = world.axej("undo", run, expect=0)
    assert f"is as it was before run {run}" in undo.stderr
    assert world.server.sql(frame(world), COUNTS) == damaged
    world.axej("undo", run_id(undo.stderr), expect=0)
    assert world.server.sql(frame(world), COUNTS) == restored
    assert len(mine(world)) == 2


def test_undo_is_refused_when_the_replaced_database_is_gone(world: World):
    run = run_id(world.axej("restore", "--target", "frame", "--yes", expect=0).stderr)
    world.server.drop_database(f"{frame(world)}__before_{run}")
    before = mine(world)
    done = world.axej("undo", run, expect=10)
    assert "is gone; it was kept until" in done.stderr
    assert mine(world) == before


def test_plan_is_printed_and_nothing_is_touched_by_dry_run_or_without_yes(world: World):
    damage(world)
    before = (mine(world), world.server.sql(frame(world), COUNTS))
    plan = world.axej("restore", "--target", "frame", "--dry-run", expect=0).stdout
    for label in ("restore point", "fetch", "replaces", "keeps", "steps", "restarts", "checks", "last time", "runbook"):
        assert f"\n{label}" in f"\n{plan}", plan
    assert "nothing is touched" in plan
    refused = world.axej("restore", "--target", "frame", expect=2)
    assert "restore point" in refused.stdout and "--yes" in refused.stderr
    assert (mine(world), world.server.sql(frame(world), COUNTS)) == before
    assert [run["job"] for run in world.json("history")] == ["backup.local"]


def test_restore_of_a_database_that_is_gone_makes_it_and_keeps_nothing(world: World):
    before = world.server.sql(frame(world), COUNTS)
    world.server.drop_database(frame(world))
    run = run_id(world.axej("restore", "--target", "frame", "--yes", expect=0).stderr)
    assert world.server.sql(frame(world), COUNTS) == before
    assert mine(world) == {frame(world)}
    assert "replaced nothing" in world.axej("undo", run, expect=10).stderr


def test_into_restores_beside_and_swaps_nothing(world: World):
    damage(world)
    damaged = world.server.sql(frame(world), COUNTS)
    beside = f"{frame(world)}_look"
    world.axej("restore", "--target", "frame", "--into", beside, "--yes", expect=0)
    assert world.server.sql(frame(world), COUNTS) == damaged
    assert world.server.sql(beside, "SELECT count(*) FROM journal_line") == [("2000",)]
    taken = world.axej("restore", "--target", "frame", "--into", beside, "--yes")
    assert (taken.returncode, "already at" in taken.stderr) == (1, True)
    world.server.drop_database(beside)


def test_check_that_passes_verifies_the_point_and_one_that_fails_makes_it_suspect(world: World):
    source = world.config["sources"]["frame"]
    source["after_restore"] = {"restart": ["echo restarted"], "check": [{"run": "echo rows: 5", "expect": "rows: [0-9]+"}]}
    world.write()
    run = run_id(world.axej("restore", "--target", "frame", "--yes", expect=0).stderr)
    assert world.json("points", "--source", "frame")[0]["proof"] == "verified"
    assert "restarted" in (world.state / "logs" / f"{run}.log").read_text()
    world.axej("restore", "--target", "frame", "--as-of", "last-valid", "--yes", expect=0)
    source["after_restore"]["check"] = [["sh", "-c", "echo ledger is off by 3 >&2; exit 4"]]
    world.write()
    failed = world.axej("restore", "--target", "frame", "--yes", expect=1)
    assert "ledger is off by 3" in failed.stderr
    assert f'"axej undo {run_id(failed.stderr)}"' in failed.stderr
    assert world.json("points", "--source", "frame")[0]["proof"] == "suspect"
    world.axej("undo", run_id(failed.stderr), expect=0)


def test_check_that_hangs_is_ended_at_its_timeout(world: World):
    world.config["sources"]["frame"]["after_restore"] = {"check": [{"run": "sleep 600", "timeout": "2s"}]}
    world.write()
    failed = world.axej("restore", "--target", "frame", "--yes", expect=1, timeout_s=180)
    assert "sleep did not end within 2 s" in failed.stderr
    assert [process for process in world.processes() if "sleep" in process.name()] == []
