"""restore.database and restore.undo killed by SIGKILL at every named instant of every step, and resumed: the live database
is the old one or the restored one, nothing is done twice, nothing is left over."""

from __future__ import annotations

import pytest

from axejournal.jobs import JOBS
from tests.crash.proof import assert_nothing_left, assert_nothing_repeated, events_of
from tests.world.home import World

POINTS = ("intent", "effect", "fact")
DATABASE_STEPS = ("prepare", "fetch", "roles", "load", "compare", "swap", "restart:1", "check:1", "clear")
FILES_STEPS = ("prepare", "fetch", "compare", "swap", "clear")
UNDO_STEPS = ("prepare", "swap", "restart:1")
COUNTS = "SELECT count(*), sum(amount) FROM journal_line"


@pytest.fixture
def world(make_world) -> World:
    """A database and files, backed up once, then damaged."""
    made = make_world(databases=("frame",))
    made.config["sources"]["frame"]["after_restore"] = {"restart": ["true"], "check": ["true"]}
    made.write()
    made.axej("backup", "--local", expect=0)
    made.server.sql(name(made), "DELETE FROM journal_line WHERE id % 2 = 0")
    (made.files / "photo.bin").write_bytes(b"scrambled")
    return made


def name(world: World) -> str:
    return str(world.config["sources"]["frame"]["database"])


def counts(world: World) -> list[tuple[str | None, ...]]:
    return world.server.sql(name(world), COUNTS)


def only(world: World, job: str) -> dict:
    found = [run for run in world.json("history") if run["job"] == job]
    assert len(found) == 1, found
    return found[0]


def assert_sound(world: World, job: str) -> str:
    """One run of the job, succeeded, legal, nothing repeated or left over; returns its id."""
    run = only(world, job)
    assert (run["outcome"], run["resumed"]) == ("succeeded", 1)
    events = events_of(world, run["run"])
    machine = JOBS[job].machine
    state = events[0]["state"]
    for event in events[1:]:
        assert machine.next(state, event["name"]) == event["state"]
        state = event["state"]
    assert_nothing_repeated(events)
    assert_nothing_left(world)
    restore = world.state / "restore"
    assert not restore.exists() or list(restore.iterdir()) == []
    world.axej("journal", "verify", expect=0)
    return str(run["run"])


@pytest.mark.parametrize("step", DATABASE_STEPS)
@pytest.mark.parametrize("point", POINTS)
def test_restore_killed_at_a_named_instant_is_resumed_and_done_once(world, point, step):
    damaged = counts(world)
    killed = world.axej("restore", "--target", "frame", "--yes", kill_at=f"{point}:{step}")
    assert killed.returncode == -9, killed.stderr
    assert counts(world) in (damaged, [("2000", "3001500.0")])
    world.axej("resume", expect=0)
    run = assert_sound(world, "restore.database")
    assert counts(world) == [("2000", "3001500.0")]
    kept = f"{name(world)}__before_{run}"
    assert {one for one in world.server.databases() if one.startswith(name(world))} == {name(world), kept}
    assert world.server.sql(kept, COUNTS) == damaged


@pytest.mark.parametrize("step", FILES_STEPS)
@pytest.mark.parametrize("point", POINTS)
def test_restore_of_files_killed_at_a_named_instant_is_resumed_and_done_once(world, point, step):
    assert world.axej("restore", "--target", "files", "--yes", kill_at=f"{point}:{step}").returncode == -9
    world.axej("resume", expect=0)
    run = assert_sound(world, "restore.files")
    assert len((world.files / "photo.bin").read_bytes()) == 102400
    assert (world.files.parent / f"files.before-{run}" / "photo.bin").read_bytes() == b"scrambled"
    assert not (world.files.parent / f"files.restoring-{run}").exists()


@pytest.mark.parametrize("step", UNDO_STEPS)
@pytest.mark.parametrize("point", POINTS)
def test_undo_killed_at_a_named_instant_is_resumed_and_done_once(world, point, step):
    damaged = counts(world)
    world.axej("restore", "--target", "frame", "--yes", expect=0)
    run = only(world, "restore.database")["run"]
    assert world.axej("undo", run, kill_at=f"{point}:{step}").returncode == -9
    world.axej("resume", expect=0)
    assert_sound(world, "restore.undo")
    assert counts(world) == damaged


def test_several_sources_go_on_with_the_next_after_a_kill_between_two(world):
    """Killed when the first source is done and its run has not ended: the second is not begun yet."""
    killed = world.axej("restore", "--yes", kill_at="fact:clear")
    assert killed.returncode == -9
    world.axej("resume", expect=0)
    done = {run["job"]: run["outcome"] for run in world.json("history") if run["job"].startswith("restore.")}
    assert done == {"restore.files": "succeeded", "restore.database": "succeeded"}
    assert counts(world) == [("2000", "3001500.0")]
    assert "nothing to resume" in world.axej("resume", expect=0).stderr
