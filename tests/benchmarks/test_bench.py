"""The benchmarks run, and write what they found. How fast anything is, no test says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import GROUPS
from tests.benchmarks.nightly import parts_of
from tests.benchmarks.ratios import Row, compared, in_order, taken_in_turns
from tests.world.needs import need
from tests.world.quick_key import restic_program

ROOT = Path(__file__).parents[2]


def test_row_is_met_at_its_goal_and_below_is_strict():
    assert Row("a", 1.1, [1.0, 1.1, 5.0]).is_met
    assert not Row("a", 1.1, [1.0, 1.2, 1.3]).is_met
    assert not Row("a", 0.9, [0.9, 0.9, 0.9], below=True).is_met


def test_ratios_are_of_neighbours_and_their_order_is_turned_around():
    called: list[str] = []
    took = taken_in_turns({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, 3)
    assert "".join(called) == "abbaabba"  # one round to warm up
    assert len(took["a"]) == len(took["b"]) == 3
    row = compared("a / b", 1.0, {"a": [2.0, 3.0, 9.0], "b": [1.0, 2.0, 3.0]}, "a", "b")
    assert list(row.values) == [2.0, 1.5, 3.0]
    assert row.median == 2.0
    assert in_order(["x", "y", "z"], 1) == ["z", "y", "x"]


def test_parts_of_a_night_add_up_to_its_seconds():
    names = ("RunRequested", "PreflightPassed", "DumpsFinished", "SnapshotTaken", "SnapshotVerified", "RunSucceeded")
    events = [{"name": name, "step": None, "recorded_at_us": 1_000_000 * at, "data": {}} for at, name in enumerate(names, 1)]
    parts = parts_of(events, 0, 7.0)
    assert [parts[name] for name in ("start", "preflight", "dumps", "snapshot", "verify", "retain", "end")] == [1.0] * 7
    assert parts["events"] == parts["appends"] == 6


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_bench_in_its_short_form_measures_every_goal(tmp_path, restic):
    need("postgres")
    program = tmp_path / "home" / ".axe" / "bin" / "restic"
    program.parent.mkdir(parents=True)
    restic_program(restic, program)
    written = tmp_path / "bench.json"
    words = ("-m", "tests.benchmarks", "--scale", "0.02", "--rounds", "1", "--json", str(written))
    environment = os.environ | {"HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(written.read_text())
    names = [row["name"] for row in found["rows"]]
    assert {name.split(":")[0].split()[0] for name in names} == set(GROUPS)
    assert len(names) == len(set(names))
    assert all(row["values"] and row["least"] <= row["median"] <= row["most"] for row in found["rows"])
    assert "what a night of axej is made of" in done.stdout
