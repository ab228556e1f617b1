"""A machine that is lost, and brought back by `axej recover` out of a repository and its password, on an empty one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.crash.proof import assert_nothing_repeated, events_of
from tests.world.home import Done, World

COUNTS = "SELECT (SELECT count(*) FROM customers), count(*), sum(amount) FROM journal_line"


@pytest.fixture
def world(make_world) -> World:
    """Backed up; then everything is gone but the repository and its password."""
    made: World = make_world(databases=("frame",))
    made.axej("backup", "--local", expect=0)
    lose(made)
    return made


def name(world: World) -> str:
    return str(world.config["sources"]["frame"]["database"])


def lose(world: World) -> None:
    """Theft, fire: state, configuration, files, database."""
    for path in (world.state, world.files, world.home / ".cache"):
        shutil.rmtree(path, ignore_errors=True)
    world.config_path.unlink()
    (world.folder / "repository").rename(world.folder / "copy")
    world.server.drop_database(name(world))


def recover(world: World, *words: str, **options) -> Done:
    password = ("--password-file", str(world.repository.password_file))
    return world.axej("recover", "--from", "ring", "--repository", str(world.folder / "copy"), *password, *words, **options)


def assert_is_back(world: World) -> None:
    assert world.server.sql(name(world), COUNTS) == [("50", "2000", "3001500.0")]
    assert sum(1 for path in world.files.rglob("*") if path.is_file()) == 15
    assert (world.files / "photo.bin").read_bytes() == bytes(range(256)) * 400
    assert world.config_path.read_text(encoding="utf-8").startswith("customer: axe")
    world.axej("journal", "verify", expect=0)


def recovery(world: World) -> dict:
    (found,) = [run for run in world.json("history") if run["job"] == "recover"]
    return found


def test_machine_comes_back_from_a_repository_and_a_password(world: World):
    plan = recover(world, "--dry-run", expect=0).stdout
    assert "nothing is touched" in plan
    assert "frame, files" in plan or "files, frame" in plan
    assert not world.config_path.exists() and not world.state.exists()
    done = recover(world, "--yes", expect=0)
    assert "files, frame" in done.stderr
    assert_is_back(world)
    run = recovery(world)
    events = events_of(world, run["run"])
    assert [event["name"] for event in events[:2]] == ["RunRequested", "JournalRecovered"]
    life = events[1]["data"]
    assert (life["tier"], life["host"], life["place"]) == ("ring", "axe-macmini", str(world.folder / "copy"))
    (old,) = [run for run in world.json("history") if run["run"] == life["backup"]]
    assert (old["outcome"], life["abandoned"]) == ("abandoned", [old["run"]])
    assert "belongs to another machine's life" in old["message"]
    points = world.json("points")
    assert {(point["source"], point["tier"], point["run"]) for point in points} == {
        ("frame", "ring", old["run"]),
        ("files", "ring", old["run"]),
    }
    assert {point["source"]: point["proof"] for point in points}["frame"] == "restored"
    assert "nothing to resume" in world.axej("resume", expect=0).stderr
    assert [run["job"] for run in world.json("history")][:2] == ["restore.database", "restore.files"]


STEPS = ("fetch:memory", "verify:journal", "place:configuration", "begin:journal", "place:journal")


@pytest.mark.parametrize("step", STEPS)
def test_recovery_killed_before_its_run_is_begun_again(world: World, step: str):
    assert recover(world, "--yes", kill_at=f"effect:{step}").returncode == -9
    recover(world, "--yes", expect=0)
    assert_is_back(world)
    assert recovery(world)["outcome"] == "succeeded"
    assert not list(world.config_path.parent.glob("*.before-*"))
    assert not (world.config_path.parent / ".axej-recovery").exists()


@pytest.mark.parametrize(
    ("instant", "by"),
    [
        ("intent:restore:files", "recover"),
        ("effect:restore:files", "resume"),
        ("effect:load", "recover"),
        ("effect:swap", "resume"),
        ("fact:restore:frame", "recover"),
    ],
)
def test_recovery_killed_in_its_run_is_resumed_and_restores_nothing_twice(world: World, instant: str, by: str):
    assert recover(world, "--yes", kill_at=instant).returncode == -9
    if by == "recover":
        recover(world, "--yes", expect=0)
    else:
        world.axej("resume", expect=0)
    assert_is_back(world)
    run = recovery(world)
    assert run["outcome"] == "succeeded"
    assert_nothing_repeated(events_of(world, run["run"]))
    restores = [run["outcome"] for run in world.json("history") if run["job"].startswith("restore.")]
    assert restores == ["succeeded", "succeeded"]


def test_what_is_on_the_machine_is_moved_aside_and_not_lost(world: World):
    world.config_path.write_text("customer: somebody\n")
    world.state.mkdir()
    (world.state / "journal.sqlite").write_bytes(b"no journal at all")
    world.files.mkdir()
    (world.files / "mine.txt").write_text("mine")
    recover(world, "--yes", expect=0)
    assert_is_back(world)
    run = recovery(world)["run"]
    assert world.config_path.with_name(f"axej.yaml.before-{run}").read_text() == "customer: somebody\n"
    assert (world.state / f"journal.sqlite.before-{run}").read_bytes() == b"no journal at all"
    (kept,) = world.files.parent.glob("files.before-*")
    assert (kept / "mine.txt").read_text() == "mine"


def test_moment_before_the_first_backup_names_the_oldest(world: World):
    done = recover(world, "--as-of", "2020-01-01", "--yes", expect=10)
    assert "no backup is at or before 2020-01-01; the oldest is 20" in done.stderr


def test_source_that_does_not_come_back_does_not_stop_the_others(make_world):
    """The database's server is reached by a way that the new machine does not have."""
    world: World = make_world(databases=("frame",))
    way = world.folder / "way"
    way.symlink_to(world.config["sources"]["frame"]["socket"])
    world.config["sources"]["frame"]["socket"] = str(way)
    world.write()
    world.axej("backup", "--local", expect=0)
    lose(world)
    way.unlink()
    done = recover(world, "--yes", expect=3)
    assert "restore:frame failed: frame: " in done.stderr
    assert recovery(world)["outcome"] == "degraded"
    assert (world.files / "photo.bin").is_file()


