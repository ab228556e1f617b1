"""Bad input and bad days of the nightly backup: one clear message, the right exit code, nothing lost."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from axejournal.journal.leases import FileLeases
from axejournal.programs.clock import SystemClock
from tests.crash.proof import assert_nothing_left, assert_sound, only_run
from tests.world.home import World, at, reach
from tests.world.needs import need
from tests.world.place import wait_until


def clear_message(done, *words: str) -> None:
    """One message that holds these words, with a hint, no traceback."""
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "HINT: " in said
    for word in words:
        assert word in said, said


# --- repository ------------------------------------------------------------------------------------------------


def test_wrong_password_ends_at_once_with_exit_12(world: World):
    world.repository.password_file.write_text("not the password\n")
    done = world.axej("backup", "--local", expect=12)
    clear_message(done, "wrong-password.md")
    run = only_run(world)
    assert (run["outcome"], run["error_code"], run["attempts"]) == ("failed", "WrongPassword", 1)


def test_missing_repository_is_never_created_by_itself(world: World):
    elsewhere = world.repository.path.with_name("elsewhere")
    world.repository.path.rename(elsewhere)
    clear_message(world.axej("backup", "--local", expect=10), str(world.repository.path), "axej init")
    assert not world.repository.path.exists()
    world.repository.path.mkdir()  # as a mount point without its disk
    clear_message(world.axej("backup", "--local", expect=10))
    assert list(world.repository.path.iterdir()) == []


def test_repository_of_another_id_is_refused(world: World):
    world.axej("backup", "--local", expect=0)
    world.repository.path.rename(world.repository.path.with_name("first"))
    world.repository.run("init")
    before = world.repository.snapshots()
    done = world.axej("backup", "--local", expect=10)
    clear_message(done, "not the recorded")
    assert world.repository.snapshots() == before == []


def test_missing_restic_names_the_command_that_gets_it(world: World):
    (world.home / ".axe" / "bin" / "restic").unlink()
    clear_message(world.axej("backup", "--local", env={"PATH": "/usr/bin:/bin"}, expect=40), "restic", "axej doctor --install")


def test_old_restic_is_refused_before_anything_runs(world: World):
    old = world.folder / "restic-0.14"
    old.write_text("#!/bin/sh\necho 'restic 0.14.0 compiled with go1.19 on linux/amd64'\n")
    old.chmod(0o755)
    world.config["restic"] = {"program": str(old)}
    world.write()
    clear_message(world.axej("backup", "--local", expect=40), "0.14.0", "0.18.1")


def test_stale_lock_of_a_dead_restic_is_removed_and_the_backup_goes_on(world: World):
    """restic is killed while it holds an exclusive lock: `check` waits behind a pipe that never fills."""
    holder = _exclusive_lock(world)
    holder.kill()
    holder.wait()
    assert len(list((world.repository.path / "locks").iterdir())) == 1
    world.axej("backup", "--local", expect=0)
    assert_sound(world, only_run(world), {"files", "frame"})


def test_living_lock_of_another_host_is_left_alone(world: World):
    need("root")
    world.config["sources"].pop("frame")
    world.write()
    holder = _exclusive_lock(world, "unshare", "--uts", "sh", "-c", 'hostname another-host; exec "$@"', "sh")
    try:
        locks = {path.name for path in (world.repository.path / "locks").iterdir()}
        process = world.start("backup", "--local")
        wait_until(lambda: "RepositoryLocked" in world.axej("history", _newest(world)).stdout, "the first refusal", 60)
        assert {path.name for path in (world.repository.path / "locks").iterdir()} >= locks
        assert "another-host" in world.axej("history", _newest(world)).stdout
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 130
    finally:
        holder.kill()
        holder.wait()


def _newest(world: World) -> str:
    runs = world.json("history")
    return runs[0]["run"] if runs else "none"


def _exclusive_lock(world: World, *before: str) -> subprocess.Popen[str]:
    """A living restic that holds an exclusive lock. SIGSTOP keeps it there: it holds the lock while it reads data."""
    repository = world.repository
    (world.folder / "big").write_bytes(os.urandom(40_000_000))
    repository.run("backup", "--tag", "filler", str(world.folder / "big"))
    words = [*before, str(repository.restic), "-r", str(repository.path), "--password-file", str(repository.password_file)]
    process = subprocess.Popen(
        [*words, "--no-cache", "--limit-download", "64", "prune", "--repack-uncompressed", "--max-unused", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    locks = repository.path / "locks"
    wait_until(lambda: any(locks.glob("?" * 64)), "restic's lock", 30)  # a half-written one has a longer name
    os.kill(process.pid, signal.SIGSTOP)
    return process


# --- sources ---------------------------------------------------------------------------------------------------


def test_database_that_does_not_exist_does_not_stop_the_others_and_does_not_hide(world: World):
    world.add_source("ghost", kind="postgres", **reach(world.server), database="no such database")
    done = world.axej("backup", "--local", expect=3)
    clear_message(done, "dump:ghost failed", "no such database")
    assert_sound(world, only_run(world), {"files", "frame"}, outcome="degraded")


def test_server_that_is_down_does_not_stop_the_others(world: World, make_server):
    server = make_server()
    server.create_database("hive")
    world.add_source("hive", kind="postgres", **reach(server), database="hive")
    server.stop()
    clear_message(world.axej("backup", "--local", expect=3), "dump:hive failed")
    assert_sound(world, only_run(world), {"files", "frame"}, outcome="degraded")


def test_role_without_rights_is_named_with_what_to_grant(world: World):
    name = world.config["sources"]["frame"]["database"]
    world.server.sql("postgres", "DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN;")
    try:
        world.config["sources"]["frame"]["user"] = "weak"
        world.write()
        clear_message(world.axej("backup", "--local", expect=3), "dump:frame failed", "permission denied")
    finally:
        world.server.sql(name, "DROP OWNED BY weak;")
        world.server.sql("postgres", "DROP ROLE weak;")


def test_run_in_which_no_source_can_be_dumped_fails(world: World):
    world.config["sources"] = {"ghost": {"kind": "postgres", **reach(world.server), "database": "nope"}}
    world.write()
    done = world.axej("backup", "--local")
    assert done.returncode not in (0, 3)
    clear_message(done, "nope")
    assert only_run(world)["outcome"] == "failed"
    assert world.repository.snapshots() == []


@pytest.mark.parametrize(
    "name", ["quote \" and ' it", "회계 장부", "-d postgres", "back\\slash", "a=b host=evil", "postgres://evil/x", "%41%"]
)
def test_database_with_a_hostile_name_is_backed_up(world: World, database, name):
    made = database(exact=name, sql="CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2);")
    world.add_source("odd", kind="postgres", **reach(world.server), database=made)
    world.axej("backup", "--local", expect=0)
    assert_sound(world, only_run(world), {"files", "frame", "odd"})


def test_dump_whose_program_is_killed_is_tried_again(world: World):
    world.server.sql(world.config["sources"]["frame"]["database"], _BIG)
    process = world.start("backup", "--local")
    victim = _wait_for_child(world, "pg_dump")
    victim.kill()
    assert process.wait(timeout=120) == 0, world.said()
    run = only_run(world)
    assert_sound(world, run, {"files", "frame"})
    assert run["attempts"] > 6


def test_snapshot_whose_restic_is_killed_is_tried_again_without_a_second_snapshot(world: World):
    (world.files / "big").write_bytes(os.urandom(150_000_000))
    process = world.start("backup", "--local")
    victim = _wait_for_child(world, "restic", "backup")
    time.sleep(0.5)
    victim.kill()
    assert process.wait(timeout=120) == 0, world.said()
    assert_sound(world, only_run(world), {"files", "frame"})


_BIG = "CREATE TABLE big AS SELECT n, md5(n::text) AS a, md5((n + 1)::text) AS b FROM generate_series(1, 600000) AS n;"


def _wait_for_child(world: World, program: str, word: str = "") -> psutil.Process:
    found: list[psutil.Process] = []

    def look() -> bool:
        found[:] = [process for process in world.processes() if _runs(process, program, word)]
        return bool(found)

    wait_until(look, f"a living {program}", 60)
    return found[0]


def _runs(process: psutil.Process, program: str, word: str) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:  # it ended meanwhile
        return False
    return bool(words) and Path(words[0]).name == program and word in " ".join(words)


# --- excludes --------------------------------------------------------------------------------------------------


def test_excludes_that_hide_required_files_make_the_run_degraded(world: World):
    excludes = world.folder / "restic-excludes"
    excludes.write_text("ledger\n")
    world.config["sources"]["files"]["require"] = [{"pattern": "ledger/**/*.csv", "at_least": 12}]
    world.config["tiers"]["local"]["excludes"] = str(excludes)
    world.write()
    clear_message(world.axej("backup", "--local", expect=3), "ledger/**/*.csv", "12 are required")


def test_missing_exclude_file_is_a_fault_of_the_configuration(world: World):
    world.config["tiers"]["local"]["excludes"] = str(world.folder / "absent")
    world.write()
    done = world.axej("config", "check", expect=4)
    assert "absent" in done.stdout
    assert "axej.yaml:" in done.stdout


def test_exclude_pattern_that_can_never_match_is_a_fault_of_the_configuration(world: World):
    excludes = world.folder / "restic-excludes"
    excludes.write_text("~/Downloads\n*.tmp\n")
    world.config["tiers"]["local"]["excludes"] = str(excludes)
    world.write()
    assert "restic-excludes:1: ~/Downloads" in world.axej("config", "check", expect=4).stdout


# --- machine ---------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a tmpfs of so many bytes at a folder; unmounted after the test."""
    need("root")
    mounted = []

    def mount(folder, size_bytes: int):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=700", "tmpfs", str(folder)], check=True)
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def test_disk_too_small_for_the_dumps_is_found_before_anything_is_dumped(world: World, small_disk):
    small_disk(world.state, 20_000_000)
    clear_message(world.axej("backup", "--local", expect=1), "bytes are free", "disk-full.md")
    run = only_run(world)
    assert (run["error_code"], run["state"]) == ("DiskFull", "failed")


