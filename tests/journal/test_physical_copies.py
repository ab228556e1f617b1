"""The newest physical copy of a server, as the journal knows it."""

from __future__ import annotations

import dataclasses
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from axejournal.domain.facts import PhysicalCopied, PhysicalHeld, SnapshotsForgotten
from axejournal.domain.ports import LastPhysical
from axejournal.journal import reader
from axejournal.journal.memory import JournalMemory
from axejournal.journal.verify import verify
from tests.journal.stories import REPOSITORY, Writer, open_store, requested, snapshot_of, verified


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def store(path):
    opened = open_store(path)
    yield opened
    opened.close()


def copied(store, run: str, slot: str | None, sources=("frame",), size_bytes: int = 50, held: bool = True, customer: str = "axe"):
    """A run that copies these servers; `held`: whether the copies are found in its snapshot."""
    writer = Writer(store, run)
    writer.fact(requested(slot=slot, customer=customer))
    for source in sources:
        writer.fact(PhysicalCopied(source, f"/staging/{source}.physical", size_bytes, 1.5), f"physical:{source}", 1)
    copies = tuple(PhysicalHeld(source, f"/staging/{source}.physical", size_bytes) for source in sources)
    fact = verified(run, ("frame",), taken_at="2026-05-21T04:00:00+09:00")
    writer.fact(dataclasses.replace(fact, physical=copies if held else ()), "verify", 1)
    return writer


def test_newest_copy_is_found_by_source_and_customer(store, path):
    assert reader.last_physical(path, "axe", "frame") is None
    copied(store, "r1", "2026-05-13T03:00+09:00", ("frame", "hive"), 40)
    copied(store, "r2", "2026-05-20T03:00+09:00", ("frame",), 50)
    copied(store, "r3", "2026-05-22T03:00+09:00", ("frame",), 60, customer="realchoice")
    assert reader.last_physical(path, "axe", "frame") == (datetime(2026, 5, 19, 18, tzinfo=UTC), 50)
    assert reader.last_physical(path, "axe", "hive") == (datetime(2026, 5, 12, 18, tzinfo=UTC), 40)
    assert reader.last_physical(path, "axe", "index") is None


def test_copy_of_a_run_by_hand_is_as_old_as_its_snapshot(store, path):
    copied(store, "r1", None)
    memory = JournalMemory(path, store, "axe", ZoneInfo("Asia/Seoul"))
    assert memory.last_physical("frame") == LastPhysical(datetime.fromisoformat("2026-05-21T04:00:00+09:00"), 50)
    assert str(memory.last_physical("frame").at) == "2026-05-21 04:00:00+09:00"


def test_copy_counts_from_when_it_was_seen_in_the_snapshot_until_that_is_removed(store, path):
    copied(store, "r1", "2026-05-13T03:00+09:00")
    copied(store, "r2", "2026-05-20T03:00+09:00", held=False)
    assert reader.last_physical(path, "axe", "frame")[0] == datetime(2026, 5, 12, 18, tzinfo=UTC)
    writer = copied(store, "r3", "2026-05-21T03:00+09:00")
    writer.fact(SnapshotsForgotten("ring", "cd" * 32, (snapshot_of("r3"),), 1), "forget", 1)  # of another repository
    assert reader.last_physical(path, "axe", "frame")[0] == datetime(2026, 5, 20, 18, tzinfo=UTC)
    writer.fact(SnapshotsForgotten("local", REPOSITORY, (snapshot_of("r3"),), 1), "forget", 1)
    assert reader.last_physical(path, "axe", "frame")[0] == datetime(2026, 5, 12, 18, tzinfo=UTC)
    writer.fact(SnapshotsForgotten("local", REPOSITORY, (snapshot_of("r1"),), 1), "forget", 1)
    assert reader.last_physical(path, "axe", "frame") is None


def test_table_is_proven_against_replay_and_rebuilt(store, path):
    copied(store, "r1", "2026-05-13T03:00+09:00")
    assert verify(path).sound
    with sqlite3.connect(path) as journal:
        assert journal.execute("UPDATE physical_copies SET time_us = time_us + 1").rowcount == 1
    journal.close()
    assert "projection physical_copies " in str(verify(path).faults)
    store.rebuild()
    assert verify(path).sound


def test_question_is_answered_by_the_key(store, path):
    copied(store, "r1", "2026-05-13T03:00+09:00")
    with sqlite3.connect(path) as journal:
        query = "SELECT time_us, size_bytes FROM physical_copies WHERE customer = ? AND source = ? ORDER BY time_us DESC LIMIT 1"
        plan = [row[3] for row in journal.execute(f"EXPLAIN QUERY PLAN {query}", ("axe", "frame"))]
    journal.close()
    assert plan == ["SEARCH physical_copies USING PRIMARY KEY (customer=? AND source=?)"]
