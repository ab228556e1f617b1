"""One small machine for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.fake_repository import FolderRepository
from tests.contract.fake_server import SmallServer
from tests.jobs.small import ROWS, Small


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """Two databases of a server each, three files, an empty repository."""
    made = Small(
        tmp_path,
        FolderRepository(tmp_path / "repository"),
        {name: SmallServer({name: {table: list(lines) for table, lines in ROWS.items()}}) for name in ("frame", "hive")},
    )
    made.repository.initialise()
    made.staging.mkdir(mode=0o700)
    (made.files / "ledger").mkdir(parents=True)
    for name in ("ledger/1.csv", "ledger/2.csv", "계약서.txt"):
        (made.files / name).write_text("month,amount\n" * 100)
    return made
