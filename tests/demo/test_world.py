"""The demo's world as a whole: its configuration is one that axej takes, and what it names is there."""

from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from axejournal.config.load import load
from axejournal.demo import configuration, data, server, world
from axejournal.domain.errors import ProgramFailed
from axejournal.domain.patterns import compiled
from tests.demo.conftest import processes_of
from tests.world.place import wait_until


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[world.World]:
    """A world that is up; tests only look at it."""
    directory = tmp_path_factory.mktemp("demo") / "new"
    said: list[str] = []
    made = world.up(directory, said.append)
    assert {f"database {name} filled" for name in data.DATABASES} < set(said)
    try:
        yield made
    finally:
        world.down(directory)


def test_configuration_is_one_that_axej_takes(shown: world.World) -> None:
    config = load(shown.config_path)
    assert tuple(config.databases) == data.DATABASES
    assert {source.address for source in config.databases.values()} == {f"{shown.server.socket_dir}:{shown.server.port}"}
    assert [source.database for source in config.databases.values()] == list(data.DATABASES)
    assert config.find_source("frame-postgres").name == "frame"
    assert config.tiers.local.repository == shown.directory / "backups" / "local"
    assert config.state == shown.directory / "state"
    assert config.customers.known.keys() == {"realchoice"}


def test_required_files_are_there_and_not_excluded(shown: world.World) -> None:
    config = load(shown.config_path)
    folder = config.folders["files"].path
    kept = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".tmp"]
    assert config.folders["files"].require
    for each in config.folders["files"].require:
        assert sum(bool(compiled(each.pattern).fullmatch(name)) for name in kept) >= each.at_least
    assert config.tiers.local.excludes is not None
    assert "*.tmp" in config.tiers.local.excludes.read_text()


def test_password_is_for_its_owner_only_and_kept(shown: world.World) -> None:
    password = shown.directory / configuration.PASSWORD
    before = password.read_text()
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert len(before.strip()) >= 20
    assert before.strip() not in shown.config_path.read_text()
    configuration.write_configuration(shown.directory, shown.server)
    assert password.read_text() == before


def test_ledger_checks_of_the_configuration_run_and_pass(shown: world.World) -> None:
    frame = load(shown.config_path).databases["frame"]
    address = {
        "PGHOST": str(shown.server.socket_dir),
        "PGPORT": str(shown.server.port),
        "PGUSER": "postgres",
        "PGDATABASE": "frame",
    }
    for check, environment in ((frame.after_restore.check[0], {}), (frame.drill.checks[0], address)):
        done = subprocess.run(check.argv, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert check.expect is not None
        assert re.search(check.expect, done.stdout)
        assert not re.search(check.expect, "10\n")


def test_world_up_and_down_twice_keeps_what_is_not_the_servers(tmp_path: Path) -> None:
    for _ in range(2):
        made = world.up(tmp_path)
        assert data.row_counts(made.server, "frame")["public.journal_entry"] == 80_000
        made.pass_a_day(1)
        assert data.row_counts(made.server, "frame")["public.journal_entry"] == 80_400
        (tmp_path / "state").mkdir(exist_ok=True)
        assert world.down(tmp_path)
        wait_until(lambda made=made: not processes_of(made.server.data_dir), "the server's end")
        assert not made.server.socket_dir.exists()
        assert {path.name for path in tmp_path.iterdir()} == {
            *("axej.yaml", "customers.yaml", "restic-excludes", "restic-password", "ring-password"),
            *(".local", "second-machine", "state"),
        }
    assert not world.down(tmp_path)


def test_world_that_cannot_be_filled_leaves_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "_BY_WORK", ("index", "postgres"))
    with pytest.raises(ProgramFailed, match='database "postgres" already exists'):
        world.up(tmp_path)
    assert server.find(tmp_path) is None
    assert not processes_of(tmp_path / "postgres")
    assert list(tmp_path.iterdir()) == []
