"""Alarms when nothing ran: whoever runs next records what is overdue, and it is told."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.conftest import Desk
from tests.cli.journals import night
from tests.world.home import at
from tests.world.web import Web

SOURCES = {"frame": "postgres", "한국어": "postgres", "files": "files"}
LONG_AGO = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def old(desk: Desk, web: Web) -> Desk:
    """A desk whose configuration is from May 1st; its last backup was that of May 20th, 03:00 in Seoul."""
    (desk.folder / "webhook").write_text(web.url())
    desk.config["notify"] = {"slack": {"file": str(desk.folder / "webhook")}}
    desk.config["restic"] = {"program": str(desk.folder / "no-restic")}
    desk.config["tiers"]["local"]["schedule"] = {"cron": "0 3 * * *", "timezone": "Asia/Seoul"}
    desk.config["check"] = {"schedule": "0 5 1 1 *"}
    desk.write()
    night(desk.journal, "a-good", "2026-05-20T03:00+09:00", "aa" * 32, SOURCES)
    return desk


def look(desk: Desk, moment: str, *words: str, expect: int | None = 0) -> Any:
    """`axej WORDS` at that time of Seoul's."""
    os.utime(desk.config_path, (LONG_AGO.timestamp(), LONG_AGO.timestamp()))
    return desk.axej(*words, env=at(f"{moment}+09:00"), expect=expect)


def watches(desk: Desk) -> list[tuple[str, int | None]]:
    return [(run["outcome"], run["exit_code"]) for run in desk.json("history", "--job", "watch.overdue")][::-1]


def test_status_records_and_tells_what_is_overdue_once_a_day_and_that_it_is_over(old: Desk, web: Web):
    look(old, "2026-05-21T04:00", "status")
    assert watches(old) == []
    look(old, "2026-05-21T09:00", "status", expect=20)
    look(old, "2026-05-21T10:00", "status", expect=20)
    assert watches(old) == [("failed", 20)]
    assert len(web.texts) == 1
    assert "axe: watch.overdue found something overdue" in web.texts[0]
    assert "• local: no restore point of frame, 한국어, files is younger than 26h" in web.texts[0]
    look(old, "2026-05-22T09:00", "status", expect=20)
    assert watches(old) == [("failed", 20)] * 2
    assert "found something overdue, 2nd time in a row, since 2026-05-21 09:00" in web.texts[1]
    night(old.journal, "b-good", "2026-05-22T11:00+09:00", "bb" * 32, SOURCES)
    look(old, "2026-05-22T12:00", "status")
    look(old, "2026-05-22T13:00", "status")
    assert watches(old) == [*[("failed", 20)] * 2, ("succeeded", 0)]
    assert len(web.texts) == 3
    assert "watch.overdue is well again" in web.texts[2]


def test_scheduled_call_notices_what_another_schedule_missed(old: Desk, web: Web):
    old.config["tiers"]["ring"] = {
        "repository": str(old.folder / "ring"),
        "password": {"file": str(old.folder / "password")},
        "schedule": {"cron": "30 3 * * *", "timezone": "Asia/Seoul"},
        "rpo": "20d",
    }
    old.write()
    look(old, "2026-05-20T03:10", "backup", "--local", "--scheduled")
    assert watches(old) == []
    look(old, "2026-05-20T08:00", "backup", "--local", "--scheduled")
    assert watches(old) == [("failed", 20)]
    assert "• ring: nothing ran for the slot 2026-05-20T03:30+09:00 of ring.push" in web.texts[0]


def test_call_with_nothing_due_looks_once_an_hour(old: Desk):
    look(old, "2026-05-20T04:00", "backup", "--local", "--scheduled")
    first = (old.state / "overdue-looked").read_text()
    look(old, "2026-05-20T04:30", "backup", "--local", "--scheduled")
    assert (old.state / "overdue-looked").read_text() == first
    look(old, "2026-05-20T05:01", "backup", "--local", "--scheduled")
    assert (old.state / "overdue-looked").read_text() != first


def test_disk_of_the_quarter_and_a_waiting_password_are_told(old: Desk):
    old.config["tiers"]["cold"] = {"mount": str(old.folder / "cold-{1,2,3}"), "first_quarter": "2026Q1"}
    old.write()
    os.utime(old.config_path, (0, 0))
    found = old.axej("status", "--json", env=at("2026-07-16T00:30+09:00"), expect=20).stdout
    assert "disk 3 of 2026Q3 was not synced by its 15th day" in found


def test_failing_before_anything_is_touched_is_a_run_too(old: Desk):
    look(old, "2026-05-21T03:00", "backup", "--local", "--scheduled", expect=40)
    run = old.json("history", "--job", "backup.local", "--limit", "1")[0]
    assert (run["outcome"], run["error_code"]) == ("failed", "ProgramMissing")


def test_journal_that_can_not_be_written_is_no_reason_for_status_to_fail(old: Desk):
    past = datetime.now(UTC) + timedelta(days=3)
    (old.state / "leases").write_text("in the way")
    look(old, past.strftime("%Y-%m-%dT%H:%M"), "status", expect=20)
