"""`physical: weekly`: a copy of the running server beside its dump, in the snapshot, that starts as a server again."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import psutil
import pytest

from tests.crash.proof import assert_sound, events_of
from tests.world.home import World, at
from tests.world.place import Place, wait_until
from tests.world.postgres import Server
from tests.world.sshd import free_port

NIGHTS = ("2026-05-17T21:00:00+09:00", "2026-05-18T03:00:05+09:00", "2026-05-24T21:00:00+09:00")


@pytest.fixture
def world(make_world) -> World:
    """One database, with a physical copy each week."""
    made = make_world()
    made.config["sources"]["frame"]["physical"] = "weekly"
    made.write()
    return made


def copies(world: World) -> list[list[str]]:
    """For each run, newest first, the sources that were copied."""
    found = []
    for run in world.json("history"):
        found.append([e["data"]["source"] for e in events_of(world, run["run"]) if e["name"] == "PhysicalCopied"])
    return found


def test_physical_copy_out_of_a_snapshot_starts_as_a_server_with_the_same_rows(world, tmp_path, place):
    world.axej("backup", "--local", expect=0)
    run = world.json("history")[0]
    assert_sound(world, run, {"files", "frame"})
    folder = f"{world.state}/staging/frame.physical"
    held = world.repository.files(run["snapshots"][0])
    assert {Path(path).name for path in held if path.startswith(f"{folder}/")} == {
        "base.tar",
        "pg_wal.tar",
        "backup_manifest",
        "README.txt",
        "axej-dump.json",
    }
    world.repository.run("restore", run["snapshots"][0], "--target", str(tmp_path / "back"), "--include", folder)
    server = _server(tmp_path / f"back{folder}", world.server, place)
    try:
        server.start()
        database = world.config["sources"]["frame"]["database"]
        query = "SELECT count(*), sum(amount) FROM journal_line"
        assert server.sql(database, query) == world.server.sql(database, query)
        assert server.sql("postgres", "SELECT pg_is_in_recovery()") == [("f",)]
    finally:
        server.stop()


def _server(folder: Path, like: Server, place: Place) -> Server:
    """As README.txt says."""
    home = place.folder("physical", like.owner)
    for archive, into in (("base.tar", home / "data"), ("pg_wal.tar", home / "data" / "pg_wal")):
        with tarfile.open(folder / archive) as packed:
            packed.extraction_filter = staticmethod(lambda member, path: member)  # Python before 3.11.4 has no `filter=`
            packed.extractall(into)
    if like.owner:
        subprocess.run(["chown", "-R", like.owner, str(home)], check=True)
    (home / "data").chmod(0o700)
    return Server(home / "data", home, free_port(), like.bin_dir, like.major, place, like.owner)


def test_physical_copy_is_made_again_after_a_week_and_when_its_snapshot_is_gone(world):
    for night in NIGHTS:
        world.axej("backup", "--local", env=at(night), expect=0)
    assert copies(world) == [["frame"], [], ["frame"]]
    assert "frame.physical" not in "".join(world.repository.files(world.json("history")[1]["snapshots"][0]))


def test_role_without_replication_is_told_what_to_grant_and_the_dump_is_kept(world):
    server = world.server
    server.sql("postgres", "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; GRANT pg_read_all_data TO reader;")
    try:
        world.config["sources"]["frame"]["user"] = "reader"
        world.write()
        done = world.axej("backup", "--local", expect=3)
        assert "physical:frame failed" in done.stdout + done.stderr
        run = world.json("history")[0]
        assert 'ALTER ROLE "reader" REPLICATION' in world.axej("history", run["run"], env={"COLUMNS": "400"}).stdout
        assert_sound(world, run, {"files", "frame"}, outcome="degraded")
        server.sql("postgres", "ALTER ROLE reader REPLICATION")
        world.axej("backup", "--local", expect=0)
    finally:
        server.sql("postgres", "DROP OWNED BY reader; DROP ROLE reader;")


def test_excludes_that_hide_the_physical_copy_make_the_run_degraded_and_the_next_one_due(world):
    excludes = world.folder / "restic-excludes"
    excludes.write_text("base.tar\n")
    world.config["tiers"]["local"]["excludes"] = str(excludes)
    world.write()
    done = world.axej("backup", "--local", expect=3)
    assert "frame.physical is not in the snapshot" in done.stdout + done.stderr
    excludes.write_text("")
    world.axej("backup", "--local", expect=0)
    assert copies(world) == [["frame"], ["frame"]]


@pytest.mark.parametrize("point", ["intent", "effect", "fact"])
def test_run_killed_at_its_physical_copy_is_resumed_and_copies_once(world, point):
    assert world.axej("backup", "--local", kill_at=f"{point}:physical:frame").returncode == -9
    world.axej("resume", expect=0)
    run = world.json("history")[0]
    assert_sound(world, run, {"files", "frame"})
    assert copies(world) == [["frame"]]


def _is_copying(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[:1] != [] and Path(process.cmdline()[0]).name == "pg_basebackup"
    except (psutil.Error, IndexError):  # it ended meanwhile
        return False


def test_pg_basebackup_that_is_killed_is_tried_again(world):
    world.server.sql(
        world.config["sources"]["frame"]["database"],
        "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 100000)",
    )
    process = world.start("backup", "--local")
    found = []

    def look() -> bool:
        found[:] = [one for one in world.processes() if _is_copying(one)]
        return bool(found)

    wait_until(look, "a living pg_basebackup", 60)
    found[0].kill()
    assert process.wait(timeout=120) == 0, world.said()
    run = world.json("history")[0]
    assert_sound(world, run, {"files", "frame"})
    assert [e["data"]["error"] for e in events_of(world, run["run"]) if e["name"] == "StepFailed"] == ["ProgramKilled"]
