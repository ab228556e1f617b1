"""Removes what a restore fetched: whoever reads the disk could read it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.facts.restore import WorkCleared
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.run import Run


@dataclass(frozen=True)
class ClearWork:
    """May be begun twice."""

    folder: Path
    name: str = "clear"
    policy: RetryPolicy = USUAL
    contained: bool = True

    def probe(self, run: Run) -> WorkCleared | None:
        """A folder that is gone is cleared."""
        return None if self.folder.exists() else WorkCleared(0)

    def act(self, attempt: Attempt) -> WorkCleared:
        """Removes the folder."""
        files = self.folder.rglob("*") if self.folder.is_dir() else ()
        size = sum(path.lstat().st_size for path in files if path.is_file() and not path.is_symlink())
        shutil.rmtree(self.folder, ignore_errors=True)
        return WorkCleared(size)
