"""`axej journal` on journals that were and were not tampered with."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Desk
from tests.cli.journals import night

SOURCES = {"frame": "postgres", "files": "files"}
RUN = "260519-0300-good"


@pytest.fixture
def told(desk: Desk) -> Desk:
    """Two nights."""
    night(desk.journal, "260518-0300-good", "2026-05-18T03:00+09:00", "18" * 32, SOURCES)
    night(desk.journal, RUN, "2026-05-19T03:00+09:00", "19" * 32, SOURCES)
    desk.journal.close()
    return desk


def tamper(path: Path, *statements: str) -> None:
    """Changes events as someone would who knows SQL: triggers off, change, triggers on again."""
    with sqlite3.connect(path) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, text in triggers:
            connection.execute(text)


def test_verify_of_a_sound_journal_says_what_was_checked(told: Desk):
    said = told.axej("journal", "verify").stdout
    events = len(told.axej("journal", "export").stdout.splitlines())
    assert said.startswith("OK ")
    assert f"{events} events" in said
    verdict = told.json("journal", "verify")
    assert (verdict["sound"], verdict["events"], verdict["first_bad"], verdict["faults"]) == (True, events, None, [])
    assert verdict["head"] in said


def test_verify_of_a_changed_event_names_its_position_and_ends_with_30(told: Desk):
    tamper(told.journal.path, "UPDATE events SET data = replace(data, '429', '430') WHERE position = 9")
    tamper(told.journal.path, "UPDATE events SET attempt = 7 WHERE position = 9")
    done = told.axej("journal", "verify", expect=30)
    assert "event 9" in done.stdout
    assert "first bad position 9" in done.stderr
    assert "HINT: " in done.stderr
    assert told.json("journal", "verify", expect=30)["first_bad"] == 9


def test_verify_of_a_removed_event_names_the_gap(told: Desk):
    tamper(told.journal.path, "DELETE FROM events WHERE position = 12")
    assert told.json("journal", "verify", expect=30)["first_bad"] == 12


def test_verify_of_a_changed_table_asks_for_rebuild_which_mends_it(told: Desk):
    tamper(told.journal.path, f"UPDATE runs SET outcome = 'succeeded', attempts = 99 WHERE run = '{RUN}'")
    assert 'Run "axej journal rebuild"' in told.axej("journal", "verify", expect=30).stderr
    assert told.json("history")[0]["attempts"] == 99
    told.axej("journal", "rebuild")
    told.axej("journal", "verify")
    assert told.json("history")[0]["attempts"] == 6


def test_verify_of_a_cut_end_finds_it_by_a_head_known_from_elsewhere(told: Desk):
    head = told.json("journal", "verify")["head"]
    with sqlite3.connect(told.journal.path) as connection:
        last = connection.execute("SELECT max(position) FROM events").fetchone()[0]
    tamper(told.journal.path, f"DELETE FROM events WHERE position > {last - 3}")
    told.axej("journal", "rebuild")
    told.axej("journal", "verify")
    done = told.axej("journal", "verify", "--head", head, expect=30)
    assert "its end was cut off" in done.stdout or "the end was cut off" in done.stdout


@pytest.mark.parametrize("head", ["", "abc", "g" * 64])
def test_verify_with_a_head_that_is_no_hash_is_refused(told: Desk, head: str):
    told.axej("journal", "verify", "--head", head, expect=2)


@pytest.mark.parametrize(
    "words", [["journal", "verify"], ["history"], ["points"], ["status"], ["journal", "export"]], ids=" ".join
)
def test_file_that_is_no_journal_ends_with_30_and_one_sentence(told: Desk, words: list[str]):
    for beside in told.state.glob("journal.sqlite*"):
        beside.unlink()
    told.journal.path.write_bytes(b"not a journal at all\n" * 100)
    said = told.axej(*words, expect=30).stderr
    assert said.count("\n") == 2
    assert str(told.journal.path) in said


@pytest.mark.parametrize("command", ["verify", "rebuild", "export"])
def test_journal_that_never_was_is_said_not_made(desk: Desk, command: str):
    said = desk.axej("journal", command, expect=30).stderr
    assert "there is none yet" in said
    assert not desk.journal.path.exists()


def test_journal_of_a_newer_axej_is_refused(told: Desk):
    with sqlite3.connect(told.journal.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    for words in (["history"], ["journal", "verify"], ["status"]):
        assert "Update axej" in told.axej(*words, expect=30).stderr


def test_export_writes_lines_whose_hashes_anyone_can_compute(told: Desk):
    file = told.folder / "journal.jsonl"
    told.axej("journal", "export", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["position"] for line in lines] == list(range(1, len(lines) + 1))
    names = ["position", "event_id", "run", "number", "name", "version", "state", "step", "attempt", "epoch", "process"]
    names += ["boot_id", "recorded_at_us", "monotonic_us"]
    before = bytes(32)
    for line in lines:
        data = compact(line["data"])
        content = compact([*(line[name] for name in names), data])
        before = hashlib.sha256(before + content.encode()).digest()
        assert line["hash"] == before.hex()


def compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_export_over_a_file_that_exists_is_refused_and_leaves_it(told: Desk):
    file = told.folder / "kept"
    file.write_text("mine")
    assert "is not overwritten" in told.axej("journal", "export", str(file), expect=2).stderr
    assert file.read_text() == "mine"


def test_export_onto_a_full_disk_says_so(told: Desk):
    with Path("/dev/full").open("w") as full:
        done = told.axej("journal", "export", stdout=full, expect=1)
    assert "no space is left" in done.stderr


def test_path_prints_the_file(told: Desk):
    assert told.axej("journal", "path").stdout == f"{told.journal.path}\n"
