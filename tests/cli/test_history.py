"""`axej history` on journals of the real Store, as a process of its own."""

from __future__ import annotations

import fcntl
import json
import re
from datetime import UTC, datetime

import pytest

from axejournal.domain import facts as f
from axejournal.domain.events import StepStarted
from tests.cli.conftest import Desk
from tests.cli.journals import night

SOURCES = {"frame": "postgres", "한국어": "postgres", "files": "files"}
KEYS = {"run", "job", "customer", "slot", "state", "outcome", "started_at", "finished_at", "attempts", "resumed", "snapshots"}
KEYS |= {"error", "runbook"}
DOWN = "server 127.0.0.1:5432 does not answer: connection refused"


@pytest.fixture
def told(desk: Desk) -> Desk:
    """Three nights that succeeded, one that was killed and resumed, one degraded, one failed, one cancelled, one open."""
    journal = desk.journal
    for day in (17, 18, 19):
        night(journal, f"2605{day}-0300-good", f"2026-05-{day}T03:00+09:00", f"{day}" * 32, SOURCES)
    pen = journal.begin("260520-0300-dead", "2026-05-20T03:00:04+09:00", "2026-05-20T03:00+09:00").preflight().dump("frame")
    pen.note(StepStarted(), "dump:한국어").resume().probe("dump:한국어", False).dump("한국어")
    pen.note(f.DumpsFinished(("frame", "한국어"))).snapshot("aa" * 32).verified("aa" * 32, "2026-05-20T03:00+09:00", SOURCES)
    pen.retained(("17" * 32,), 3).succeed()
    pen = journal.begin("260521-0300-degr", "2026-05-21T03:00:04+09:00", "2026-05-21T03:00+09:00").preflight().dump("frame")
    pen.fail("dump:한국어", "SourceUnreachable", DOWN, 2.0).give_up("dump:한국어", "SourceUnreachable", DOWN)
    pen.note(f.DumpsFinished(("frame",), ("한국어",))).snapshot("bb" * 32)
    pen.verified("bb" * 32, "2026-05-21T03:00+09:00", {"frame": "postgres"}).retained().degrade(f"dump:한국어 failed: {DOWN}")
    wrong = "repository local at /backups/local: wrong password"
    pen = journal.begin("260521-1000-hand", "2026-05-21T10:00:04+09:00").note(f.RunStarted())
    pen.fail("preflight", "WrongPassword", wrong).break_off(
        "WrongPassword", wrong, "Look into the Keychain.", 12, "wrong-password"
    )
    journal.begin("260521-1100-canc", "2026-05-21T11:00:04+09:00").preflight().note(StepStarted(), "dump:frame").cancel()
    pen = journal.begin("260522-0300-open", "2026-05-22T03:00:04+09:00", "2026-05-22T03:00+09:00").preflight()
    pen.dump("frame").note(StepStarted(), "dump:한국어")
    return desk


def test_list_json_has_every_key_newest_first(told: Desk):
    rows = told.json("history")
    assert [row["run"] for row in rows] == [
        "260522-0300-open", "260521-1100-canc", "260521-1000-hand", "260521-0300-degr", "260520-0300-dead",
        "260519-0300-good", "260518-0300-good", "260517-0300-good",
    ]  # fmt: skip
    for row in rows:
        assert set(row) >= KEYS
    dead = rows[4]
    assert (dead["job"], dead["customer"], dead["slot"]) == ("backup.local", "axe", "2026-05-20T03:00+09:00")
    assert (dead["state"], dead["outcome"], dead["resumed"], dead["attempts"]) == ("succeeded", "succeeded", 1, 8)
    assert dead["snapshots"] == ["aa" * 32]
    assert dead["error"] is None
    for name in ("started_at", "finished_at"):
        assert datetime.fromisoformat(dead[name]).utcoffset() is not None
    assert datetime.fromisoformat(dead["started_at"]) == datetime(2026, 5, 19, 18, 0, 4, tzinfo=UTC)


