"""`axej points`."""

from __future__ import annotations

from datetime import datetime

import pytest

from axejournal.domain import facts as f
from axejournal.domain.events import RunSucceeded
from axejournal.domain.ports import Draft
from axejournal.journal.ids import event_id
from tests.cli.conftest import Desk
from tests.cli.journals import REPOSITORY, Journal, night

SOURCES = {"frame": "postgres", "한국어": "postgres", "files": "files"}


@pytest.fixture
def told(desk: Desk) -> Desk:
    """Three nights; the last one's retention removed the first one's snapshot."""
    for day, removed in ((17, ()), (18, ()), (19, ("17" * 32,))):
        night(desk.journal, f"2605{day}-0300-good", f"2026-05-{day}T03:00+09:00", f"{day}" * 32, SOURCES, removed)
    return desk


def test_points_json_has_every_key_newest_first_and_no_removed_one(told: Desk):
    rows = told.json("points")
    assert [(row["source"], row["snapshot"][:2]) for row in rows] == [
        (source, day) for day in ("19", "18") for source in ("files", "frame", "한국어")
    ]
    first = rows[0]
    assert {"source", "tier", "time", "snapshot", "run", "proof", "size_bytes"} <= set(first)
    assert datetime.fromisoformat(first["time"]) == datetime.fromisoformat("2026-05-19T03:00+09:00")
    assert (first["tier"], first["run"], first["proof"], first["size_bytes"]) == (
        "local",
        "260519-0300-good",
        "stored",
        120 * 2**20,
    )


def test_points_filters(told: Desk):
    assert {row["source"] for row in told.json("points", "--source", "한국어")} == {"한국어"}
    assert told.json("points", "--tier", "cold") == []
    assert len(told.json("points", "--limit", "2")) == 2


def test_points_table_at_80_columns_fits_and_says_what_is_left(told: Desk):
    done = told.axej("points", "--limit", "4", columns=80)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["source", "tier", "time", "(+09:00)", "proof", "size", "snapshot", "run"]
    assert len(lines) == 2 + 4
    assert "--limit shows them" in done.stderr


def test_points_of_nothing_says_so(desk: Desk):
    assert "axej backup --local" in desk.axej("points").stdout
    assert "no restore point of source nope" in desk.axej("points", "--source", "nope").stdout
    assert desk.json("points") == []


def test_points_of_a_repository_that_is_no_longer_the_recorded_one_are_not_offered(told: Desk):
    """`init --new-repository` after a disk was lost: what was in the old one can't be restored by anybody."""
    told.config["tiers"]["local"]["schedule"] = "0 3 29 2 *"  # so that at no hour of the day a slot is missed
    told.write()
    record(told.journal, "260520-0900-newr", "2026-05-20T09:00+09:00", "ee" * 32)
    assert told.json("points") == []
    assert told.json("status")["tiers"][0]["points"] == 0
    record(told.journal, "260520-1000-back", "2026-05-20T10:00+09:00", REPOSITORY)
    assert len(told.json("points")) == 6
    assert told.json("status", expect=20)["tiers"][0]["points"] == 6


def record(journal: Journal, run: str, at: str, repository: str) -> None:
    """A run of the job repository.init."""
    pen = journal.begin(run, at, job="repository.init")
    for state, fact, step in (
        ("creating", f.RunStarted(), None),
        ("recorded", f.RepositoryRecorded("local", "/repository", repository), "create"),
        ("succeeded", RunSucceeded(), None),
    ):
        draft = Draft(event_id(journal.clock.at), fact, state, step, 1 if step else None)
        pen.number = journal.store.append(run, 1, pen.number, (draft,))[-1].number
