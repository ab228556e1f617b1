"""What every PostgreSQL server promises, whatever the way to it: a socket, versions 15 and 18, a container."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from axejournal.domain.errors import SourceRefused
from axejournal.domain.ports import DatabaseServer, Progress
from axejournal.programs.docker.containers import Docker
from axejournal.programs.docker.sidecars import DockerContainers
from tests.contract.database_servers import Target, by_socket, contents, dump, in_container, quiet, restore, without_files
from tests.world.engine import Container, Engine
from tests.world.needs import need
from tests.world.postgres import Server, identifier
from tests.world.samples import CHINOOK_ROWS, HOSTILE_NAMES, HOSTILE_SQL, chinook_sql

Make = Callable[..., str]


@pytest.fixture(scope="module")
def shared_container(docker_engine: Engine) -> Iterator[Container]:
    """One container for the whole module: starting one takes 2 s."""
    made = docker_engine.run_postgres("contract-postgres", user="axe")
    yield made
    made.remove()


@pytest.fixture(scope="module")
def servers(make_postgres: Callable[..., Server]) -> Callable[[str], Server]:
    """A server for each version, started when it is asked for."""
    made: dict[str, Server] = {}
    return lambda version: made.get(version) or made.setdefault(version, make_postgres(version))


@pytest.fixture(params=["socket-15", "socket-18", "container"])
def target(
    request: pytest.FixtureRequest, tmp_path: Path, servers: Callable[[str], Server], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Target]:
    """A server, reached by axej and by the tests."""
    staging = tmp_path / "staging"
    if request.param != "container":
        server = servers({"socket-15": "15", "socket-18": "pgserver"}[request.param])
        yield Target(by_socket(server, staging), server, lambda folder, name: restore(server, folder, name), server.major)
        return
    need("docker")
    engine: Engine = request.getfixturevalue("docker_engine")
    container: Container = request.getfixturevalue("shared_container")
    for name, value in engine.environment.items():
        monkeypatch.setenv(name, value)

    def restore_inside(folder: Path, name: str) -> None:
        container.sql("postgres", f"CREATE DATABASE {identifier(name)} TEMPLATE template0")
        words = ("run", "--rm", "--network", f"container:{container.name}", "-v", f"{folder}:/dump:ro", engine.image)
        engine.docker(*words, "pg_restore", "--exit-on-error", "-h", "127.0.0.1", "-U", container.user, "-d", name, "/dump")

    containers = DockerContainers(Docker())
    yield Target(in_container(container, staging, containers=containers), container, restore_inside, 15)
    containers.end_idle()


@pytest.fixture
def database(target: Target) -> Iterator[Make]:
    """Makes databases on the target for one test: `database(name, sql)`."""
    made: list[str] = []

    def make(name: str, sql: str = "") -> str:
        target.direct.sql("postgres", f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")
        target.direct.sql("postgres", f"CREATE DATABASE {identifier(name)}")
        made.append(name)
        if sql:
            target.direct.sql(name, sql)
        return name

    yield make
    for name in made:
        target.direct.sql("postgres", f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")


def test_facts_say_who_answers(target: Target) -> None:
    facts = target.axej.facts()
    ((version, identity),) = target.direct.sql(
        "postgres", "SELECT current_setting('server_version'), system_identifier FROM pg_control_system()"
    )
    assert (facts.major, facts.system_identifier) == (target.major, identity)
    assert version is not None and version.startswith(facts.version)
    assert facts.started_at < datetime.now(UTC)


def test_database_size_is_the_servers(target: Target, database: Make) -> None:
    name = database("sized")
    ((size,),) = target.direct.sql(name, "SELECT pg_database_size(current_database())")
    assert target.axej.database_size_bytes(name) == int(str(size))


def test_database_that_is_not_there_is_refused_by_name(target: Target, tmp_path: Path) -> None:
    calls: tuple[Callable[[DatabaseServer], object], ...] = (
        lambda server: server.database_size_bytes("no such database"),
        lambda server: server.dump("no such database", tmp_path / "staging" / "dump", (), quiet),
    )
    for call in calls:
        with pytest.raises(SourceRefused, match='database "no such database" does not exist') as caught:
            call(target.axej)
        assert "`database:`" in caught.value.hint


def test_dump_of_chinook_holds_every_table_and_restores_to_the_same_content(
    target: Target, database: Make, tmp_path: Path
) -> None:
    name = database("chinook", chinook_sql())
    into = tmp_path / "staging" / "chinook" / "dump"
    seen: list[Progress] = []
    made = target.axej.dump(name, into, (), seen.append)
    assert {table.name: table.rows for table in made.tables} == CHINOOK_ROWS
    for table in made.tables:
        data = (into / str(table.file)).read_bytes()
        assert (table.size_bytes, table.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert table.file == f"{table.dump_id}.dat"
    assert made.size_bytes == sum(file.stat().st_size for file in into.iterdir())
    lines = sorted(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n" for file in into.iterdir())
    assert made.sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert into.stat().st_mode & 0o777 == 0o700
    assert (made.encoding, made.server) == ("UTF8", target.axej.facts())
    assert seen and all(0 <= step.done_bytes <= (step.of_bytes or 0) for step in seen)
    target.restore(into, "chinook_again")
    try:
        assert contents(target.axej.fingerprints("chinook_again")) == contents(made.tables)
    finally:
        target.direct.sql("postgres", "DROP DATABASE chinook_again WITH (FORCE)")


def test_dump_again_reuses_every_fingerprint(target: Target, database: Make, tmp_path: Path) -> None:
    name = database("again", "CREATE TABLE a AS SELECT n FROM generate_series(1, 100) AS n; CREATE TABLE b (n int)")
    first = dump(target.axej, name, tmp_path / "staging" / "1")
    second = dump(target.axej, name, tmp_path / "staging" / "2", first.tables)
    assert (first.fingerprints_reused, second.fingerprints_reused) == (0, 2)
    assert second.tables == first.tables
    assert without_files(first.tables) == target.axej.fingerprints(name)


def test_dump_of_hostile_names_holds_them_as_they_are(target: Target, database: Make, tmp_path: Path) -> None:
    for number, name in enumerate(HOSTILE_NAMES):
        database(name, f"CREATE TABLE t AS SELECT n FROM generate_series(1, {number}) AS n")
        made = dump(target.axej, name, tmp_path / "staging" / f"{number} 한 '-x'")
        assert [table.rows for table in made.tables] == [number], name


def test_dump_of_hostile_tables_counts_each(target: Target, database: Make, tmp_path: Path) -> None:
    name = database("hostile")
    lines = HOSTILE_SQL.read_text(encoding="utf-8").splitlines()
    target.direct.sql(name, "\n".join(lines))
    made = dump(target.axej, name, tmp_path / "staging" / "dump")
    assert {(table.schema, table.name): table.rows for table in made.tables} == {
        ("public", "select"): 25,
        ("has space", "two words"): 3,
        ("한국어 스키마", "급여 원장"): 3,
        ("-dash", "--schema=public"): 3,
        ('sch"ema.with.dots', "ta\"ble.'quoted'"): 2,
        ("back\\slash", "C:\\temp\\n"): 3,
        ("new\nline", "table\nwith newline"): 2,
        ("public", "$HOME; `id` && rm * | %s #"): 4,
        ("public", "MixedCase"): 2,
        ("public", "mixedcase"): 1,
        ("public", "name_of_63_bytes_________________________________________________"[:63]): 0,
        ("public", "no_columns"): 1,
        ("public", "empty table"): 0,
    }
    assert made.sequences['public."seq\'uence"'] == 41
    assert contents(target.axej.fingerprints(name)) == contents(made.tables)


def test_dump_of_an_empty_database_is_whole(target: Target, database: Make, tmp_path: Path) -> None:
    made = dump(target.axej, database("empty"), tmp_path / "staging" / "dump")
    assert (made.tables, made.sequences, made.large_objects) == ((), {}, 0)
    assert made.size_bytes > 0


def test_dump_into_a_folder_that_holds_something_touches_nothing(target: Target, database: Make, tmp_path: Path) -> None:
    into = tmp_path / "staging" / "dump"
    into.mkdir(parents=True)
    (into / "toc.dat").write_text("somebody's")
    with pytest.raises(ValueError, match="not empty"):
        dump(target.axej, database("plain"), into)
    assert (into / "toc.dat").read_text() == "somebody's"


def test_roles_are_dumped_for_their_owner_alone(target: Target, tmp_path: Path) -> None:
    target.direct.sql("postgres", 'DROP ROLE IF EXISTS "a role; --"; CREATE ROLE "a role; --" PASSWORD \'x\'')
    into = tmp_path / "staging" / "roles.sql"
    into.parent.mkdir()
    size = target.axej.dump_roles(into)
    text = into.read_text()
    assert size == len(text.encode()) and into.stat().st_mode & 0o777 == 0o600
    assert 'CREATE ROLE "a role; --";' in text and "SCRAM-SHA-256$" in text
    target.direct.sql("postgres", 'DROP ROLE "a role; --"')


def test_server_that_runs_is_running_and_keeps_no_session_of_ours(target: Target, database: Make, tmp_path: Path) -> None:
    assert target.axej.is_running()
    dump(target.axej, database("plain"), tmp_path / "staging" / "dump")
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'axej:%'"
    assert target.direct.sql("postgres", query) == [("0",)]