def test_list_json_of_a_failed_run_names_error_and_runbook(told: Desk):
    row = told.json("history", "--outcome", "failed")[0]
    assert row["error"] == "repository local at /backups/local: wrong password"
    assert (row["error_code"], row["runbook"], row["exit_code"], row["slot"]) == ("WrongPassword", "wrong-password", 12, None)
    assert told.json("history", "--outcome", "open")[0]["finished_at"] is None


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (["--limit", "1"], ["open"]),
        (["--since", "2026-05-21", "--outcome", "degraded"], ["degr"]),
        (["--since", "2026-05-21T03:01"], ["open", "canc", "hand"]),
        (["--since", "2026-05-20", "--until", "2026-05-20"], ["dead"]),
        (["--until", "2026-05-20T03:00"], ["dead", "good", "good", "good"]),
        (["--until", "2026-05-19T17:59Z"], ["good", "good", "good"]),
        (["--job", "backup.local", "--limit", "2"], ["open", "canc"]),
        (["--job", "ring.push"], []),
    ],
    ids=" ".join,
)
def test_list_filters(told: Desk, words: list[str], runs: list[str]):
    assert [row["run"][-4:] for row in told.json("history", *words)] == runs


def test_list_at_a_time_tells_what_was_known_then(told: Desk):
    rows = told.json("history", "--at", "2026-05-20T03:00:06+09:00")
    assert (rows[0]["run"], rows[0]["state"], rows[0]["outcome"], rows[0]["resumed"]) == (
        "260520-0300-dead",
        "dumping",
        "open",
        0,
    )
    assert told.json("history", "--at", "2026-05-16") == []
    assert told.json("history", "--at", "2026-05-20")[0]["outcome"] == "succeeded"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "2026-13-01"], "month must be in 1..12"),
        (["--since", "yesterday"], "it is no date, no time and no age"),
        (["--at", "05/20"], "it is no date, no time and no age"),
        (["--limit", "0"], "0 is not in the range"),
        (["--outcome", "perhaps"], "'perhaps' is not one of"),
        (["260520", "--since", "7d"], "--since goes with the list of runs"),
    ],
    ids=" ".join,
)
def test_words_that_are_not_understood_are_refused(told: Desk, words: list[str], said: str):
    assert said in told.axej("history", *words, expect=2).stderr


@pytest.mark.parametrize("typed", ["2026-11-01T01:30", "2026-03-08T02:30"])
def test_wall_time_that_is_twice_or_never_is_refused_with_both_readings(told: Desk, typed: str):
    told.config["timezone"] = "America/New_York"
    told.write()
    said = told.axej("history", "--since", typed, expect=2).stderr
    assert f"{typed}-04:00" in said
    assert f"{typed}-05:00" in said
    told.axej("history", "--since", f"{typed}-04:00")


def test_table_at_80_columns_has_whole_ids_and_every_error(told: Desk):
    said = told.axej("history", columns=80).stdout
    lines = said.splitlines()
    table = lines[: lines.index("")]
    assert max(map(width, table)) <= 80
    for run in ("260522-0300-open", "260520-0300-dead", "260521-0300-degr"):
        assert any(line.startswith(f"{run}  ") for line in table)
    assert f"260521-0300-degr: dump:한국어 failed: {DOWN}" in lines


def test_table_at_200_columns_has_a_line_for_each_run(told: Desk):
    lines = told.axej("history", columns=200).stdout.splitlines()
    assert len(lines) == 2 + 8
    titles = "run|job|slot (+09:00)|outcome|started (+09:00)|took|tries|resumed|new|error"
    assert re.split(" {2,}", lines[0].strip()) == titles.split("|")
    assert lines[5].endswith(DOWN)


def test_table_of_a_narrow_terminal_keeps_ids_whole(told: Desk):
    assert "260520-0300-dead" in told.axej("history", columns=12).stdout


def test_table_in_a_pipe_leaves_nothing_out_and_has_no_colour(told: Desk):
    said = told.axej("history").stdout
    assert "\x1b" not in said
    assert DOWN in said
    assert "resumed" in said.splitlines()[0]


def test_table_on_an_ascii_terminal_is_no_failure(told: Desk):
    said = told.axej("history", "260521-0300", env={"PYTHONIOENCODING": "ascii"}).stdout
    assert "\\ud55c\\uad6d\\uc5b4" in said


def test_list_of_an_empty_journal_says_so(desk: Desk):
    assert "nothing ran yet" in desk.axej("history").stdout
    assert desk.json("history") == []
    assert "no run with that since" in desk.axej("history", "--since", "7d").stdout


def test_run_json_has_every_event_with_its_place_in_the_chain(told: Desk):
    told.json("history", "260520-0300")
    shown = told.json("history", "260520-0300")
    assert shown["run"] == "260520-0300-dead"
    events = shown["events"]
    assert [event["name"] for event in events][:3] == ["RunRequested", "RunStarted", "StepStarted"]
    assert [event["name"] for event in events][-1] == "RunSucceeded"
    for event in events:
        assert {"position", "name", "version", "recorded_at", "data", "hash"} <= set(event)
        assert len(event["hash"]) == 64
        assert datetime.fromisoformat(event["recorded_at"]).utcoffset() is not None
    assert sorted(event["position"] for event in events) == [event["position"] for event in events]
    assert sum(event["name"] == "ChildStarted" for event in events) == 11


