"""Messages, from the end of a run to a server that takes them or does not: whole processes, no repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from axejournal.domain import facts as f
from axejournal.domain.facts.known import KNOWN_FACTS
from tests.cli import quarters
from tests.cli.conftest import Desk
from tests.cli.journals import night
from tests.world import web as answers
from tests.world.web import Web

MISSING = 40  # restic is not installed in this HOME: a run that fails at once
SECRET = "a-secret-token"


@pytest.fixture
def told(desk: Desk, web: Web) -> Desk:
    """A desk whose messages go to `web`."""
    (desk.folder / "webhook").write_text(web.url() + "\n")
    desk.config["tiers"]["local"]["schedule"] = "0 3 1 1 *"  # nothing is overdue here
    desk.config["restic"] = {"program": str(desk.folder / "no-restic")}
    desk.config["notify"] = {"slack": {"file": str(desk.folder / "webhook")}}
    desk.write()
    return desk


def ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")


def failed(desk: Desk, run: str, slot: str, error: str = "WrongPassword") -> None:
    pen = desk.journal.begin(run, slot, slot, options={"tier": "local"}).note(f.RunStarted())
    pen.fail("preflight", error, "wrong password").break_off(error, "wrong password", "Store it.", 12, "wrong-password")


def notify_runs(desk: Desk) -> list[dict[str, object]]:
    return desk.json("history", "--job", "notify")


def test_failed_run_is_told_once_by_its_own_process(told: Desk, web: Web):
    told.axej("backup", "--local", expect=MISSING)
    assert len(web.texts) == 1
    assert web.texts[0].startswith(":rotating_light: *axe: backup.local FAILED*\n• program")
    assert "Read: `runbooks/program-missing.md`" in web.texts[0]
    told.axej("backup", "--local", "--scheduled")
    assert len(web.texts) == 1
    assert [run["outcome"] for run in notify_runs(told)] == ["succeeded"]
    assert told.json("notify", "pending") == []


@pytest.mark.parametrize("answer", [answers.REFUSED, answers.BROKEN, answers.HANGS, answers.GARBAGE])
def test_slack_that_is_down_changes_no_exit_code_and_hears_of_it_later(told: Desk, web: Web, answer: bytes):
    web.answer = answer
    begin = time.monotonic()
    done = told.axej("backup", "--local", expect=MISSING)
    assert time.monotonic() - begin < 12
    (waiting,) = told.json("notify", "pending")
    assert (waiting["channel"], waiting["kind"], waiting["failures"]) == ("slack", "alarm", 1)
    asked = len(web.asked)
    told.axej("backup", "--local", expect=MISSING)  # left alone for a while
    assert len(web.asked) == asked
    web.answer = answers.OK
    assert "1 of 1 messages sent" in told.axej("notify", "send").stdout
    assert "2nd time in a row" in web.texts[-1]
    everything = done.stdout + done.stderr + told.axej("journal", "export").stdout + json.dumps(told.json("history"))
    assert SECRET not in everything
    assert not [path for path in told.state.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_waiting_message_goes_out_with_the_next_scheduled_call(told: Desk, web: Web):
    night(told.journal, "a-good", ago(2), "aa" * 32, {"frame": "postgres", "한국어": "postgres", "files": "files"})
    failed(told, "b-fail", ago(1))
    told.axej("config", "check", expect=None)  # fills the cache of the cheap path
    told.axej("backup", "--local", "--scheduled")
    assert [text.split("\n")[0] for text in web.texts] == [":rotating_light: *axe: backup.local FAILED*"]


def test_same_trouble_is_folded_another_is_fresh_and_its_end_is_told_once(told: Desk, web: Web):
    sources = {"frame": "postgres", "한국어": "postgres", "files": "files"}
    titles = []
    for number, (what, hours) in enumerate([("x", 80), ("x", 56), ("x", 32), ("y", 20), ("good", 8), ("good", 2)]):
        if what == "good":
            night(told.journal, f"{number}-good", ago(hours), f"{number:064}", sources)
        else:
            failed(told, f"{number}-fail", ago(hours), {"x": "WrongPassword", "y": "DiskFull"}[what])
        before = len(web.texts)
        told.axej("notify", "send")
        titles.append([text.split("\n")[0].split("*")[1].split(", since")[0] for text in web.texts[before:]])
    assert titles[:4] == [
        ["axe: backup.local FAILED"],
        ["axe: backup.local FAILED, 2nd night in a row"],
        ["axe: backup.local FAILED, 3rd night in a row"],
        ["axe: backup.local FAILED"],
    ]
    assert len(titles[4]) == 1 and "is well again (it went wrong once since" in titles[4][0]
    assert titles[5] == []


def test_what_was_never_sent_is_told_once_as_it_is_now(told: Desk, web: Web):
    for number, hours in enumerate((80, 56, 32)):
        failed(told, f"{number}-fail", ago(hours))
    told.axej("notify", "send")
    assert len(web.texts) == 1
    assert "3rd night in a row, since" in web.texts[0]


def test_drill_that_passed_and_one_that_failed_are_told_with_their_numbers(told: Desk, web: Web):
    now = datetime.now(UTC)
    good = quarters.verdict("frame", "local", "aa" * 32, ago(24))
    quarters.drill(told.journal, "a-passed", now - timedelta(hours=5), {"local": [good]})
    bad = quarters.verdict("frame", "local", "aa" * 32, ago(24), "9 rows, 10 were dumped")
    ring = quarters.verdict("frame", "ring", "aa" * 32, ago(24))
    quarters.drill(told.journal, "b-failed", now - timedelta(hours=2), {"local": [bad], "ring": [ring]}, 4000)
    told.axej("notify", "send")
    assert [text.split("\n")[:2] for text in web.texts] == [
        [":white_check_mark: *axe: restore.drill succeeded*", "• local: 1 of 1 sources came back in 42 s (4 h are allowed)"],
        [
            ":rotating_light: *axe: restore.drill FAILED*",
            "• 1 of 4 sources failed: frame from local: 9 rows, 10 were dumped",
        ],
    ]
    assert "• local: 0 of 1 sources came back in 1 h 6 min 40 s (4 h are allowed)" in web.texts[1]
    assert 'the evidence: "axej report --html report.html"' in web.texts[1]


def test_sync_that_waits_for_its_password_is_told_once_as_long_as_it_waits(told: Desk, web: Web):
    now = datetime.now(UTC)
    needed: Any = KNOWN_FACTS["PasswordNeeded"]
    facts = [(f.RunStarted(), 1.0), (needed(), 1.0)]
    quarters.write(told.journal, "cold.sync", "a-waits", now - timedelta(minutes=5), *facts, tier="cold", disk="2")
    told.axej("notify", "send")
    told.axej("notify", "send")
    (text,) = web.texts
    assert text.startswith(":hourglass: *axe: cold.sync waits for its password*")
    assert 'Type "axej cold unlock" at that machine.' in text
    quarters.write(told.journal, "cold.sync", "b-hand", now, *facts, tier="cold", disk="3", trigger="operator")
    told.axej("notify", "send")
    assert len(web.texts) == 1


def test_outside_watch_hears_start_success_and_failure(told: Desk, web: Web):
    (told.folder / "ping").write_text(web.url("/uuid"))
    told.config["notify"] = {}
    told.config["heartbeat"] = {"file": str(told.folder / "ping")}
    told.write()
    night(told.journal, "a-good", ago(3), "aa" * 32, {"files": "files"})
    told.axej("notify", "send")
    told.axej("backup", "--local", expect=MISSING)
    assert [path for _, path, _ in web.asked] == ["/uuid", "/uuid/fail"]


def test_test_message_and_its_failure(told: Desk, web: Web):
    told.config["notify"]["command"] = ["/bin/cat"]
    told.config["notify"]["ping"] = {"local": {"file": "webhook"}}
    told.write()
    rows = told.json("notify", "test")
    assert [(row["channel"], row["state"]) for row in rows] == [
        ("slack", "sent"),
        ("command", "sent"),
        ("ping:local", "left alone"),
    ]
    assert "Nothing is wrong" in web.texts[0]
    web.answer = answers.GONE
    done = told.axej("notify", "test", "--channel", "slack", expect=50)
    assert "404 (no_service)" in done.stdout and "message-not-sent" in done.stderr
    assert notify_runs(told) == []


def test_doctor_says_who_would_hear_and_what_is_stuck(told: Desk, web: Web):
    web.answer = answers.GONE
    told.axej("backup", "--local", expect=MISSING)
    texts = [finding["text"] for finding in told.json("doctor", expect=40) if finding["check"] == "messages"]
    assert texts == [
        "slack; nobody outside would miss this machine",
        "slack can't be reached (1 tries in a row, 1 waiting): it answered 404 (no_service): nothing is at the address",
    ]


def test_without_channels_nothing_is_sent_and_that_is_said(desk: Desk):
    assert "no channel is configured" in desk.axej("notify", "pending").stdout
    assert "no channel is configured" in desk.axej("notify", "test", expect=4).stderr
    assert desk.axej("notify", "send", expect=4).stderr.count("\n") == 2


@pytest.mark.parametrize(("point", "times"), [("intent", 1), ("effect", 2), ("fact", 1)])
def test_message_whose_process_is_killed_is_sent_at_least_once(told: Desk, web: Web, point: str, times: int):
    night(told.journal, "a-good", ago(3), "aa" * 32, {"files": "files"})
    failed(told, "b-fail", ago(1))
    (waiting,) = told.json("notify", "pending")
    told.axej("notify", "send", env={"AXEJ_CRASH": f"{point}:send:slack:{waiting['position']}"}, expect=-9)
    told.axej("backup", "--local", "--scheduled", expect=None)
    assert len(web.texts) == times
    assert told.json("notify", "pending") == []
    assert [run["outcome"] for run in notify_runs(told)] == ["succeeded"]
    told.axej("journal", "verify")


def test_two_processes_at_once_send_a_message_once(told: Desk, web: Web):
    failed(told, "a-fail", ago(1))
    told.axej("notify", "pending")
    words = [sys.executable, "-m", "axejournal", "notify", "send"]
    environment = {**os.environ, "AXEJ_CONFIG": str(told.config_path), "HOME": str(told.folder)}
    both = [subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(process.communicate(timeout=60)[0] for process in both)
    assert len(web.texts) == 1
    assert said[0].startswith("1 of 1 messages sent") and said[1] == "no message waits\n"


def test_call_with_nothing_due_and_nothing_to_tell_loads_no_command(told: Desk):
    night(told.journal, "a-good", ago(0), "aa" * 32, {"frame": "postgres", "한국어": "postgres", "files": "files"})
    told.axej("backup", "--local", "--scheduled")
    told.journal.close()
    code = (
        "import sys; from axejournal.cli.scheduled import nothing_due\n"
        "heavy = {'click', 'pydantic', 'sqlalchemy', 'slack_sdk'}\n"
        "print(nothing_due(['backup', '--local', '--scheduled']), sorted(heavy & set(sys.modules)))"
    )
    environment = {**os.environ, "AXEJ_CONFIG": str(told.config_path), "HOME": str(told.folder)}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
    assert said == "True []\n"
