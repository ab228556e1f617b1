"""Bad input and bad days of a restore: one clear message, the right exit code, the live data as it was."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from axejournal.journal.leases import FileLeases
from axejournal.programs.clock import SystemClock
from tests.crash.proof import run_id
from tests.world.home import World, at, reach
from tests.world.needs import need

SUM = "SELECT count(*), sum(amount) FROM journal_line"


@pytest.fixture
def world(make_world) -> World:
    """One database, backed up at the slot of a night."""
    made = make_world(databases=("frame",))
    made.axej("backup", "--local", env=at("2026-05-20T03:00:30+09:00"), expect=0)
    return made


def name(world: World, source: str = "frame") -> str:
    return str(world.config["sources"][source]["database"])


def restore(world: World, *words: str, expect: int | None = None, **more):
    return world.axej("restore", "--target", "frame", *words, expect=expect, **more)


def clear_message(done, *words: str) -> None:
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "HINT: " in said
    for word in words:
        assert word in said, said


def test_connections_that_come_back_at_once_do_not_keep_the_swap_from_happening(world: World):
    """Eight clients that reconnect without a pause, each in an open transaction."""
    world.server.sql(name(world), "DELETE FROM journal_line")
    end = threading.Event()
    psql = [str(world.server.bin_dir / "psql"), "-X", "-q", "-h", str(world.server.socket_dir), "-p", str(world.server.port)]

    def hammer() -> None:
        while not end.is_set():
            script = "BEGIN; SELECT count(*) FROM journal_line; SELECT pg_sleep(60);"
            words = [*psql, "-U", "postgres", "-d", name(world), "-c", script]
            subprocess.run(words, capture_output=True, check=False, env={**os.environ, "PGCONNECT_TIMEOUT": "20"}, timeout=100)

    threads = [threading.Thread(target=hammer, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    try:
        plan = restore(world, "--dry-run", expect=0).stdout
        assert "connected now: " in plan and "8 x psql (postgres)" in plan
        run = run_id(restore(world, "--yes", expect=0).stderr)
    finally:
        end.set()
        world.server.sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'psql'"
                         " AND pid <> pg_backend_pid()")  # fmt: skip
    placed = [event for event in world.json("history", run)["events"] if event["name"] == "DatabasePlaced"]
    assert placed[0]["data"]["ended_sessions"] >= 8
    assert world.server.sql(name(world), SUM) == [("2000", "3001500.0")]


def test_as_of_is_read_with_its_precision_and_refused_when_nothing_answers(world: World):
    for words in (("2026-05-20T03:00",), ("2026-05-20",), ("2026-05-20T03:00+09:00",)):
        assert "2026-05-20 03:00" in restore(world, "--as-of", *words, "--dry-run", expect=0).stdout
    early = restore(world, "--as-of", "2026-05-19", "--dry-run", expect=10)
    clear_message(early, "no restore point is at or before 2026-05-19", "the nearest is 2026-05-20T03:00")
    clear_message(restore(world, "--as-of", "2126-05-20", "--dry-run", expect=2), "lies in the future")
    clear_message(restore(world, "--as-of", "yesterday", "--dry-run", expect=2), "is no moment")
    clear_message(restore(world, "--as-of", "last-valid", "--dry-run", expect=10), "no restore point is verified")
    world.config["timezone"] = "Europe/Berlin"
    world.write()
    clear_message(restore(world, "--as-of", "2026-03-29T02:30", "--dry-run", expect=2), "does not exist", "+01:00", "+02:00")
    clear_message(restore(world, "--as-of", "2025-10-26T02:30", "--dry-run", expect=2), "exists twice", "+02:00", "+01:00")


def test_words_that_do_not_fit_are_refused(world: World):
    clear_message(world.axej("restore", "--target", "nope", "--dry-run", expect=2), "no source is called nope", "frame")
    clear_message(restore(world, "--customer", "other", "--dry-run", expect=2), "customer axe's, not other's")
    clear_message(restore(world, "--tier", "cloud", "--dry-run", expect=2), "no tier is called cloud")
    clear_message(restore(world, "--path", "x", "--dry-run", expect=2), "--path goes with one --target of kind files")
    restore(world, "--customer", "axe", "--from", "local", "--as-of", "2026-05-20", "--dry-run", expect=0)


def test_target_that_is_not_in_that_snapshot_is_refused_and_the_next_older_named(world: World):
    first = world.json("history")[0]["run"]
    second = run_id(world.axej("backup", "--local", "--source", "files", expect=0).stderr)
    done = restore(world, "--as-of", second, "--dry-run", expect=10)
    clear_message(done, f"run {second} made no restore point here", f"--as-of {first}")


def test_server_that_is_older_than_the_dump_is_refused_before_anything_starts(world: World, make_server):
    need("embedded")
    newer = make_server(version="pgserver")
    newer.create_database("shop")
    newer.sql("shop", "CREATE TABLE one (id int PRIMARY KEY)")
    world.add_source("shop", kind="postgres", **reach(newer), database="shop")
    world.axej("backup", "--local", expect=0)
    world.config["sources"]["shop"] |= reach(world.server)
    world.write()
    done = world.axej("restore", "--target", "shop", "--yes", expect=1)
    clear_message(done, f"is PostgreSQL {world.server.major}, the dump is of {newer.major}")
    assert "shop" not in world.server.databases()


def test_role_that_is_missing_is_made_with_its_settings_and_one_that_exists_is_left_alone(world: World):
    of = name(world)
    world.server.sql(
        of,
        "CREATE ROLE clerk_of_tests LOGIN PASSWORD 'secret of the clerk' CONNECTION LIMIT 3;"
        "ALTER ROLE clerk_of_tests SET work_mem = '8MB'; COMMENT ON ROLE clerk_of_tests IS 'two\nlines; it''s';"
        "ALTER TABLE journal_line OWNER TO clerk_of_tests;"
        f"ALTER DATABASE {of} SET DateStyle = 'German'; GRANT CONNECT ON DATABASE {of} TO clerk_of_tests",
    )
    world.axej("backup", "--local", expect=0)
    before = _role(world), _properties(world)
    try:
        world.server.drop_database(name(world))
        world.server.sql("postgres", "DROP ROLE clerk_of_tests")
        done = restore(world, "--yes", expect=0)
        assert (_role(world), _properties(world)) == before
        assert "SCRAM-SHA" not in done.stdout + done.stderr
        assert "SCRAM-SHA" not in (world.state / "journal.sqlite").read_bytes().decode("latin-1")
        world.server.sql("postgres", "ALTER ROLE clerk_of_tests CONNECTION LIMIT 7")
        run = run_id(restore(world, "--yes", expect=0).stderr)
        assert _role(world)[0][0] == "7"
        world.server.drop_database(f"{name(world)}__before_{run}")
    finally:
        world.server.drop_database(name(world))
        world.server.sql("postgres", "DROP ROLE IF EXISTS clerk_of_tests")


def _role(world: World):
    query = "SELECT a.rolconnlimit, a.rolpassword, r.rolconfig, shobj_description(a.oid, 'pg_authid') FROM pg_authid a JOIN pg_roles r USING (oid) WHERE a.rolname = 'clerk_of_tests'"  # noqa: E501
    return world.server.sql("postgres", query)


def _properties(world: World):
    query = f"SELECT datacl, encoding, datcollate, (SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = d.oid) FROM pg_database d WHERE datname = '{name(world)}'"  # noqa: E501
    return world.server.sql("postgres", query)


def test_corrupt_pack_names_what_is_hit_leaves_the_live_database_and_marks_the_point(world: World):
    world.server.sql(name(world), "DELETE FROM journal_line WHERE id > 10")
    packs = [path for path in (world.repository.path / "data").rglob("*") if path.is_file()]
    largest = max(packs, key=lambda path: path.stat().st_size)
    data = bytearray(largest.read_bytes())
    for place in range(50, len(data) * 9 // 10, 200):
        data[place] ^= 0xFF
    largest.chmod(0o600)
    largest.write_bytes(bytes(data))
    done = restore(world, "--yes", expect=1)
    clear_message(done, "is damaged", "The live database was not touched")
    assert world.server.sql(name(world), SUM)[0][0] == "10"
    assert world.json("points", "--source", "frame")[0]["proof"] == "suspect"
    assert {one for one in world.server.databases() if one.startswith(name(world))} == {name(world)}


def test_restored_database_that_differs_is_never_swapped_in(world: World):
    """A trigger that fires on load would change rows; here the journal's truth is compared with a tampered load: an event
    trigger of the server's template can't be had, so the table is changed between load and compare by a kill."""
    world.server.sql(name(world), "DELETE FROM journal_line WHERE id > 10")
    assert restore(world, "--yes", kill_at="fact:load").returncode == -9
    loaded = next(one for one in world.server.databases() if one.startswith(f"{name(world)}__restored_"))
    world.server.sql(loaded, "UPDATE journal_line SET amount = 0 WHERE id = 77")
    done = world.axej("resume", expect=1)
    clear_message(done, "is not what was dumped: table public.journal_line has other contents")
    assert world.server.sql(name(world), SUM)[0][0] == "10"
    assert {one for one in world.server.databases() if one.startswith(name(world))} == {name(world)}
    assert world.json("points", "--source", "frame")[0]["proof"] == "suspect"


def test_two_restores_of_one_source_at_once_the_second_is_refused(world: World):
    world.config["sources"]["frame"]["after_restore"] = {"restart": ["sleep 20"]}
    world.write()
    first = world.start("restore", "--target", "frame", "--yes")
    try:
        end = time.monotonic() + 60
        while "ServicesRestarted" not in world.said() and "DatabasePlaced" not in world.said() and time.monotonic() < end:
            time.sleep(0.2)
        clear_message(restore(world, "--yes", expect=11), "source:frame is in use by run")
        holder = FileLeases(world.state / "leases", SystemClock()).holder("snapshots:local")
        assert holder is not None and "run " in holder  # the night's retention removes nothing meanwhile
        backup = world.axej("backup", "--local", expect=0)  # the nightly backup goes on meanwhile
        assert "frame" in backup.stderr
    finally:
        assert first.wait(timeout=120) == 0


def test_only_copy_is_backed_up_before_it_is_restored_over(world: World):
    world.config["sources"]["frame"]["only_copy"] = True
    world.write()
    world.server.sql(name(world), "DELETE FROM journal_line WHERE id > 10")
    plan = restore(world, "--as-of", "2026-05-20", "--dry-run", expect=0).stdout
    assert "its present state is backed up first" in plan
    restore(world, "--as-of", "2026-05-20", "--yes", expect=0)
    runs = [run for run in world.json("history") if run["job"].startswith(("backup", "restore"))]
    assert [run["job"] for run in reversed(runs)] == ["backup.local", "backup.local", "restore.database"]
    assert world.server.sql(name(world), SUM) == [("2000", "3001500.0")]
    run = runs[1]["run"]
    restore(world, "--as-of", run, "--into", f"{name(world)}_was", "--yes", expect=0)
    assert world.server.sql(f"{name(world)}_was", SUM)[0][0] == "10"
    world.server.drop_database(f"{name(world)}_was")


def test_replaced_database_is_dropped_by_a_later_restore_when_its_time_has_passed(world: World):
    first = run_id(restore(world, "--yes", env=at("2026-05-21T10:00:00+09:00"), expect=0).stderr)
    kept = f"{name(world)}__before_{first}"
    second = run_id(restore(world, "--yes", env=at("2026-05-27T10:00:00+09:00"), expect=0).stderr)
    assert kept in world.server.databases()
    third = run_id(restore(world, "--yes", env=at("2026-05-29T10:00:00+09:00"), expect=0).stderr)
    assert kept not in world.server.databases()
    prepared = [event for event in world.json("history", third)["events"] if event["name"] == "RestorePrepared"]
    assert prepared[0]["data"]["swept"] == [f"database {kept}"]
    assert f"{name(world)}__before_{second}" in world.server.databases()
    gone = world.axej("undo", first, expect=10)
    assert "it was kept until 2026-05-28" in gone.stderr


def test_answer_of_a_person_is_asked_for_on_a_terminal(world: World):
    import pty

    master, slave = pty.openpty()
    words = [sys.executable, "-m", "axejournal", "restore", "--target", "frame"]
    asked = subprocess.Popen(
        words, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=world.environ({}), text=True
    )
    os.write(master, b"n\n")
    said, _ = asked.communicate(timeout=60)
    assert asked.returncode == 130 and "Restore frame?" in said
    assert [run["job"] for run in world.json("history")] == ["backup.local"]


def test_too_little_room_is_refused_before_anything_starts(world: World, tmp_path):
    need("loop")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)], check=True)
    try:
        (world.state / "restore").symlink_to(small)
        plan = restore(world, "--dry-run", expect=0).stdout
        assert "can't: " in plan and "bytes are free and the restore may need" in plan
        clear_message(restore(world, "--yes", expect=1), "bytes are free and the restore may need")
        assert {one for one in world.server.databases() if one.startswith(name(world))} == {name(world)}
    finally:
        (world.state / "restore").unlink(missing_ok=True)
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_extension_that_the_server_lacks_is_named_before_anything_starts(world: World, make_server):
    """The dump says that it needs one; its name is changed to one that no server has."""
    control = Path(f"/usr/share/postgresql/{world.server.major}/extension/axejtest.control")
    need("root")
    if not control.parent.is_dir():
        need("debian")
    script = control.with_name("axejtest--1.0.sql")
    control.write_text("default_version = '1.0'\nrelocatable = true\n")
    script.write_text("SELECT 1;\n")
    try:
        world.server.sql(name(world), "CREATE EXTENSION axejtest")
        world.axej("backup", "--local", expect=0)
    finally:
        control.unlink()
        script.unlink()
    done = restore(world, "--yes", expect=1)
    clear_message(done, "has no extension axejtest")
    assert {one for one in world.server.databases() if one.startswith(name(world))} == {name(world)}
