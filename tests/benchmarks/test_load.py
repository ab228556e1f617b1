"""The reference load is the same each time and changes as its nights promise; otherwise no ratio means anything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.benchmarks import load
from tests.world.postgres import Server

SCALE = 0.01
TABLES = {
    "frame": ("users", "settings", "events"),
    "hive": ("readings",),
    "blueprint": ("documents", "tags"),
    "mysrt": ("transactions",),
    "index": ("kinds", "evidence_blob", "entries"),
}
Rows = dict[str, frozenset[str]]


def rows(server: load.Server) -> Rows:
    """Every table's rows, each as the digest of its text."""
    found = {}
    for database, tables in TABLES.items():
        for table in tables:
            found[table] = frozenset(server.sql(database, f"SELECT md5(t::text) FROM {table} AS t").split())
    return found


def contents(folder: Path) -> dict[str, str]:
    """Every file's digest."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def make_load(
    make_postgres: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], load.Load]]:
    """Small loads, each on a server of its own."""

    def make() -> load.Load:
        server = make_postgres()
        small = load.Load(
            load.Server(server.socket_dir, server.port, bin_dir=server.bin_dir), tmp_path_factory.mktemp("files"), SCALE
        )
        small.make()
        return small

    yield make


@pytest.fixture(scope="module")
def two(make_load: Callable[[], load.Load]) -> tuple[load.Load, load.Load]:
    """Two loads of the same seed."""
    return make_load(), make_load()


def test_load_made_twice_is_the_same(two: tuple[load.Load, load.Load]) -> None:
    one, other = two
    assert rows(one.server) == rows(other.server)
    assert contents(one.files) == contents(other.files)
    sizes = [path.stat().st_size for path in one.files.rglob("*.bin")]
    assert len(sizes) == load.FILES * SCALE
    assert sum(sizes) == pytest.approx(load.FILES_BYTES * SCALE, abs=len(sizes))


def test_night_of_each_kind_changes_what_it_promises(two: tuple[load.Load, load.Load]) -> None:
    one, other = two
    before, files_before = rows(one.server), contents(one.files)
    one.night("same", 1)
    assert (rows(one.server), contents(one.files)) == (before, files_before)

    one.night("tail", 1)
    grown, files_grown = rows(one.server), contents(one.files)
    assert all(grown[table] >= before[table] for table in grown)
    assert len(grown["events"]) == len(before["events"]) * 1.01
    assert grown["users"] == before["users"]
    assert files_grown.items() > files_before.items()

    one.night("scatter", 2)
    scattered, files_scattered = rows(one.server), contents(one.files)
    assert {table: len(found) for table, found in scattered.items()} == {table: len(found) for table, found in grown.items()}
    changed = len(scattered["events"] - grown["events"]) / len(grown["events"])
    assert 0.005 < changed < 0.02
    assert files_scattered.keys() == files_grown.keys()
    assert files_scattered != files_grown

    other.night("tail", 1)
    other.night("scatter", 2)
    assert rows(other.server) == scattered
    assert contents(other.files) == files_scattered
