"""The shipped launchd jobs: what launchd reads in them."""

from __future__ import annotations

import plistlib
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from cronsim import CronSim

from axejournal import shipped
from axejournal.config.example import example

JOBS = {"com.axe.backup.local": ("local", ["backup", "--local", "--scheduled"])}
"""Label -> tier of the reference configuration, what axej is told."""


def read(label: str) -> dict[str, Any]:
    return plistlib.loads((shipped.folder("launchd") / f"{label}.plist").read_bytes())


def test_every_shipped_job_is_known_and_carries_the_name_of_its_file():
    files = {path.stem for path in shipped.folder("launchd").glob("*.plist")}
    assert files == set(JOBS)
    assert {label: read(label)["Label"] for label in files} == {label: label for label in files}


@pytest.mark.parametrize("label", JOBS)
def test_job_starts_when_the_reference_configuration_says(label):
    """On a machine in Asia/Seoul: launchd goes by the system's zone."""
    from datetime import datetime

    config = yaml.safe_load(example("axe")["axej.yaml"])
    assert config["timezone"] == "Asia/Seoul"
    fires = next(CronSim(config["tiers"][JOBS[label][0]]["schedule"], datetime(2026, 5, 20, 12)))
    assert read(label)["StartCalendarInterval"] == {"Hour": fires.hour, "Minute": fires.minute}


@pytest.mark.parametrize("label", JOBS)
def test_job_can_be_started_by_launchd_s_bare_environment(label):
    job = read(label)
    program, *words = job["ProgramArguments"]
    assert words == JOBS[label][1]
    assert PurePosixPath(program).is_absolute()
    assert "~" not in Path(shipped.folder("launchd") / f"{label}.plist").read_text()
    assert {PurePosixPath(job[name]).is_absolute() for name in ("StandardOutPath", "StandardErrorPath")} == {True}
    assert "/opt/homebrew/bin" in job["EnvironmentVariables"]["PATH"].split(":")


@pytest.mark.parametrize("label", JOBS)
def test_job_runs_after_a_power_cut_too_and_lets_people_work(label):
    """A missed calendar start is made up for after sleep only: `RunAtLoad`, and axej asks the journal what is due."""
    job = read(label)
    assert (job["RunAtLoad"], job["ProcessType"], job["LowPriorityIO"]) == (True, "Background", True)
    assert "KeepAlive" not in job
