"""The demo's server: starts anywhere, for anybody, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from axejournal.demo import server
from axejournal.domain.errors import ProgramFailed, UsageFault
from tests.demo.conftest import processes_of
from tests.world.needs import need
from tests.world.place import wait_until

UP_AND_DOWN = """
import sys
from pathlib import Path
from axejournal.demo import server
directory = Path(sys.argv[1])
started = server.start(directory)
try:
    print(started.owner, started.bin_dir, started.sql("postgres", "SELECT 6 * 7").strip())
finally:
    assert server.stop(directory)
"""

OTHERS = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in (str(Path.cwd()), *sys.path) if path)}


def runs_for_others(python: str) -> bool:
    """Whether an ordinary user can run axejournal with this Python."""
    words = [python, "-c", "import sys, psutil, axejournal; sys.exit(sys.version_info < (3, 11))"]
    try:
        return (
            subprocess.run(words, env=OTHERS, user=server.UNPRIVILEGED, cwd="/", capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


def test_server_started_and_stopped_twice_leaves_nothing(directory: Path) -> None:
    for _ in range(2):
        started = server.start(directory)
        assert started.sql("postgres", "SELECT 1, '한글'; SELECT current_setting('fsync')") == "1\t한글\noff\n"
        assert server.find(directory) == started
        pids = processes_of(started.data_dir)
        assert pids
        assert not any(each.net_connections("tcp") for each in map(psutil.Process, pids))
        assert server.stop(directory)
        wait_until(lambda pids=pids: not any(map(psutil.pid_exists, pids)), "the server's processes")
        assert list(directory.iterdir()) == []
        assert not started.socket_dir.exists()
    assert not server.stop(directory)


def test_directory_with_a_long_path_serves_on_a_short_socket(directory: Path) -> None:
    deep = directory / ("이름 " * 12) / ("x" * 120)
    deep.mkdir(parents=True)
    started = server.start(deep)
    assert len(str(started.socket_dir / f".s.PGSQL.{started.port}")) < 104
    assert started.sql("postgres", "SELECT 1") == "1\n"
    assert server.stop(deep)


def test_start_while_running_is_refused_and_harms_nothing(directory: Path) -> None:
    started = server.start(directory)
    with pytest.raises(UsageFault, match="is running"):
        server.start(directory)
    assert started.sql("postgres", "SELECT 1") == "1\n"


def test_open_sessions_do_not_hold_up_a_stop(directory: Path) -> None:
    started = server.start(directory)
    waiting = subprocess.Popen(
        [str(started.bin_dir / "psql"), "-h", str(started.socket_dir), "-U", "postgres", "-c", "SELECT pg_sleep(300)"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' AND pid <> pg_backend_pid()"
    wait_until(lambda: started.sql("postgres", active) == "1\n", "the session")
    assert server.stop(directory)
    assert waiting.wait(timeout=10) != 0


def test_server_that_was_killed_is_not_found_and_can_be_started_anew(directory: Path) -> None:
    killed = server.start(directory)
    os.kill(int((killed.data_dir / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    wait_until(lambda: server.find(directory) is None, "the server's end")
    wait_until(lambda: not processes_of(killed.data_dir), "its children's end")
    started = server.start(directory)
    assert started.sql("postgres", "SELECT 1") == "1\n"
    assert not killed.socket_dir.exists()


def test_record_of_an_earlier_boot_never_ends_a_foreign_process(directory: Path) -> None:
    started = server.start(directory)
    postmaster = (started.data_dir / "postmaster.pid").read_text()
    record = json.loads((directory / server.RECORD).read_text())
    started.pg_ctl("-w", "-m", "fast", "stop")
    innocent = subprocess.Popen(["sleep", "300"], user=started.owner, cwd="/")
    try:
        (started.data_dir / "postmaster.pid").write_text(postmaster.replace(postmaster.split()[0], str(innocent.pid), 1))
        (directory / server.RECORD).write_text(json.dumps(record | {"boot_id": "another boot"}))
        assert server.find(directory) is None
        assert server.stop(directory)
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_folder_of_somebody_else_is_refused_and_kept(directory: Path) -> None:
    (directory / "postgres").mkdir()
    (directory / "postgres" / "mine").write_text("kept")
    with pytest.raises(UsageFault, match="not of this demo"):
        server.start(directory)
    assert (directory / "postgres" / "mine").read_text() == "kept"


def test_record_of_another_making_is_refused_and_nothing_is_removed(directory: Path) -> None:
    precious = directory / "precious"
    precious.mkdir()
    places = {"bin_dir": "/bin", "data_dir": str(precious), "socket_dir": str(precious)}
    (directory / server.RECORD).write_text(json.dumps(places | {"owner": None, "port": 1, "user": "x", "boot_id": "x"}))
    with pytest.raises(ProgramFailed, match="not of this program's making"):
        server.stop(directory)
    assert precious.exists()
    (directory / server.RECORD).unlink()


def test_failed_sql_says_what_the_server_said(directory: Path) -> None:
    started = server.start(directory)
    with pytest.raises(ProgramFailed, match='relation "nowhere" does not exist'):
        started.sql("postgres", "SELECT 1; SELECT * FROM nowhere;")


def test_programs_in_a_closed_home_are_copied_for_the_unprivileged_user(tmp_path: Path) -> None:
    need("root")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    found = find_spec(server.PACKAGE)
    assert found is not None and found.submodule_search_locations
    package = Path(next(iter(found.submodule_search_locations)))
    shutil.copytree(package, home / package.name)
    shutil.copytree(package.with_name(f"{package.name}.libs"), home / f"{package.name}.libs")
    directory = home / "demo"
    directory.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", UP_AND_DOWN, str(directory)],
        env={**os.environ, "PYTHONPATH": f"{home}:{Path.cwd()}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    owner, bin_dir, answer = done.stdout.split()
    assert (owner, answer) == (server.UNPRIVILEGED, "42")
    assert bin_dir.startswith(f"/tmp/{server.RUN_PREFIX}")
    assert not Path(bin_dir).exists()


def test_ordinary_user_runs_the_server_himself(tmp_path_factory: pytest.TempPathFactory) -> None:
    need("root")
    directory = Path("/tmp") / f"axej-test-{os.getpid()}"
    directory.mkdir(mode=0o700)
    shutil.chown(directory, server.UNPRIVILEGED)
    try:
        python = next(filter(runs_for_others, (sys.executable, "/usr/bin/python3")), None)
        if python is None:
            pytest.skip("Python or this checkout is closed to other users")
        words = [python, "-c", UP_AND_DOWN, str(directory)]
        done = subprocess.run(words, env=OTHERS, user=server.UNPRIVILEGED, cwd="/", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        owner, _, answer = done.stdout.split()
        assert (owner, answer) == ("None", "42")
        assert list(directory.iterdir()) == []
    finally:
        shutil.rmtree(directory)
