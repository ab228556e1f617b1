"""An operator's machine to measure axej on: a home with its configuration, a repository, a journal, and the program as
the operator starts it (the console script, a process of its own)."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axejournal.programs.install import require_restic
from tests.benchmarks.load import DATABASES, Server

PYTHON = Path(sys.executable)
AXEJ = PYTHON.with_name("axej")
FOREIGN = ("AXEJ_", "RESTIC_", "PG", "XDG_", "DOCKER_", "PYTHON")


@dataclass(frozen=True)
class Ended:
    """A process that ended well. `peak_bytes`: the most memory that it had resident, without its children; None where
    that can't be told. `started_at_us`: when it was started, on the wall clock."""

    seconds: float
    peak_bytes: int | None
    started_at_us: int
    stdout: str


@dataclass(frozen=True)
class Machine:
    """Everything lies in `folder`."""

    folder: Path

    @property
    def home(self) -> Path:
        """HOME of its processes."""
        return self.folder / "home"

    @property
    def repository(self) -> Path:
        """Its local repository."""
        return self.folder / "repository"

    @property
    def state(self) -> Path:
        """Where its journal and its dumps are."""
        return self.folder / "state"

    @property
    def journal(self) -> Path:
        """Its journal."""
        return self.state / "journal.sqlite"

    def environment(self) -> dict[str, str]:
        """Of its processes."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return {**kept, "HOME": str(self.home), "NO_COLOR": "1"}

    def write(self, sources: Mapping[str, Mapping[str, Any]]) -> None:
        """Its configuration (JSON is YAML), with a nightly schedule."""
        (self.home / ".axe" / "bin").mkdir(parents=True, exist_ok=True)
        restic = self.home / ".axe" / "bin" / "restic"
        restic.unlink(missing_ok=True)
        with contextlib.suppress(Exception):  # without restic: for what needs none
            restic.symlink_to(require_restic()[0])
        password = self.folder / "password"
        password.write_text("reference\n")
        password.chmod(0o600)
        content = {
            "customer": "axe",
            "host": "reference",
            "timezone": "Asia/Seoul",
            "state": str(self.state),
            "sources": dict(sources),
            "tiers": {
                "local": {
                    "repository": str(self.repository),
                    "password": {"file": str(password)},
                    "schedule": "0 3 * * *",
                }
            },
        }
        (self.home / ".axe" / "axej.yaml").write_text(json.dumps(content, indent=1))

    def renew(self) -> None:
        """An empty repository and no journal: the next night is a first night."""
        for folder in (self.repository, self.state):
            shutil.rmtree(folder, ignore_errors=True)
        words = [self.home / ".axe" / "bin" / "restic", "-r", self.repository, "init", "--quiet"]
        subprocess.run([*words, "--password-file", self.folder / "password"], env=self.environment(), check=True)

    def axej(self, *words: str, fine: tuple[int, ...] = (0,)) -> Ended:
        """Runs `axej WORDS` to its end. Raises RuntimeError with what it said when its exit code is none of `fine`."""
        began_us = time.time_ns() // 1000
        begin = time.perf_counter()
        child = self.start(*words)
        with _watched(child.pid) as peak:
            stdout, stderr = child.communicate()
        seconds = time.perf_counter() - begin
        if child.returncode not in fine:
            raise RuntimeError(f"axej {' '.join(words)}: exit {child.returncode}\n{stdout}\n{stderr}")
        return Ended(seconds, max(peak, default=None), began_us, stdout)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Starts `axej WORDS`, with pipes; the caller ends it."""
        return subprocess.Popen(
            [str(AXEJ), *words],
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def events(self) -> list[dict[str, Any]]:
        """The events of the newest run: name, step, recorded_at_us, data."""
        with contextlib.closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)) as journal:
            newest = "SELECT run FROM events ORDER BY position DESC LIMIT 1"
            query = f"SELECT name, step, recorded_at_us, data FROM events WHERE run = ({newest}) ORDER BY position"
            rows = journal.execute(query).fetchall()
        return [
            dict(zip(("name", "step", "recorded_at_us", "data"), row, strict=True)) | {"data": json.loads(row[3])} for row in rows
        ]

    def size_bytes(self) -> int:
        """Bytes that the repository takes."""
        return size_of(self.repository)


def reference_sources(server: Server, files: Path) -> dict[str, dict[str, Any]]:
    """The reference load as sources."""
    reach = {"kind": "postgres", "socket": str(server.socket_dir), "port": server.port, "user": server.user}
    databases = {name: {**reach, "database": name} for name in DATABASES}
    return {**databases, "files": {"kind": "files", "path": str(files)}}


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Inside, a process's own peak memory is looked at ten times a second: what the kernel says of an ended child is the
    highest of it and of all its children."""
    found: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            if (now := peak_bytes(pid)) is not None:
                found.append(now)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()


def peak_bytes(pid: int) -> int | None:
    """The most memory that a living process had resident so far (Linux; elsewhere: has now)."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    if sys.platform != "linux":
        import psutil

        with contextlib.suppress(psutil.Error):
            return int(psutil.Process(pid).memory_info().rss)
    return None
