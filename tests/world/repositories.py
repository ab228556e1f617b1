"""A real restic, and repositories made with it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from axejournal.programs.install import require_restic
from tests.world.needs import need
from tests.world.quick_key import make_quick


@dataclass(frozen=True)
class Repository:
    """A restic repository and the file that holds its password."""

    path: Path
    password_file: Path
    restic: Path
    cache: Path

    def run(self, *words: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        """`restic WORDS` on this repository. Raises CalledProcessError when it fails, unless told not to check."""
        argv = [
            str(self.restic),
            "-r",
            str(self.path),
            "--password-file",
            str(self.password_file),
            "--cache-dir",
            str(self.cache),
        ]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RESTIC_")}
        return subprocess.run([*argv, *words], check=check, capture_output=True, text=True, env=kept, **options)

    def json(self, *words: str) -> Any:
        """`restic WORDS --json`, parsed."""
        return json.loads(self.run(*words, "--json").stdout)

    @property
    def id(self) -> str:
        """The repository's id: 64 hex digits."""
        return str(self.json("cat", "config", "--no-lock")["id"])

    def snapshots(self, *tags: str) -> list[dict[str, Any]]:
        """All snapshots that carry all these tags, oldest first."""
        filters = ("--tag", ",".join(tags)) if tags else ()  # an empty filter would find those without tags only
        found: list[dict[str, Any]] = self.json("snapshots", "--no-lock", *filters)
        return sorted(found, key=lambda snapshot: snapshot["time"])

    def files(self, snapshot: str) -> dict[str, int]:
        """Path -> size of every file in a snapshot."""
        lines = self.run("ls", snapshot, "--no-lock", "--json").stdout.splitlines()
        nodes = [json.loads(line) for line in lines]
        return {node["path"]: node.get("size", 0) for node in nodes if node.get("type") == "file"}

    def locks(self) -> list[str]:
        """Ids of the locks that lie in the repository."""
        return sorted(path.name for path in (self.path / "locks").iterdir())

    def quicken(self) -> None:
        """Makes its key cheap to derive; see quick_key."""
        make_quick(self.path, self.password_file.read_text().strip())

    def read_check(self) -> None:
        """Checks all data. Raises CalledProcessError when something is damaged."""
        self.run("check", "--read-data")


@pytest.fixture(scope="session")
def restic() -> Path:
    """A restic new enough for axej."""
    need("restic")
    return require_restic()[0]


@pytest.fixture
def repository(restic: Path, tmp_path: Path) -> Callable[..., Repository]:
    """Makes repositories: `repository()`, `repository("cold", password="other")`, `repository("empty", initialise=False)`."""

    def make(name: str = "repository", password: str = "a password of the tests", initialise: bool = True) -> Repository:
        password_file = tmp_path / f"{name}.password"
        password_file.write_text(f"{password}\n")
        password_file.chmod(0o600)
        made = Repository(tmp_path / name, password_file, restic, tmp_path / "restic-cache")
        if initialise:
            made.run("init")
            made.quicken()
        return made

    return make
