"""Where the shipped folders are, in a source tree and in an installed package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from axejournal import shipped


def test_folder_of_the_source_tree_is_beside_the_package():
    assert shipped.folder("migrations") == Path(__file__).parents[1] / "migrations"


def test_folder_of_an_installed_package_is_inside_it(tmp_path):
    package = tmp_path / "axejournal"
    (package / "shipped" / "migrations").mkdir(parents=True)
    (tmp_path / "migrations").mkdir()
    (package / "__init__.py").write_text("")
    (package / "shipped.py").write_text(Path(shipped.__file__).read_text())
    code = "from axejournal.shipped import folder; print(folder('migrations'))"
    out = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert Path(out.strip()) == (package / "shipped" / "migrations").resolve()


def test_folder_that_is_missing_is_named():
    with pytest.raises(FileNotFoundError, match="has no folder nowhere: install it again"):
        shipped.folder("nowhere")