def test_changed_journal_is_refused_and_nothing_is_placed(world: World, monkeypatch):
    """Its head is not the one that the snapshot's tag names."""
    repository = world.folder / "copy"
    restic = [str(world.home / ".axe" / "bin" / "restic"), "-r", str(repository), "--no-cache"]
    import os
    import subprocess

    env = {**os.environ, "RESTIC_PASSWORD_FILE": str(world.repository.password_file)}
    listed = subprocess.run([*restic, "snapshots", "--json"], env=env, capture_output=True, check=True).stdout
    import json

    for snapshot in json.loads(listed):
        head = next(tag for tag in snapshot["tags"] if tag.startswith("head="))
        words = ["tag", "--remove", head, "--add", f"head={'ab' * 32}", snapshot["id"]]
        subprocess.run([*restic, *words], env=env, check=True, capture_output=True)
    refused = recover(world, "--yes", expect=30)
    assert "no event has that hash" in refused.stderr
    assert not world.config_path.exists() and not Path(world.journal).exists()


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (("--from", "ring"), 2, "there is no configuration"),
        (("--repository", "/nowhere", "--password-file", "/etc/hostname"), 10, "/nowhere"),
        (("--repository", "/nowhere"), 2, "nobody is there to type the password"),
    ],
)
def test_what_is_wrong_is_said_once(world: World, words: tuple[str, ...], exit_code: int, said: str):
    assert said in world.axej("recover", *words, expect=exit_code).stderr