def test_run_page_folds_children_and_tells_attempts(told: Desk):
    (told.state / "logs").mkdir()
    (told.state / "logs" / "260521-0300-degr.log").write_text("".join(f"line {number}\n" for number in range(30)))
    said = told.axej("history", "260521-0300-degr").stdout
    assert "ChildStarted" not in said
    assert "[psql, pg_dump, pg_dumpall]" in said
    assert f"SourceUnreachable: {DOWN}; tried again after 2.0 s" in said
    assert f"SourceUnreachable: {DOWN} HINT: Look there." in said
    assert f"the run goes on without it: {DOWN}" in said
    assert "its last 20 lines" in said
    assert "line 9\n" not in said
    assert "  line 29\n" in said
    assert "failed-run.md" in said
    took = next(line for line in said.splitlines() if "DatabaseDumped" in line)
    assert " 2.3 s " in took


def test_run_page_tells_no_duration_across_a_crash(told: Desk):
    """Nobody knows how long the dead process had worked."""
    lines = told.axej("history", "260520-0300-dead").stdout.splitlines()
    probed = next(line for line in lines if "StepProbed" in line)
    assert re.search(r"StepProbed {2,}looked: it had not happened", probed)


def test_run_page_of_a_failed_run_names_page_and_command(told: Desk):
    said = told.axej("history", "260521-1000").stdout
    assert "HINT: Look into the Keychain." in said
    assert "wrong-password.md" in said
    assert '"axej backup --local"' in said
    assert "(exit 12)" in said


def test_run_page_of_an_open_run_whose_process_is_dead_says_how_to_go_on(told: Desk):
    said = told.axej("history", "260522").stdout
    assert "its process is dead" in said
    assert '"axej resume 260522-0300-open"' in said
    assert told.json("history", "260522")["alive"] is False


def test_run_page_of_a_living_run_shows_its_progress(told: Desk):
    (told.state / "leases").mkdir()
    (told.state / "progress").mkdir()
    how_far = {"dump:한국어": {"done_bytes": 50 * 2**20, "of_bytes": 200 * 2**20, "note": "public.events"}}
    (told.state / "progress" / "260522-0300-open.json").write_text(json.dumps(how_far))
    with (told.state / "leases" / "run:260522-0300-open.lease").open("w") as lease:
        fcntl.flock(lease, fcntl.LOCK_EX)
        said = told.axej("history", "260522").stdout
        shown = told.json("history", "260522")
    assert "at work" in said
    assert "now: dump:한국어: 50.0 MiB of 200 MiB (25 %) public.events" in said
    assert "axej resume" not in said
    assert (shown["alive"], shown["progress"]) == (True, how_far)


def test_run_page_at_a_time_ends_there(told: Desk):
    shown = told.json("history", "260520-0300-dead", "--at", "2026-05-20T03:00:06+09:00")
    assert shown["outcome"] == "open"
    assert shown["events"][-1]["step"] == "dump:frame"
    said = told.axej("history", "260520-0300-dead", "--at", "2026-05-19", expect=10).stderr
    assert "had not begun by then" in said


@pytest.mark.parametrize(("name", "said"), [("2605", "could be any of the runs"), ("nope", "no run nope"), ("%", "no run %")])
def test_run_of_no_or_of_several_names_is_refused(told: Desk, name: str, said: str):
    assert said in told.axej("history", name, expect=10).stderr


def test_run_page_shows_nothing_that_steers_a_terminal(told: Desk):
    pen = told.journal.begin("260523-0300-evil", "2026-05-23T03:00+09:00").note(f.RunStarted())
    evil = 'database "\x1b]0;owned\x07" does not exist'
    pen.fail("preflight", "SourceRefused", evil).break_off("SourceRefused", evil, "Look.", 1, "source-refused")
    for words in (["history"], ["history", "260523"]):
        said = told.axej(*words).stdout
        assert "\x1b" not in said
        assert "\x07" not in said
    assert told.json("history")[0]["error"] == evil


def test_history_of_an_older_configuration_that_is_gone_still_fails_clearly(told: Desk):
    told.config_path.unlink()
    said = told.axej("history", expect=4).stderr
    assert "axej init" in said


def width(line: str) -> int:
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in line)
