"""The shipped property lists are what `axej schedule install` writes for the reference configuration."""

from __future__ import annotations

import plistlib
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from axejournal import shipped
from axejournal.app.schedules import Machine, tasks
from axejournal.config.effective import dumps
from axejournal.config.example import example
from axejournal.config.load import load
from axejournal.programs.scheduler.launchd import Launchd
from tests.world.needs import need

LABELS = {"com.axe.backup.local", "com.axe.ring.push", "com.axe.restore-drill", "com.axe.cold.watch", "com.axe.repository.check"}
HOME = Path("/Users/axe")
MAKE = "python -m tests.test_launchd"


def written(folder: Path) -> dict[str, bytes]:
    """What install would write on axe-macmini, by the files' names."""
    for name, text in example("axe").items():
        (folder / name).write_text(text, encoding="utf-8")
    effective = dumps(load(folder / "axej.yaml"))
    machine = Machine((effective["schedules"]["program"],), "Asia/Seoul", "axe", HOME)
    made = tasks(effective, HOME / ".axe" / "axej.yaml", machine, datetime(2026, 5, 20, tzinfo=UTC))
    launchd = Launchd("user", HOME, 501)
    return {path.name: content for task in made for path, content in launchd.files(task).items()}


def test_shipped_property_lists_are_what_install_writes(tmp_path):
    kept = {path.name: path.read_bytes() for path in shipped.folder("launchd").glob("*.plist")}
    assert {name.removesuffix(".plist") for name in kept} == LABELS
    assert kept == written(tmp_path), f"make them anew: {MAKE}"


def test_they_say_what_launchd_needs_and_nothing_that_it_would_search():
    read = {path.stem: plistlib.loads(path.read_bytes()) for path in shipped.folder("launchd").glob("*.plist")}
    for label, job in read.items():
        assert job["Label"] == label
        assert (job["RunAtLoad"], job["ProcessType"], job["LowPriorityIO"]) == (True, "Background", True)
        assert all(Path(job[key]).is_absolute() for key in ("StandardOutPath", "StandardErrorPath"))
        assert Path(job["ProgramArguments"][0]).is_absolute()
        assert "/opt/homebrew/bin" in job["EnvironmentVariables"]["PATH"].split(":")
        assert ("KeepAlive" in job) == (label == "com.axe.cold.watch") != ("StartCalendarInterval" in job)
    nightly, drill = read["com.axe.backup.local"], read["com.axe.restore-drill"]
    assert nightly["StartCalendarInterval"] == [{"Hour": 3, "Minute": 0}, {"Minute": 17}]
    months = [(each.get("Month"), each.get("Day"), each.get("Hour")) for each in drill["StartCalendarInterval"]]
    assert months == [(1, 15, 3), (4, 15, 3), (7, 15, 3), (10, 15, 3), (None, None, None)]


@pytest.mark.parametrize("path", sorted(shipped.folder("launchd").glob("*.plist")), ids=lambda path: path.stem)
def test_another_reader_of_property_lists_reads_them(path):
    need("plistutil")
    binary = subprocess.run(["plistutil", "-i", path, "-f", "bin"], capture_output=True, check=True).stdout
    assert plistlib.loads(binary) == plistlib.loads(path.read_bytes())


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as work:
        for name, content in written(Path(work)).items():
            (Path(__file__).parents[1] / "launchd" / name).write_bytes(content)
