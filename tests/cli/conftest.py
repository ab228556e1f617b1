"""A desk: a configuration and a journal, and `axej` as a process of its own. No server, no repository."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest
import yaml

from tests.cli.journals import Journal, SetClock
from tests.world import axej

Done = axej.Done


@dataclass
class Desk:
    """`config` is the configuration as a mapping: change it, then `write()`."""

    folder: Path
    config: dict[str, Any]
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self.state.mkdir(parents=True)
        self.journal = Journal(self.state / "journal.sqlite", SetClock(datetime(2026, 5, 20, tzinfo=UTC)))
        self.write()

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def config_path(self) -> Path:
        return self.folder / "axej.yaml"

    def write(self) -> None:
        self.config_path.write_text(yaml.safe_dump(self.config, allow_unicode=True, sort_keys=False), encoding="utf-8")

    def axej(
        self,
        *words: str,
        columns: int | None = None,
        expect: int | None = 0,
        env: dict[str, str] | None = None,
        stdout: IO[str] | int = subprocess.PIPE,
        stdin: str = "",
    ) -> Done:
        """Runs `axej WORDS`; its exit code must be the expected one (None: any)."""
        self.journal.close()
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AXEJ_", "COLUMNS", "NO_COLOR", "XDG_", "RESTIC_"))
        }
        given = {"AXEJ_CONFIG": str(self.config_path), "HOME": str(self.folder)}
        width = {"COLUMNS": str(columns)} if columns else {}
        whither = stdout if isinstance(stdout, int) else stdout.fileno()
        done = axej.run(words, {**kept, **given, **width, **(env or {})}, Path.cwd(), stdin, whither)
        assert "Traceback" not in done.stderr, done.stderr
        assert expect is None or done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str, expect: int = 0) -> Any:
        """`axej WORDS --json`, parsed."""
        return json.loads(self.axej(*words, "--json", expect=expect).stdout)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Customer `axe` in Seoul with the sources frame, 한국어 and files; a journal without events."""
    (tmp_path / "files").mkdir()
    (tmp_path / "password").write_text("a password of the tests\n")
    source = {"kind": "postgres", "socket": "/nowhere", "user": "postgres"}
    return Desk(
        tmp_path,
        {
            "customer": "axe",
            "host": "axe-macmini",
            "timezone": "Asia/Seoul",
            "state": str(tmp_path / "state"),
            "sources": {
                "frame": {**source, "database": "frame"},
                "한국어": {**source, "database": "한국어"},
                "files": {"kind": "files", "path": str(tmp_path / "files")},
            },
            "tiers": {
                "local": {
                    "repository": str(tmp_path / "repository"),
                    "password": {"file": str(tmp_path / "password")},
                    "schedule": "0 3 * * *",
                }
            },
        },
    )
