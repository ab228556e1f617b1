"""The built wheel, installed into an empty venv, away from the source tree: everything that axej needs is inside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from axejournal import shipped
from tests.world.place import Place

ROOT = Path(__file__).parents[2]
FOLDERS = ("migrations", "runbooks", "launchd")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]  # one worker builds it


@dataclass(frozen=True)
class Installed:
    """A venv with the wheel; `home` is HOME of what runs in it."""

    venv: Path
    home: Path

    def run(self, program: str, *words: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs one of the venv's programs, outside the source tree."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AXEJ", "PG", "RESTIC", "PYTHON", "VIRTUAL"))
        }
        environment = {**kept, "HOME": str(self.home), "NO_COLOR": "1"}
        argv = [str(self.venv / "bin" / program), *words]
        return subprocess.run(
            argv, env=environment, cwd=self.home, capture_output=True, text=True, check=False, timeout=timeout_s
        )


@pytest.fixture(scope="module")
def installed(place: Place, restic: Path) -> Iterator[Installed]:
    """Builds from a copy of the source tree, so that nothing that lies about in it helps."""
    work = place.folder("wheel")
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "dist", "tests")
    shutil.copytree(ROOT, work / "source", ignore=ignored)
    _checked([sys.executable, "-m", "build", "--wheel", "--outdir", str(work / "dist"), str(work / "source")])
    (wheel,) = (work / "dist").glob("*.whl")
    shutil.rmtree(work / "source")
    _checked([sys.executable, "-m", "venv", str(work / "venv")])
    _checked([str(work / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", f"{wheel}[demo]"])
    (work / "home" / ".axe" / "bin").mkdir(parents=True)
    (work / "home" / ".axe" / "bin" / "restic").symlink_to(restic)
    yield Installed(work / "venv", work / "home")
    shutil.rmtree(work, ignore_errors=True)


def _checked(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def test_installed_package_is_the_wheel_s_own(installed):
    code = "import axejournal; print(axejournal.__file__)"
    assert installed.run("python", "-c", code).stdout.startswith(str(installed.venv))


@pytest.mark.parametrize("name", FOLDERS)
def test_shipped_folder_is_inside_the_wheel_with_every_file(installed, name):
    code = f"from axejournal.shipped import folder; print(folder({name!r}))"
    found = Path(installed.run("python", "-c", code).stdout.strip())
    assert installed.venv in found.parents
    assert _files(found) == _files(shipped.folder(name)) != {}


def _files(folder: Path) -> dict[str, bytes]:
    inside = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in inside}


@pytest.mark.parametrize("script", ["axej", "axe"])
def test_both_names_run(installed, script):
    version = installed.run(script, "--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert "0." in version.stdout
    helped = installed.run(script, "--help")
    assert helped.returncode == 0
    assert "backup" in helped.stdout


def test_example_configuration_is_written_from_the_wheel(installed):
    done = installed.run("axej", "init", "--example", "axe")
    assert done.returncode == 0, done.stderr
    assert "frame-postgres" in (installed.home / ".axe" / "axej.yaml").read_text()


def test_demo_runs_from_the_wheel(installed):
    done = installed.run("axej", "demo", timeout_s=500)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "resumed" in done.stdout
