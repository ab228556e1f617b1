"""A real Docker engine of the session's own, and PostgreSQL containers in it.

The engine touches nothing of the system's: data, sockets and namespaces are in the session's place, it makes no
bridge and no firewall rule. So a container has a loopback device only, or the host's network when asked for.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from axejournal.programs.install import debian_mirror
from tests.world.needs import need
from tests.world.place import Place, end_processes, wait_until
from tests.world.postgres import PSQL_OPTIONS, Row, identifier, parse_rows, run_psql

IMAGE = "axej-test/postgres:15"
RECIPE = Path(__file__).parent / "image"
CHANGES = (
    "ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "ENV PGDATA=/var/lib/postgresql/data",
    "ENV PG_MAJOR=15",
    "ENV LANG=C.UTF-8",
    "VOLUME /var/lib/postgresql/data",
    'ENTRYPOINT ["docker-entrypoint.sh"]',
    'CMD ["postgres"]',
    "EXPOSE 5432",
)


@dataclass(frozen=True)
class Container:
    """A PostgreSQL server in a container; the superuser inside is `user`."""

    name: str
    engine: Engine
    user: str
    volume: str | None

    def start(self) -> None:
        """Starts it (again) and returns when the server answers."""
        self.engine.docker("start", self.name)
        self.wait()

    def stop(self) -> None:
        """A fast, clean shutdown."""
        self.engine.docker("stop", "--time", "20", self.name)

    def kill(self) -> None:
        """As when the machine dies."""
        self.engine.docker("kill", self.name)

    def remove(self) -> None:
        """Gone, with its anonymous volumes; a named volume stays. May be called twice."""
        self.engine.docker("rm", "--force", "--volumes", self.name, check=False)

    def wait(self) -> None:
        """Returns when the server answers. Raises RuntimeError when the container has ended."""
        wait_until(self._is_answering, f"container {self.name}")

    def is_running(self) -> bool:
        """Whether the container is."""
        answer = self.engine.docker("inspect", "--format", "{{.State.Running}}", self.name, check=False)
        return answer.stdout.strip() == "true"

    def sql(self, database: str, statement: str) -> list[Row]:
        """Runs statements inside and returns all rows as text, None for NULL. Raises RuntimeError with the server's message."""
        words = [
            "exec",
            "-i",
            "-e",
            f"PGDATABASE={database}",
            "-e",
            f"PGUSER={self.user}",
            "-e",
            "PGCLIENTENCODING=UTF8",
            self.name,
        ]
        argv = ["docker", *words, "psql", *PSQL_OPTIONS, "-f", "-"]
        return parse_rows(run_psql(argv, statement, {**os.environ, **self.engine.environment}))

    def create_database(self, name: str, sql: str = "") -> str:
        """Makes a database, runs `sql` in it and returns its name."""
        self.sql("postgres", f"CREATE DATABASE {identifier(name)}")
        if sql:
            self.sql(name, sql)
        return name

    def _is_answering(self) -> bool:
        if not self.is_running():
            raise RuntimeError(
                f"container {self.name} ended: {self.engine.docker('logs', self.name, check=False).stderr[-2000:]}"
            )
        # TCP: the server that makes the first database listens on the socket only
        ready = ("exec", self.name, "pg_isready", "-q", "-h", "127.0.0.1", "-p", self._port())
        return self.engine.docker(*ready, check=False).returncode == 0

    def _port(self) -> str:
        found = self.engine.docker("inspect", "--format", "{{range .Args}}{{println .}}{{end}}", self.name).stdout.split()
        return next((word.removeprefix("port=") for word in found if word.startswith("port=")), "5432")


