"""The tests' own world: its parts are real and do what the other tests take for granted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.world import axej
from tests.world.place import session_place
from tests.world.samples import CHINOOK_ROWS, HOSTILE_NAMES, HOSTILE_SQL, chinook_sql


def test_database_with_chinook_has_its_rows(postgres, database):
    name = database("chinook", sql=chinook_sql())
    counts = {table: int(postgres.sql(name, f"SELECT count(*) FROM {table}")[0][0]) for table in CHINOOK_ROWS}
    assert counts == CHINOOK_ROWS


def test_database_with_each_hostile_name_holds_the_hostile_tables(postgres, database):
    for name in HOSTILE_NAMES:
        database(exact=name, file=HOSTILE_SQL)
        assert postgres.sql(name, "SELECT current_database()") == [(name,)]
        tables = postgres.sql(name, "SELECT count(*) FROM pg_tables WHERE schemaname !~ '^(pg_|information)'")
        assert tables == [("13",)]


def test_sql_returns_null_and_empty_text_apart(postgres):
    assert postgres.sql("postgres", "SELECT NULL, ''; SELECT 'a', E'b\\nc'") == [(None, ""), ("a", "b\nc")]


def test_server_stopped_and_started_keeps_its_data(make_server, postgres):
    server = make_server("pgserver")
    server.sql("postgres", "CREATE TABLE kept (id int); INSERT INTO kept VALUES (5)")
    server.stop()
    server.start()
    assert server.sql("postgres", "SELECT id FROM kept") == [("5",)]
    assert server.system_identifier() != postgres.system_identifier()


def test_repository_takes_a_snapshot(repository, tmp_path):
    made = repository()
    (tmp_path / "file").write_bytes(b"x" * 1000)
    made.run("backup", str(tmp_path / "file"), "--tag", "run=1")
    snapshot = made.snapshots("run=1")[0]
    assert [found["id"] for found in made.snapshots()] == [snapshot["id"]]
    assert made.snapshots("run=2") == []
    assert made.files(snapshot["id"]) == {str(tmp_path / "file"): 1000}
    assert made.locks() == []
    assert len(made.id) == 64


def test_container_stopped_and_started_keeps_its_data(container, docker_engine):
    made = container("frame-postgres", volume="frame", user="axe", database="frame")
    made.sql("frame", "CREATE TABLE kept (note text); INSERT INTO kept VALUES ('한국어')")
    assert docker_engine.docker("exec", "frame-postgres", "cat", "/proc/1/comm").stdout == "postgres\n"
    made.stop()
    assert not made.is_running()
    made.start()
    assert made.sql("frame", "SELECT * FROM kept") == [("한국어",)]
    made.kill()
    made.remove()
    again = container("frame-postgres", volume="frame", user="axe")
    assert again.sql("frame", "SELECT * FROM kept") == [("한국어",)]


def test_container_runs_clients_in_another_containers_network(container, docker_engine, tmp_path):
    container("frame-postgres", user="axe", database="frame")
    words = ("run", "--rm", "--network", "container:frame-postgres", "-v", f"{tmp_path}:/out", docker_engine.image)
    docker_engine.docker(*words, "pg_dump", "-h", "127.0.0.1", "-U", "axe", "-Fd", "-Z0", "-f", "/out/frame", "frame")
    assert (tmp_path / "frame" / "toc.dat").stat().st_size > 0
    for program in ("psql", "pg_restore", "pg_dumpall", "pg_basebackup"):
        assert "15." in docker_engine.docker("run", "--rm", docker_engine.image, program, "--version").stdout


def test_place_of_a_killed_session_is_swept_with_its_processes(tmp_path):
    child = f"""
import pathlib, signal, subprocess, sys
from tests.world import axej
from tests.world.place import session_place
with session_place(pathlib.Path({str(tmp_path)!r})) as place:
    recorded = subprocess.Popen(["sleep", "300"], start_new_session=True)
    place.remember(recorded.pid)
    sleeper = [sys.executable, "-c", "import time; time.sleep(300)", f"{{place.path}}/socket"]
    named = subprocess.Popen(sleeper, start_new_session=True)
    print(place.path, recorded.pid, named.pid, flush=True)
    signal.pause()
"""
    session = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, text=True)
    path, *pids = session.stdout.readline().split()
    with session_place(tmp_path):
        assert Path(path).is_dir()
        assert all(psutil.pid_exists(int(pid)) for pid in pids)
    session.send_signal(signal.SIGKILL)
    session.wait()
    with session_place(tmp_path) as mine:
        assert sorted(entry.name for entry in tmp_path.iterdir()) == [mine.path.name, "sweep"]
        assert not any(alive(int(pid)) for pid in pids)
    assert not mine.path.exists()


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_world_runs_axej_with_its_own_configuration_and_nothing_else(world, monkeypatch):
    monkeypatch.setenv("AXEJ_CONFIG", "/nowhere/axej.yaml")
    monkeypatch.setenv("RESTIC_REPOSITORY", "/nowhere/repository")
    assert world.json("history") == []
    assert world.axej("history", "no-such-run").returncode == 10
    assert world.repository.snapshots() == []
    assert world.server.sql(world.config["sources"]["frame"]["database"], "SELECT count(*) FROM journal_line") == [("2000",)]


def test_world_knows_the_processes_of_its_home(world):
    sleeper = subprocess.Popen(["sleep", "300"], env=world.environ({}))
    assert [process.pid for process in world.processes()] == [sleeper.pid]
    sleeper.kill()
    sleeper.wait()
    assert world.processes() == []


def test_world_kills_axej_at_a_named_instant(make_world):
    world = make_world(databases=())
    assert world.axej("backup", "--local", kill_at="effect:snapshot").returncode == -signal.SIGKILL
    assert world.json("history")[0]["state"] == "snapshotting"
    world.axej("resume", expect=0)
    assert [run["outcome"] for run in world.json("history")] == ["succeeded"]
    assert len(world.repository.snapshots()) == 1


@pytest.mark.parametrize("cold", [False, True], ids=["forked", "a new interpreter"])
def test_axej_is_a_process_like_any_other_however_it_is_started(tmp_path, monkeypatch, cold):
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LONG": "x" * 5000, "COLUMNS": "91"}
    listed = axej.run(("jobs", "--json"), environment, tmp_path, cold=cold)
    assert (listed.returncode, listed.stderr, '"backup.local"' in listed.stdout) == (0, "", True)
    usage = axej.run(("histroy",), environment, tmp_path, cold=cold)
    assert (usage.returncode, usage.stdout, "No such command" in usage.stderr) == (2, "", True)
    full = axej.start(("jobs", "--json"), environment, tmp_path, (0, os.open("/dev/full", os.O_WRONLY), subprocess.DEVNULL), cold)
    assert full.wait(60) not in (0, None)
    if cold:
        monkeypatch.setenv("TESTS_AXEJ", "cold")
    asking, screen = axej.at_terminal(("init", "--no-databases"), environment, tmp_path)
    said = b""
    while b"?" not in said and b": " not in said:
        said += os.read(screen, 4096)
    seen = psutil.Process(asking.pid)
    assert seen.environ() == environment
    assert (Path(seen.cwd()), os.getsid(asking.pid), asking.poll()) == (tmp_path, asking.pid, None)
    assert os.tcgetpgrp(screen) == asking.pid
    assert {file.fd for file in seen.open_files() if file.fd > 2} == set()
    asking.kill()
    assert asking.wait(10) == -signal.SIGKILL
    os.close(screen)
