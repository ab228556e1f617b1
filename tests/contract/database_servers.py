"""PostgreSQL servers as axej reaches them, beside the tests' own way to the same server."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from axejournal.domain.ports import Dump, Progress, Table
from axejournal.programs.docker.containers import Docker
from axejournal.programs.docker.sidecars import DockerContainers
from axejournal.programs.install import require_postgres_program
from axejournal.programs.postgres.reach import quoted
from axejournal.programs.postgres.server import PostgresServer, ServerAddress
from axejournal.programs.process import Command, run
from tests.world.engine import Container
from tests.world.postgres import Row, Server

RUN = "260520-0300-test"


class Direct(Protocol):
    """The tests' own way in."""

    def sql(self, database: str, statement: str) -> list[Row]: ...


@dataclass(frozen=True)
class Target:
    """A server twice: `axej` is under test, `direct` says what is true. `restore` really restores a dump."""

    axej: PostgresServer
    direct: Direct
    restore: Callable[[Path, str], None]
    major: int


def by_socket(server: Server, staging: Path, run_id: str = RUN, **address: Any) -> PostgresServer:
    """A server by its socket; `find` may be given beside the fields of ServerAddress."""
    find = address.pop("find", require_postgres_program)
    fields = {"socket": server.socket_dir, "port": server.port, "user": server.user, **address}
    return PostgresServer(ServerAddress(**fields), run_id, staging, find)


def in_container(container: Container, staging: Path, run_id: str = RUN, **address: Any) -> PostgresServer:
    """A server by its container. The engine is the one that DOCKER_HOST names."""
    containers = address.pop("containers", None) or DockerContainers(Docker())
    fields = {"container": container.name, "user": container.user, **address}
    return PostgresServer(ServerAddress(**fields), run_id, staging, require_postgres_program, containers)


def restore(server: Server, dump: Path, database: str) -> None:
    """A new database out of a dump, with the server's own pg_restore; every error counts."""
    server.create_database(database, "TEMPLATE template0")
    dbname = f"host={quoted(str(server.socket_dir))} port={server.port} user={server.user} dbname={quoted(database)}"
    program = str(server.bin_dir / "pg_restore")
    done = run(Command((program, "--exit-on-error", f"--dbname={dbname}", str(dump)), timeout_s=300))
    assert done.exit_code == 0, done.stderr


def quiet(_: Progress) -> None:
    """Nobody looks."""


def dump(server: PostgresServer, database: str, into: Path, known: Iterable[Table] = ()) -> Dump:
    """A dump that nobody watches."""
    return server.dump(database, into, known, quiet)


def contents(tables: Iterable[Table]) -> dict[tuple[str, str], tuple[int, str]]:
    """What a restore must bring back: rows and fingerprint of each table."""
    return {(table.schema, table.name): (table.rows, table.fingerprint) for table in tables}


def without_files(tables: Iterable[Table]) -> tuple[Table, ...]:
    """Tables as PostgresServer.fingerprints gives them."""
    return tuple(dataclasses.replace(table, file=None, size_bytes=0, sha256=None, dump_id=None) for table in tables)
