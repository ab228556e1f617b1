"""What the jobs' tests rely on in their small server is so with PostgreSQL too."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from axejournal.domain.errors import SourceRefused, SourceUnreachable
from axejournal.domain.ports import DatabaseServer
from tests.contract.database_servers import by_socket, quiet
from tests.contract.fake_server import SmallServer

DATABASE = "ledger"


@dataclass(frozen=True)
class Pair:
    """A server with the database `ledger`: entries of three rows, notes of none. `volume`: where its data is."""

    server: DatabaseServer
    stop: Callable[[], None]
    volume: str


@pytest.fixture(params=["postgres", "small"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    if request.param == "small":
        small = SmallServer({DATABASE: {"entries": ["1\tone", "2\ttwo", "3\tthree"], "notes": []}})
        return Pair(small, lambda: setattr(small, "is_up", False), "data")
    real = request.getfixturevalue("make_server")()
    real.create_database(DATABASE)
    real.sql(DATABASE, "CREATE TABLE entries (id int, name text); CREATE TABLE notes (id int);")
    real.sql(DATABASE, "INSERT INTO entries VALUES (1, 'one'), (2, 'two'), (3, 'three');")
    return Pair(by_socket(real, tmp_path), real.stop, str(real.data_dir))


def test_dump_writes_the_files_that_it_tells_of(pair, tmp_path):
    dump = pair.server.dump(DATABASE, tmp_path / "frame" / "dump", (), quiet)
    assert {(table.schema, table.name): table.rows for table in dump.tables} == {("public", "entries"): 3, ("public", "notes"): 0}
    held = {path.name: path.read_bytes() for path in (tmp_path / "frame" / "dump").iterdir()}
    assert set(held) == {"toc.dat", *(str(table.file) for table in dump.tables)}
    for table in dump.tables:
        assert (table.size_bytes, table.sha256) == (len(held[table.file]), hashlib.sha256(held[table.file]).hexdigest())
    assert dump.size_bytes == sum(map(len, held.values()))
    lines = sorted(f"{name} {hashlib.sha256(data).hexdigest()}\n" for name, data in held.items())
    assert dump.sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_second_dump_of_the_same_rows_knows_their_fingerprints(pair, tmp_path):
    first = pair.server.dump(DATABASE, tmp_path / "first", (), quiet)
    second = pair.server.dump(DATABASE, tmp_path / "second", first.tables, quiet)
    assert (first.fingerprints_reused, second.fingerprints_reused) == (0, 2)
    assert second.tables == first.tables


def test_dump_into_a_folder_that_is_not_empty_is_refused(pair, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "stale.dat").touch()
    with pytest.raises(ValueError, match="is not empty"):
        pair.server.dump(DATABASE, tmp_path / "full", (), quiet)


def test_database_that_is_not_there_is_refused(pair, tmp_path):
    with pytest.raises(SourceRefused, match='database "nope" does not exist'):
        pair.server.dump("nope", tmp_path / "dump", (), quiet)
    with pytest.raises(SourceRefused):
        pair.server.database_size_bytes("nope")


def test_roles_are_a_private_file(pair, tmp_path):
    size = pair.server.dump_roles(tmp_path / "roles.sql")
    assert size == (tmp_path / "roles.sql").stat().st_size > 0
    assert stat.S_IMODE((tmp_path / "roles.sql").stat().st_mode) == 0o600
    assert "CREATE ROLE" in (tmp_path / "roles.sql").read_text()


def test_physical_copy_is_a_base_archive_and_what_it_needs(pair, tmp_path):
    size = pair.server.copy_physical(tmp_path / "copy", quiet)
    held = {path.name: path.stat().st_size for path in (tmp_path / "copy").iterdir()}
    assert {"base.tar", "backup_manifest"} <= set(held)
    assert size == sum(held.values())


def test_running_server_answers_and_its_volume_is_refused(pair, tmp_path):
    assert pair.server.is_running()
    assert pair.server.facts().major >= 15
    assert pair.server.database_size_bytes(DATABASE) > 1_000_000
    with pytest.raises(SourceRefused, match="is in use"):
        pair.server.stage_volume(pair.volume, tmp_path)


def test_stopped_server_is_unreachable_and_its_volume_is_copied(pair, tmp_path):
    pair.stop()
    assert not pair.server.is_running()
    for call in (
        lambda: pair.server.dump(DATABASE, tmp_path / "dump", (), quiet),
        lambda: pair.server.database_size_bytes(DATABASE),
        lambda: pair.server.copy_physical(tmp_path / "copy", quiet),
        lambda: pair.server.dump_roles(tmp_path / "roles.sql"),
    ):
        with pytest.raises(SourceUnreachable):
            call()
    (tmp_path / "volume").mkdir()
    assert pair.server.stage_volume(pair.volume, tmp_path / "volume") > 0
    assert (tmp_path / "volume" / "volume.tar").is_file()
