"""Whoever changes a journal is found out, and the first bad position is named."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import threading

import pytest

from axejournal.domain.errors import JournalDamaged
from axejournal.domain.facts import RunStarted
from axejournal.journal import reader
from axejournal.journal.chain import link
from axejournal.journal.codec import canonical
from axejournal.journal.export import export
from axejournal.journal.schema import EVENT_COLUMNS
from axejournal.journal.verify import Anchor, verify
from tests.journal.old import golden_lines, make_schema_1
from tests.journal.stories import draft, open_store, requested, write_mixed, write_night

GUARDS = ("events_refuse_update", "events_refuse_delete", "events_refuse_replace")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "journal.sqlite"
    store = open_store(path)
    write_mixed(store)
    store.close()
    return path


def tamper(path, *statements):
    """What somebody with a sqlite3 shell can do: drop the guards, change something, put the guards back."""
    journal = sqlite3.connect(path, isolation_level=None)
    guards = [journal.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0] for name in GUARDS]
    for name in GUARDS:
        journal.execute(f"DROP TRIGGER {name}")
    for statement, *values in statements:
        journal.execute(statement, values)
    for guard in guards:
        journal.execute(guard)
    journal.close()


def faults(path, **more):
    verdict = verify(path, **more)
    assert verdict.sound == (not verdict.faults)
    return verdict.first_bad, " | ".join(fault.what for fault in verdict.faults)


def test_journal_as_it_was_written_is_sound(path):
    verdict = verify(path)
    assert verdict.faults == ()
    assert verdict.events == len(golden_lines()) - 9 - 28
    assert verdict.head == open_store(path).head()
    assert verdict.first_bad is None
    verdict.check()


@pytest.mark.parametrize("position", [1, 2, 40, 79])
@pytest.mark.parametrize(
    "change",
    ["state = 'other'", "data = json_set(data, '$.x', 1)", "recorded_at_us = recorded_at_us + 1", "step = 'x'", "epoch = 9",
     "name = 'RunStarted'", "process = 'z'", "attempt = 77", "event_id = 'x'", "monotonic_us = 0", "version = 2"],
)  # fmt: skip
def test_changed_event_is_found(path, position, change):
    tamper(path, (f"UPDATE events SET {change} WHERE position = ?", position))
    first, what = faults(path)
    assert first == position
    assert f"event {position} was changed: its hash doesn't fit its content" in what


def test_changed_event_whose_hash_was_made_to_fit_is_found_at_the_next(path):
    journal = sqlite3.connect(path)
    row = list(journal.execute(f"SELECT {EVENT_COLUMNS} FROM events WHERE position = 40").fetchone())
    journal.close()
    row[6] = "other"
    tamper(path, ("UPDATE events SET state = 'other', hash = ? WHERE position = 40", link(row[15], row[:15])))
    first, what = faults(path)
    assert first == 41
    assert "event 41 doesn't follow event 40" in what


def test_removed_event_is_found(path):
    tamper(path, ("DELETE FROM events WHERE position = 40",))
    first, what = faults(path)
    assert first == 40
    assert "events are missing: 40" in what


def test_removed_events_at_the_beginning_are_found(path):
    tamper(path, ("DELETE FROM events WHERE position < 4",))
    first, what = faults(path)
    assert (first, "events are missing: 1 to 3" in what) == (1, True)


def test_removed_event_whose_gap_was_closed_is_found(path):
    tamper(
        path,
        ("DELETE FROM events WHERE position = 40",),
        *[("UPDATE events SET position = ? WHERE position = ?", position - 1, position) for position in range(41, 80)],
    )
    assert faults(path)[0] == 40


def test_swapped_events_are_found(path):
    tamper(
        path,
        ("UPDATE events SET position = 999 WHERE position = 40",),
        ("UPDATE events SET position = 40 WHERE position = 41",),
        ("UPDATE events SET position = 41 WHERE position = 999",),
    )
    assert faults(path)[0] == 40


def test_added_event_is_found(path):
    rest = EVENT_COLUMNS.partition("number, ")[2]
    columns = f"SELECT 80, 'new', run, 99, {rest} FROM events WHERE position = 79"
    tamper(path, (f"INSERT INTO events ({EVENT_COLUMNS}) {columns}",))
    assert faults(path)[0] == 80


def test_cut_end_is_found_by_anchors_only(path):
    head = verify(path).head
    tamper(path, ("DELETE FROM events WHERE position > 76",))
    assert faults(path)[0] is None  # the projections still tell
    store = open_store(path)
    store.rebuild()
    store.close()
    assert verify(path).sound
    first, what = faults(path, anchors=[Anchor(head, 79, "snapshot 1a2b")])
    assert first == 77
    assert f"the journal ends at event 76, but head {head[:16]}… at 79 (snapshot 1a2b) is known: its end was cut off" in what
    assert "no event has that hash" in faults(path, anchors=[Anchor(head)])[1]


def test_chain_that_was_made_anew_is_found_by_anchors(path):
    journal = sqlite3.connect(path)
    head = journal.execute("SELECT hash FROM events WHERE position = 60").fetchone()[0].hex()
    rows = journal.execute(f"SELECT {EVENT_COLUMNS} FROM events WHERE position >= 50 ORDER BY position").fetchall()
    journal.close()
    statements, previous = [], rows[0][15]
    for row in rows:
        fields = [*row[:6], "forged" if row[0] == 50 else row[6], *row[7:15]]
        own = link(previous, fields)
        statements.append(
            ("UPDATE events SET state = ?, previous_hash = ?, hash = ? WHERE position = ?", fields[6], previous, own, row[0])
        )
        previous = own
    tamper(path, *statements)
    store = open_store(path)
    store.rebuild()
    store.close()
    assert verify(path).sound
    first, what = faults(path, anchors=[Anchor(head, 60)])
    assert (first, "event 60 has another hash than head" in what) == (60, True)


def test_anchors_that_fit_are_sound(path):
    hashes = [event.hash for run in reader.runs(path, limit=None) for event in reader.run_events(path, run.run)]
    anchors = [Anchor(value) for value in hashes] + [Anchor("0" * 64), Anchor(verify(path).head, 79)]
    assert verify(path, anchors=anchors).sound


@pytest.mark.parametrize("name", GUARDS)
def test_missing_guard_is_found(path, name):
    journal = sqlite3.connect(path)
    journal.execute(f"DROP TRIGGER {name}")
    journal.close()
    assert f"{name} is missing from the schema" in faults(path)[1]


def test_weakened_guard_and_added_tables_are_found(path):
    journal = sqlite3.connect(path)
    journal.execute("DROP TRIGGER events_refuse_update")
    journal.execute("CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events WHEN 0 BEGIN SELECT 1; END")
    journal.execute("CREATE TABLE notes (text)")
    journal.execute("ALTER TABLE runs ADD COLUMN extra TEXT")
    journal.close()
    what = faults(path)[1]
    for said in (
        "events_refuse_update is not as axej made it",
        "notes is in the schema and doesn't belong there",
        "runs is not as axej",
    ):
        assert said in what


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("runs", "UPDATE runs SET outcome = 'succeeded' WHERE outcome = 'failed'"),
        ("runs", "DELETE FROM runs WHERE run = 'r4-failed'"),
        ("restore_points", "UPDATE restore_points SET proof = 'verified' WHERE source = 'frame'"),
        ("restore_points", "UPDATE restore_points SET removed_by = NULL, removed_at_us = NULL"),
        ("freshness", "UPDATE freshness SET success_slot_us = success_slot_us + 1"),
        ("last_dumps", "DELETE FROM last_dumps"),
        ("repositories", "INSERT INTO repositories (customer, tier, repository, met_position) VALUES ('x', 'local', 'y', 1)"),
    ],
)
def test_projection_that_differs_from_replay_is_found_and_rebuilt(path, table, change):
    journal = sqlite3.connect(path, isolation_level=None)
    assert journal.execute(change).rowcount > 0
    journal.close()
    first, what = faults(path)
    assert first is None
    assert f"projection {table} " in what
    assert "axej journal rebuild" in what
    store = open_store(path)
    assert store.rebuild() == 79
    store.close()
    assert verify(path).sound


def test_cut_file_is_found(path):
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size // 2)
    try:
        assert not verify(path).sound
    except JournalDamaged as fault:
        assert fault.exit_code == 30


def test_any_flipped_byte_of_an_event_is_found(path):
    """Flips one byte in the middle of each event's data, wherever SQLite put it."""
    content = path.read_bytes()
    journal = sqlite3.connect(path)
    events = journal.execute("SELECT position, data FROM events WHERE length(data) > 40").fetchall()
    journal.close()
    tried = 0
    for position, data in events:
        place = content.find(data[: min(len(data), 300)].encode())
        if place < 0 or content.count(data[: min(len(data), 300)].encode()) > 1:
            continue
        for flip in (0x01, 0x80):  # another letter; no UTF-8 any more
            changed = bytearray(content)
            changed[place + 25] ^= flip
            path.write_bytes(changed)
            assert faults(path)[0] == position, (position, hex(flip))
        tried += 1
    assert tried > 10


