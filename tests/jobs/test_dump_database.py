"""The step that dumps one database."""

from __future__ import annotations

import dataclasses
import json

import pytest

from axejournal.domain.errors import DumpIncomplete, SourceRefused, SourceUnreachable
from axejournal.domain.facts import DatabaseDumped, DumpsFinished, VolumeStaged
from axejournal.jobs.steps.copy_server import CopyServer
from axejournal.jobs.steps.dump_database import DumpDatabase
from axejournal.jobs.steps.staging import MANIFEST, folder_of
from axejournal.jobs.steps.take_snapshot import TakeSnapshot
from axejournal.jobs.steps.verify_snapshot import VerifySnapshot


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_dump_lies_in_its_place_with_roles_and_a_manifest(small):
    fact = small.act(DumpDatabase(small.kit, small.plan("frame")))
    assert isinstance(fact, DatabaseDumped)
    assert tree(small.staging) == [
        "frame",
        f"frame/{MANIFEST}",
        "frame/dump",
        "frame/dump/3000.dat",
        "frame/dump/3001.dat",
        "frame/dump/toc.dat",
        "frame/roles.sql",
    ]
    manifest = json.loads((small.staging / "frame" / MANIFEST).read_text())
    assert (manifest["run"], manifest["sha256"], manifest["directory"]) == (
        small.run().id,
        fact.sha256,
        str(small.staging / "frame"),
    )
    assert {table.name: table.rows for table in fact.tables} == {"entries": 200, "notes": 0}
    assert small.staging.joinpath("frame").stat().st_mode & 0o777 == 0o700


def test_failed_dump_leaves_nothing_and_the_next_attempt_begins_anew(small):
    small.servers["frame"].failures = [DumpIncomplete("cut")]
    step = DumpDatabase(small.kit, small.plan("frame"))
    with pytest.raises(DumpIncomplete, match="cut"):
        small.act(step)
    assert tree(small.staging) == []
    assert step.probe(small.run()) is None
    small.act(step, number=2)
    assert step.probe(small.run()) is not None


def test_what_a_killed_attempt_left_is_removed_before_the_next(small):
    for name in ("frame", "frame.partial"):
        (small.staging / name / "dump").mkdir(parents=True)
        (small.staging / name / "dump" / "9.dat").write_text("half")
    small.act(DumpDatabase(small.kit, small.plan("frame")), number=2)
    assert "9.dat" not in str(tree(small.staging))
    assert not (small.staging / "frame.partial").exists()


def test_probe_gives_the_fact_of_this_run_only(small):
    step = DumpDatabase(small.kit, small.plan("frame"))
    fact = small.act(step)
    found = step.probe(small.run())
    assert dataclasses.replace(found, duration_s=0) == dataclasses.replace(fact, duration_s=0)
    assert step.probe(dataclasses.replace(small.run(), id="260519-0300-test")) is None


def test_probe_does_not_take_a_dump_without_its_manifest(small):
    step = DumpDatabase(small.kit, small.plan("frame"))
    small.act(step)
    (small.staging / "frame" / MANIFEST).rename(small.staging / "frame" / "axej-dump.json.tmp")
    assert step.probe(small.run()) is None


def test_fingerprints_of_the_last_dump_are_offered_again(small):
    first = small.act(DumpDatabase(small.kit, small.plan("frame")))
    small.memory.dumps["frame"] = first
    assert small.act(DumpDatabase(small.kit, small.plan("frame"))).fingerprints_reused == 2


def test_volume_of_a_server_that_is_down_is_staged_and_probed(small):
    small.servers["frame"].is_up = False
    step = DumpDatabase(small.kit, small.plan("frame", volume="frame-data"))
    fact = small.act(step)
    assert fact == VolumeStaged(
        "frame", "frame-data", str(small.staging / "frame"), fact.size_bytes, "the server does not answer"
    )
    assert tree(small.staging) == ["frame", f"frame/{MANIFEST}", "frame/volume.tar"]
    assert step.probe(small.run()) == fact


def test_server_that_is_down_without_a_volume_is_unreachable(small):
    small.servers["frame"].is_up = False
    with pytest.raises(SourceUnreachable):
        small.act(DumpDatabase(small.kit, small.plan("frame")))
    assert tree(small.staging) == []


def test_volume_is_left_alone_while_the_server_runs(small):
    """It answers by a refusal, or it went away in the middle and is there again: the dump is tried again instead."""
    small.servers["frame"].failures = [SourceUnreachable("connection lost")]
    with pytest.raises(SourceUnreachable, match="connection lost"):
        small.act(DumpDatabase(small.kit, small.plan("frame", volume="frame-data")))
    small.servers["frame"].databases.clear()
    with pytest.raises(SourceRefused):
        small.act(DumpDatabase(small.kit, small.plan("frame", volume="frame-data")))
    assert "stage_volume" not in small.servers["frame"].calls


def test_no_two_sources_share_a_folder(small):
    names = ["a/b", "a%2Fb", "a%252Fb", "../frame", "axej", "axej%", "axej%25", "frame", "frame.partial", "frame.physical"]
    folders = {small.staging / "axej", small.staging / "frame.partial", small.staging / "frame.physical"}  # taken already
    for name in [*names, "frame.partial%", "frame.physical.partial"]:
        folder = folder_of(small.staging, name)
        assert folder.parent == small.staging
        assert folder not in folders
        folders.add(folder)


@pytest.mark.parametrize("other", ["axej", "frame.partial", "frame.physical"])
def test_source_with_a_name_of_ours_is_in_the_snapshot_whole(small, other):
    small.servers = {other: small.servers["hive"], "frame": small.servers["frame"]}
    small.servers[other].databases = {other: small.servers[other].databases["hive"]}
    small.settings["databases"] = (small.plan(other), small.plan("frame", physical_days=7))
    dumps = [small.act(DumpDatabase(small.kit, plan)) for plan in small.kit.plan.databases]
    copied = small.act(CopyServer(small.kit, small.plan("frame", physical_days=7)))
    facts = (small.passed(), *dumps, copied, DumpsFinished((other, "frame")))
    found = small.act(VerifySnapshot(small.kit), *facts, small.act(TakeSnapshot(small.kit), *facts))
    assert {point.source for point in found.points} == {other, "frame", "files"}
    assert (found.missing, [copy.source for copy in found.physical]) == ((), ["frame"])
