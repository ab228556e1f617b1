"""Opening: creating, migrating, refusing; and what a kill in the middle leaves."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from axejournal.domain.errors import JournalDamaged, JournalNewer
from axejournal.domain.facts import RunStarted
from axejournal.journal import database, place, reader
from axejournal.journal.codec import UnknownFact
from axejournal.journal.schema import SCHEMA, found, golden
from axejournal.journal.verify import verify
from axejournal.shipped import folder
from tests.journal.old import golden_lines, make_schema_1
from tests.journal.stories import draft, open_store, requested, write_night
from tests.world.needs import need

ROOT = Path(__file__).parents[2]
HEAD = json.loads(golden_lines()[-1])["hash"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture
def old(path):
    make_schema_1(path, golden_lines())
    return path


def schema_of(path):
    journal = sqlite3.connect(path)
    try:
        return found(journal), journal.execute("PRAGMA user_version").fetchone()[0]
    finally:
        journal.close()


def test_new_journal_has_the_golden_schema(path):
    open_store(path).close()
    assert schema_of(path) == (golden(), SCHEMA)


def test_golden_schema_is_a_script_that_sqlite_takes(path):
    journal = sqlite3.connect(path)
    journal.executescript((folder("migrations") / "schema.sql").read_text())
    assert found(journal) == golden()


def test_schema_number_is_that_of_the_newest_migration():
    newest = max((folder("migrations") / "versions").glob("0*.py")).name
    assert int(newest[:4]) == SCHEMA


def test_old_journal_is_migrated_and_every_event_is_still_readable(old):
    store = open_store(old)
    assert schema_of(old) == (golden(), SCHEMA)
    assert store.head() == HEAD
    lines = [json.loads(line) for line in golden_lines()]
    for run in dict.fromkeys(line["run"] for line in lines):
        events = store.stream(run)
        assert [event.hash.hex() for event in events] == [line["hash"] for line in lines if line["run"] == run]
        assert not any(isinstance(store.fact(event), UnknownFact) for event in events)
    assert {row.run: row.outcome for row in reader.runs(old)} == {
        "r0-init": "succeeded",
        "r1-good": "succeeded",
        "r2-good": "succeeded",
        "r3-degraded": "degraded",
        "r4-failed": "failed",
        "r5-cancelled": "cancelled",
        "r6-open": "open",
        "r7-abandoned": "abandoned",
        "r8-good": "succeeded",
    }
    write_night(store, "new")
    store.close()
    assert verify(old).sound


def test_migration_keeps_a_copy_of_the_journal_as_it_was(old):
    open_store(old).close()
    copy = old.with_name(f"journal.sqlite.before-{SCHEMA}")
    assert schema_of(copy)[1] == 1
    assert copy.stat().st_mode & 0o777 == 0o600
    assert verify(copy).head == HEAD
    assert len(reader.run_events(copy, "r8-good")) == 28


def test_current_journal_is_opened_without_alembic(path):
    open_store(path).close()
    code = (
        "import sys; from pathlib import Path; from tests.journal.stories import open_store\n"
        "open_store(Path(sys.argv[1])).close(); print('alembic' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, cwd=ROOT, check=True)
    assert out.stdout.strip() == "False"


def test_newer_journal_is_refused_and_left_alone(path):
    open_store(path).close()
    with sqlite3.connect(path) as journal:
        journal.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    journal.close()
    before = path.read_bytes()
    for ask in (open_store, reader.runs, verify):
        with pytest.raises(JournalNewer, match=rf"has schema {SCHEMA + 1}; this axej knows schema {SCHEMA}") as caught:
            ask(path)
        assert caught.value.exit_code == 30
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be looked at" * 40, b"x"])
def test_file_that_is_no_database_is_refused(path, content):
    path.write_bytes(content)
    for ask in (open_store, reader.runs):
        with pytest.raises(JournalDamaged, match=r"damaged \(file is not a database\)|is no journal of axej") as caught:
            ask(path)
        assert caught.value.exit_code == 30
        assert caught.value.hint
    assert path.read_bytes() == content


def test_database_of_another_program_is_refused(path):
    with sqlite3.connect(path) as journal:
        journal.execute("CREATE TABLE photos (id)")
    journal.close()
    for ask in (open_store, reader.runs):
        with pytest.raises(JournalDamaged, match="is no journal of axej"):
            ask(path)


def test_empty_file_is_a_lost_journal_and_no_new_one(path):
    path.touch()
    for ask in (open_store, reader.runs):
        with pytest.raises(JournalDamaged, match=r"is empty \(0 bytes\): its content is lost"):
            ask(path)
    assert path.stat().st_size == 0


def test_log_without_its_journal_is_a_lost_journal_and_no_new_one(path):
    store = open_store(path)
    write_night(store, "a")
    path.rename(path.with_name("elsewhere"))
    for ask in (open_store, reader.runs):
        with pytest.raises(JournalDamaged, match=r"is gone, but its write-ahead log .* is there"):
            ask(path)
    assert not path.exists()


def test_leftovers_of_a_killed_creation_are_cleared(path):
    for suffix in (".new", ".new-journal", ".new-wal", ".new-shm"):
        path.with_name(path.name + suffix).write_bytes(b"rubbish" * 100)
    store = open_store(path)
    store.append("a", 1, 0, [draft(requested())])
    assert not list(path.parent.glob("*.new*"))


def test_many_processes_create_it_at_once(path):
    pids = []
    for number in range(8):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                store = open_store(path)
                store.append(f"run-{number}", 1, 0, [draft(requested())])
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * 8
    assert len(reader.runs(path)) == 8
    assert verify(path).sound


def kill_while_opening(path, after_s):
    pid = os.fork()
    if pid == 0:
        try:
            open_store(path)
        finally:
            os._exit(0)
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def opening_takes_s(path):
    begin = time.monotonic()
    open_store(path).close()
    return time.monotonic() - begin


def test_creation_survives_kills_at_random_moments(tmp_path):
    longest_s = opening_takes_s(tmp_path / "warm" / "journal.sqlite")
    seeded = random.Random(20260520)
    killed = 0
    for attempt in range(40):
        path = tmp_path / str(attempt) / "journal.sqlite"
        killed += kill_while_opening(path, seeded.uniform(0, longest_s * 1.2))
        store = open_store(path)
        store.append("a", 1, 0, [draft(requested())])
        store.close()
        assert verify(path).sound
        assert schema_of(path) == (golden(), SCHEMA)
    assert killed > 3


def test_migration_survives_kills_at_random_moments(tmp_path):
    warm = tmp_path / "warm" / "journal.sqlite"
    make_schema_1(warm, golden_lines())
    longest_s = opening_takes_s(warm)
    seeded = random.Random(20260521)
    killed = 0
    for attempt in range(40):
        path = tmp_path / str(attempt) / "journal.sqlite"
        make_schema_1(path, golden_lines())
        for _ in range(2):  # killed again while it migrates again
            killed += kill_while_opening(path, seeded.uniform(0, longest_s * 1.2))
        store = open_store(path)
        assert store.head() == HEAD
        store.append("a", 1, 0, [draft(requested()), draft(RunStarted())])
        store.close()
        assert verify(path).sound
        assert schema_of(path) == (golden(), SCHEMA)
        assert verify(path.with_name(f"journal.sqlite.before-{SCHEMA}")).head == HEAD
    assert killed > 6


def test_synchronous_and_log_mode_are_proven_at_each_open(path, monkeypatch):
    open_store(path).close()
    with sqlite3.connect(path) as journal:
        journal.execute("PRAGMA journal_mode = DELETE")
    journal.close()
    store = open_store(path)  # as a copy out of a snapshot: set again
    assert database.driver(store._connection).execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()
    made = database._driver_connection

    def careless(path):
        connection = made(path)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    monkeypatch.setattr(database, "_driver_connection", careless)
    with pytest.raises(JournalDamaged, match="SQLite keeps synchronous = 1 where 2 is needed"):
        open_store(path)


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:35 / /mnt/nas rw - nfs4 nas:/export rw
41 22 0:36 / /mnt/with\\040space rw - cifs //nas/share rw
42 40 0:37 / /mnt/nas/local rw - xfs /dev/vdb rw
43 22 0:38 / /home/axe/peer rw - fuse.sshfs axe@peer: rw
44 22 0:39 / /mnt/twice rw - nfs nas:/x rw
45 22 0:40 / /mnt/twice rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("/var/lib/axe", "ext4"),
        ("/mnt/nas", "nfs4"),
        ("/mnt/nas/axe/state", "nfs4"),
        ("/mnt/nasty", "ext4"),
        ("/mnt/nas/local/state", "xfs"),
        ("/mnt/with space/state", "cifs"),
        ("/home/axe/peer/state", "fuse.sshfs"),
        ("/mnt/twice", "tmpfs"),
    ],
)
def test_file_system_of_a_path_is_that_of_its_mount(where, kind):
    assert place.kind_in(MOUNTS, Path(where)) == kind


def test_file_system_of_this_machine_is_known(tmp_path):
    assert place.file_system(tmp_path) not in ("", *place.NETWORK)
    assert place.file_system(Path("/proc")) in ("proc", "")


def test_journal_on_a_network_file_system_is_refused(path, monkeypatch):
    monkeypatch.setattr(place, "file_system", lambda folder: "nfs4")
    with pytest.raises(JournalDamaged, match=r"lies on a network file system \(nfs4\)"):
        open_store(path)
    assert not path.exists()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB of its own."""
    need("root")
    point = tmp_path / "disk"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", point], check=True)
    yield point
    subprocess.run(["umount", point], check=True)