def test_random_damage_never_raises_anything_but_journal_damaged(path):
    import random

    seeded = random.Random(20260520)
    content = path.read_bytes()
    found = 0
    for _ in range(150):
        changed = bytearray(content)
        for _ in range(seeded.choice((1, 20))):
            changed[seeded.randrange(len(changed))] ^= 1 << seeded.randrange(8)
        path.write_bytes(changed)
        try:
            found += not verify(path).sound
            reader.runs(path)
        except JournalDamaged:
            found += 1
    assert found > 100  # a bit in an unused part of a page changes nothing


def test_check_raises_with_the_first_bad_position(path):
    tamper(path, ("UPDATE events SET state = 'x' WHERE position IN (12, 30)",))
    with pytest.raises(JournalDamaged, match=r"event 12 was changed: its hash doesn't fit its content \(and \d+ more\)"):
        verify(path).check()


def test_old_journal_is_verified_too(tmp_path):
    path = tmp_path / "old.sqlite"
    make_schema_1(path, golden_lines())
    assert verify(path).sound
    tamper(path, ("UPDATE events SET state = 'x' WHERE position = 12",))
    assert faults(path)[0] == 12


def test_journal_is_verified_while_others_append(path):
    store = open_store(path)
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            write_night(store, f"more-{number}", sources=("frame",))
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(10):
            verdict = verify(path)
            assert verdict.sound, verdict.faults
    finally:
        stop.set()
        thread.join()
    seen = []
    assert verify(path, progress=seen.append).events == seen[-1]
    store.close()


