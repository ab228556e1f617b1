"""What a sound axej.yaml names that is not there, or that would undo the backup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from axejournal.config.checks import check
from tests.config.conftest import Desk

RING = {"peer": "realchoice", "password": {"env": "A"}, "schedule": "30 3 * * *"}
PARTNER = "realchoice:\n  ring_backup: {ssh_user: r, ssh_ip: 10.0.0.1, receive_dir_at_peer: /p, receive_dir_at_self: /s}\n"


def said(desk: Desk) -> list[str]:
    return [str(fault).replace(f"{desk.folder}/", "") for fault in check(desk.path)]


def test_check_of_a_sound_configuration_finds_nothing(desk: Desk):
    assert said(desk) == []


def test_check_of_a_faulty_file_gives_the_faults_of_the_file(desk: Desk):
    desk.change(lambda c: c.update(host="a b"))
    assert ["host:" in fault for fault in said(desk)] == [True]


def test_check_of_a_folder_that_is_not_there_only_warns(desk: Desk):
    (desk.folder / "files").rmdir()
    (fault,) = check(desk.path)
    assert (fault.kind, fault.key, fault.line) == ("warning", "sources.files.path", 13)


def _second(config: dict[str, Any]) -> None:
    config["sources"]["again"] = dict(config["sources"]["frame"])


CHANGES: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda c: c["tiers"]["local"].update(password={"file": "gone"}), "tiers.local.password.file: gone is not there"),
    (lambda c: c.update(heartbeat={"file": "gone"}), "heartbeat.file: gone is not there"),
    (lambda c: c.update(notify={"slack": {"file": "gone"}}), "notify.slack.file: gone is not there"),
    (lambda c: c["sources"]["frame"].update(passfile="gone"), "sources.frame.passfile: gone is not there"),
    (lambda c: c["tiers"]["local"].update(excludes="gone"), "tiers.local.excludes: gone: No such file or directory"),
    (lambda c: c["sources"]["files"].update(excludes="gone"), "sources.files.excludes: gone: No such file or directory"),
    (_second, "sources.again.database: source frame already backs up frame of frame-postgres"),
    (lambda c: c["sources"]["files"].update(aliases=["frame"]), "sources.files.aliases[0]: frame is also a name of frame"),
    (
        lambda c: c["sources"]["frame"].update(only_copy=True),
        "sources.frame.only_copy: the only copy of its data has to be in two",
    ),
    (
        lambda c: c["tiers"].update(ring=RING),
        "tiers.ring.peer: realchoice is not in customers.yaml, which is not there (nobody is)",
    ),
    (lambda c: c["tiers"]["local"].update(repository="files/repository"), "holds the repository, files/repository"),
    (lambda c: c.update(state="files/state"), "holds axej's state, files/state"),
]


@pytest.mark.parametrize(("change", "fault"), CHANGES, ids=[fault for _, fault in CHANGES])
def test_check_of_one_wrong_thing_finds_it(desk: Desk, change: Callable[[dict[str, Any]], Any], fault: str):
    desk.change(change)
    found = said(desk)
    assert len(found) == 1, found
    assert fault in found[0]
    assert "; write: " in found[0]


def test_check_of_an_only_copy_in_two_tiers_finds_nothing(desk: Desk):
    desk.write(PARTNER, "customers.yaml")
    desk.change(lambda c: (c["sources"]["frame"].update(only_copy=True), c["tiers"].update(ring=RING)))
    assert said(desk) == []


@pytest.mark.parametrize(
    ("customers", "fault"),
    [("other:\n", "realchoice is not in customers.yaml (other is)"), ("realchoice:\n", "realchoice has no ring_backup in")],
)
def test_check_of_a_peer_that_customers_yaml_does_not_describe_says_so(desk: Desk, customers: str, fault: str):
    desk.write(customers, "customers.yaml")
    desk.change(lambda c: c["tiers"].update(ring=RING))
    assert fault in said(desk)[0]


def exclude(desk: Desk, *lines: str, require: list[Any] | None = None) -> list[str]:
    desk.write("\n".join(lines) + "\n", "excludes")
    for name in ("invoices/2025/a.pdf", "invoices/2026/b.pdf", "photos/c.jpg", "cache/tmp/x"):
        (desk.folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (desk.folder / "files" / name).write_text(name)
    desk.change(lambda c: (c["tiers"]["local"].update(excludes="excludes"), c["sources"]["files"].update(require=require or [])))
    return said(desk)


def test_check_of_good_excludes_finds_nothing(desk: Desk):
    good = ("# caches", "", "*.tmp", "cache/tmp", ".DS_Store", f"{desk.folder}/files/later", "node_modules", "**/cache")
    assert exclude(desk, *good, require=[{"pattern": "invoices/**/*.pdf", "at_least": 2}]) == []


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("~/files/cache", "excludes:2: ~/files/cache: ~ means nothing to restic: this never matches; write: "),
        ("cache/other", "excludes:2: cache/other: matches nothing in the sources' folders"),
        ("/Users/nobody/cache", "excludes:2: /Users/nobody/cache: is outside of all sources: this never matches"),
        ("[a", "excludes:2: [a: restic refuses the pattern: a [ without its ]"),
        ("invoices", "hides files that source files requires: 2 match invoices/**/*.pdf, 0 are left, 2 have to be there"),
        ("2025/*.pdf", "hides files that source files requires: 2 match invoices/**/*.pdf, 1 are left, 2 have to be there"),
        ("files", "excludes:2: files: hides the whole folder of source files"),
        ("*.dat", "excludes:2: *.dat: hides dumps: state/staging/frame/dump/toc.dat would not be in a snapshot"),
        ("*.sqlite", "hides dumps: state/staging/axej/journal.sqlite"),
    ],
)
def test_check_of_an_exclude_pattern_that_does_harm_or_nothing_names_its_line(desk: Desk, pattern: str, fault: str):
    found = exclude(desk, "*.tmp", pattern, require=[{"pattern": "invoices/**/*.pdf", "at_least": 2}])
    assert len(found) == 1, found
    assert fault in found[0]


def test_check_of_an_exclude_pattern_that_leaves_enough_finds_nothing(desk: Desk):
    assert exclude(desk, "2025/*.pdf", require=[{"pattern": "invoices/**/*.pdf", "at_least": 1}]) == []


def test_check_of_a_pattern_that_is_taken_back_finds_nothing(desk: Desk):
    assert exclude(desk, "*.pdf", "!*.pdf", require=["**/*.pdf"]) == []


def test_check_while_a_folder_is_away_does_not_judge_patterns_by_what_is_there(desk: Desk):
    assert len(exclude(desk, "cache/other")) == 1
    (desk.folder / "files").rename(desk.folder / "away")
    assert [fault.kind for fault in check(desk.path)] == ["warning"]


def test_check_of_a_repository_within_a_source_that_is_excluded_finds_nothing(desk: Desk):
    desk.change(lambda c: c["tiers"]["local"].update(repository="files/repository"))
    assert exclude(desk, f"{desk.folder}/files/repository") == []
