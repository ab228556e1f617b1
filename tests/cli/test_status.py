"""`axej status`: the present moment against nights that were a while ago."""

from __future__ import annotations

import fcntl
import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from axejournal.domain import facts as f
from axejournal.domain.events import StepStarted
from tests.cli.conftest import Desk
from tests.cli.journals import night
from tests.world.needs import need

SOURCES = {"frame": "postgres", "한국어": "postgres", "files": "files"}


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Its slot is half a year away, so that at no hour of the day anything is due but what a test says."""
    desk.config["tiers"]["local"]["schedule"] = f"0 3 1 {(datetime.now(UTC).month + 5) % 12 + 1} *"
    desk.write()
    return desk


def ago(**since: float) -> str:
    """A slot so long ago, as the journal writes it."""
    return (datetime.now(UTC) - timedelta(**since)).isoformat(timespec="minutes")


def tier(found: dict, name: str) -> dict:
    return next(each for each in found["tiers"] if each["tier"] == name)


def test_status_after_a_fresh_night_is_ok(desk: Desk):
    night(desk.journal, "a-good", ago(hours=5), "aa" * 32, SOURCES)
    found = desk.json("status")
    local = tier(found, "local")
    assert (found["state"], local["state"], local["reason"], local["overdue_since"]) == ("ok", "ok", None, None)
    assert (local["last_success_run"], local["last_outcome"], local["points"]) == ("a-good", "succeeded", 3)
    assert (local["rpo_s"], local["size_bytes"], local["grown_bytes"]) == (26 * 3600, 300 * 2**20, 1_300_000)
    assert 5 * 3600 - 60 < local["age_s"] < 5 * 3600 + 120
    said = desk.axej("status", columns=80).stdout
    assert said.startswith("axe: everything is backed up")
    assert max(map(len, said.splitlines())) <= 80


def test_status_measures_the_packs_that_lie_in_the_repository(desk: Desk):
    night(desk.journal, "a-good", ago(hours=5), "aa" * 32, SOURCES)
    for number in range(3):
        folder = desk.folder / "repository" / "data" / f"0{number}"
        folder.mkdir(parents=True)
        (folder / "pack").write_bytes(bytes(1000))
    assert tier(desk.json("status"), "local")["size_bytes"] == 3000


def test_status_shows_the_next_run_in_the_schedules_zone_and_in_utc(desk: Desk):
    desk.config["tiers"]["local"]["schedule"] = {"cron": "30 2 * * *", "timezone": "America/New_York"}
    desk.write()
    night(desk.journal, "a-good", ago(hours=5), "aa" * 32, SOURCES)
    coming = datetime.fromisoformat(tier(desk.json("status"), "local")["next_run"])
    assert (coming.hour, coming.minute) == (2, 30)
    assert coming.utcoffset() in (timedelta(hours=-4), timedelta(hours=-5))
    assert timedelta() < coming - datetime.now(UTC) <= timedelta(hours=26)
    assert (
        f"{coming:%Y-%m-%d %H:%M}{coming.isoformat()[-6:]}, {coming.astimezone(UTC):%H:%M} UTC, in " in desk.axej("status").stdout
    )


def test_status_of_a_restore_point_older_than_its_rpo_ends_with_20(desk: Desk):
    night(desk.journal, "a-good", ago(hours=30), "aa" * 32, SOURCES)
    found = desk.json("status", expect=20)
    local = tier(found, "local")
    assert (found["state"], local["state"]) == ("overdue", "overdue")
    since = datetime.fromisoformat(local["overdue_since"])
    assert timedelta(hours=3, minutes=58) < datetime.now(UTC) - since < timedelta(hours=4, minutes=5)
    said = desk.axej("status", expect=20).stdout
    assert "something is OVERDUE" in said
    assert "no restore point of frame, 한국어, files is younger than 26h" in said


def test_status_with_another_rpo_is_not_overdue(desk: Desk):
    desk.config["tiers"]["local"]["rpo"] = "2d"
    desk.write()
    night(desk.journal, "a-good", ago(hours=30), "aa" * 32, SOURCES)
    assert tier(desk.json("status"), "local")["state"] == "ok"


def test_one_source_that_is_left_behind_is_overdue_though_the_job_goes_on(desk: Desk):
    night(desk.journal, "a-good", ago(hours=60), "aa" * 32, SOURCES)
    slot = ago(hours=3)
    down = "server does not answer"
    pen = desk.journal.begin("b-degr", slot, slot).preflight().dump("frame").give_up("dump:한국어", "SourceUnreachable", down)
    pen.note(f.DumpsFinished(("frame",), ("한국어",))).snapshot("bb" * 32)
    pen.verified("bb" * 32, slot, {"frame": "postgres", "files": "files"}).retained().degrade(f"dump:한국어 failed: {down}")
    found = desk.json("status", expect=20)
    states = {each["source"]: each["state"] for each in tier(found, "local")["sources"]}
    assert states == {"frame": "ok", "한국어": "overdue", "files": "ok"}
    said = desk.axej("status", expect=20).stdout
    assert "last run b-degr degraded: dump:한국어 failed: server does not answer" in said


def test_status_of_a_fresh_install_says_never_and_is_no_failure(desk: Desk):
    found = desk.json("status")
    assert (found["state"], tier(found, "local")["state"], tier(found, "local")["reason"]) == ("never", "never", "no run yet")
    assert "no run yet" in desk.axej("status").stdout


def test_status_of_an_install_that_never_ran_within_its_rpo_is_overdue(desk: Desk):
    long_ago = (datetime.now(UTC) - timedelta(hours=27)).timestamp()
    os.utime(desk.config_path, (long_ago, long_ago))
    assert tier(desk.json("status", expect=20), "local")["state"] == "overdue"


def test_a_source_that_is_new_in_the_configuration_has_its_rpo_to_be_backed_up(desk: Desk):
    for hours, name in ((60, "aa"), (5, "bb")):
        night(desk.journal, f"{name}-good", ago(hours=hours), name * 32, {"frame": "postgres", "files": "files"})
    local = tier(desk.json("status"), "local")
    assert (local["state"], local["reason"]) == ("never", "no restore point of 한국어 yet")
    long_ago = (datetime.now(UTC) - timedelta(hours=27)).timestamp()
    os.utime(desk.config_path, (long_ago, long_ago))
    assert tier(desk.json("status", expect=20), "local")["state"] == "overdue"


def test_other_tiers_are_shown_without_runs(desk: Desk):
    desk.config["tiers"]["cold"] = {"mount": "/Volumes/axe-cold-{1,2,3}", "password": "paper", "first_quarter": "2026Q1"}
    desk.write()
    night(desk.journal, "a-good", ago(hours=5), "aa" * 32, SOURCES)
    found = desk.json("status")
    assert (tier(found, "cold")["state"], tier(found, "cold")["reason"]) == ("never", "no run yet")
    assert "cold" in desk.axej("status").stdout


@pytest.mark.parametrize("alive", [True, False])
def test_open_runs_are_told_dead_from_alive(desk: Desk, alive: bool):
    night(desk.journal, "a-good", ago(hours=5), "aa" * 32, SOURCES)
    desk.journal.begin("b-open", ago(hours=1), ago(hours=1)).preflight().note(StepStarted(), "dump:frame")
    (desk.state / "leases").mkdir()
    with (desk.state / "leases" / "run:b-open.lease").open("w") as lease:
        if alive:
            fcntl.flock(lease, fcntl.LOCK_EX)
        found = desk.json("status")
        said = desk.axej("status").stdout
    assert found["open_runs"] == [
        {"run": "b-open", "job": "backup.local", "state": "dumping", "alive": alive, "steps": ["dump:frame"]}
    ]
    assert ("at work" if alive else 'go on with "axej resume"') in said


def test_last_failure_is_named_with_its_run(desk: Desk):
    night(desk.journal, "a-good", ago(hours=5), "aa" * 32, SOURCES)
    pen = desk.journal.begin("b-fail", ago(hours=1)).note(f.RunStarted())
    pen.fail("preflight", "WrongPassword", "wrong password").break_off(
        "WrongPassword", "wrong password", "Look.", 12, "wrong-password"
    )
    found = desk.json("status")
    assert (tier(found, "local")["last_outcome"], tier(found, "local")["failures_in_a_row"]) == ("failed", 1)
    assert 'last run b-fail failed: wrong password ("axej history b-fail")' in desk.axej("status").stdout


COLD = {"mount": "/Volumes/axe-cold-{1,2,3}", "password": "paper", "first_quarter": "2020Q1"}
RING = {"peer": "realchoice", "password": {"command": "true"}, "schedule": "30 3 29 2 *"}


def test_health_is_mixed_after_a_degraded_run_and_an_error_after_a_failed_one(desk: Desk):
    for hours, name in ((53, "aa"), (29, "bb"), (5, "cc")):
        night(desk.journal, f"{name}-good", ago(hours=hours), name * 32, SOURCES)
    local = tier(desk.json("status"), "local")
    assert (local["health"], len(local["sizes_bytes"])) == ("ok", 3)
    degraded = desk.journal.begin("d-degr", ago(hours=2), ago(hours=2)).preflight().note(f.DumpsFinished(()))
    degraded.snapshot("dd" * 32).verified("dd" * 32, ago(hours=2), SOURCES).retained().degrade("hive failed")
    assert tier(desk.json("status"), "local")["health"] == "mixed"
    pen = desk.journal.begin("e-fail", ago(hours=1)).note(f.RunStarted())
    pen.fail("preflight", "WrongPassword", "wrong").break_off("WrongPassword", "wrong", "Look.", 12, "wrong-password")
    found = desk.json("status")
    assert (found["health"], tier(found, "local")["health"], tier(found, "local")["state"]) == ("error", "error", "ok")
    assert "local is error: last run failed" in desk.axej("status").stdout


def test_cold_disk_that_was_not_synced_in_its_quarter_is_overdue(desk: Desk):
    desk.config["tiers"]["cold"] = COLD
    desk.write()
    night(desk.journal, "a-good", ago(days=200), "aa" * 32, SOURCES)
    night(desk.journal, "b-good", ago(hours=5), "bb" * 32, SOURCES)
    long_ago = (datetime.now(UTC) - timedelta(days=200)).timestamp()
    os.utime(desk.config_path, (long_ago, long_ago))
    found = desk.json("status", expect=20)
    disk = found["disks"][0]
    assert disk["overdue"] == (datetime.now(UTC) + timedelta(hours=9) >= datetime.fromisoformat(_sixteenth(disk["quarter"])))
    assert tier(found, "cold")["state"] == "overdue"
    said = desk.axej("status", expect=20, columns=80).stdout.splitlines()
    (row,) = [line.split() for line in said if line.startswith(f"{disk['disk']} ")]  # a disk has one row
    assert row[0] == disk["disk"]
    assert "never" in row
    assert disk["quarter"] in " ".join(row)
    assert '-> "axej cold sync"' in said[1]  # what is wrong, and what to type, stands first


def _sixteenth(quarter: str) -> str:
    return f"{quarter[:4]}-{3 * int(quarter[-1]) - 2:02}-16T00:00:00+09:00"


def test_prometheus_text_is_what_its_own_tool_reads(desk: Desk):
    need("promtool")
    desk.config["tiers"] |= {"cold": COLD, "ring": RING}
    (desk.folder / "customers.yaml").write_text(
        'realchoice: {ring_backup: {ssh_user: "a", ssh_ip: "127.0.0.1", receive_dir_at_peer: "/a", receive_dir_at_self: "/b"}}\n'
    )
    desk.write()
    night(desk.journal, "a-good", ago(hours=5), "aa" * 32, SOURCES)
    said = desk.axej("status", "--prometheus").stdout
    subprocess.run(["promtool", "check", "metrics"], input=said, text=True, check=True, capture_output=True)
    assert 'axej_tier_health{customer="axe",tier="local"} 0\n' in said
    assert 'axej_source_proof{customer="axe",tier="local",source="한국어",proof="stored"} 1\n' in said
    assert "axej_overdue" in desk.axej("status", "--prometheus").stdout


def test_watch_goes_with_no_other_form(desk: Desk):
    assert "--watch" in desk.axej("status", "--watch", "--json", expect=2).stderr
