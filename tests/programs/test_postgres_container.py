"""Servers in containers: the sidecar that works beside them, what is left when something is killed, the stopped volume."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from axejournal.domain.errors import (
    AxejError,
    DumpIncomplete,
    ProgramKilled,
    ProgramMissing,
    SourceRefused,
    SourceUnreachable,
)
from axejournal.domain.ports import Progress, Sidecar
from axejournal.programs import process
from axejournal.programs.docker import sidecars as docker_sidecars
from axejournal.programs.docker.containers import Docker
from axejournal.programs.docker.sidecars import DockerContainers
from axejournal.programs.process import Command, run
from tests.contract.database_servers import RUN, contents, dump, in_container
from tests.world.engine import Container, Engine
from tests.world.place import wait_until

# a second or more of dumping, also on a quiet machine
BIG = "CREATE TABLE big AS SELECT n, repeat(md5(n::text), 8) AS pad FROM generate_series(1, 1500000) AS n"
PASSWORD = "a password of the tests"
Start = Callable[..., Container]


@pytest.fixture(scope="module")
def frame(docker_engine: Engine) -> Iterator[Container]:
    """A container that tests leave running, with a database `frame` of 50 MB."""
    made = docker_engine.run_postgres("frame-postgres", user="axe", password=PASSWORD, database="frame")
    made.sql("frame", BIG)
    yield made
    made.remove()


@pytest.fixture
def engine(docker_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine, which the programs find by the environment. Afterwards no sidecar may be left."""
    for name, value in docker_engine.environment.items():
        monkeypatch.setenv(name, value)
    yield docker_engine
    wait_until(lambda: not sidecars(docker_engine), "the sidecars", 10)


@pytest.fixture
def containers(engine: Engine) -> Iterator[DockerContainers]:
    """The port, ended as a process that exits ends it."""
    made = DockerContainers(Docker())
    yield made
    made.end_idle()


def sidecars(engine: Engine, run_id: str | None = None) -> set[str]:
    """Names of the sidecars, of a run or of all."""
    return engine.containers(f"label=axej.run={run_id}" if run_id else "label=axej.run")


def inside(engine: Engine, name: str) -> set[str]:
    """Programs that run in a container."""
    return set(engine.docker("top", name, "-o", "pid,comm", check=False).stdout.split())


def started_at(container: Container) -> str:
    """When the server inside began; a crash recovery makes it no younger, but its own count does."""
    return str(container.sql("postgres", "SELECT pg_postmaster_start_time(), checkpoints_req FROM pg_stat_bgwriter")[0][0])


def recoveries(engine: Engine, container: Container) -> int:
    """How often the server was reset after a crash of one of its processes."""
    logs = engine.docker("logs", container.name)
    return (logs.stdout + logs.stderr).count("terminating any other active server processes")


def raised(call: Callable[[], object]) -> AxejError:
    """The error that a call raises."""
    with pytest.raises(AxejError) as caught:
        call()
    assert caught.value.message and caught.value.hint, caught.value
    return caught.value


# --- working ---------------------------------------------------------------------------------------------------


def test_dump_in_a_sidecar_leaves_the_server_and_its_container_alone(
    engine: Engine, containers: DockerContainers, frame: Container, tmp_path: Path
) -> None:
    before = started_at(frame)
    server = in_container(frame, tmp_path, containers=containers)
    seen: list[set[str]] = []

    def look(_: Progress) -> None:
        seen.append(inside(engine, "frame-postgres"))

    made = server.dump("frame", tmp_path / "dump", (), look)
    assert [(table.name, table.rows) for table in made.tables] == [("big", 1500000)]
    assert contents(server.fingerprints("frame")) == contents(made.tables)
    assert started_at(frame) == before and recoveries(engine, frame) == 0
    assert seen and not any({"psql", "pg_dump", "sh"} & programs for programs in seen)
    assert (tmp_path / "dump" / "toc.dat").stat().st_uid == os.getuid()


def test_sidecar_is_one_for_all_calls_of_a_run_and_carries_its_label(
    engine: Engine, containers: DockerContainers, frame: Container, tmp_path: Path
) -> None:
    server = in_container(frame, tmp_path, containers=containers)
    server.facts()
    (first,) = sidecars(engine, RUN)
    dump(server, "frame", tmp_path / "dump")
    server.dump_roles(tmp_path / "roles.sql")
    assert sidecars(engine, RUN) == {first}
    found = json.loads(engine.docker("inspect", first).stdout)[0]
    assert found["HostConfig"]["AutoRemove"] and found["Config"]["Labels"]["axej.run"] == RUN
    assert found["HostConfig"]["NetworkMode"].startswith("container:")
    assert PASSWORD not in json.dumps(found)
    containers.end_idle()
    assert sidecars(engine, RUN) == set()


