"""pg_basebackup of a running server: whole, damaged, refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from axejournal.domain.errors import DiskFull, SourceRefused, SourceUnreachable
from axejournal.domain.ports import Progress
from axejournal.programs.postgres import physical
from axejournal.programs.postgres.physical import faults_of_copy
from tests.contract.database_servers import by_socket, in_container, quiet
from tests.world.engine import Container, Engine
from tests.world.needs import need
from tests.world.place import Place
from tests.world.postgres import Server


@pytest.fixture(scope="module")
def whole(make_postgres: Callable[..., Server], place: Place) -> Iterator[Path]:
    """A copy of a server, of a name that is no UTF-8 too."""
    server = make_postgres()
    folder = place.folder("whole")
    strange = os.fsencode(server.data_dir) + b"/base/1/\xff\xfe"
    with open(strange, "wb") as file:  # noqa: PTH123 (a name of bytes)
        file.write(b"strange")
    shutil.chown(strange, server.owner or os.getuid())
    try:
        size = by_socket(server, folder).copy_physical(folder / "copy", quiet)
        assert size == sum(path.stat().st_size for path in (folder / "copy").iterdir())
        yield folder / "copy"
    finally:
        os.unlink(strange)  # noqa: PTH108


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """One to damage."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def test_whole_copy_has_no_faults_and_tells_how_a_server_starts_on_it(whole):
    assert faults_of_copy(whole) == []
    assert "tar -C NEW/pg_wal -xf pg_wal.tar" in (whole / "README.txt").read_text()
    assert [path.name for path in whole.iterdir() if path.stat().st_mode & 0o077] == ["README.txt"]
    assert whole.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("left", [0, 1000, 0.5, -1024])
def test_cut_archive_is_found(copy, left):
    size = (copy / "base.tar").stat().st_size
    os.truncate(copy / "base.tar", int(size * left) if isinstance(left, float) else left if left >= 0 else size // 2 + left)
    assert faults_of_copy(copy) != []


def test_changed_byte_is_found_with_its_file(copy):
    with (copy / "base.tar").open("r+b") as archive:
        archive.seek(5120)
        while not any(block := archive.read(512)) or b"ustar" in block:
            pass
        archive.seek(-256, os.SEEK_CUR)
        byte = archive.read(1)
        archive.seek(-1, os.SEEK_CUR)
        archive.write(bytes([byte[0] ^ 1]))
    (fault,) = faults_of_copy(copy)
    assert fault.startswith("file ") and fault.endswith("is not the one that the server sent")


def test_file_that_is_not_in_the_archive_is_found_by_its_name(copy):
    manifest = json.loads((copy / "backup_manifest").read_text())
    manifest["Files"].append({"Path": "base/1/lost", "Size": 1, "Checksum": "00"})
    (copy / "backup_manifest").write_text(json.dumps(manifest))
    assert faults_of_copy(copy) == ["file base/1/lost is missing"]


@pytest.mark.parametrize("name", ["base.tar", "backup_manifest"])
def test_missing_archive_or_manifest_is_found(copy, name):
    (copy / name).unlink()
    assert faults_of_copy(copy) == [f"{name} is missing"]


@pytest.mark.parametrize("left", [0, 1000])
def test_cut_manifest_is_found(copy, left):
    os.truncate(copy / "backup_manifest", left)
    assert faults_of_copy(copy)[0].startswith("it is cut: ")


@pytest.mark.parametrize("version", ["15", "pgserver"])
def test_tablespaces_are_archives_of_their_own(make_server, place, tmp_path, version):
    server = make_server(version)
    outside = place.folder("tablespace", server.owner)
    server.sql("postgres", f"CREATE TABLESPACE fast LOCATION '{outside}'")
    server.sql("postgres", "CREATE TABLE t TABLESPACE fast AS SELECT generate_series(1, 1000) AS n")
    seen: list[Progress] = []
    by_socket(server, tmp_path).copy_physical(tmp_path / "copy", seen.append)
    ((oid,),) = server.sql("postgres", "SELECT oid FROM pg_tablespace WHERE spcname = 'fast'")
    assert (tmp_path / "copy" / f"{oid}.tar").stat().st_size > 0
    assert faults_of_copy(tmp_path / "copy") == []
    os.truncate(tmp_path / "copy" / f"{oid}.tar", 1024)
    assert faults_of_copy(tmp_path / "copy") != []


@pytest.mark.parametrize("version", ["15", "pgserver"])
def test_role_without_replication_is_told_what_to_grant(make_server, tmp_path, version):
    server = make_server(version)
    server.sql("postgres", 'CREATE ROLE "Mr ""X""" LOGIN')
    with pytest.raises(SourceRefused) as caught:
        by_socket(server, tmp_path, user='Mr "X"').copy_physical(tmp_path / "copy", quiet)
    assert 'ALTER ROLE "Mr ""X""" REPLICATION' in caught.value.hint


def test_server_without_places_for_copies_is_refused_with_the_setting(make_server, tmp_path):
    server = make_server(options=("-c", "max_wal_senders=0"))
    with pytest.raises(SourceRefused, match="max_wal_senders") as caught:
        by_socket(server, tmp_path).copy_physical(tmp_path / "copy", quiet)
    assert "Set max_wal_senders" in caught.value.hint


def test_server_whose_pg_hba_lets_no_copy_in_is_refused_with_the_line(make_server, tmp_path):
    server = make_server()
    rules = server.data_dir / "pg_hba.conf"
    rules.write_text("".join(line for line in rules.read_text().splitlines(True) if "replication" not in line))
    server.sql("postgres", "SELECT pg_reload_conf()")
    with pytest.raises(SourceRefused, match=r"no pg_hba.conf entry") as caught:
        by_socket(server, tmp_path).copy_physical(tmp_path / "copy", quiet)
    assert "pg_hba.conf" in caught.value.hint


def test_server_that_is_down_is_unreachable(make_server, tmp_path):
    server = make_server()
    server.stop()
    with pytest.raises(SourceUnreachable):
        by_socket(server, tmp_path).copy_physical(tmp_path / "copy", quiet)


def test_full_disk_is_named(make_server, tmp_path):
    need("root")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(small)], check=True)
    try:
        with pytest.raises(DiskFull):
            by_socket(make_server(), small).copy_physical(small / "copy", quiet)
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_server_in_a_container_is_copied_beside_it(
    docker_engine: Engine, container: Callable[..., Container], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in docker_engine.environment.items():
        monkeypatch.setenv(name, value)
    server = container("physical-postgres", user="axe")
    reached = in_container(server, tmp_path / "staging")
    reached.copy_physical(tmp_path / "staging" / "copy", quiet)
    assert faults_of_copy(tmp_path / "staging" / "copy") == []
    assert {path.stat().st_uid for path in (tmp_path / "staging" / "copy").iterdir()} == {os.getuid()}


def test_module_names_its_files_as_pg_basebackup_does(whole):
    assert {path.name for path in whole.iterdir()} == {
        physical.BASE,
        physical.WAL,
        physical.MANIFEST,
        physical.NOTE,
    }
