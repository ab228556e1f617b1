"""The configuration as plain values, as YAML, as a JSON Schema."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from axejournal.config.effective import dumps, restore, schema, show
from axejournal.config.example import example
from axejournal.config.load import load
from axejournal.config.models import Config
from axejournal.domain.errors import ConfigurationFault


@pytest.fixture
def reference(tmp_path: Path) -> Config:
    for name, text in example("axe").items():
        (tmp_path / name).write_text(text)
    return load(tmp_path / "axej.yaml")


def test_dumps_through_json_is_restored_to_the_same_configuration(reference: Config):
    values = json.loads(json.dumps(dumps(reference)))
    again = restore(values)
    assert again == reference
    assert dumps(again) == values
    assert again.sources["index"].name == "index"
    assert again.peer("ring") == reference.peer("ring") is not None


def test_restore_leaves_out_settings_that_this_axej_does_not_have(reference: Config):
    values = dumps(reference)
    values["gone"] = {"a": 1}
    values["sources"]["frame"]["gone"] = 1
    values["sources"]["frame"]["after_restore"]["check"][0]["gone"] = 1
    values["tiers"]["cold"]["gone"] = 1
    before = copy.deepcopy(values)
    assert restore(values) == reference
    assert values == before


def test_restore_of_what_is_no_configuration_says_which_setting(reference: Config):
    values = dumps(reference)
    values["gone"] = 1
    del values["timezone"]
    with pytest.raises(ConfigurationFault, match="timezone") as caught:
        restore(values)
    assert "--abandon" in caught.value.hint


def test_show_can_be_loaded_again_and_comes_to_the_same(reference: Config, tmp_path: Path):
    shown = tmp_path / "shown.yaml"
    shown.write_text(show(reference))
    assert load(shown) == reference
    assert "#     ssh_user: realchoice" in shown.read_text()
    assert next(iter(yaml.safe_load(shown.read_text())["sources"]["frame"])) == "kind"


def test_dumps_has_the_same_keys_as_the_configuration_for_plain_readers(reference: Config):
    local = dumps(reference)["tiers"]["local"]
    assert local["schedule"] == {"cron": "0 3 * * *", "timezone": "Asia/Seoul"}
    assert local["rpo"] == "26h"
    assert local["password"] == {"keychain": "axe.backup.restic.local"}


def _sound() -> dict[str, Any]:
    return yaml.safe_load(example("axe")["axej.yaml"])


def test_schema_takes_the_operators_configuration():
    made = schema()
    Draft202012Validator.check_schema(made)
    assert list(Draft202012Validator(made).iter_errors(_sound())) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("surprise",), 1),
        (("language",), "fr"),
        (("customers",), {"realchoice": {}}),
        (("sources", "frame", "databse"), "x"),
        (("sources", "frame", "host"), "second-way"),
        (("sources", "frame", "kind"), "postgre"),
        (("sources", "frame", "after_restore", "check"), [5]),
        (("tiers", "local", "password"), "plain"),
        (("tiers", "local", "password", "env"), "second"),
        (("tiers", "local", "rpo"), 26),
        (
            (
                "tiers",
                "locl",
            ),
            {},
        ),
        (("tiers", "cold", "password"), {"keychain": "x"}),
        (("tiers", "ring", "retention", "daily"), "many"),
    ],
)
def test_schema_refuses_what_the_models_refuse(place: tuple[str, ...], value: Any):
    values = _sound()
    here = values
    for key in place[:-1]:
        here = here[key]
    here[place[-1]] = value
    assert list(Draft202012Validator(schema()).iter_errors(values))
    with pytest.raises(ValueError, match="validation error"):
        Config.model_validate(values)


def test_schema_takes_short_and_long_forms():
    values = _sound()
    values["tiers"]["local"]["schedule"] = {"cron": "0 3 * * *", "timezone": "UTC"}
    values["sources"]["files"]["require"] = ["**/*.pdf", {"pattern": "a", "at_least": 2}]
    values["sources"]["frame"]["after_restore"]["restart"] = ["a b", ["a", "b"], {"run": "a", "timeout": "5m"}]
    values["tiers"]["offsite"] = {"kind": "ring", "repository": "/x", "password": {"env": "A"}, "schedule": "0 5 * * *"}
    assert list(Draft202012Validator(schema()).iter_errors(values)) == []


def test_schema_shows_durations_as_they_are_written():
    assert schema()["$defs"]["LocalTier"]["properties"]["rpo"]["default"] == "26h"