def test_disk_full_while_dumping_fails_that_source_and_leaves_nothing(world: World, small_disk):
    """The estimate is right when it is made; then the disk fills."""
    world.server.sql(world.config["sources"]["frame"]["database"], _BIG)
    disk = small_disk(world.state, 260_000_000)
    process = world.start("backup", "--local")
    _wait_for_child(world, "pg_dump")
    with (disk / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize > 6_000_000:
            ballast.write(bytes(500_000))
    code = process.wait(timeout=120)
    assert code == 3, world.said()
    assert re.search("dump:frame failed.*(no space|No space|full)", world.said())
    (disk / "ballast").unlink()
    assert_sound(world, only_run(world), {"files"}, outcome="degraded")


def test_disk_full_while_appending_an_event_ends_with_exit_30_and_a_whole_journal(world: World, small_disk):
    world.config["sources"].pop("frame")
    world.write()
    disk = small_disk(world.state, 80_000_000)
    world.axej("backup", "--local", expect=0)
    before = len(world.axej("journal", "export", expect=0).stdout.splitlines())
    with (disk / "ballast").open("wb") as ballast:
        ballast.write(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize))
    clear_message(world.axej("backup", "--local", expect=30), "journal")
    (disk / "ballast").unlink()
    world.axej("journal", "verify", expect=0)
    assert len(world.axej("journal", "export", expect=0).stdout.splitlines()) >= before
    world.axej("resume")
    world.axej("backup", "--local", expect=0)


