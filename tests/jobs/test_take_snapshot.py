"""The step that takes the run's one snapshot."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from axejournal.domain.errors import RepositoryLocked
from axejournal.domain.facts import DumpsFinished
from axejournal.domain.ports import RepositoryLock
from axejournal.jobs.plan import FilesPlan
from axejournal.jobs.steps.dump_database import DumpDatabase
from axejournal.jobs.steps.take_snapshot import TakeSnapshot


@pytest.fixture
def facts(small):
    dumped = small.act(DumpDatabase(small.kit, small.plan("frame")))
    return (small.passed(), dumped, DumpsFinished(("frame",), ("hive",)))


def lock(host: str) -> RepositoryLock:
    return RepositoryLock("a" * 64, host, 4711, "axe", datetime.now(UTC), exclusive=True)


def test_snapshot_holds_dumps_files_and_the_journal_and_nothing_of_a_missing_source(small, facts):
    (small.staging / "hive.partial").mkdir()
    (small.staging / "hive.partial" / "half").touch()
    taken = small.act(TakeSnapshot(small.kit), *facts)
    held = {node.path for node in small.repository.listing(taken.snapshot) if node.kind == "file"}
    staging = str(small.staging)
    assert {f"{staging}/frame/dump/toc.dat", f"{staging}/axej/journal.sqlite", f"{small.files}/계약서.txt"} <= held
    assert not [path for path in held if "hive" in path]


def test_tags_can_be_read_and_hold_no_comma(small, facts):
    small.act(TakeSnapshot(small.kit), *facts)
    (snapshot,) = small.repository.snapshots()
    assert dict(tag.split("=", 1) for tag in snapshot.tags) == {
        "job": "backup.local",
        "run": small.run().id,
        "customer": "axe",
        "slot": "2026-05-20T03:00:00+09:00",
        "head": "0" * 64,
    }
    assert not [tag for tag in snapshot.tags if "," in tag]  # restic's --tag splits at commas
    assert snapshot.host == "axe-macmini"


def test_second_attempt_finds_the_snapshot_of_the_first(small, facts):
    first = small.act(TakeSnapshot(small.kit), *facts)
    second = small.act(TakeSnapshot(small.kit), *facts, number=2)
    assert second.snapshot == first.snapshot
    assert len(small.repository.snapshots()) == 1


def test_probe_finds_the_snapshot_by_its_run_and_not_the_newest(small, facts):
    step = TakeSnapshot(small.kit)
    assert step.probe(small.run(*facts)) is None
    taken = small.act(step, *facts)
    other = dataclasses.replace(small.run(*facts), id="260521-0300-test")
    assert step.probe(other) is None
    found = step.probe(small.run(*facts))
    assert (found.snapshot, found.size_bytes, found.files) == (taken.snapshot, taken.size_bytes, taken.files)
    assert found.repository == small.repository.identity()


def test_probe_clears_the_lock_that_the_dead_runs_restic_left_beside_its_snapshot(small, facts):
    """restic saved the snapshot and died while it told its dead parent so."""
    step = TakeSnapshot(small.kit)
    taken = small.act(step, *facts)
    small.repository.add_lock(lock("axe-macmini"))
    assert step.probe(small.run(*facts)).snapshot == taken.snapshot
    assert small.repository.locks() == ()


def test_lock_of_a_dead_process_is_removed_and_the_snapshot_taken(small, facts):
    small.repository.add_lock(lock("axe-macmini"))
    assert small.act(TakeSnapshot(small.kit), *facts).snapshot
    assert small.repository.locks() == ()


def test_lock_of_another_host_stays_and_the_step_fails(small, facts):
    small.repository.add_lock(lock("realchoice-macmini"))
    with pytest.raises(RepositoryLocked):
        small.act(TakeSnapshot(small.kit), *facts)
    assert len(small.repository.locks()) == 1
    assert small.repository.snapshots() == ()


def test_exclude_file_of_a_source_is_used_once(small, facts):
    own = small.folder / "excludes"
    own.write_text("*.csv\n")
    small.settings |= {"files": (FilesPlan("files", small.files, own),), "exclude_files": (own,)}
    taken = small.act(TakeSnapshot(small.kit), *facts)
    assert not [node.path for node in small.repository.listing(taken.snapshot) if node.path.endswith(".csv")]
