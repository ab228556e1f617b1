"""`axej journal backup`, `restore`, `anchors`; and runs of another machine in a journal that was copied."""

from __future__ import annotations

import fcntl
import json
import socket
import sqlite3

from axejournal.domain import facts as f
from axejournal.domain.events import StepStarted
from tests.cli.conftest import Desk
from tests.cli.journals import night

SOURCES = {"frame": "postgres", "files": "files"}
SLOTS = ("2026-05-20T03:00+09:00", "2026-05-21T03:00+09:00")


def runs(desk: Desk) -> list[str]:
    return [run["run"] for run in desk.json("history")]


def test_backup_is_whole_while_the_journal_is_open_and_restore_brings_it_back(desk: Desk):
    night(desk.journal, "a-good", SLOTS[0], "aa" * 32, SOURCES)
    copy = desk.folder / "copy.sqlite"
    assert f"head {desk.journal.store.head()}" in desk.axej("journal", "backup", str(copy)).stdout
    assert copy.stat().st_mode & 0o077 == 0
    assert "not overwritten" in desk.axej("journal", "backup", str(copy), expect=2).stderr
    night(desk.journal, "b-good", SLOTS[1], "bb" * 32, SOURCES)
    assert "nothing was changed" in desk.axej("journal", "restore", str(copy), expect=2).stderr
    assert runs(desk) == ["b-good", "a-good"]
    done = desk.axej("journal", "restore", str(copy), "--yes")
    assert "come after it" in done.stderr
    assert runs(desk) == ["a-good"]
    desk.axej("journal", "verify")
    aside = next(path for path in desk.state.glob("journal.sqlite.before-restore-*") if path.name[-1].isdigit())
    desk.axej("journal", "restore", str(aside), "--yes")
    assert runs(desk) == ["b-good", "a-good"]


def test_restore_refuses_a_damaged_copy_and_a_journal_that_is_at_work(desk: Desk):
    night(desk.journal, "a-good", SLOTS[0], "aa" * 32, SOURCES)
    copy = desk.folder / "copy.sqlite"
    desk.axej("journal", "backup", str(copy))
    bad = desk.folder / "bad.sqlite"
    bad.write_bytes(copy.read_bytes())
    with sqlite3.connect(bad) as connection:
        connection.executescript("DROP TRIGGER events_refuse_update; UPDATE events SET process = 'x' WHERE position = 3;")
    desk.axej("journal", "restore", str(bad), "--yes", expect=30)
    desk.journal.begin("c-open", SLOTS[1], SLOTS[1]).preflight().note(StepStarted(), "dump:frame")
    (desk.state / "leases").mkdir()
    with (desk.state / "leases" / "run:c-open.lease").open("w") as lease:
        fcntl.flock(lease, fcntl.LOCK_EX)
        assert "run c-open works" in desk.axej("journal", "restore", str(copy), "--yes", expect=2).stderr
    assert runs(desk) == ["c-open", "a-good"]


def test_a_copy_takes_the_place_of_a_journal_that_is_damaged_or_gone(desk: Desk):
    night(desk.journal, "a-good", SLOTS[0], "aa" * 32, SOURCES)
    copy = desk.folder / "copy.sqlite"
    desk.axej("journal", "backup", str(copy))
    for damage in (
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"no journal at all"),
    ):
        damage(desk.state / "journal.sqlite")
        desk.axej("journal", "restore", str(copy), "--yes")
        assert runs(desk) == ["a-good"]


def test_anchors_are_found_and_one_that_the_chain_lost_is_told(desk: Desk):
    night(desk.journal, "a-good", SLOTS[0], "aa" * 32, SOURCES)
    head = desk.journal.store.head()
    for name, kept in (("b-good", head), ("c-good", "ab" * 32)):
        pen = desk.journal.begin(name, SLOTS[1], SLOTS[1]).preflight().note(f.DumpsFinished(()))
        pen.step("snapshot", f.SnapshotTaken(name[0] * 64, "4f3c2b1a" * 8, 1, 1, 1, 1, kept))
        pen.verified(name[0] * 64, SLOTS[1], {"files": "files"}).retained().succeed()
        found = json.loads(desk.axej("journal", "anchors", "--json", expect=0 if name == "b-good" else 30).stdout)
        assert found[-1]["position"] is not None
    assert [each["position"] is None for each in found] == [True, False]
    assert "MISSING" in desk.axej("journal", "anchors", expect=30).stdout


def test_a_run_of_another_machine_is_never_gone_on_with_but_can_be_ended(desk: Desk):
    desk.journal.begin("c-open", SLOTS[1], SLOTS[1], options={"config": {}}).preflight().note(StepStarted(), "dump:frame")
    assert "nothing to resume" in desk.axej("resume").stderr
    said = desk.axej("resume", "c-open", expect=1).stderr
    assert "was begun on another machine" in said
    assert "axej resume c-open --abandon" in said
    assert not [run for run in desk.json("history") if run["resumed"]]


def test_a_run_of_this_machine_is_known_by_its_lease_whatever_the_host_is_called_now(desk: Desk):
    """DHCP may give the host another name from night to night."""
    from axejournal.app.app import App
    from axejournal.config.load import load

    desk.journal.begin("d-open", SLOTS[0], SLOTS[0]).preflight()
    desk.journal.begin("e-open", SLOTS[0], SLOTS[0], host=socket.gethostname()).preflight()
    desk.journal.begin("f-open", SLOTS[0], SLOTS[0]).preflight()
    desk.journal.close()
    (desk.state / "leases").mkdir()
    (desk.state / "leases" / "run:d-open.lease").touch()
    assert App(load(desk.config_path), desk.config_path).open_runs() == ("d-open", "e-open")
