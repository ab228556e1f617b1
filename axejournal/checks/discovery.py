"""PostgreSQL servers that run on this machine: what `axej init` offers, and what `axej doctor` finds uncovered."""

from __future__ import annotations

import contextlib
import getpass
import re
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from axejournal.domain.errors import AxejError, ProgramMissing, SourceRefused, SourceUnreachable
from axejournal.domain.ports import Container

SOCKET_FOLDERS = (Path("/var/run/postgresql"), Path("/tmp"), Path("/private/tmp"))  # Debian's and PostgreSQL's own place
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""PostgreSQL answers with one letter, S or N (manual, Message Flow); nothing else that listens does."""
CONNECT_S = 1.0
LIST_S = 10.0
MAJORS = range(30, 11, -1)
DATABASES = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname = 'postgres', datname"


@dataclass(frozen=True)
class FoundServer:
    """A server and its databases; `trouble` says why those can't be listed. `postgres`, which a server always has, is
    among them only when it is the only one."""

    databases: tuple[str, ...]
    user: str
    container: str | None = None
    host: str | None = None
    socket: Path | None = None
    port: int = 5432
    volume: str | None = None
    trouble: str = ""

    @property
    def where(self) -> str:
        """Where it is, for a person."""
        if self.container is not None:
            return f"container {self.container}"
        return f"{self.host or self.socket}, port {self.port}"


def servers_here(folders: tuple[Path, ...] = SOCKET_FOLDERS) -> tuple[FoundServer, ...]:
    """Servers of this machine itself: by their sockets, and at the usual address when no socket is there for it."""
    found = tuple(_asked(FoundServer((), "postgres", socket=folder, port=port)) for folder, port in sockets(folders))
    if any(server.port == 5432 for server in found) or not answers("127.0.0.1", 5432):
        return found
    return (*found, _asked(FoundServer((), "postgres", host="127.0.0.1")))


def sockets(folders: tuple[Path, ...] = SOCKET_FOLDERS) -> Iterator[tuple[Path, int]]:
    """Folder and port of each living server socket."""
    seen: set[Path] = set()
    for folder in folders:
        for path in sorted(folder.glob(".s.PGSQL.*")):
            port = re.fullmatch(r"\.s\.PGSQL\.(\d+)", path.name)
            real = path.resolve()
            if port and real not in seen and path.is_socket() and _lives(path):
                seen.add(real)
                yield folder, int(port[1])


def _lives(path: Path) -> bool:
    """A server that was killed leaves its socket behind."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(CONNECT_S)
        return probe.connect_ex(str(path)) == 0


def answers(host: str, port: int) -> bool:
    """Whether a PostgreSQL listens there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), CONNECT_S) as probe:
        probe.sendall(SSL_REQUEST)
        return probe.recv(1) in (b"S", b"N")
    return False


def containers_here(docker: Path | None) -> tuple[Container, ...]:
    """Running PostgreSQL containers; none without Docker. `docker`: the client, when it is configured."""
    from axejournal.programs.docker.containers import Docker
    from axejournal.programs.install import find_program

    program = find_program("docker", docker)
    try:
        return Docker(program).postgres_containers() if program else ()
    except (ProgramMissing, SourceUnreachable):
        return ()


def servers_in_containers(docker: Path | None = None) -> tuple[FoundServer, ...]:
    """The servers of those containers, with their databases and their volumes."""
    return tuple(_in_container(container, docker) for container in containers_here(docker))


def _in_container(container: Container, docker: Path | None) -> FoundServer:
    user = container.environment.get("POSTGRES_USER", "postgres")
    data = container.environment.get("PGDATA", "/var/lib/postgresql/data")
    mounted = [mount for mount in container.mounts if f"{data}/".startswith(f"{mount.target}/") and mount.name]
    return _asked(FoundServer((), user, container=container.name, volume=mounted[0].name if mounted else None), docker)


def _asked(server: FoundServer, docker: Path | None = None) -> FoundServer:
    """The server with its databases, asked as its superuser, else as this user."""
    troubles: list[str] = []
    for user in dict.fromkeys((server.user, getpass.getuser())):
        try:
            return replace(server, databases=_databases(server, user, docker), user=user)
        except AxejError as fault:
            troubles.append(fault.message)
    return replace(server, trouble=troubles[0])


def _databases(server: FoundServer, user: str, docker: Path | None) -> tuple[str, ...]:
    from axejournal.programs.docker.containers import Docker
    from axejournal.programs.docker.sidecars import DockerContainers
    from axejournal.programs.install import find_program
    from axejournal.programs.postgres.reach import ServerAddress, open_way
    from axejournal.programs.process import run

    address = ServerAddress(container=server.container, host=server.host, socket=server.socket, port=server.port, user=user)
    engine = DockerContainers(Docker(find_program("docker", docker) or Path("docker"))) if server.container else None
    with tempfile.TemporaryDirectory(prefix="axej-") as folder:
        try:
            with open_way(address, "discovery", Path(folder), _client, engine) as way:
                words = ("-X", "-w", "-A", "-t", "-0", "-c", DATABASES, way.conninfo("postgres"))
                done = run(replace(way.command("psql", None, *words), timeout_s=LIST_S))
        finally:
            if engine is not None:
                engine.end_left_behind("discovery")
    if done.exit_code != 0:
        raise SourceRefused(" ".join(done.stderr.split())[-200:])
    names = tuple(name.removesuffix("\n") for name in done.text.split("\0") if name.strip("\n"))
    return tuple(name for name in names if name != "postgres") or names


def _client(program: str, _: int | None) -> Path:
    """Any version can list databases."""
    from axejournal.programs.install import find_postgres_program, find_program

    found = find_program(program)
    found = found or next((path for major in MAJORS if (path := find_postgres_program(program, major))), None)
    if found is None:
        raise ProgramMissing(f"program {program} is not on this machine", "Install PostgreSQL's client programs.")
    return found
