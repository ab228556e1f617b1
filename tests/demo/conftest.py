"""The demo's server under test: what is left of it in this machine after a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from axejournal.demo import server


def processes_of(place: Path) -> list[int]:
    """Processes that work on a folder of database files."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        if str(place) in words or process.info["cwd"] == str(place):
            found.append(process.pid)
    return found


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory for one demo; its server is ended after the test."""
    yield tmp_path
    server.stop(tmp_path)
