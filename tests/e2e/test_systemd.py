"""Schedules in a real systemd (tests/world/systemd): installed, fired, looked into, removed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.world.home import Done, World, at
from tests.world.needs import need
from tests.world.place import wait_until
from tests.world.systemd import Inside, NoManager, user_manager

pytestmark = pytest.mark.slow


@pytest.fixture
def machine(make_world: Callable[..., World]) -> World:
    """A folder to back up, every minute, into a repository that is recorded."""
    need("root", "postgres", "systemd-analyze", "unshare")
    world = make_world(databases=())
    world.config["tiers"]["local"]["schedule"] = "* * * * *"
    world.config["schedules"] = {"labels": "com.axe-test"}
    world.write()
    yesterday = datetime.now(UTC) - timedelta(days=1)  # so that a slot is due at once
    os.utime(world.config_path, (yesterday.timestamp(), yesterday.timestamp()))
    world.axej("init", "--adopt", "local", env=at(yesterday.isoformat()), expect=0)
    return world


@pytest.fixture
def inside(machine: World, tmp_path: Path) -> Iterator[Inside]:
    """Runs words where that systemd is the system's."""
    try:
        with user_manager(machine.environ({}), machine.folder, tmp_path) as run:
            yield run
    except NoManager as why:
        pytest.skip(str(why))


def test_systemd_runs_what_is_due_tells_how_it_ended_and_keeps_nothing_once_removed(machine: World, inside: Inside):
    def axej(*words: str) -> Done:
        return inside(sys.executable, "-m", "axejournal", *words)

    labels = ["com.axe-test.backup.local", "com.axe-test.repository.check"]
    assert axej("schedule", "install").stdout.splitlines() == [f"installed  {label}" for label in labels]
    assert axej("schedule", "install").stdout.splitlines() == [f"unchanged  {label}" for label in labels]
    assert inside("systemctl", "--user", "start", "com.axe-test.backup.local.service").returncode == 0
    wait_until(lambda: any(run["job"] == "backup.local" for run in machine.json("history")), "a scheduled run", 30)
    newest = next(run for run in machine.json("history") if run["job"] == "backup.local")
    assert (newest["outcome"], newest["slot"] is not None) == ("succeeded", True)
    log = machine.state / "logs" / "com.axe-test.backup.local.log"
    assert "succeeded" in log.read_text()
    shown = axej("schedule", "show").stdout
    assert " active" in shown and "(waiting)" in shown  # a narrow table folds its cells
    assert "axej schedule install" not in shown
    found = axej("doctor", "--as-scheduled", "--json").stdout
    assert '"as scheduled"' not in found
    assert "com.axe-test.backup.local" in found
    assert axej("schedule", "remove").stdout.splitlines() == [f"removed    {label}" for label in labels]
    assert "com.axe-test" not in inside("systemctl", "--user", "list-unit-files", "--no-pager").stdout
    assert [path for path in (machine.home / ".config").rglob("*") if not path.is_dir()] == []