def test_read_only_journal_ends_with_exit_30(world: World, small_disk):
    world.config["sources"].pop("frame")
    world.write()
    disk = small_disk(world.state, 80_000_000)
    world.axej("backup", "--local", expect=0)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    clear_message(world.axej("backup", "--local", expect=30), "journal")
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    world.axej("journal", "verify", expect=0)


def test_two_backups_at_once_are_one_and_a_refusal(world: World):
    world.server.sql(world.config["sources"]["frame"]["database"], _BIG)
    process = world.start("backup", "--local")
    dump = _wait_for_child(world, "pg_dump")
    dump.suspend()
    try:
        run = only_run(world)["run"]
        clear_message(world.axej("backup", "--local", expect=11), run)
        clear_message(world.axej("resume", run, expect=11), run)
    finally:
        dump.resume()
    assert process.wait(timeout=120) == 0
    assert_sound(world, only_run(world), {"files", "frame"})


def test_scheduled_twice_at_once_is_one_run(world: World):
    """launchd may start a job twice around a wake."""
    world.axej("backup", "--local", env=at("2026-05-19T20:00:00+09:00"), expect=0)
    night = at("2026-05-20T03:00:05+09:00")
    first = world.start("backup", "--local", "--scheduled", env=night)
    second = world.axej("backup", "--local", "--scheduled", env=night)
    assert second.returncode in (0, 11)
    assert first.wait(timeout=120) in (0, 11)
    slots = [run["slot"] for run in world.json("history") if run["slot"]]
    assert slots == ["2026-05-20T03:00+09:00"]


