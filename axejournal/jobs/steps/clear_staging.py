"""Removes the dumps from the disk once they are in the repository: whoever reads the disk could read them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.facts import StagingCleared
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.run import Run


@dataclass(frozen=True)
class ClearStaging:
    """May be begun twice."""

    staging: Path
    name: str = "clear-staging"
    policy: RetryPolicy = USUAL
    contained: bool = True

    def probe(self, run: Run) -> StagingCleared | None:
        """An empty folder is a cleared one."""
        return None if any_content(self.staging) else StagingCleared(0)

    def act(self, attempt: Attempt) -> StagingCleared:
        """Empties the folder and keeps it."""
        return StagingCleared(clear(self.staging))


def any_content(folder: Path) -> bool:
    """Whether anything lies in the folder."""
    return folder.is_dir() and next(folder.iterdir(), None) is not None


def clear(folder: Path) -> int:
    """Removes everything in the folder; returns the bytes of the files that were in it."""
    if not folder.is_dir():
        return 0
    size = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return size
