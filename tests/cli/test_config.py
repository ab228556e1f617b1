"""`axej config` as a person meets it; what is a fault is tested in tests/config."""

from __future__ import annotations

import json

import yaml

from tests.cli.conftest import Desk


def test_check_of_a_sound_configuration_says_what_was_checked(desk: Desk):
    said = desk.axej("config", "check").stdout
    assert said.startswith(f"OK  {desk.config_path}")
    assert "2 databases, 1 folders; tiers: local" in said
    assert desk.json("config", "check") == {"path": str(desk.config_path), "sound": True, "faults": []}


def test_check_prints_all_faults_with_file_line_and_what_to_write_and_ends_with_4(desk: Desk):
    desk.config_path.write_text(
        "customer: axe\nhost: axe\ntimezone: Asia/Soul\n"
        "sources:\n  frame: {kind: postgres, socket: /x, usr: me, database: frame}\n"
        'tiers:\n  local: {repository: /y, password: {file: /z}, schedule: "0 3 * *"}\n'
    )
    done = desk.axej("config", "check", expect=4)
    lines = done.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{desk.config_path}:{number}" for number in (3, 5, 5, 7)]
    assert all("; write: " in line for line in lines)
    assert "4 faults" in done.stderr
    found = desk.json("config", "check", expect=4)
    assert (found["sound"], [fault["line"] for fault in found["faults"]]) == (False, [3, 5, 5, 7])


def test_other_commands_refuse_a_faulty_configuration_with_all_its_faults(desk: Desk):
    desk.config["tiers"]["local"]["schedule"] = "never"
    desk.config["timezone"] = "Mars/Base"
    desk.write()
    for command in ("history", "status", "points"):
        said = desk.axej(command, expect=4).stderr
        assert "timezone" in said
        assert "schedule" in said
        assert "HINT: " in said


def test_check_warns_of_a_folder_that_is_not_there_and_ends_with_0(desk: Desk):
    (desk.folder / "files").rmdir()
    done = desk.axej("config", "check")
    assert "warning: " in done.stdout
    assert "1 warnings" in done.stdout
    assert [fault["kind"] for fault in desk.json("config", "check")["faults"]] == ["warning"]


def test_check_finds_an_exclude_pattern_that_never_matches(desk: Desk):
    (desk.folder / "excludes").write_text("~/Downloads\n")
    desk.config["tiers"]["local"]["excludes"] = str(desk.folder / "excludes")
    desk.write()
    assert "~ means nothing to restic" in desk.axej("config", "check", expect=4).stdout


def test_configuration_that_is_not_there_ends_with_4_and_names_init(desk: Desk):
    desk.config_path.unlink()
    for words in (["config", "check"], ["config", "show"], ["history"], ["backup", "--local"]):
        said = desk.axej(*words, expect=4).stderr
        assert f"there is no configuration at {desk.config_path}" in said
        assert "axej init" in said


def test_config_option_wins_over_the_variable(desk: Desk):
    other = desk.folder / "other.yaml"
    other.write_text(desk.config_path.read_text().replace("axe-macmini", "other-macmini"))
    assert yaml.safe_load(desk.axej("--config", str(other), "config", "show").stdout)["host"] == "other-macmini"


def test_show_prints_the_effective_configuration_which_can_be_loaded_again(desk: Desk):
    shown = desk.axej("config", "show").stdout
    assert yaml.safe_load(shown)["tiers"]["local"]["rpo"] == "26h"
    desk.config_path.write_text(shown)
    assert desk.axej("config", "show").stdout == shown
    assert desk.json("config", "show")["tiers"]["local"]["schedule"] == {"cron": "0 3 * * *", "timezone": "Asia/Seoul"}


def test_schema_needs_no_configuration(desk: Desk):
    desk.config_path.unlink()
    made = json.loads(desk.axej("config", "schema").stdout)
    assert made["$schema"].startswith("https://json-schema.org/")
    assert "tiers" in made["properties"]


def test_cache_makes_no_difference_but_time(desk: Desk):
    """The second call is answered from the cache, the third, after a change, is not."""
    first = desk.json("status")
    assert list((desk.folder / ".cache" / "axej").iterdir())
    second = desk.json("status")
    assert (first["tiers"][0]["rpo_s"], second["tiers"][0]["rpo_s"]) == (26 * 3600, 26 * 3600)
    desk.config["tiers"]["local"]["rpo"] = "2d"
    desk.write()
    assert desk.json("status")["tiers"][0]["rpo_s"] == 48 * 3600