def test_disk_that_turned_read_only_refuses_to_open_and_to_append(small_disk):
    path = small_disk / "state" / "journal.sqlite"
    store = open_store(path)
    write_night(store, "a")
    head = store.head()
    store.close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(JournalDamaged, match="is read-only; nothing was appended") as caught:
        open_store(path)
    assert caught.value.exit_code == 30
    assert caught.value.hint
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    store = open_store(path)
    assert store.head() == head
    store.close()


def test_folder_that_cannot_be_made_is_one_clear_error(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(JournalDamaged, match=r"its folder can't be made: Read-only file system"):
        open_store(small_disk / "state" / "journal.sqlite")


def test_full_disk_refuses_to_create(small_disk):
    (small_disk / "ballast").write_bytes(b"x" * (4 * 1024 * 1024 - 8192))
    with pytest.raises(JournalDamaged, match="the disk is full"):
        open_store(small_disk / "journal.sqlite")
    (small_disk / "ballast").unlink()
    store = open_store(small_disk / "journal.sqlite")
    store.append("a", 1, 0, [draft(requested())])
    store.close()
    assert verify(small_disk / "journal.sqlite").sound


def test_full_disk_refuses_to_migrate_and_leaves_the_old_journal(small_disk):
    path = small_disk / "journal.sqlite"
    make_schema_1(path, golden_lines())
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (4 * 1024 * 1024 - path.stat().st_size - 100 * 1024))
    with pytest.raises(JournalDamaged, match="disk is full"):
        open_store(path)
    assert schema_of(path)[1] == 1
    assert verify(path).head == HEAD
    ballast.unlink()
    store = open_store(path)
    assert store.head() == HEAD
    store.close()


