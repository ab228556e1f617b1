"""The checks of a machine that must run by itself: each with one thing wrong, by the fake that is nearest to it."""

from __future__ import annotations

import json
import os
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from axejournal.app.app import App
from axejournal.checks import clock, copies, disk, examine, schedules, session
from axejournal.checks.finding import Finding, Patient
from axejournal.config.load import load
from axejournal.domain.facts.ring import ConsentGiven, PeerReached, WayBackSeen
from axejournal.programs.traces import KEPT_DAYS, LOG_BYTES, TAIL_BYTES, Traces
from tests.cli.conftest import Desk, desk  # noqa: F401 (a fixture)
from tests.cli.journals import night
from tests.journal.stories import Writer, requested

SOURCES = {"frame": "postgres", "한국어": "postgres", "files": "files"}


def patient(desk: Desk) -> Patient:  # noqa: F811
    desk.journal.close()
    return Patient(App(load(desk.config_path), desk.config_path), desk.config_path)


def told(check, desk: Desk) -> list[tuple[str, str]]:  # noqa: F811
    return [(finding.level, finding.text) for finding in check(patient(desk))]


def with_peer(desk: Desk, port: int) -> None:  # noqa: F811
    peer = {"ssh_user": "a", "ssh_ip": "127.0.0.1", "ssh_port": port, "receive_dir_at_peer": "/a", "receive_dir_at_self": "/b"}
    (desk.folder / "customers.yaml").write_text(json.dumps({"realchoice": {"ring_backup": peer}}))
    desk.config["tiers"]["ring"] = {"peer": "realchoice", "password": {"command": "true"}, "schedule": "30 3 * * *"}
    desk.write()


def test_network_tells_an_ssh_from_silence_and_from_something_else(desk: Desk):  # noqa: F811
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        banners = [b"SSH-2.0-x\r\n", b"HTTP/1.0 200\r\n"]
        thread = threading.Thread(target=lambda: [_greet(server, banner) for banner in banners], daemon=True)
        thread.start()
        with_peer(desk, port)
        assert told(session.network, desk) == [("OK", f"tier ring: 127.0.0.1, port {port} answers")]
        (level, text), *_ = told(session.network, desk)
        thread.join()
        assert (level, "is no ssh" in text) == ("FAIL", True)
    (level, text), *_ = told(session.network, desk)
    assert (level, "Connection refused" in text) == ("FAIL", True)


def _greet(server: socket.socket, banner: bytes) -> None:
    connection, _ = server.accept()
    connection.sendall(banner)
    connection.close()


def test_a_source_in_one_tier_only_is_named_and_an_only_copy_apart(desk: Desk):  # noqa: F811
    desk.config["sources"]["files"]["only_copy"] = True
    desk.config["tiers"]["cold"] = {"mount": "/Volumes/c-{1,2}", "password": "paper", "first_quarter": "2026Q1"}
    desk.write()
    night(desk.journal, "a-good", (datetime.now(UTC) - timedelta(hours=5)).isoformat(timespec="minutes"), "aa" * 32, SOURCES)
    assert told(copies.held_twice, desk) == [
        ("WARN", "files is the only copy of its data, and is in local only"),
        ("WARN", "no two tiers hold frame, 한국어"),
    ]
    assert told(copies.proof, desk)[0][0] == "WARN"
    assert [level for level, _ in told(copies.paper_password, desk)] == ["WARN", "WARN"]


def test_a_ring_without_consent_and_never_verified_is_a_warning(desk: Desk):  # noqa: F811
    with_peer(desk, 9)
    assert [level for level, _ in told(copies.both_ways, desk)] == ["WARN", "WARN"]


