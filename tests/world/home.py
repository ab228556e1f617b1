"""A machine of an operator's, in a folder: HOME, configuration, journal, repository, files, databases, and `axej` itself."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.world import axej
from tests.world.place import Place, end_processes
from tests.world.postgres import Server
from tests.world.quick_key import restic_program
from tests.world.repositories import Repository

PASSWORD = "a password of the tests"
SMALL_SQL = """
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE journal_line (id bigint PRIMARY KEY, customer int NOT NULL REFERENCES customers, amount numeric NOT NULL);
INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 50) AS n;
INSERT INTO journal_line SELECT n, 1 + n % 50, n * 1.5 FROM generate_series(1, 2000) AS n;
"""
WIDE = {"COLUMNS": "300"}  # a table that folds nothing, however long the folder's name is
Database = Callable[..., str]
Done = axej.Done


@dataclass
class World:
    """`config` is the configuration as a mapping: change it, then `write()`. Nothing of it is outside `folder` but the
    databases, which live on `server` and are dropped after the test."""

    folder: Path
    repository: Repository
    server: Server
    place: Place
    database: Database
    blank: Repository
    config: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """HOME of every process of this world."""
        return self.folder / "home"

    @property
    def files(self) -> Path:
        """The folder that the source `files` backs up."""
        return self.folder / "files"

    @property
    def state(self) -> Path:
        """Where axej keeps its journal, leases and staged dumps."""
        return self.folder / "state"

    @property
    def journal(self) -> Path:
        """The journal's file; it is there once a command has opened it."""
        return self.state / "journal.sqlite"

    @property
    def config_path(self) -> Path:
        """The configuration: the default place, so that no option is needed."""
        return self.home / ".axe" / "axej.yaml"

    @property
    def axej_words(self) -> tuple[str, ...]:
        """The words that start axej."""
        return axej.WORDS

    def write(self) -> None:
        """Writes the configuration as `config` says."""
        text = yaml.safe_dump(self.config, allow_unicode=True, sort_keys=False)
        self.config_path.write_text(text, encoding="utf-8")

    def add_database(self, name: str, sql: str = SMALL_SQL, **settings: Any) -> str:
        """A source `name`, with a new database on the session's server; returns the database's name."""
        made = self.database(name, sql=sql, shared=sql is SMALL_SQL)
        self.add_source(name, kind="postgres", **reach(self.server), database=made, **settings)
        return made

    def add_source(self, name: str, **settings: Any) -> None:
        """A source, as the configuration words it."""
        self.config["sources"][name] = settings
        self.write()

    def axej(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        kill_at: str = "",
        expect: int | None = None,
        timeout_s: float = 240,
        stdin: str | None = None,
        cold: bool = False,
    ) -> Done:
        """Runs `axej WORDS` to its end, as a process of its own.

        `cold`: by a new interpreter; see tests/world/axej.
        `kill_at`: "POINT:STEP" at which it kills itself by SIGKILL (exit code -9): intent, effect or fact of a step.
        `expect`: the exit code it must have, or the test fails and shows what axej said.
        """
        environment = self.environ(env or {}, kill_at)
        done = axej.run(words, environment, self.folder, stdin or "", timeout_s=timeout_s, cold=cold)
        if expect is not None and done.returncode != expect:
            pytest.fail(f"axej {' '.join(words)}: exit {done.returncode}, not {expect}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *words: str, env: Mapping[str, str] | None = None, kill_at: str = "", cold: bool = False) -> axej.Process:
        """Starts `axej WORDS` and returns at once; the caller ends it. stdout and stderr go to files: see `said`."""
        with (self.folder / "stdout").open("w") as stdout, (self.folder / "stderr").open("w") as stderr:
            environment = self.environ(env or {}, kill_at)
            streams = (subprocess.DEVNULL, stdout.fileno(), stderr.fileno())
            return axej.start(words, environment, self.folder, streams, cold)

    def said(self) -> str:
        """What the process of the last `start` wrote so far."""
        return (self.folder / "stdout").read_text() + (self.folder / "stderr").read_text()

    def json(self, *words: str, expect: int = 0) -> Any:
        """`axej WORDS --json`, parsed."""
        return json.loads(self.axej(*words, "--json", expect=expect).stdout)

    def environ(self, added: Mapping[str, str], kill_at: str = "") -> dict[str, str]:
        """The environment of this world's processes."""
        foreign = ("AXEJ_", "RESTIC_", "PG", "XDG_", "DOCKER_", "PYTHONDONTWRITE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        mine = {"HOME": str(self.home), "NO_COLOR": "1", "PYTHONPYCACHEPREFIX": str(self.place.path / "pycache")}
        crash = {"AXEJ_CRASH": kill_at} if kill_at else {}
        return {**kept, **mine, **self.environment, **crash, **added}

    def processes(self) -> list[psutil.Process]:
        """Every living process of this world: axej, and what it started."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get("HOME") == str(self.home) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


def reach(server: Server) -> dict[str, Any]:
    """How a source names this server."""
    return {"socket": str(server.socket_dir), "port": server.port, "user": server.user}


def at(moment: str) -> dict[str, str]:
    """The environment of an axej whose clock begins at this ISO 8601 instant."""
    return {"PYTHONPATH": str(Path(__file__).parent / "clock"), "TESTS_NOW": moment}


@pytest.fixture(scope="session")
def blank_repository(restic: Path, place: Place) -> Repository:
    """An empty repository, made once: copying it costs a millisecond, making one a second."""
    folder = place.folder("repository")
    (folder / "password").write_text(f"{PASSWORD}\n")
    made = Repository(folder / "blank", folder / "password", restic, folder / "cache")
    made.run("init")
    made.quicken()
    return made


@pytest.fixture
def make_world(
    tmp_path: Path, blank_repository: Repository, postgres: Server, place: Place, database: Database
) -> Iterator[Callable[..., World]]:
    """Makes worlds: `make_world("axe", databases=("frame", "hive"))`. All begin with an equal, empty repository."""
    made: list[World] = []

    def make(name: str = "axe", databases: tuple[str, ...] = ("frame",)) -> World:
        folder = tmp_path / name
        world = World(folder, _copy(blank_repository, folder), postgres, place, database, blank_repository)
        (world.home / ".axe" / "bin").mkdir(parents=True)
        restic_program(blank_repository.restic, world.home / ".axe" / "bin" / "restic")
        _write_files(world.files)
        world.config |= {
            "customer": name,
            "host": f"{name}-macmini",
            "timezone": "Asia/Seoul",
            "state": str(world.state),
            "sources": {"files": {"kind": "files", "path": str(world.files)}},
            "tiers": {
                "local": {
                    "repository": str(world.repository.path),
                    "password": {"file": str(world.repository.password_file)},
                    "schedule": "0 3 * * *",
                },
            },
        }
        world.write()
        for source in databases:
            world.add_database(source)
        made.append(world)
        return world

    yield make
    for world in made:
        end_processes(world.processes(), signal.SIGKILL, 10)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """One machine of an operator's: customer `axe`, a database `frame`, a folder of files, an empty repository."""
    return make_world()


def _copy(blank: Repository, folder: Path) -> Repository:
    folder.mkdir()
    shutil.copytree(blank.path, folder / "repository")
    shutil.copy(blank.password_file, folder / "password")
    (folder / "password").chmod(0o600)
    return Repository(folder / "repository", folder / "password", blank.restic, folder / "restic-cache")


def _write_files(folder: Path) -> None:
    (folder / "ledger" / "2026").mkdir(parents=True)
    for month in range(1, 13):
        (folder / "ledger" / "2026" / f"{month:02}.csv").write_text(f"month,amount\n{month},{month * 1000}\n" * 20)
    (folder / "계약서.txt").write_text("갑과 을\n", encoding="utf-8")
    (folder / "empty").touch()
    (folder / "photo.bin").write_bytes(bytes(range(256)) * 400)
