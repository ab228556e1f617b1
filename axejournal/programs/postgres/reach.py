"""How the programs of one PostgreSQL server are run, and what they connect to.

By address the programs are this machine's, of the server's own major version. By container they run in a sidecar: a
container of ours from the server's own image, in its network, with the staging folder mounted at the same path.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from axejournal.domain.errors import SourceUnreachable
from axejournal.domain.ports import Container, Containers, Sidecar
from axejournal.programs.process import Command, Completed

Find = Callable[[str, int | None], Path]
"""Where a client program of this major version (None: of any) is on this machine. Raises ProgramMissing."""

CONNECT_S = 10
PASSFILE_INSIDE = "/run/axej.pgpass"


@dataclass(frozen=True)
class ServerAddress:
    """Where a server is: in a container (`port` is inside it), at a host, or behind a socket in a folder."""

    container: str | None = None
    host: str | None = None
    socket: Path | None = None
    port: int = 5432
    user: str = "postgres"
    passfile: Path | None = None
    volume: str | None = None
    lock_wait_timeout_s: int = 300
    stall_s: float = 1800.0  # a dump that grows by nothing for so long is given up

    @property
    def place(self) -> str:
        """For a person."""
        return f"{f'container {self.container}' if self.container else self.socket or self.host}, port {self.port}"


@dataclass(frozen=True)
class Way:
    """An open way to a server. `prefix` stands before every program's own words."""

    place: str
    settings: Mapping[str, str]
    prefix: tuple[str, ...]
    locate: Callable[[str, int | None], str]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def user(self) -> str:
        """The role."""
        return self.settings["user"]

    def command(self, program: str, major: int | None, *words: str) -> Command:
        """What starts one of PostgreSQL's programs."""
        return Command((*self.prefix, self.locate(program, major), *words), env=self.environment)

    def shell(self, script: str, program: str, major: int | None, *words: str) -> Command:
        """What starts a shell script with the program as its $0."""
        return Command((*self.prefix, "sh", "-c", script, self.locate(program, major), *words), env=self.environment)

    def conninfo(self, database: str, **more: str) -> str:
        """A connection string. Names are quoted in it, so that none is ever taken for a connection string itself."""
        return " ".join(f"{name}={quoted(value)}" for name, value in {**self.settings, "dbname": database, **more}.items())

    def killed_by(self, done: Completed) -> int | None:
        """The signal that ended a program. A shell and `docker exec` tell it as 128 more."""
        if done.exit_code < 0:
            return -done.exit_code
        return done.exit_code - 128 if self.prefix and done.exit_code in (129, 130, 134, 137, 139, 143) else None


def quoted(value: str) -> str:
    """A value of a connection string (manual 34.1.1.1)."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


@contextlib.contextmanager
def open_way(address: ServerAddress, run: str, staging: Path, find: Find, containers: Containers | None) -> Iterator[Way]:
    """The way to a server. Raises SourceUnreachable when its container does not run."""
    if address.container is None:
        yield _by_address(address, run, find)
        return
    container = find_container(address, containers)
    assert containers is not None
    if not container.is_running or container.status == "paused":
        hint = f'Run "docker start {address.container}", or look at "docker logs {address.container}".'
        raise SourceUnreachable(f"container {address.container} is {container.status}", hint)
    staging.mkdir(parents=True, exist_ok=True, mode=0o700)
    mounts: tuple[tuple[str, str, bool], ...] = ((str(staging), str(staging), False),)
    variables: tuple[tuple[str, str], ...] = (("LC_ALL", "C"), ("PGCLIENTENCODING", "UTF8"), ("HOME", "/tmp"))
    if address.passfile is not None:
        mounts += ((str(address.passfile), PASSFILE_INSIDE, True),)
        variables += (("PGPASSFILE", PASSFILE_INSIDE),)
    sidecar = Sidecar(run, container, mounts, variables, user=f"{os.getuid()}:{os.getgid()}")
    with containers.lend(sidecar) as prefix:
        yield Way(address.place, _settings(address, run, "127.0.0.1"), prefix, lambda program, _: program)


def find_container(address: ServerAddress, containers: Containers | None) -> Container:
    """The container of an address. Raises SourceUnreachable when there is none."""
    assert address.container is not None and containers is not None, "a container needs an engine"
    found = containers.inspect(address.container)
    if found is None:
        hint = 'Run "docker ps --all" to see what it is called, and correct `container:` of the source.'
        raise SourceUnreachable(f"container {address.container} does not exist", hint)
    return found


def _by_address(address: ServerAddress, run: str, find: Find) -> Way:
    host = str(address.socket or address.host)
    environment = {"PGPASSFILE": str(address.passfile)} if address.passfile else {}
    return Way(address.place, _settings(address, run, host), (), lambda name, major: str(find(name, major)), environment)


def _settings(address: ServerAddress, run: str, host: str) -> dict[str, str]:
    return {
        "host": host,
        "port": str(address.port),
        "user": address.user,
        "connect_timeout": str(CONNECT_S),
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
        "gssencmode": "disable",  # asking for Kerberos costs seconds on a Mac, and PostgreSQL's users here have none
        "application_name": session_name(run),
    }


def session_name(run: str) -> str:
    """What a run's sessions are called in pg_stat_activity, so that they can be found after a crash."""
    return f"axej:{run}"