@pytest.mark.parametrize(("days", "level"), [(None, "WARN"), (40, "WARN"), (5, "OK")])
def test_a_way_back_that_was_looked_at_and_not_answered_is_not_proven(desk: Desk, days: int | None, level: str):  # noqa: F811
    with_peer(desk, 9)
    answered = None if days is None else (datetime.now(UTC) - timedelta(days=days)).isoformat()
    verified = Writer(desk.journal.store, "v")
    verified.fact(requested("ring.verify"), state="requested")
    verified.fact(ConsentGiven("ring", "realchoice", ("A", "B")))
    desk.journal.clock.at = datetime.now(UTC)
    verified.fact(PeerReached("ring", "realchoice", "127.0.0.1"))
    verified.fact(WayBackSeen("ring", "realchoice", answered_at=answered))
    ((found, text),) = told(copies.both_ways, desk)
    assert (found, "the way to" in text, "the way back from" in text) == (level, False, level == "WARN")


def test_a_clock_that_went_back_is_seen_by_the_journal(desk: Desk):  # noqa: F811
    assert told(clock.clock, desk)[0][0] == "OK"
    night(desk.journal, "a-good", (datetime.now(UTC) + timedelta(hours=3)).isoformat(timespec="minutes"), "aa" * 32, SOURCES)
    level, text = told(clock.clock, desk)[0]
    assert (level, "minutes in the future" in text) == ("WARN", True)


@pytest.mark.parametrize(
    ("kind", "program", "prints", "level", "what"),
    [
        ("Linux", "timedatectl", "NTP=yes\nNTPSynchronized=yes", "OK", "set by the network"),
        ("Linux", "timedatectl", "NTP=no\nNTPSynchronized=no", "WARN", "its time service is off"),
        ("Linux", "timedatectl", "NTP=yes\nNTPSynchronized=no", "WARN", "has not reached a server"),
        ("Linux", "timedatectl", None, "OK", "can't be told here"),
        ("Linux", "timedatectl", "hangs", "OK", "can't be told here"),
        ("Darwin", "sntp", "+0.021012 +/- 0.012 time.apple.com 17.253.0.1", "OK", "off by 0.0 s"),
        ("Darwin", "sntp", "-904.5 +/- 0.012 time.apple.com 17.253.0.1", "WARN", "off by 904.5 s"),
        ("Darwin", "sntp", None, "OK", "does not answer"),
    ],
)
def test_the_system_is_asked_whether_its_clock_is_set(desk: Desk, monkeypatch, kind, program, prints, level, what):  # noqa: F811
    folder = desk.folder / "programs"
    folder.mkdir()
    if prints is not None:
        (folder / program).write_text("#!/bin/sh\n" + ("exec sleep 60\n" if prints == "hangs" else f"echo '{prints}'\n"))
        (folder / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin" if prints else str(folder))
    monkeypatch.setattr(clock, "LOOK_S", 0.3)
    monkeypatch.setattr(clock.platform, "system", lambda: kind)
    ((found, text),) = told(clock.clock, desk)
    assert found == level
    assert what in text


@pytest.mark.parametrize(("ahead_s", "said"), [(720.0, "12 minutes ahead of"), (-3600.0, "60 minutes behind"), (9.0, None)])
def test_a_peers_clock_is_compared_by_its_letter(desk: Desk, ahead_s: float, said: str | None):  # noqa: F811
    with_peer(desk, 9)
    verified = Writer(desk.journal.store, "v")
    verified.fact(requested("ring.verify"), state="requested")
    verified.fact(WayBackSeen("ring", "realchoice", ahead_s=ahead_s))
    level, text = told(clock.clock, desk)[0]
    assert (level, said is None or f"the clock of realchoice was {said} this one" in text) == ("WARN" if said else "OK", True)


def test_schedules_that_are_not_installed_are_one_warning(desk: Desk):  # noqa: F811
    found = list(schedules.schedules(patient(desk)))
    assert [finding.level for finding in found] == ["WARN"]
    assert "axej schedule install" in found[0].hint


def test_folders_can_be_listed_and_one_that_is_not_says_why(desk: Desk):  # noqa: F811
    assert told(session.disk_access, desk)[0][0] == "OK"
    assert "No such file" in session._unlisted(Path("/nowhere/at/all"))


@pytest.mark.parametrize(
    ("name", "kept", "level"), [("settings-store.json", {"AutoStart": True}, "OK"), ("settings.json", {}, "WARN")]
)
def test_docker_desktop_has_to_start_by_itself(tmp_path, name, kept, level):
    folder = tmp_path / "Library/Group Containers/group.com.docker"
    folder.mkdir(parents=True)
    (folder / name).write_text(json.dumps(kept))
    assert session._docker_on_a_mac(tmp_path).level == level


def test_disk_space_is_told_in_days(desk: Desk):  # noqa: F811
    for days in range(8, 0, -1):
        at = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="minutes")
        night(desk.journal, f"r{days}-good", at, f"{days:02}" * 32, SOURCES)
    runs = [text for _, text in told(disk.space, desk) if text.startswith("repository")]
    assert "GiB free" in runs[0]
    from axejournal.journal.reader import runs as all_runs

    found = all_runs(desk.state / "journal.sqlite", job="backup.local")
    assert disk._days_left(1_300_000 * 30, found) == pytest.approx(30)


