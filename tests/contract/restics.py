"""Real restic repositories, cheaply: making one costs 3 s, copying one nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from axejournal.domain.ports import BackupOrder, Progress, Stored
from axejournal.programs.restic.repository import ResticRepository
from axejournal.programs.secrets.source import PasswordSource
from tests.world.quick_key import make_quick

Fresh = Callable[..., ResticRepository]
MB = 1_000_000


def unmade(program: Path, folder: Path, name: str, **more: Any) -> ResticRepository:
    """A repository that is not there yet, with a password of its own in a file beside it."""
    password = folder / f"{name}.password"
    password.write_text(f"the password of {name}\n")
    return ResticRepository(program, str(folder / name), PasswordSource("file", str(password)), **more)


@pytest.fixture(scope="session")
def templates(restic: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two empty repositories, "first" and "second", that share chunker parameters."""
    folder = tmp_path_factory.mktemp("templates")
    made = [unmade(restic, folder, name) for name in ("first", "second")]
    made[0].initialise()
    made[1].initialise(like=made[0])
    for name in ("first", "second"):
        make_quick(folder / name, f"the password of {name}")
    return folder


@pytest.fixture
def fresh(restic: Path, templates: Path, tmp_path: Path) -> Fresh:
    """Gives an empty repository below the test's folder: `fresh("first")`, `fresh("second", cache_dir=…)`."""

    def make(name: str = "first", **more: Any) -> ResticRepository:
        shutil.copytree(templates / name, tmp_path / name)
        return unmade(restic, tmp_path, name, **more)

    return make


def quiet(_: Progress) -> None:
    return


def backup(repository: ResticRepository, *paths: Path, progress: Callable[[Progress], None] = quiet) -> Stored:
    """One snapshot of these paths."""
    return repository.backup(BackupOrder(paths, ("run=r1",), "a-host"), progress)


def noise(folder: Path, megabytes: int) -> Path:
    """Data that neither compresses nor deduplicates."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(megabytes // 20):
        (folder / f"{number}.dat").write_bytes(os.urandom(20 * MB))
    return folder


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def running() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child.name() == "restic"]
