"""`axej doctor` on machines with one thing wrong each: the line that says so, and the exit code."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from axejournal.domain.events import StepStarted
from tests.cli.conftest import Desk
from tests.cli.journals import Journal, SetClock
from tests.world.home import World, reach
from tests.world.place import wait_until


def doctor(world: World, *words: str, expect: int = 0, **options: Any) -> dict[str, list[dict[str, Any]]]:
    """The findings by the name of their check."""
    done = world.axej("doctor", "--json", *words, expect=expect, **options)
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(done.stdout):
        found.setdefault(finding["check"], []).append(finding)
    return found


def worst(found: dict[str, list[dict[str, Any]]], check: str) -> dict[str, Any]:
    order = ["FAIL", "WARN", "OK"]
    return min(found[check], key=lambda finding: order.index(finding["level"]))


@pytest.fixture
def fit(world: World) -> World:
    """A machine on which everything is as it should be: its repository is recorded."""
    world.axej("init", "--adopt", "local", expect=0)
    return world


def test_doctor_without_a_configuration_checks_programs_and_says_so(desk: Desk):
    desk.config_path.unlink()
    (desk.folder / ".axe" / "bin").mkdir(parents=True)
    done = desk.axej("doctor", expect=None)
    assert "only programs are checked" in done.stdout
    assert 'Run "axej init"' in done.stdout


def test_doctor_on_a_sound_machine_has_no_failure(fit: World):
    found = doctor(fit)
    levels = {name: {finding["level"] for finding in findings} for name, findings in found.items()}
    assert all("FAIL" not in level for level in levels.values())
    for name in ("configuration", "restic", "password", "repository", "locks", "journal", "open runs", "leftovers", "sqlite"):
        assert levels[name] == {"OK"}, found[name]
    assert fit.repository.id[:8] in found["repository"][0]["text"]


def test_doctor_line_of_a_check_fits_and_names_the_numbers(fit: World):
    said = fit.axej("doctor", expect=0).stdout
    assert any(line.startswith("OK   restic           0.") for line in said.splitlines())
    assert " OK" in said.splitlines()[-1]


def test_doctor_with_a_faulty_configuration_ends_with_4_and_names_the_line(fit: World):
    fit.config["tiers"]["local"]["schedul"] = fit.config["tiers"]["local"].pop("schedule")
    fit.write()
    found = worst(doctor(fit, expect=4), "configuration")
    assert found["level"] == "FAIL"
    assert "axej.yaml:" in found["text"]
    assert "schedul" in found["text"]


def test_doctor_with_a_missing_password_file_is_a_fault_of_the_configuration_too(fit: World):
    fit.repository.password_file.unlink()
    found = doctor(fit, expect=4)
    assert (worst(found, "configuration")["level"], worst(found, "password")["exit_code"]) == ("FAIL", 12)


def test_doctor_with_a_password_command_that_fails_ends_with_12(fit: World):
    fit.config["tiers"]["local"]["password"] = {"command": "false"}
    fit.write()
    assert worst(doctor(fit, expect=12), "password")["level"] == "FAIL"


def test_doctor_with_a_wrong_password_ends_with_12(fit: World):
    fit.repository.password_file.write_text("another\n")
    found = doctor(fit, expect=12)
    assert worst(found, "password")["level"] == "OK"
    assert worst(found, "repository")["level"] == "FAIL"


def test_doctor_warns_of_a_password_that_others_can_read(fit: World):
    fit.repository.password_file.chmod(0o644)
    assert worst(doctor(fit), "password")["level"] == "WARN"


def test_doctor_without_the_repository_ends_with_10_and_makes_none(fit: World):
    fit.repository.path.rename(fit.folder / "elsewhere")
    assert worst(doctor(fit, expect=10), "repository")["level"] == "FAIL"
    assert not fit.repository.path.exists()


def test_doctor_with_a_repository_of_another_id_ends_with_10(fit: World):
    fit.repository.path.rename(fit.folder / "elsewhere")
    fit.repository.run("init")
    found = worst(doctor(fit, expect=10), "repository")
    assert "not the recorded" in found["text"]
    assert "--adopt local" in found["hint"]


def test_doctor_with_a_repository_that_was_never_recorded_warns(world: World):
    assert worst(doctor(world), "repository")["level"] == "WARN"


def test_doctor_names_a_stale_lock_and_leaves_it(fit: World):
    killed = subprocess.Popen(
        [str(fit.repository.restic), "-r", str(fit.repository.path), "--no-cache", "backup", "--stdin"],
        env={**os.environ, "RESTIC_PASSWORD_FILE": str(fit.repository.password_file)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    folder = fit.repository.path / "locks"
    wait_until(lambda: any(len(path.name) == 64 and path.stat().st_size for path in folder.iterdir()), "restic's lock")
    killed.kill()
    killed.wait()
    found = worst(doctor(fit), "locks")
    assert found["level"] == "WARN"
    assert "its process is dead" in found["text"]
    assert str(killed.pid) in found["text"]
    assert len(fit.repository.locks()) == 1


def test_doctor_with_a_changed_journal_ends_with_30(fit: World):
    with sqlite3.connect(fit.journal) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE events SET process = 'nobody' WHERE position = 2")
        for _, text in triggers:
            connection.execute(text)
    for words in ((), ("--full",)):
        found = worst(doctor(fit, *words, expect=30), "journal")
        assert "event 2" in found["text"]


def test_doctor_full_looks_at_every_event_and_table(fit: World):
    assert "all 6 events" in worst(doctor(fit, "--full"), "journal")["text"]


def test_doctor_names_open_runs_and_leftovers(fit: World):
    journal = Journal(fit.journal, SetClock(datetime.now(UTC)))
    journal.begin("260520-0300-open", "2026-05-20T03:00+09:00").preflight().note(StepStarted(), "dump:frame")
    journal.close()
    (fit.state / "staging" / "frame").mkdir(parents=True)
    found = doctor(fit)
    assert (worst(found, "open runs")["level"], worst(found, "leftovers")["level"]) == ("WARN", "WARN")
    assert "axej resume 260520-0300-open" in worst(found, "open runs")["hint"]


def test_doctor_without_restic_ends_with_40_and_says_how_to_get_it(fit: World):
    (fit.home / ".axe" / "bin" / "restic").unlink()
    found = doctor(fit, expect=40, env={"PATH": "/usr/bin:/bin"})
    assert worst(found, "restic")["level"] == "FAIL"
    assert "axej doctor --install" in worst(found, "restic")["hint"]


def test_doctor_with_an_old_restic_ends_with_40(fit: World):
    old = fit.home / ".axe" / "bin" / "restic"
    old.unlink()
    old.write_text("#!/bin/sh\necho 'restic 0.14.0 compiled with go1.19.8 on linux/amd64'\n")
    old.chmod(0o755)
    assert "0.14.0" in worst(doctor(fit, expect=40), "restic")["text"]


def test_doctor_install_with_everything_there_installs_nothing(desk: Desk):
    desk.config_path.unlink()
    place = desk.folder / ".axe" / "bin"
    place.mkdir(parents=True)
    found = Path.home() / ".axe" / "bin" / "restic"
    if not found.exists():
        pytest.skip("restic is not in ~/.axe/bin")
    (place / "restic").symlink_to(found)
    done = desk.axej("doctor", "--install")
    assert "restic 0." in done.stderr
    assert "configuration" not in done.stdout


def test_doctor_with_a_server_that_is_down_ends_with_50_and_names_the_source(fit: World):
    fit.add_source("hive", kind="postgres", socket=str(fit.folder), user="postgres", database="hive")
    found = doctor(fit, expect=50)
    assert worst(found, "sources")["text"].startswith("hive: ")
    assert {finding["level"] for finding in found["sources"]} == {"OK", "FAIL"}


def test_doctor_with_a_database_that_does_not_exist_names_it(fit: World):
    fit.add_source("gone", kind="postgres", **reach(fit.server), database="gone")
    found = worst(doctor(fit, expect=1), "sources")
    assert 'database "gone" does not exist' in found["text"]


def test_doctor_with_a_folder_that_is_not_there_ends_with_50(fit: World):
    fit.files.rename(fit.folder / "elsewhere")
    assert worst(doctor(fit, expect=50), "sources")["text"].startswith("files: ")
