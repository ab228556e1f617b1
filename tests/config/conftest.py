"""A small configuration to change one thing in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from axejournal.config.load import load
from axejournal.config.models import Config
from axejournal.domain.errors import ConfigurationFault

SMALL = """\
customer: axe
host: axe-macmini
timezone: Asia/Seoul
state: state
sources:
  frame:
    kind: postgres
    container: frame-postgres
    database: frame
    user: frame
  files:
    kind: files
    path: files
tiers:
  local:
    repository: backups/{customer}
    password: {file: password}
    schedule: "0 3 * * *"
"""


class Desk:
    """A folder with an axej.yaml."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "axej.yaml"
        self.write(SMALL)
        (folder / "files").mkdir()
        (folder / "password").write_text("secret")

    def write(self, text: str, name: str = "axej.yaml") -> Path:
        """Writes a file and returns its path."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Changes the present axej.yaml."""
        values = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        change(values)
        self.write(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))

    def load(self) -> Config:
        """The present configuration."""
        return load(self.path)

    def faults(self) -> list[str]:
        """What `load` says, without the folder's name."""
        with pytest.raises(ConfigurationFault) as caught:
            self.load()
        assert caught.value.exit_code == 4
        assert caught.value.hint
        return caught.value.message.replace(f"{self.folder}/", "").splitlines()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A small sound configuration; home and cache are the test's own."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "desk"
    folder.mkdir()
    return Desk(folder)
