"""What the models say of themselves: names, durations, places of secrets, disks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from axejournal.config.commands import Command
from axejournal.config.models import Config
from axejournal.config.passwords import Secret
from axejournal.config.tiers import ColdTier, Retention
from axejournal.config.units import duration, duration_text
from axejournal.domain.errors import UsageFault
from tests.config.conftest import Desk


@pytest.mark.parametrize(
    ("text", "hours"),
    [("26h", 26), ("7d", 168), ("7 days", 168), ("90m", 1.5), ("1h 30m", 1.5), ("1w", 168), (" 3600 seconds ", 1)],
)
def test_duration_as_people_write_it_is_read(text: str, hours: float):
    assert duration(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "7", "h", "7 fortnights", "-1h", "0s", "1.5h", "1h30", "PT26H", "999999999d", "٧d1x"])
def test_duration_of_anything_else_is_refused(text: str):
    with pytest.raises(ValueError, match=r"duration|range"):
        duration(text)


@given(st.integers(1, 100 * 366 * 86_400))
def test_duration_text_is_read_as_the_same_duration(seconds: int):
    assert duration(duration_text(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


def _two_servers(config: dict[str, Any]) -> None:
    config["sources"]["copy"] = {"kind": "postgres", "host": "h", "database": "frame", "user": "u", "aliases": ["second"]}
    config["sources"]["mysrt"] = {"kind": "postgres", "host": "h", "database": "srt", "user": "u"}


def test_find_source_knows_name_alias_container_and_database(desk: Desk):
    desk.change(_two_servers)
    config = desk.load()
    found = {name: config.find_source(name).name for name in ("frame", "frame-postgres", "second", "srt", "files")}
    assert found == {"frame": "frame", "frame-postgres": "frame", "second": "copy", "srt": "mysrt", "files": "files"}


def test_find_source_of_an_ambiguous_name_lists_what_it_could_be(desk: Desk):
    desk.change(_two_servers)
    desk.change(lambda c: c["sources"].update(main=c["sources"].pop("frame")))
    with pytest.raises(UsageFault, match="frame could be any of copy, main") as caught:
        desk.load().find_source("frame")
    assert '"copy"' in caught.value.hint


def test_find_source_of_an_unknown_name_lists_all(desk: Desk):
    with pytest.raises(UsageFault, match="no source is called hive; there are frame, files"):
        desk.load().find_source("hive")


@pytest.mark.parametrize(
    ("written", "reference"),
    [
        ({"keychain": "axe.backup.restic.local"}, {"keychain": "axe.backup.restic.local"}),
        ({"command": "pass show axej"}, {"command": "pass show axej"}),
        ({"command": ["pass", "show", "a b"]}, {"command": ["pass", "show", "a b"]}),
        ({"file": "/run/secret"}, {"file": "/run/secret"}),
        ({"env": "AXEJ_PASSWORD"}, {"env": "AXEJ_PASSWORD"}),
        ({"secret-tool": {"service": "axej", "tier": "local"}}, {"secret-tool": {"service": "axej", "tier": "local"}}),
        ({"secret-tool": "service axej"}, {"secret-tool": "service axej"}),
        ({"systemd-credential": "axej"}, {"systemd-credential": "axej"}),
    ],
)
def test_secret_is_a_reference_that_comes_back_as_it_was_written(written: dict[str, Any], reference: dict[str, Any]):
    secret = Secret.model_validate(written)
    assert secret.reference == reference
    assert secret.model_dump(mode="json") == reference
    assert secret.kind == next(iter(written))
    assert Secret.model_validate(secret.model_dump(mode="json")) == secret


def test_command_of_a_text_has_a_shells_words_and_no_shell():
    assert Command.model_validate("psql -c 'SELECT 1; SELECT 2'").argv == ("psql", "-c", "SELECT 1; SELECT 2")
    assert Command.model_validate(["find", ".", "-exec", "ls", ";"]).argv[-1] == ";"
    with pytest.raises(ValidationError, match="&& is a shell's sign"):
        Command.model_validate("a && b")


def test_command_with_an_expression_that_is_none_is_refused():
    with pytest.raises(ValidationError, match="no regular expression"):
        Command.model_validate({"run": "a", "expect": "("})


@pytest.mark.parametrize(
    ("mount", "places"),
    [
        ("/Volumes/axe-cold-{1,2,3}", ["/Volumes/axe-cold-1", "/Volumes/axe-cold-2", "/Volumes/axe-cold-3"]),
        ("/media/me/{a, b}/x", ["/media/me/a/x", "/media/me/b/x"]),
        ("/mnt/cold", ["/mnt/cold"]),
    ],
)
def test_cold_tier_has_one_mount_point_for_each_number_in_the_braces(mount: str, places: list[str]):
    tier = ColdTier.model_validate({"mount": mount, "first_quarter": "2026Q1"})
    assert tier.mounts == tuple(map(Path, places))


@pytest.mark.parametrize("mount", ["Volumes/x", "/Volumes/{1,2", "/Volumes/{}", "/Volumes/{1,}", "/V/{1}{2}", "/V/{a/b}"])
def test_cold_tier_with_a_pattern_that_names_no_mount_points_is_refused(mount: str):
    with pytest.raises(ValidationError, match="no pattern of mount points"):
        ColdTier.model_validate({"mount": mount, "first_quarter": "2026Q1"})


@pytest.mark.parametrize(("prune", "days"), [("daily", 1), ("weekly", 7), ("monthly", 30), ("never", None)])
def test_retention_gives_days_between_prunes(prune: str, days: int | None):
    assert Retention.model_validate({"prune": prune}).prune_days == days


def test_tiers_may_hold_several_rings(desk: Desk):
    ring = {"repository": "s3:https://s3.example.org/axe", "password": {"env": "A"}, "schedule": "0 5 * * *"}
    desk.change(lambda c: c["tiers"].update(ring=dict(ring, repository="/other"), offsite=dict(ring, kind="ring")))
    config = desk.load()
    assert [(name, tier.kind) for name, tier in config.tiers.items()] == [
        ("local", "local"),
        ("ring", "ring"),
        ("offsite", "ring"),
    ]
    assert config.tiers.ring is not None
    assert config.tiers.cold is None
    assert "offsite" in config.tiers


@pytest.mark.parametrize("tier", [{"kind": "cold"}, {"kind": "local"}, {}])
def test_tiers_of_another_name_are_rings_that_say_so(desk: Desk, tier: dict[str, str]):
    desk.change(lambda c: c["tiers"].update(offsite=tier))
    assert "only a ring can have one; write: kind: ring" in desk.faults()[0]


def test_models_cant_be_changed_once_they_are_checked(desk: Desk):
    config = desk.load()
    with pytest.raises(ValidationError, match="frozen"):
        config.host = "other"  # type: ignore[misc]


def test_config_of_values_with_relative_paths_needs_a_folder(desk: Desk):
    with pytest.raises(ValidationError, match="relative, to nothing known here"):
        Config.model_validate({"customer": "a", "host": "a", "timezone": "UTC", "state": "x", "sources": {}, "tiers": {}})