@pytest.fixture
def of_nobody():
    """A folder of an ordinary user's: root may write everything."""
    need("root")
    folder = Path(tempfile.mkdtemp(prefix="axej-nobody-"))
    yield folder
    shutil.rmtree(folder)


def as_nobody(path, ask):
    """The message of the JournalDamaged that `ask(path)` raises for an ordinary user, or what happened instead."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgid(65534)
            os.setuid(65534)
            ask(path)
            os.write(write, b"done")
        except JournalDamaged as fault:
            os.write(write, fault.message.encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read) as said:
        return said.read()


def hand_to_nobody(folder, mode, file_mode):
    for file in (folder, *folder.iterdir()):
        os.chown(file, 65534, 65534)
    for file in folder.iterdir():
        file.chmod(file_mode)
    folder.chmod(mode)


def test_read_only_file_is_refused(of_nobody):
    path = of_nobody / "journal.sqlite"
    open_store(path).close()
    hand_to_nobody(of_nobody, 0o700, 0o600)
    assert as_nobody(path, open_store) == "done"
    path.chmod(0o400)
    assert f"{path} is read-only; nothing was appended" in as_nobody(path, open_store)
    assert as_nobody(path, reader.runs) == "done"


@pytest.mark.parametrize("left", ["closed", "open"])
def test_read_only_folder_refuses_to_write_and_can_be_read(of_nobody, left):
    path = of_nobody / "journal.sqlite"
    store = open_store(path)
    write_night(store, "a")
    if left == "closed":
        store.close()
    assert path.with_name("journal.sqlite-wal").exists() == (left == "open")
    hand_to_nobody(of_nobody, 0o500, 0o600)
    assert f"{of_nobody} is read-only; nothing was appended" in as_nobody(path, open_store)

    def read(path):
        assert [row.run for row in reader.runs(path)] == ["a"]
        assert len(reader.run_events(path, "a")) == 28

    assert as_nobody(path, read) == "done"
    assert not list(Path(tempfile.gettempdir()).glob("axej-journal-*"))
