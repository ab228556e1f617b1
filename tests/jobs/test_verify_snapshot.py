"""The step that looks into the snapshot: only what is whole in it becomes a restore point."""

from __future__ import annotations

import dataclasses

import pytest

from axejournal.domain.errors import SnapshotIncomplete
from axejournal.domain.facts import DatabaseDumped, DumpsFinished, PhysicalCopied, PointMade, VolumeStaged
from axejournal.domain.ports import LastPoint
from axejournal.jobs.plan import FilesPlan
from axejournal.jobs.steps.copy_server import CopyServer
from axejournal.jobs.steps.dump_database import DumpDatabase
from axejournal.jobs.steps.take_snapshot import TakeSnapshot
from axejournal.jobs.steps.verify_snapshot import SMALL_BYTES, VerifySnapshot


def verify(small, facts):
    return small.act(VerifySnapshot(small.kit), *facts)


def exclude(small, *patterns):
    path = small.folder / "excludes"
    path.write_text("".join(f"{pattern}\n" for pattern in patterns))
    small.settings["exclude_files"] = (path,)


def replaced(facts, source, **changes):
    """The facts, with another one of a dump."""
    return [
        dataclasses.replace(fact, **changes) if isinstance(fact, DatabaseDumped) and fact.source == source else fact
        for fact in facts
    ]


def test_whole_snapshot_gives_a_point_for_each_source(small):
    facts = small.snapshot()
    found = verify(small, facts)
    assert {(point.source, point.kind) for point in found.points} == {
        ("frame", "postgres"),
        ("hive", "postgres"),
        ("files", "files"),
    }
    assert (found.missing, found.warnings, found.physical) == ((), (), ())
    assert (found.tier, found.taken_at, found.snapshot) == ("local", "2026-05-20T03:00:00+09:00", facts[-1].snapshot)
    files = next(point for point in found.points if point.source == "files")
    assert files == PointMade("files", "files", (str(small.files),), 3 * 1300, 3)


def test_missing_file_of_a_table_makes_the_dump_no_point(small):
    exclude(small, str(small.staging / "frame" / "dump" / "3000.dat"))
    found = verify(small, small.snapshot())
    (fault,) = found.missing
    assert fault.startswith("frame: table public.entries has None bytes in the snapshot, not ")
    assert {point.source for point in found.points} == {"hive", "files"}


def test_wrong_size_of_a_table_makes_the_dump_no_point(small):
    facts = small.snapshot()
    frame = next(fact for fact in facts if isinstance(fact, DatabaseDumped) and fact.source == "frame")
    tables = tuple(dataclasses.replace(table, size_bytes=table.size_bytes + 1) for table in frame.tables)
    found = verify(small, replaced(facts, "frame", tables=tables))
    assert "frame: table public.entries has " in found.missing[0]
    assert "frame" not in {point.source for point in found.points}


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("axej-dump.json", "is not in the snapshot (do the exclude files hide it?)"),
        ("toc.dat", "its table of contents is not in the snapshot"),
    ],
)
def test_missing_manifest_or_contents_makes_every_dump_no_point(small, pattern, said):
    exclude(small, pattern)
    found = verify(small, small.snapshot())
    assert [fault.partition(":")[0] for fault in found.missing] == ["frame", "hive"]
    assert all(fault.endswith(said) for fault in found.missing)
    assert {point.source for point in found.points} == {"files"}


@pytest.mark.parametrize(
    ("pattern", "at_least", "warned"),
    [("ledger/*.csv", 2, False), ("ledger/*.csv", 3, True), ("**/*.csv", 2, False), ("*.csv", 1, True)],
)
def test_required_pattern_warns_below_its_number(small, pattern, at_least, warned):
    small.settings["files"] = (FilesPlan("files", small.files, require=((pattern, at_least),)),)
    found = verify(small, small.snapshot())
    assert bool(found.warnings) is warned
    assert "files" in {point.source for point in found.points}
    if warned:
        assert f"match {pattern}, {at_least} are required" in found.warnings[0]


def test_folder_that_is_not_there_is_missing(small):
    small.settings["files"] = (FilesPlan("files", small.folder / "elsewhere"),)
    found = verify(small, small.snapshot())
    assert found.missing[0].startswith("files: no file of ")
    assert any("elsewhere" in warning for warning in found.warnings)  # restic's own words


@pytest.mark.parametrize(
    ("last_bytes", "warned"), [(SMALL_BYTES - 1, False), (SMALL_BYTES, True), (6000, False), (100 * SMALL_BYTES, True)]
)
def test_source_that_shrank_by_half_warns_unless_it_is_small(small, last_bytes, warned):
    small.memory.last_points["files"] = LastPoint(last_bytes, 3)
    found = verify(small, small.snapshot())
    assert any("files: 3,900 bytes" in warning and "less than" in warning for warning in found.warnings) is warned


def test_snapshot_without_any_whole_source_is_refused(small):
    exclude(small, "dump", "files")
    facts = small.snapshot()
    with pytest.raises(SnapshotIncomplete, match=r"holds no source whole: frame: .*; hive: .*; files: ") as caught:
        verify(small, facts)
    assert "exclude" in caught.value.hint


def test_staged_volume_is_a_point_of_its_own_kind(small):
    small.servers["frame"].is_up = False
    staged = small.act(DumpDatabase(small.kit, small.plan("frame", volume="data")))
    assert isinstance(staged, VolumeStaged)
    facts = (small.passed(), staged, DumpsFinished(("frame",)))
    found = verify(small, (*facts, small.act(TakeSnapshot(small.kit), *facts)))
    assert {(point.source, point.kind) for point in found.points} == {("frame", "volume"), ("files", "files")}


@pytest.mark.parametrize("hidden", ["", "base.tar", "axej-dump.json"])
def test_physical_copy_counts_only_when_it_is_in_the_snapshot(small, hidden):
    if hidden:
        exclude(small, str(small.staging / "frame.physical" / hidden))
    copied = small.act(CopyServer(small.kit, small.plan("frame", physical_days=7)))
    assert isinstance(copied, PhysicalCopied)
    facts = (small.passed(), copied, DumpsFinished(()))
    found = verify(small, (*facts, small.act(TakeSnapshot(small.kit), *facts)))
    assert [copy.source for copy in found.physical] == ([] if hidden else ["frame"])
    assert [fault.partition(":")[0] for fault in found.missing] == (["frame"] if hidden else [])


def test_physical_copy_of_another_size_does_not_count(small):
    copied = small.act(CopyServer(small.kit, small.plan("frame", physical_days=7)))
    grown = dataclasses.replace(copied, size_bytes=copied.size_bytes + 1)
    facts = (small.passed(), grown, DumpsFinished(()))
    found = verify(small, (*facts, small.act(TakeSnapshot(small.kit), *facts)))
    assert found.physical == ()
    assert f"its physical copy has {copied.size_bytes} bytes in the snapshot" in found.missing[0]
