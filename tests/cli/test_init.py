"""`axej init` on an empty machine: what it asks, what it writes, what it never overwrites."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.world import axej
from tests.world.engine import Container, Engine
from tests.world.quick_key import BLANK, restic_program
from tests.world.repositories import Repository

Done = subprocess.CompletedProcess[str]


@dataclass
class Machine:
    """An empty home with restic in it."""

    home: Path
    restic: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def config_path(self) -> Path:
        return self.home / ".axe" / "axej.yaml"

    @property
    def config(self) -> dict:
        return yaml.safe_load(self.config_path.read_text())

    @property
    def repository(self) -> Repository:
        """What init made."""
        return Repository(self.home / ".axe/backups/local", self.home / ".axe/restic-password", self.restic, self.home / "cache")

    def axej(self, *words: str, expect: int = 0, stdin: str = "") -> Done:
        done = axej.run(words, self.environ(), self.home, stdin)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def environ(self) -> dict[str, str]:
        foreign = ("AXEJ_", "XDG_", "RESTIC_", "DOCKER_", "PG")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        nowhere = {"DOCKER_HOST": f"unix://{self.home}/no-docker"}
        return {**kept, **nowhere, "HOME": str(self.home), "TZ": "Asia/Seoul", "NO_COLOR": "1", **self.environment}


@pytest.fixture
def machine(tmp_path: Path, restic: Path, blank_repository: Repository) -> Machine:
    """A home with restic (cheap keys, and a cheap init) and a folder of files, and nothing else."""
    (tmp_path / ".axe" / "bin").mkdir(parents=True)
    restic_program(restic, tmp_path / ".axe" / "bin" / "restic")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "계약서.txt").write_text("갑과 을\n")
    return Machine(tmp_path, tmp_path / ".axe" / "bin" / "restic", {BLANK: str(blank_repository.path)})


SET_UP = ("init", "--yes", "--no-databases", "--customer", "axe", "--folder", "files")


def test_init_writes_a_configuration_a_password_and_a_repository_that_work(machine: Machine, restic: Path):
    machine.restic.unlink()
    machine.restic.symlink_to(restic)
    said = machine.axej(*SET_UP).stdout
    assert "Write it on paper too" in said
    assert machine.config["timezone"] == "Asia/Seoul"
    assert machine.config["sources"] == {"files": {"kind": "files", "path": str(machine.home / "files")}}
    assert machine.config_path.stat().st_mode & 0o777 == 0o600
    password = machine.repository.password_file
    assert password.stat().st_mode & 0o777 == 0o600
    assert len(password.read_text().strip()) == 29
    assert password.read_text().strip() not in said
    assert machine.repository.id[:8] in said
    machine.axej("config", "check")
    machine.axej("doctor")
    machine.axej("backup", "--local")
    assert len(machine.repository.snapshots()) == 1


def test_init_again_changes_nothing(machine: Machine):
    machine.axej(*SET_UP)
    before = (machine.config_path.read_text(), machine.repository.password_file.read_text(), machine.repository.id)
    assert "nothing to do" in machine.axej("init").stdout
    assert (machine.config_path.read_text(), machine.repository.password_file.read_text(), machine.repository.id) == before


def test_init_with_options_for_a_configuration_that_is_there_is_refused(machine: Machine):
    machine.axej(*SET_UP)
    before = machine.config_path.read_text()
    assert "stays as it is" in machine.axej("init", "--at", "04:00", expect=2).stderr
    assert machine.config_path.read_text() == before


def test_init_never_makes_a_recorded_repository_anew_by_itself(machine: Machine):
    machine.axej(*SET_UP)
    machine.repository.path.rename(machine.home / "away")
    done = machine.axej("init", expect=10)
    assert "a new one would be empty" in done.stderr
    assert not machine.repository.path.exists()
    machine.axej("init", "--new-repository")
    assert machine.repository.id


def test_init_refuses_a_repository_of_another_id_until_it_is_adopted(machine: Machine):
    machine.axej(*SET_UP)
    machine.repository.path.rename(machine.home / "away")
    machine.repository.run("init")
    assert "--adopt local" in machine.axej("init", expect=10).stderr
    machine.axej("init", "--adopt", "local")
    machine.axej("init")
    machine.axej("doctor")


def test_init_refuses_a_repository_that_is_there_and_adopts_it_when_told(machine: Machine):
    machine.repository.password_file.write_text("an old password\n")
    machine.repository.run("init")
    before = machine.repository.id
    done = machine.axej(*SET_UP, expect=2)
    assert "a repository is already at" in done.stderr
    assert "axej init --adopt local" in done.stderr
    machine.axej("init", "--adopt", "local")
    assert machine.repository.id == before
    assert machine.repository.password_file.read_text() == "an old password\n"


def test_init_with_nothing_to_adopt_ends_with_10(machine: Machine):
    machine.axej(*SET_UP)
    machine.repository.path.rename(machine.home / "away")
    assert "nothing to adopt" in machine.axej("init", "--adopt", "local", expect=10).stderr
    assert "there is no tier nope" in machine.axej("init", "--adopt", "nope", expect=2).stderr


def test_init_makes_no_password_where_a_repository_waits_for_the_old_one(machine: Machine):
    machine.axej(*SET_UP)
    machine.repository.password_file.rename(machine.home / "kept")
    machine.axej("init", expect=12)
    assert not machine.repository.password_file.exists()


def test_init_without_restic_keeps_the_configuration_and_says_how_to_get_it(machine: Machine, restic: Path):
    machine.restic.unlink()
    machine.environment["PATH"] = "/usr/bin:/bin"
    assert "axej doctor --install" in machine.axej(*SET_UP, expect=40).stderr
    assert machine.config_path.exists()
    machine.restic.symlink_to(restic)
    machine.axej("init")
    machine.axej("doctor")


def test_init_with_nothing_to_back_up_writes_nothing(machine: Machine):
    assert "there is nothing to back up" in machine.axej("init", "--yes", "--no-databases", expect=2).stderr
    assert not machine.config_path.exists()


def test_init_with_a_keychain_that_is_not_there_keeps_the_configuration(machine: Machine):
    machine.axej(*SET_UP, "--keychain", "axe.backup.restic.local", expect=12)
    assert machine.config["tiers"]["local"]["password"] == {"keychain": "axe.backup.restic.local"}
    assert not machine.repository.path.exists()


@pytest.mark.parametrize(("at", "schedule"), [("4:30", "30 4 * * *"), ("15 2 * * 1-5", "15 2 * * 1-5")])
def test_init_takes_a_time_of_day_or_cron(machine: Machine, at: str, schedule: str):
    machine.axej(*SET_UP, "--at", at)
    assert machine.config["tiers"]["local"]["schedule"] == schedule


def test_init_with_a_time_that_is_none_is_refused(machine: Machine):
    assert "no time of day" in machine.axej(*SET_UP, "--at", "25:00", expect=2).stderr


def test_init_example_writes_the_operators_two_files_and_never_over_others(machine: Machine):
    machine.axej("init", "--example", "axe")
    assert list(machine.config["sources"]) == ["frame", "blueprint", "hive", "mysrt", "index", "files"]
    customers = yaml.safe_load((machine.config_path.parent / "customers.yaml").read_text())
    assert customers["realchoice"]["ring_backup"]["bidirectional_ssh"] is True
    assert yaml.safe_load(machine.axej("config", "show").stdout)["customer"] == "axe"
    machine.config_path.unlink()
    machine.axej("init", "--example", "axe", expect=2)
    assert not machine.config_path.exists()
    assert "there is axe" in machine.axej("init", "--example", "nope", expect=2).stderr


def test_init_asks_on_a_terminal_and_takes_what_is_typed(machine: Machine):
    answers = ["kim", "", "Europe/Berlin", "~/disk/repo", "~/pw", str(machine.home / "files"), "", "2:15"]
    screen = typed(machine, ["init", "--no-databases"], answers)
    assert "time zone [Asia/Seoul]" in screen
    config = machine.config
    assert (config["customer"], config["timezone"]) == ("kim", "Europe/Berlin")
    assert config["tiers"]["local"]["repository"] == str(machine.home / "disk/repo")
    assert config["tiers"]["local"]["schedule"] == "15 2 * * *"
    assert (machine.home / "disk/repo/config").exists()


def typed(machine: Machine, words: list[str], answers: list[str]) -> str:
    """Runs axej on a terminal of its own and types an answer at each question; returns the screen."""
    child, leader = axej.at_terminal(words, machine.environ(), machine.home)
    screen, waiting, end = "", list(answers), time.monotonic() + 90
    while time.monotonic() < end:
        if select.select([leader], [], [], 0.2)[0]:
            try:
                screen += os.read(leader, 4096).decode("utf-8", "replace")
            except OSError:
                break
        elif child.poll() is not None:
            break
        elif waiting and screen.endswith(": "):
            os.write(leader, f"{waiting.pop(0)}\n".encode())
            screen += "\n"
    os.close(leader)
    assert child.wait(timeout=30) == 0, screen
    assert not waiting, screen
    return screen


def test_init_that_nobody_answers_writes_nothing(machine: Machine):
    assert "interrupted" in machine.axej("init", "--no-databases", expect=130).stderr
    assert not machine.config_path.exists()


@pytest.mark.slow
def test_init_finds_a_container_with_its_databases_user_and_volume(
    machine: Machine, docker_engine: Engine, container: Callable[..., Container]
):
    machine.environment.update(docker_engine.environment)
    made = container("frame-postgres", volume="frame-data", user="frame", database="frame")
    made.create_database("한국어 데이터")
    assert "found PostgreSQL in container frame-postgres" in machine.axej("init", "--yes").stderr
    sources = machine.config["sources"]
    assert sources["frame"] == {
        "kind": "postgres", "container": "frame-postgres", "database": "frame", "user": "frame", "volume": "frame-data",
    }  # fmt: skip
    assert {source["database"] for source in sources.values()} == {"frame", "한국어 데이터"}
    machine.axej("config", "check")


@pytest.mark.slow
def test_doctor_tells_a_container_that_nothing_backs_up(
    machine: Machine, docker_engine: Engine, container: Callable[..., Container]
):
    machine.environment.update(docker_engine.environment)
    container("index-postgres", user="index", database="index")
    machine.axej(*SET_UP)
    said = machine.axej("doctor").stdout
    assert "PostgreSQL in container index-postgres is in no source (index)" in said