def test_slot_is_run_once_and_a_clock_that_goes_back_runs_nothing_twice(world: World):
    world.axej("backup", "--local", env=at("2026-05-19T20:00:00+09:00"), expect=0)
    for moment in (
        "2026-05-20T03:00:05+09:00",
        "2026-05-20T03:10:00+09:00",
        "2026-05-20T02:10:00+09:00",
        "2026-05-20T03:00:00+09:00",
        "2026-05-20T23:00:00+09:00",
    ):
        world.axej("backup", "--local", "--scheduled", env=at(moment), expect=0)
    runs = world.json("history")
    assert [run["slot"] for run in runs if run["slot"]] == ["2026-05-20T03:00+09:00"]
    world.axej("backup", "--local", env=at("2026-05-20T02:30:00+09:00"), expect=0)
    assert world.json("history")[0]["slot"] is None  # newest by position, whatever the clock said
    world.axej("journal", "verify", expect=0)


def test_after_three_nights_without_power_one_run_for_the_newest_slot(world: World):
    world.axej("backup", "--local", env=at("2026-05-19T20:00:00+09:00"), expect=0)
    with FileLeases(world.state / "leases", SystemClock()).take("schedule:local", "another call"):
        busy = world.axej("backup", "--local", "--scheduled", env=at("2026-05-22T09:00:00+09:00"), expect=0)
    assert "another scheduled call is at work" in busy.stderr  # it asks what is due while nobody else can begin
    world.axej("backup", "--local", "--scheduled", env=at("2026-05-23T09:00:00+09:00"), expect=0)
    assert [run["slot"] for run in world.json("history") if run["slot"]] == ["2026-05-23T03:00+09:00"]


def test_fresh_install_starts_nothing_by_itself(world: World):
    world.axej("backup", "--local", "--scheduled", expect=0)
    assert world.json("history") == []


# --- people ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_cancelled_backup_ends_cleanly_with_exit_130(world: World, number):
    world.server.sql(world.config["sources"]["frame"]["database"], _BIG)
    process = world.start("backup", "--local")
    _wait_for_child(world, "pg_dump")
    process.send_signal(number)
    assert process.wait(timeout=60) == 130, world.said()
    run = only_run(world)
    assert (run["outcome"], run["state"]) == ("cancelled", "cancelled")
    assert_nothing_left(world)
    assert world.repository.snapshots() == []
    world.axej("backup", "--local", expect=0)


def test_source_that_lost_most_of_its_bytes_makes_the_run_degraded(world: World):
    (world.files / "big").write_bytes(os.urandom(8_000_000))
    world.axej("backup", "--local", expect=0)
    (world.files / "big").unlink()
    done = world.axej("backup", "--local", expect=3)
    clear_message(done, "less than the last restore point")


def test_partial_run_that_leaves_out_an_only_copy_says_so(world: World):
    world.config["sources"]["frame"]["only_copy"] = True
    world.write()
    clear_message(world.axej("backup", "--local", "--source", "files", expect=3), "frame is the only copy")


def test_unknown_source_is_refused_before_anything_runs(world: World):
    clear_message(world.axej("backup", "--local", "--source", "fram", expect=2), "fram", "frame")
    assert world.json("history") == []


def test_dry_run_touches_nothing(world: World):
    done = world.axej("backup", "--local", "--dry-run", expect=0)
    assert "frame" in done.stdout
    assert not world.journal.exists() or world.json("history") == []
    assert world.repository.snapshots() == []


def test_keychain_that_is_locked_hangs_and_is_a_failed_run_with_exit_12(world: World):
    """`security` asks on the screen where nobody sits: here a program that never answers, with the limit made short."""
    security = world.folder / "bin" / "security"
    security.parent.mkdir()
    security.write_text("#!/bin/sh\nexec sleep 300\n")
    security.chmod(0o755)
    world.config["tiers"]["local"]["password"] = {"command": str(security)}
    world.write()
    short = "from axejournal.programs.secrets import source\nsource.probe.__defaults__ = (1.0,)\nimport axejournal.__main__"
    argv = [sys.executable, "-c", short, "backup", "--local"]
    done = subprocess.run(argv, env=world.environ({}), cwd=world.folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 12, done.stderr
    assert "nothing came within 1 s" in done.stderr
    assert only_run(world)["outcome"] == "failed"