def test_sidecar_that_nobody_uses_ends_by_itself(
    engine: Engine, containers: DockerContainers, frame: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_sidecars, "IDLE_S", 0.3)
    in_container(frame, tmp_path, containers=containers).facts()
    wait_until(lambda: not sidecars(engine), "the idle sidecar", 10)


def test_server_on_another_port_inside_is_reached(
    engine: Engine, containers: DockerContainers, container: Start, tmp_path: Path
) -> None:
    made = container("hive-postgres", options=("port=6000",))
    assert in_container(made, tmp_path, containers=containers, port=6000).facts().major == 15
    fault = raised(in_container(made, tmp_path, containers=containers).facts)
    assert isinstance(fault, SourceUnreachable) and "5432" in fault.message


def test_password_inside_comes_from_the_passfile(
    engine: Engine, containers: DockerContainers, container: Start, tmp_path: Path
) -> None:
    made = container("index-postgres", user="axe")
    made.sql("postgres", "CREATE ROLE guarded SUPERUSER LOGIN PASSWORD 'correct horse'")
    rule = "sed -i '1i host all guarded all scram-sha-256' \"$PGDATA/pg_hba.conf\""
    engine.docker("exec", made.name, "sh", "-c", rule)
    made.sql("postgres", "SELECT pg_reload_conf()")
    passfile = tmp_path / "pass,file"
    passfile.write_text("127.0.0.1:5432:*:guarded:correct horse\n")
    passfile.chmod(0o600)
    guarded = in_container(made, tmp_path, containers=containers, user="guarded", passfile=passfile)
    wait_until(
        lambda: isinstance(refused(in_container(made, tmp_path, containers=containers, user="guarded")), SourceRefused), "scram"
    )
    assert guarded.facts().major == 15
    made.sql("postgres", "ALTER ROLE guarded PASSWORD 'another'")
    fault = raised(guarded.facts)
    assert isinstance(fault, SourceRefused) and "horse" not in fault.message + fault.hint


def refused(server: object) -> AxejError | None:
    """The error of asking a server who it is, if any."""
    try:
        server.facts()  # type: ignore[attr-defined]  # a PostgresServer
    except AxejError as fault:
        return fault
    return None


EXTENSION = """
CREATE SCHEMA kit;
CREATE TABLE kit.member (n int);
INSERT INTO kit.member VALUES (1);
CREATE TABLE kit.settings (name text, is_own boolean);
INSERT INTO kit.settings VALUES ('built in', false);
CREATE TABLE kit.log (line text);
SELECT pg_catalog.pg_extension_config_dump('kit.settings', 'WHERE is_own');
SELECT pg_catalog.pg_extension_config_dump('kit.log', '');
"""


def test_tables_of_extensions_are_dumped_as_far_as_the_extension_says(
    engine: Engine, containers: DockerContainers, frame: Container, tmp_path: Path
) -> None:
    (tmp_path / "kit--1.sql").write_text(EXTENSION)
    (tmp_path / "kit.control").write_text("default_version = '1'\nrelocatable = false\n")
    for file in ("kit--1.sql", "kit.control"):
        engine.docker("cp", str(tmp_path / file), f"{frame.name}:/usr/share/postgresql/15/extension/{file}")
    name = frame.create_database("extended", "CREATE EXTENSION kit; CREATE TABLE kit.mine AS SELECT 1 AS n")
    frame.sql(name, "INSERT INTO kit.settings VALUES ('a', true), ('b', true); INSERT INTO kit.log VALUES ('x')")
    frame.sql(name, "INSERT INTO kit.member VALUES (2)")
    server = in_container(frame, tmp_path / "staging", containers=containers)
    made = dump(server, name, tmp_path / "staging" / "dump")
    assert {table.name: table.rows for table in made.tables} == {"settings": 2, "log": 1, "mine": 1}
    frame.create_database("extended_again")
    words = ("run", "--rm", "--network", f"container:{frame.name}", "-v", f"{tmp_path}/staging/dump:/dump:ro", engine.image)
    engine.docker(*words, "pg_restore", "--exit-on-error", "-h", "127.0.0.1", "-U", "axe", "-d", "extended_again", "/dump")
    assert contents(server.fingerprints("extended_again")) == contents(made.tables)
    assert frame.sql("extended_again", "SELECT count(*) FROM kit.settings") == [("3",)]