def test_export_gives_lines_whose_hashes_can_be_checked_without_axej(path):
    out = io.StringIO()
    assert export(path, out) == 79
    previous = bytes(32)
    for line in out.getvalue().splitlines():
        fields = json.loads(line)
        assert fields["previous_hash"] == previous.hex()
        names = EVENT_COLUMNS.split(", ")[:15]
        fields["data"] = canonical(fields["data"])
        array = json.dumps([fields[name] for name in names], ensure_ascii=False, separators=(",", ":"))
        previous = hashlib.sha256(previous + array.encode()).digest()
        assert fields["hash"] == previous.hex()
    assert previous.hex() == verify(path).head


def test_old_journal_is_read_without_being_migrated(tmp_path):
    old, new = tmp_path / "old.sqlite", tmp_path / "new.sqlite"
    make_schema_1(old, golden_lines())
    make_schema_1(new, golden_lines())
    open_store(new).close()
    assert reader.runs(old, limit=None) == reader.runs(new, limit=None) != ()
    assert reader.points(old, removed=True) == reader.points(new, removed=True) != ()
    assert reader.freshness(old) == reader.freshness(new) != ()
    assert reader.repositories(old) == reader.repositories(new) != ()
    assert reader.last_success(old, "backup.local", "axe") == reader.last_success(new, "backup.local", "axe")
    assert reader.find_run(old, "r6").open_steps == ("dump:hive",)
    moment = reader.find_run(new, "r3").last_at
    assert reader.runs(old, at=moment) == reader.runs(new, at=moment) != ()
    journal = sqlite3.connect(old)
    assert journal.execute("PRAGMA user_version").fetchone() == (1,)
    journal.close()


def test_rebuild_gives_the_same_tables(path):
    def tables():
        journal = sqlite3.connect(path)
        names = ("runs", "restore_points", "freshness", "last_dumps", "repositories")
        content = {name: journal.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3").fetchall() for name in names}
        journal.close()
        return content

    before = tables()
    assert all(before.values())
    store = open_store(path)
    store.rebuild()
    assert tables() == before
    store.append("z", 1, 0, [draft(requested()), draft(RunStarted())])
    store.close()
    assert verify(path).sound


def test_dropped_and_altered_tables_come_back_by_a_rebuild(path):
    journal = sqlite3.connect(path)
    journal.execute("DROP TABLE restore_points")
    journal.execute("DROP INDEX runs_open")
    journal.execute("ALTER TABLE freshness ADD COLUMN extra TEXT")
    journal.close()
    what = faults(path)[1]
    for name in (
        "restore_points is missing",
        "restore_points_by_time is missing",
        "runs_open is missing",
        "freshness is not as axej",
    ):
        assert name in what
    with pytest.raises(JournalDamaged, match="no such table: restore_points"):
        reader.points(path)
    store = open_store(path)
    with pytest.raises(JournalDamaged, match="no such table: restore_points; nothing was appended") as caught:
        write_night(store, "z")
    assert "journal verify" in caught.value.hint
    store.rebuild()
    store.close()
    assert verify(path).sound
    assert reader.points(path) != ()