@pytest.mark.parametrize("works", [True, False])
def test_as_scheduled_asks_inside_and_says_when_it_can_t(desk: Desk, works: bool):  # noqa: F811
    """systemd-run stands in for the session: it marks what it started."""
    runner = desk.folder / "bin" / "systemd-run"
    runner.parent.mkdir()
    text = (
        'while [ "$1" != -- ]; do shift; done; shift; INSIDE=1 exec "$@"'
        if works
        else 'echo "Failed to connect to bus" >&2; exit 1'
    )
    runner.write_text(f"#!/bin/sh\n{text}\n")
    runner.chmod(0o755)
    path = f"{runner.parent}:{os.environ['PATH']}"
    found = json.loads(desk.axej("doctor", "--as-scheduled", "--json", expect=None, env={"PATH": path}).stdout)
    checks = [one["check"] for one in found]
    assert ("as scheduled" in checks) != works
    assert "journal" in checks


def test_fix_mends_permissions_and_says_so(desk: Desk):  # noqa: F811
    desk.config_path.chmod(0o666)
    (desk.folder / "password").chmod(0o644)
    said = desk.axej("doctor", "--fix", expect=None).stderr
    assert said.count("mended: ") == 2
    assert (desk.folder / "password").stat().st_mode & 0o077 == 0
    assert "mended" not in desk.axej("doctor", "--fix", expect=None).stderr


def test_logs_of_children_are_kept_for_a_while_and_those_of_the_scheduler_to_their_tail(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    now = datetime.now(UTC)
    for name, days in (("260520-0300-k3f9", KEPT_DAYS + 1), ("260521-0300-k3f9", 1)):
        (logs / f"{name}.log").write_text("restic: exit 1\n")
        os.utime(logs / f"{name}.log", ((now - timedelta(days=days)).timestamp(),) * 2)
    (logs / "com.axe.backup.local.log").write_bytes(b"a line\n" * (LOG_BYTES // 7 + 10))
    assert Traces(tmp_path).prune(now) == 1
    assert sorted(path.name for path in logs.iterdir()) == ["260521-0300-k3f9.log", "com.axe.backup.local.log"]
    kept = (logs / "com.axe.backup.local.log").read_bytes()
    assert TAIL_BYTES - 10 < len(kept) <= TAIL_BYTES
    assert kept.startswith(b"a line\n")


def test_every_pitfall_of_the_page_is_a_check_by_name(desk: Desk):  # noqa: F811
    from axejournal.checks import CHECKS

    names = {check.name for check in CHECKS}
    assert {"cold password", "paper password", "excludes", "dump only", "both ways", "uncovered"} <= names
    findings: list[Finding] = [finding for each in examine(patient(desk)) for finding in each]
    assert {finding.name for finding in findings} <= names