# --- down ------------------------------------------------------------------------------------------------------


def test_container_that_does_not_run_is_unreachable_and_told_how_to_start(
    engine: Engine, containers: DockerContainers, container: Start, tmp_path: Path
) -> None:
    made = container("mysrt-postgres")
    server = in_container(made, tmp_path, containers=containers)
    assert server.is_running()
    engine.docker("pause", made.name)
    assert "is paused" in raised(server.facts).message and not server.is_running()
    engine.docker("unpause", made.name)
    made.stop()
    fault = raised(lambda: dump(server, "postgres", tmp_path / "dump"))
    assert isinstance(fault, SourceUnreachable) and "mysrt-postgres is exited" in fault.message
    assert "docker start mysrt-postgres" in fault.hint and not server.is_running()
    made.remove()
    fault = raised(server.facts)
    assert isinstance(fault, SourceUnreachable) and "mysrt-postgres does not exist" in fault.message
    assert not server.is_running()


def test_docker_that_does_not_answer_is_unreachable(
    engine: Engine, frame: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-socket")
    server = in_container(frame, tmp_path)
    fault = raised(server.facts)
    assert isinstance(fault, SourceUnreachable) and fault.message.startswith("Docker does not answer")
    assert isinstance(raised(server.is_running), SourceUnreachable)
    assert DockerContainers(Docker()).end_left_behind("a-run") == ()


def test_docker_that_is_not_installed_is_missing(frame: Container, tmp_path: Path) -> None:
    nowhere = DockerContainers(Docker(tmp_path / "docker"))
    fault = raised(in_container(frame, tmp_path, containers=nowhere).facts)
    assert isinstance(fault, ProgramMissing) and "docker:" in fault.hint
    assert nowhere.end_left_behind("a-run") == ()


# --- killed ----------------------------------------------------------------------------------------------------


def at_growth(act: Callable[[], object]) -> Callable[[Progress], None]:
    """Progress that does something once, when the first rows of a dump are on the disk."""
    done: list[bool] = []

    def look(progress: Progress) -> None:
        if progress.done_bytes > 100_000 and not done:
            done.append(True)
            act()

    return look


def clients() -> list[psutil.Process]:
    """The docker clients that this process has started."""
    return [child for child in psutil.Process().children() if child.name() == "docker"]


def pg_dumps() -> list[psutil.Process]:
    """Every pg_dump of this machine, those in containers too."""
    return [one for one in psutil.process_iter(["name"]) if one.info["name"] == "pg_dump" and "frame" in " ".join(one.cmdline())]


def test_killed_client_of_a_dump_takes_the_dump_inside_with_it(
    engine: Engine, containers: DockerContainers, frame: Container, tmp_path: Path
) -> None:
    before = started_at(frame)

    def kill() -> None:
        assert pg_dumps()
        next(child for child in clients() if "pg_dump" in child.cmdline()).kill()

    server = in_container(frame, tmp_path, containers=containers)
    fault = raised(lambda: server.dump("frame", tmp_path / "dump", (), at_growth(kill)))
    assert isinstance(fault, ProgramKilled) and fault.passing
    assert sidecars(engine) == set() and not pg_dumps()
    assert started_at(frame) == before and recoveries(engine, frame) == 0
    assert dump(server, "frame", tmp_path / "again").tables[0].rows == 1500000


def test_removed_sidecar_of_a_dump_is_a_failure_that_is_tried_again(
    engine: Engine, containers: DockerContainers, frame: Container, tmp_path: Path
) -> None:
    server = in_container(frame, tmp_path, containers=containers)
    remove = at_growth(lambda: engine.docker("rm", "--force", *sidecars(engine)))
    fault = raised(lambda: server.dump("frame", tmp_path / "dump", (), remove))
    assert fault.passing and not pg_dumps()


def test_container_killed_in_the_middle_of_a_dump_is_unreachable(
    engine: Engine, containers: DockerContainers, container: Start, tmp_path: Path
) -> None:
    made = container("blueprint-postgres", database="frame")
    made.sql("frame", BIG)
    server = in_container(made, tmp_path, containers=containers)
    fault = raised(lambda: server.dump("frame", tmp_path / "dump", (), at_growth(made.kill)))
    assert isinstance(fault, SourceUnreachable), fault


DUMPER = """
import sys
from pathlib import Path
from axejournal.programs.docker.containers import Docker
from axejournal.programs.docker.sidecars import DockerContainers
from axejournal.programs.postgres.server import PostgresServer, ServerAddress
address, staging = ServerAddress(container="frame-postgres", user="axe"), Path(sys.argv[1])
server = PostgresServer(address, "killed-run", staging, None, DockerContainers(Docker()))
server.dump("frame", staging / "dump", (), lambda progress: print(progress.done_bytes, flush=True))
"""


def test_axej_killed_in_the_middle_of_a_dump_leaves_no_sidecar(engine: Engine, frame: Container, tmp_path: Path) -> None:
    before = started_at(frame)
    dumper = subprocess.Popen([sys.executable, "-c", DUMPER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert dumper.stdout is not None
    while int(dumper.stdout.readline()) < 100_000:
        pass
    assert sidecars(engine, "killed-run") and pg_dumps()
    dumper.send_signal(signal.SIGKILL)
    dumper.wait()
    wait_until(lambda: not sidecars(engine, "killed-run"), "the sidecar of a dead process", 10)
    wait_until(lambda: not pg_dumps(), "the dump of a dead process", 10)
    wait_until(lambda: frame.sql("postgres", OURS) == [("0",)], "the sessions of a dead process", 20)
    assert started_at(frame) == before and recoveries(engine, frame) == 0


OURS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'axej:%'"


def test_sidecars_of_a_dead_run_are_ended_and_no_others(engine: Engine, containers: DockerContainers, frame: Container) -> None:
    words = ("run", "--detach", "--network", "none", "--entrypoint", "sleep")
    for name, run_id in (("left", "dead-run"), ("living", "living-run")):
        engine.docker(*words, "--name", name, "--label", f"axej.run={run_id}", engine.image, "300")
    assert containers.end_left_behind("dead-run") == ("container left",)
    assert containers.end_left_behind("dead-run") == ()
    assert sidecars(engine) == {"living"}
    engine.docker("rm", "--force", "--volumes", "living")


def test_cancelled_process_ends_its_sidecar(engine: Engine, frame: Container, tmp_path: Path) -> None:
    script = DUMPER.replace(
        "lambda progress:", "lambda progress: process.end_all('a test') if progress.done_bytes > 100_000 else"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"from axejournal.programs import process\n{script}", str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Interrupted" in done.stderr
    assert sidecars(engine, "killed-run") == set() and not pg_dumps()


# --- the stopped volume ----------------------------------------------------------------------------------------


@pytest.fixture
def stopped(container: Start, engine: Engine) -> Container:
    """A container with a named volume, stopped cleanly, with a table of 5 rows."""
    made = container("frame2-postgres", volume="frame-data", user="axe", database="frame")
    made.sql("frame", "CREATE TABLE kept AS SELECT n FROM generate_series(1, 5) AS n")
    made.stop()
    return made


def restored(engine: Engine, container: Start, archive: Path) -> Container:
    """A new container on a new volume out of the archive."""
    words = ("run", "--rm", "-v", "restored:/volume", "-v", f"{archive.parent}:/from:ro", "--entrypoint", "tar", engine.image)
    engine.docker(*words, "-C", "/volume", "-xf", f"/from/{archive.name}")
    return container("restored-postgres", volume="restored", user="axe")


def test_stopped_volume_is_copied_and_a_server_starts_on_the_copy(
    engine: Engine, containers: DockerContainers, container: Start, stopped: Container, tmp_path: Path
) -> None:
    size = in_container(stopped, tmp_path, containers=containers).stage_volume("frame-data", tmp_path / "out")
    archive, note = tmp_path / "out" / "volume.tar", (tmp_path / "out" / "README.txt").read_text()
    assert size == archive.stat().st_size + len(note.encode())
    assert archive.stat().st_mode & 0o777 == 0o600 and archive.stat().st_uid == os.getuid()
    assert "was stopped cleanly" in note and "PostgreSQL 15" in note and "frame-data" in note
    assert restored(engine, container, archive).sql("frame", "SELECT count(*) FROM kept") == [("5",)]


def test_crashed_volume_is_copied_and_the_note_says_so(
    engine: Engine, containers: DockerContainers, container: Start, stopped: Container, tmp_path: Path
) -> None:
    stopped.start()
    stopped.sql("frame", "INSERT INTO kept VALUES (6)")
    stopped.kill()
    in_container(stopped, tmp_path, containers=containers).stage_volume("frame-data", tmp_path / "out")
    assert "crash recovery" in (tmp_path / "out" / "README.txt").read_text()
    assert restored(engine, container, tmp_path / "out" / "volume.tar").sql("frame", "SELECT count(*) FROM kept") == [("6",)]


def test_volume_of_a_running_server_is_refused(
    engine: Engine, containers: DockerContainers, container: Start, stopped: Container, tmp_path: Path
) -> None:
    server = in_container(stopped, tmp_path, containers=containers)
    stopped.start()
    assert isinstance(raised(lambda: server.stage_volume("frame-data", tmp_path / "out")), SourceRefused)
    stopped.stop()
    other = container("other-postgres", volume="frame-data", user="axe")
    fault = raised(lambda: server.stage_volume("frame-data", tmp_path / "out"))
    assert isinstance(fault, SourceRefused) and "other-postgres runs and has it mounted" in fault.message
    other.remove()
    assert not (tmp_path / "out" / "volume.tar").exists()


def test_volume_that_the_container_has_not_mounted_is_refused_and_not_made(
    engine: Engine, containers: DockerContainers, stopped: Container, tmp_path: Path
) -> None:
    server = in_container(stopped, tmp_path, containers=containers)
    fault = raised(lambda: server.stage_volume("frame-dada", tmp_path / "out"))
    assert isinstance(fault, SourceRefused) and "has not mounted frame-dada, but frame-data" in fault.message
    assert "frame-dada" not in engine.docker("volume", "ls", "--quiet").stdout


def test_volume_without_postgresql_data_is_incomplete(
    engine: Engine, containers: DockerContainers, container: Start, tmp_path: Path
) -> None:
    made = container("empty-postgres", docker_options=("-v", "empty-data:/elsewhere"))
    made.stop()
    fault = raised(lambda: in_container(made, tmp_path, containers=containers).stage_volume("empty-data", tmp_path / "out"))
    assert isinstance(fault, DumpIncomplete) and "empty-data holds no PostgreSQL data" in fault.message


def test_folder_of_a_stopped_server_is_copied_without_docker(make_server: Callable, tmp_path: Path) -> None:
    from tests.contract.database_servers import by_socket

    own = make_server()
    own.sql("postgres", "CREATE TABLE kept (n int)")
    server = by_socket(own, tmp_path)
    fault = raised(lambda: server.stage_volume(str(own.data_dir), tmp_path / "out"))
    assert isinstance(fault, SourceRefused) and f"process {own.pid} serves it" in fault.message
    own.stop()
    server.stage_volume(str(own.data_dir), tmp_path / "out")
    with tarfile.open(tmp_path / "out" / "volume.tar") as packed:
        assert {"./PG_VERSION", "./global/pg_control"} <= set(packed.getnames())
    (own.data_dir / "pg_tblspc" / "16400").symlink_to("/elsewhere")
    fault = raised(lambda: server.stage_volume(str(own.data_dir), tmp_path / "out2"))
    assert isinstance(fault, DumpIncomplete) and "/elsewhere" in fault.message
    assert isinstance(raised(lambda: server.stage_volume("/nowhere", tmp_path / "out3")), SourceUnreachable)


# --- looking ---------------------------------------------------------------------------------------------------


def test_postgres_containers_are_found_without_their_passwords(
    engine: Engine, containers: DockerContainers, frame: Container, tmp_path: Path
) -> None:
    in_container(frame, tmp_path, containers=containers).facts()
    found = Docker().postgres_containers()
    assert [(one.name, one.environment["POSTGRES_USER"], one.environment["POSTGRES_DB"]) for one in found] == [
        ("frame-postgres", "axe", "frame")
    ]
    assert PASSWORD not in repr(found)
    assert found[0].mounts[0].target == "/var/lib/postgresql/data" and found[0].is_running


def test_sidecar_without_network_has_none(engine: Engine, containers: DockerContainers, frame: Container) -> None:
    facts = containers.inspect("frame-postgres")
    assert facts is not None
    with containers.lend(Sidecar("r", facts, joined=False)) as prefix:
        assert run(Command((*prefix, "cat", "/proc/net/dev"))).text.count(":") == 1
        done = run(Command((*prefix, "pg_isready", "-h", "127.0.0.1")))
        assert done.exit_code == 2


def test_sidecar_that_cant_start_says_why(engine: Engine, containers: DockerContainers, frame: Container) -> None:
    facts = containers.inspect("frame-postgres")
    assert facts is not None
    with pytest.raises(AxejError, match="/nowhere"), containers.lend(Sidecar("r", facts, (("/nowhere", "/in", True),))):
        pass
    assert process.cancelled() is None