@dataclass
class Engine:
    """A running engine. `environment` is what a process needs to reach it."""

    folder: Path
    image: str = IMAGE
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """What DOCKER_HOST must be."""
        return f"unix://{self.folder}/sock"

    @property
    def environment(self) -> dict[str, str]:
        """DOCKER_HOST, and a client's configuration that is nobody's."""
        return {"DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.folder / "client")}

    def docker(self, *words: str, check: bool = True, **options: object) -> subprocess.CompletedProcess[str]:
        """`docker WORDS` on this engine. Raises RuntimeError with docker's message, unless told not to check."""
        environment = {**os.environ, **self.environment}
        done = subprocess.run(["docker", *words], check=False, capture_output=True, text=True, env=environment, **options)  # type: ignore[call-overload]
        if check and done.returncode != 0:
            raise RuntimeError(f"docker {words[0]}: {done.stderr.strip()}")
        return done

    def run_postgres(
        self,
        name: str,
        volume: str | None = None,
        user: str = "postgres",
        password: str = "a password of the tests",
        database: str | None = None,
        options: Sequence[str] = (),
        docker_options: Sequence[str] = (),
    ) -> Container:
        """Starts a PostgreSQL container and returns when it answers. `volume`: a named volume for its data."""
        settings: Mapping[str, str | None] = {"POSTGRES_USER": user, "POSTGRES_PASSWORD": password, "POSTGRES_DB": database}
        words = [part for key, value in settings.items() if value is not None for part in ("-e", f"{key}={value}")]
        if volume:
            words += ["-v", f"{volume}:/var/lib/postgresql/data"]
        tuning = [part for option in ("fsync=off", "shared_buffers=16MB", *options) for part in ("-c", option)]
        # the official image's stop signal; an imported image can't carry one
        self.docker("run", "-d", "--name", name, "--stop-signal", "SIGINT", *words, *docker_options, self.image, *tuning)
        made = Container(name, self, user, volume)
        made.wait()
        return made

    def containers(self, *filters: str) -> set[str]:
        """Names of all containers, running or not; filters as `docker ps --filter` takes them."""
        words = [part for one in filters for part in ("--filter", one)]
        return set(self.docker("ps", "--all", "--format", "{{.Names}}", *words).stdout.split())

    def start(self, place: Place) -> None:
        """Starts the engine's daemon and returns when it answers."""
        words = ["--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec", "--pidfile", f"{self.folder}/pid"]
        network = ["--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"]
        program = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        assert program is not None
        with (self.folder / "log").open("ab") as log:
            argv = [program, *words, "-H", self.host, *network]
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        place.remember(self.process.pid)
        wait_until(self._is_answering, f"dockerd ({self.folder}/log)", 60)

    def stop(self) -> None:
        """Removes all containers and ends the daemon."""
        if self.process is None:
            return
        names = self.containers()
        if names:
            self.docker("rm", "--force", "--volumes", *names, check=False)
        self.docker("network", "prune", "--force", check=False)
        end_processes([psutil.Process(self.process.pid)], signal.SIGTERM, 30)
        self.process.wait(timeout=30)

    def _is_answering(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"dockerd ended: {(self.folder / 'log').read_text()[-2000:]}")
        return self.docker("version", check=False).returncode == 0


def image_archive(place: Place) -> Path:
    """The image's root file system as a tar archive; made by debootstrap on the first use and kept in the cache."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "axej-tests"
    base.mkdir(parents=True, exist_ok=True)
    recipe = b"".join(path.read_bytes() for path in sorted(RECIPE.iterdir()))
    archive = base / f"postgres-15-{hashlib.sha256(recipe).hexdigest()[:12]}.tar"
    if not archive.exists():
        work = place.folder("image")
        made = work / "image.tar"
        argv = [str(RECIPE / "build.sh"), debian_mirror(), str(work), str(made)]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"the image can't be made: {done.stdout[-1500:]} {done.stderr[-500:]}")
        beside = archive.with_suffix(f".{os.getpid()}")
        shutil.move(made, beside)
        beside.replace(archive)
        shutil.rmtree(work)
    return archive


@pytest.fixture(scope="session")
def docker_engine(place: Place) -> Iterator[Engine]:
    """A real engine with the image `engine.image`. The first start makes the image."""
    need("docker")
    archive = image_archive(place)
    engine = Engine(place.folder("docker"))
    engine.start(place)
    changes = [part for change in CHANGES for part in ("--change", change)]
    engine.docker("import", *changes, str(archive), IMAGE)
    yield engine
    engine.stop()


@pytest.fixture
def container(docker_engine: Engine) -> Iterator[Callable[..., Container]]:
    """Starts PostgreSQL containers for one test: `container("frame-postgres", volume="frame")`; see Engine.run_postgres."""
    before = docker_engine.containers()
    yield docker_engine.run_postgres
    left = docker_engine.containers() - before
    if left:
        docker_engine.docker("rm", "--force", "--volumes", *left, check=False)
    docker_engine.docker("volume", "prune", "--force", check=False)
