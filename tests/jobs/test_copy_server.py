"""The step that copies a running server physically, and when it is due."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from axejournal.domain.errors import ProgramFailed, SourceUnreachable
from axejournal.domain.facts import PhysicalCopied
from axejournal.domain.ports import LastPhysical
from axejournal.jobs.local_backup import JOB
from axejournal.jobs.preview import preview
from axejournal.jobs.steps.copy_server import CopyServer, is_due
from tests.jobs.small import SLOT


def test_copy_lies_beside_the_dump_and_is_probed(small):
    step = CopyServer(small.kit, small.plan("frame", physical_days=7))
    fact = small.act(step)
    folder = small.staging / "frame.physical"
    assert {path.name for path in folder.iterdir()} == {"base.tar", "backup_manifest", "axej-dump.json"}
    assert fact == PhysicalCopied("frame", str(folder), fact.size_bytes, fact.duration_s)
    assert step.probe(small.run()) == fact
    assert step.probe(dataclasses.replace(small.run(), id="another")) is None


@pytest.mark.parametrize("failure", [ProgramFailed("pg_basebackup failed"), SourceUnreachable("gone")])
def test_failed_copy_leaves_nothing(small, failure):
    small.servers["frame"].failures = [failure]
    step = CopyServer(small.kit, small.plan("frame", physical_days=7))
    with pytest.raises(type(failure)):
        small.act(step)
    assert list(small.staging.iterdir()) == []
    assert step.probe(small.run()) is None


@pytest.mark.parametrize(
    ("days", "age", "due"),
    [
        (None, None, False),
        (7, None, True),
        (7, timedelta(days=1), False),
        (7, timedelta(days=6, hours=11), False),
        (7, timedelta(days=6, hours=13), True),
        (7, timedelta(days=30), True),
    ],
)
def test_copy_is_due_a_week_after_the_newest_one_with_half_a_day_of_slack(small, days, age, due):
    if age is not None:
        small.memory.physical["frame"] = LastPhysical(datetime.fromisoformat(SLOT) - age, 1)
    assert is_due(small.kit, small.plan("frame", physical_days=days), datetime.fromisoformat(SLOT)) is due


def test_preview_says_that_a_copy_is_due(small):
    small.settings["databases"] = (small.plan("frame", physical_days=7), small.plan("hive", physical_days=7))
    small.memory.physical["hive"] = LastPhysical(datetime.now(UTC) - timedelta(days=1), 1)
    states = {line.source: line.state for line in preview(JOB, small.kit).lines if line.kind == "postgres"}
    assert states == {"frame": "ready (PostgreSQL 15.18), a physical copy is due", "hive": "ready (PostgreSQL 15.18)"}


def test_only_sources_that_ask_for_it_get_a_step_and_after_all_dumps(small):
    small.settings["databases"] = (small.plan("frame", physical_days=7), small.plan("hive"))
    steps = [step.name for step in JOB.stages["dumping"].steps(small.run(), small.kit)]
    assert steps == ["dump:frame", "dump:hive", "physical:frame"]
