"""`axej restore` on a machine that has its configuration and not its journal: points by the repository's tags, said so."""

from __future__ import annotations

import shutil

import pytest

from tests.world.home import World

COUNTS = "SELECT count(*), sum(amount) FROM journal_line"


@pytest.fixture
def world(make_world) -> World:
    """Backed up, restored with a check that proved it, changed, backed up again; then its journal is lost."""
    made: World = make_world(databases=("frame",))
    made.config["sources"]["frame"]["after_restore"] = {"check": ["true"]}
    made.write()
    made.axej("backup", "--local", expect=0)
    made.axej("restore", "--target", "frame", "--yes", expect=0)
    made.server.sql(name(made), "DELETE FROM journal_line WHERE id % 2 = 0")
    made.axej("backup", "--local", expect=0)
    shutil.rmtree(made.state)
    made.server.sql(name(made), "DELETE FROM journal_line")
    return made


def name(world: World) -> str:
    return str(world.config["sources"]["frame"]["database"])


def test_newest_is_offered_by_tags_and_the_plan_says_that_its_proof_is_unknown(world: World):
    plan = world.axej("restore", "--target", "frame", "--dry-run", expect=0).stdout
    assert ", unknown, " in plan
    assert "warning: the journal knows no restore point of tier local" in plan
    assert "the tags say nothing of proof" in plan
    world.axej("restore", "--yes", expect=0)
    assert world.server.sql(name(world), "SELECT count(*) FROM journal_line") == [("1000",)]
    assert [run["outcome"] for run in world.json("history")] == ["succeeded", "succeeded"]


def test_last_valid_is_what_the_newest_snapshots_copy_of_the_journal_knows_as_verified(world: World):
    done = world.axej("restore", "--target", "frame", "--as-of", "last-valid", "--yes", expect=0)
    assert "from the journal's copy in the newest one" in done.stdout
    assert ", verified, " in done.stdout
    assert world.server.sql(name(world), COUNTS) == [("2000", "3001500.0")]


def test_table_is_restored_by_what_its_dump_says_of_itself_and_taken_back(world: World):
    words = ("restore", "--table", "journal_line", "--as-of", "last-valid")
    plan = world.axej(*words, "--dry-run", expect=0).stdout
    assert "warning: the journal knows no restore point of tier local" in plan and "2,000 rows" in plan
    killed = world.axej(*words, "--yes", kill_at="effect:fetch")
    assert killed.returncode == -9
    world.axej("resume", expect=0)
    assert world.server.sql(name(world), COUNTS) == [("2000", "3001500.0")]
    (run,) = world.json("history")
    assert (run["job"], run["outcome"], run["resumed"]) == ("restore.table", "succeeded", 1)
    world.axej("undo", run["run"], expect=0)
    assert world.server.sql(name(world), "SELECT count(*) FROM journal_line") == [("0",)]


def test_what_tags_can_not_answer_is_said(world: World):
    table = world.axej("restore", "--table", "no_such_table", "--yes", expect=10)
    assert "no table no_such_table is in the restore point of frame" in table.stderr
    early = world.axej("restore", "--target", "frame", "--as-of", "2020-01-01", "--yes", expect=10)
    assert "no restore point is at or before 2020-01-01" in early.stderr
    assert "as the tags of its repository's snapshots tell" in early.stderr
    shutil.rmtree(world.repository.path)
    assert "repository" in world.axej("restore", "--target", "frame", "--yes", expect=10).stderr
