"""Servers that are down, refuse, hang, are stopped in the middle; disks that are full. Each gives one clear error."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from axejournal.domain.errors import (
    AxejError,
    DiskFull,
    DumpIncomplete,
    ProgramKilled,
    ProgramMissing,
    ProgramStalled,
    SourceRefused,
    SourceUnreachable,
)
from axejournal.domain.ports import Progress
from axejournal.programs.install import require_postgres_program
from axejournal.programs.postgres import reach
from axejournal.programs.postgres.server import PostgresServer
from tests.contract.database_servers import by_socket, dump
from tests.world.needs import need
from tests.world.place import Place, wait_until
from tests.world.postgres import Server

# a second or more of dumping, also on a quiet machine
BIG = "CREATE TABLE big AS SELECT n, repeat(md5(n::text), 8) AS pad FROM generate_series(1, 1500000) AS n"
Make = Callable[..., str]


@pytest.fixture
def own(make_server: Callable[..., Server]) -> Server:
    """A server that the test may stop."""
    return make_server()


def raised(call: Callable[[], object]) -> AxejError:
    """The error that a call raises."""
    with pytest.raises(AxejError) as caught:
        call()
    assert caught.value.message and caught.value.hint, caught.value
    assert "\n" not in caught.value.message.strip()
    return caught.value


def calls(server: PostgresServer, folder: Path) -> list[Callable[[], object]]:
    """Everything that needs a living server."""
    folder.mkdir(exist_ok=True)
    return [
        server.facts,
        lambda: server.database_size_bytes("postgres"),
        lambda: dump(server, "postgres", folder / "dump"),
        lambda: server.dump_roles(folder / "roles.sql"),
        lambda: server.fingerprints("postgres"),
    ]


# --- down ------------------------------------------------------------------------------------------------------


def test_server_that_is_stopped_is_unreachable_for_every_call(own: Server, tmp_path: Path) -> None:
    own.stop()
    for server in (by_socket(own, tmp_path), by_socket(own, tmp_path, socket=None, host="127.0.0.1")):
        assert not server.is_running()
        for call in calls(server, tmp_path / "staging"):
            fault = raised(call)
            assert isinstance(fault, SourceUnreachable) and fault.passing and fault.exit_code == 50
            assert str(own.port) in fault.message and "does not answer" in fault.message
        assert server.terminate_sessions("a-run") == ()


def test_host_without_a_name_is_unreachable(postgres: Server, tmp_path: Path) -> None:
    fault = raised(by_socket(postgres, tmp_path, socket=None, host="no-such-host.invalid").facts)
    assert isinstance(fault, SourceUnreachable) and "no-such-host.invalid" in fault.message


def test_server_that_is_stopping_is_unreachable_not_refusing(own: Server, tmp_path: Path) -> None:
    with background(own, "SELECT pg_sleep(60)"):
        os.kill(own.pid, signal.SIGTERM)  # a smart shutdown waits for the session
        server = by_socket(own, tmp_path)
        wait_until(lambda: isinstance(raised(server.facts), SourceUnreachable), "the shutdown")
        fault = raised(server.facts)
        assert "starting or stopping" in fault.message


def test_server_that_hangs_is_unreachable_after_a_while(own: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "CONNECT_S", 2)
    os.kill(own.pid, signal.SIGSTOP)
    begin = time.monotonic()
    try:
        assert isinstance(raised(by_socket(own, tmp_path).facts), SourceUnreachable)
        assert time.monotonic() - begin < 30
    finally:
        os.kill(own.pid, signal.SIGCONT)


def test_server_without_room_for_a_session_is_tried_again(make_server: Callable[..., Server], tmp_path: Path) -> None:
    own = make_server(options=("-c", "max_connections=3", "-c", "superuser_reserved_connections=0", "-c", "max_wal_senders=0"))
    with background(own, "SELECT pg_sleep(60)"), background(own, "SELECT pg_sleep(60)"), background(own, "SELECT pg_sleep(60)"):
        fault = raised(by_socket(own, tmp_path).facts)
        assert isinstance(fault, SourceUnreachable) and "max_connections" in fault.hint


def test_server_stopped_in_the_middle_of_a_dump_is_unreachable(own: Server, tmp_path: Path) -> None:
    own.sql("postgres", BIG)
    for number, how in enumerate((signal.SIGINT, signal.SIGQUIT)):
        own.start()
        stopper = threading.Thread(target=own.stop, args=(how,))
        watch = at_growth(stopper.start)
        fault = raised(
            lambda number=number, watch=watch: by_socket(own, tmp_path).dump("postgres", tmp_path / str(number), (), watch)
        )
        stopper.join()
        assert isinstance(fault, SourceUnreachable), fault


def test_server_that_went_away_is_the_cause_whatever_pg_dump_says(own: Server, tmp_path: Path) -> None:
    def find(name: str, major: int | None) -> Path:
        script = tmp_path / "pg_dump"
        script.write_text(f"#!/bin/sh\nkill -QUIT {own.pid}\nsleep 1\necho 'pg_dump: error: 서버가 갑자기 끊음' >&2\nexit 1\n")
        script.chmod(0o755)
        return script if name == "pg_dump" else require_postgres_program(name, major)

    fault = raised(lambda: dump(by_socket(own, tmp_path, find=find), "postgres", tmp_path / "dump"))
    assert isinstance(fault, SourceUnreachable), fault


def test_session_ended_by_an_administrator_in_the_middle_is_unreachable(own: Server, tmp_path: Path) -> None:
    own.sql("postgres", BIG)
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'axej:%'"
    watch = at_growth(lambda: own.sql("template1", query))
    fault = raised(lambda: by_socket(own, tmp_path).dump("postgres", tmp_path / "dump", (), watch))
    assert isinstance(fault, SourceUnreachable), fault


def test_query_of_a_dump_cancelled_by_an_administrator_is_tried_again(own: Server, tmp_path: Path) -> None:
    own.sql("postgres", BIG)
    query = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'axej:%' AND query LIKE 'COPY%'"
    watch = at_growth(lambda: own.sql("template1", query))
    fault = raised(lambda: by_socket(own, tmp_path).dump("postgres", tmp_path / "dump", (), watch))
    assert isinstance(fault, ProgramKilled) and fault.passing, fault


@pytest.mark.parametrize("program", ["pg_dump", "psql"])
def test_program_killed_in_the_middle_of_a_dump_is_tried_again(own: Server, tmp_path: Path, program: str) -> None:
    own.sql("postgres", BIG)

    def kill() -> None:
        mine = [child for child in psutil.Process().children() if child.name() == program]
        mine[0].kill()

    fault = raised(lambda: by_socket(own, tmp_path).dump("postgres", tmp_path / "dump", (), at_growth(kill)))
    assert isinstance(fault, ProgramKilled) and fault.passing and program in fault.message
    assert not [child for child in psutil.Process().children() if child.name() in ("pg_dump", "psql")]


# --- refused ---------------------------------------------------------------------------------------------------


@pytest.fixture
def weak(postgres: Server) -> Iterator[str]:
    """A role that may log in and nothing else."""
    postgres.sql("postgres", "DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN")
    yield "weak"
    postgres.sql("postgres", "DROP OWNED BY weak; DROP ROLE weak")


def test_role_that_is_not_there_is_refused_by_name(postgres: Server, tmp_path: Path) -> None:
    fault = raised(by_socket(postgres, tmp_path, user="no such role").facts)
    assert isinstance(fault, SourceRefused) and not fault.passing
    assert 'role "no such role" does not exist' in fault.message and "`user:`" in fault.hint


def test_role_without_rights_on_a_table_is_told_what_to_grant(
    postgres: Server, database: Make, tmp_path: Path, weak: str
) -> None:
    name = database(sql="CREATE TABLE secret (n int)")
    fault = raised(lambda: dump(by_socket(postgres, tmp_path, user=weak), name, tmp_path / "dump"))
    assert isinstance(fault, SourceRefused) and "permission denied for table secret" in fault.message
    assert "GRANT pg_read_all_data TO weak" in fault.hint
    postgres.sql(name, "GRANT pg_read_all_data TO weak")
    assert dump(by_socket(postgres, tmp_path, user=weak), name, tmp_path / "dump2").tables[0].rows == 0


def test_role_under_row_level_security_is_refused_not_served_partially(
    postgres: Server, database: Make, tmp_path: Path, weak: str
) -> None:
    name = database(
        sql="CREATE TABLE tenant (owner name); INSERT INTO tenant VALUES ('weak'), ('other');"
        "ALTER TABLE tenant ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON tenant USING (owner = current_user);"
        "GRANT pg_read_all_data TO weak"
    )
    server = by_socket(postgres, tmp_path, user=weak)
    fault = raised(lambda: dump(server, name, tmp_path / "dump"))
    assert isinstance(fault, SourceRefused) and "row-level security" in fault.message
    assert "BYPASSRLS" in fault.hint
    assert isinstance(raised(lambda: server.fingerprints(name)), SourceRefused)


def test_role_that_may_not_connect_is_refused(postgres: Server, database: Make, tmp_path: Path, weak: str) -> None:
    name = database()
    postgres.sql("postgres", f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC')
    fault = raised(lambda: by_socket(postgres, tmp_path, user=weak).database_size_bytes(name))
    assert isinstance(fault, SourceRefused) and "GRANT CONNECT" in fault.hint


def test_roles_without_the_right_to_their_passwords_are_dumped_without(postgres: Server, tmp_path: Path, weak: str) -> None:
    postgres.sql("postgres", "ALTER ROLE weak PASSWORD 'x'")
    by_socket(postgres, tmp_path).dump_roles(tmp_path / "all.sql")
    by_socket(postgres, tmp_path, user=weak).dump_roles(tmp_path / "few.sql")
    assert "SCRAM-SHA-256$" in (tmp_path / "all.sql").read_text()
    assert "CREATE ROLE weak;" in (tmp_path / "few.sql").read_text() and "SCRAM" not in (tmp_path / "few.sql").read_text()


def test_password_comes_from_the_passfile_and_is_in_no_error(own: Server, tmp_path: Path) -> None:
    own.sql("postgres", "CREATE ROLE guarded SUPERUSER LOGIN PASSWORD 'correct horse'")
    rules = own.data_dir / "pg_hba.conf"
    rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
    own.sql("postgres", "SELECT pg_reload_conf()")
    passfile = tmp_path / "passfile"

    def server_with(password: str, mode: int = 0o600) -> PostgresServer:
        passfile.write_text(f"*:*:*:guarded:{password}\n")
        passfile.chmod(mode)
        return by_socket(own, tmp_path, user="guarded", passfile=passfile)

    wait_until(lambda: isinstance(raised(server_with("wrong horse").facts), SourceRefused), "the new rules")
    assert server_with("correct horse").facts().major == own.major
    assert dump(server_with("correct horse"), "postgres", tmp_path / "dump").tables == ()
    for server in (server_with("wrong horse"), server_with("correct horse", 0o644), by_socket(own, tmp_path, user="guarded")):
        passfile.chmod(0o600 if server.address.passfile is None else passfile.stat().st_mode & 0o777)
        fault = raised(server.facts)
        assert isinstance(fault, SourceRefused) and "passfile" in fault.hint
        assert "horse" not in fault.message + fault.hint
        server_with("wrong horse")


def test_server_older_than_the_oldest_is_refused(postgres: Server, tmp_path: Path) -> None:
    script = tmp_path / "psql"
    script.write_text(
        '#!/bin/sh\necho 110022\nwhile read -r word token rest; do\n[ "$word" = "\\\\echo" ] && echo "$token false 00000"\ndone\n'
    )
    script.chmod(0o755)
    server = by_socket(postgres, tmp_path, find=lambda name, _: script)
    fault = raised(server.facts)
    assert isinstance(fault, SourceRefused) and "PostgreSQL 11; 12 or newer" in fault.message


def test_client_programs_of_another_version_only_are_missing(postgres: Server, tmp_path: Path) -> None:
    def find(name: str, major: int | None) -> Path:
        if major is not None and name != "psql":
            raise ProgramMissing(f"program {name} of PostgreSQL {major} is not on this machine", "Install it.")
        return require_postgres_program(name, major)

    server = by_socket(postgres, tmp_path, find=find)
    assert server.facts().major == postgres.major
    fault = raised(lambda: dump(server, "postgres", tmp_path / "dump"))
    assert isinstance(fault, ProgramMissing) and fault.exit_code == 40 and f"PostgreSQL {postgres.major}" in fault.message


# --- locks and time --------------------------------------------------------------------------------------------


def test_lock_that_is_not_got_in_time_is_tried_again(postgres: Server, database: Make, tmp_path: Path) -> None:
    name = database(sql="CREATE TABLE held (n int)")
    with background(postgres, "BEGIN; LOCK TABLE held IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)", name):
        wait_until(
            lambda: (
                postgres.sql(name, "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted") != [("0",)]
            ),
            "the lock",
        )
        begin = time.monotonic()
        server = by_socket(postgres, tmp_path, lock_wait_timeout_s=1)
        fault = raised(lambda: dump(server, name, tmp_path / "dump"))
        assert isinstance(fault, ProgramStalled) and fault.passing and "lock timeout" in fault.message
        assert 1 <= time.monotonic() - begin < 20


def test_dump_that_does_not_grow_is_given_up(postgres: Server, database: Make, tmp_path: Path) -> None:
    def find(name: str, major: int | None) -> Path:
        script = tmp_path / "pg_dump"
        script.write_text("#!/bin/sh\nsleep 300\n")
        script.chmod(0o755)
        return script if name == "pg_dump" else require_postgres_program(name, major)

    server = by_socket(postgres, tmp_path, find=find, stall_s=0.5)
    fault = raised(lambda: dump(server, database(), tmp_path / "dump"))
    assert isinstance(fault, ProgramStalled) and "did not grow for 0.5 s" in fault.message


def test_sessions_of_a_dead_run_are_ended_and_no_others(postgres: Server, tmp_path: Path) -> None:
    with (
        background(postgres, "SELECT pg_sleep(60)", name="axej:dead-run") as dead,
        background(postgres, "SELECT pg_sleep(60)", name="axej:dead-run-2") as living,
    ):
        server = by_socket(postgres, tmp_path, run_id="another")
        wait_until(lambda: len(postgres.sql("postgres", SESSIONS)) == 2, "two sessions")
        assert [entry.split()[:2] for entry in server.terminate_sessions("dead-run")] == [["database", "session"]]
        dead.wait(timeout=20)
        assert server.terminate_sessions("dead-run") == ()
        assert living.poll() is None


SESSIONS = "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'axej:dead%'"


# --- disks -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(place: Place) -> Iterator[Path]:
    """A file system of 8 MB."""
    need("root", "loop")
    folder = place.folder("small")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_is_named_and_not_tried_again(postgres: Server, database: Make, small_disk: Path) -> None:
    name = database(sql=BIG)
    fault = raised(lambda: dump(by_socket(postgres, small_disk), name, small_disk / "dump"))
    assert isinstance(fault, DiskFull) and not fault.passing
    assert "`state:`" in fault.hint


def test_full_disk_for_the_roles_is_named(postgres: Server, small_disk: Path) -> None:
    with (small_disk / "filler").open("wb") as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"x" * 65536)
            file.flush()
    fault = raised(lambda: by_socket(postgres, small_disk).dump_roles(small_disk / "roles.sql"))
    assert isinstance(fault, DiskFull)


def test_folder_that_cant_be_written_is_named(postgres: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    fault = raised(lambda: dump(by_socket(postgres, tmp_path), "postgres", tmp_path / "file" / "dump"))
    assert not isinstance(fault, DumpIncomplete) and "file" in fault.message


# --- helpers ---------------------------------------------------------------------------------------------------


class background:  # noqa: N801 (read as a verb: with background(server, query))
    """A session of somebody else's, which runs a query for as long as the block."""

    def __init__(self, server: Server, query: str, database: str = "postgres", name: str = "somebody") -> None:
        words = ["-X", "-q", "-h", str(server.socket_dir), "-p", str(server.port), "-U", server.user, "-d", database]
        environment = {**os.environ, "PGAPPNAME": name}
        psql = [str(server.bin_dir / "psql"), *words, "-c", query]
        self.process = subprocess.Popen(psql, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        count = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}' AND state = 'active'"
        self._wait = lambda: wait_until(lambda: server.sql("template1", count) != [("0",)], query)
        self.is_waited_for = "max_connections=3" not in server.options

    def __enter__(self) -> subprocess.Popen[bytes]:
        if self.is_waited_for:
            self._wait()
        else:
            time.sleep(0.5)
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def at_growth(act: Callable[[], object]) -> Callable[[Progress], None]:
    """Progress that does something once, when the first rows of a dump are on the disk."""
    done: list[bool] = []

    def look(progress: Progress) -> None:
        if progress.done_bytes > 100_000 and not done:
            done.append(True)
            act()

    return look
