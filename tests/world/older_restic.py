"""An older restic than axej wants: Debian's own package, unpacked and not installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from axejournal.programs.install import RESTIC_NEEDED, restic_version
from tests.world.needs import need

SCRIPT = Path(__file__).with_name("older_restic.sh")


@pytest.fixture(scope="session")
def older_restic() -> Path:
    """The program; got from Debian on the first use and kept in the cache."""
    need("debian", "root")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "axej-tests"
    base.mkdir(parents=True, exist_ok=True)
    program = base / "restic-of-debian"
    if not program.exists():
        subprocess.run([str(SCRIPT), str(program)], check=True, capture_output=True)
    if restic_version(program) >= RESTIC_NEEDED:
        pytest.skip("this Debian's own restic is new enough")
    return program
