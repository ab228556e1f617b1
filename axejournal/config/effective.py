"""The configuration as it works: as plain values for the journal and the cache, as YAML for a person, as a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from axejournal.config.models import Config
from axejournal.config.tiers import KINDS
from axejournal.config.tree import write
from axejournal.config.units import duration_text
from axejournal.domain.errors import ConfigurationFault

LAST = ("only_copy", "aliases", "retention", "drill", "after_restore")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def dumps(config: Config) -> dict[str, Any]:
    """All settings as JSON's plain values, defaults and filled-in values included; `restore` gives the same back.
    Holds where secrets are kept, never a secret."""
    return config.model_dump(mode="json", by_alias=True)


def restore(values: Mapping[str, Any]) -> Config:
    """The configuration that `dumps` wrote. Settings that this axej no longer has are left out, so that a run outlives
    an upgrade. Raises ConfigurationFault when what is left makes no configuration."""
    try:
        return Config.model_validate(values)
    except ValidationError as problem:
        unknown = [error["loc"] for error in problem.errors(include_url=False) if error["type"] == "extra_forbidden"]
    try:
        return Config.model_validate(_without(values, unknown))
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationFault(
            f"the configuration that the run recorded can't be read by this axej: {place}: {first['msg']}",
            'Take up the run with the axej that began it, or end it with "axej resume RUN --abandon".',
        ) from problem


def show(config: Config) -> str:
    """The effective axej.yaml, which can be loaded again, and what is read of customers.yaml as a comment."""
    values = _given(dumps(config))
    values.pop("customers", None)
    if config.customers.file is not None:
        values["customers"] = str(config.customers.file)
    text = write(values)
    if config.customers.known:
        known = {name: _given(customer.model_dump(mode="json")) for name, customer in config.customers.known.items()}
        lines = (f"# {line}" for line in write(known).splitlines())
        text += "\n".join(["", f"# {config.customers.file}:", *lines, ""])
    return text


def schema() -> dict[str, Any]:
    """A JSON Schema of axej.yaml (draft 2020-12), for editors that complete and check YAML."""
    made = Config.model_json_schema(mode="validation", schema_generator=_ForEditors)
    # a person writes the file's path there; the longer form is what `restore` reads
    for longer in ("Customers", "Customer", "RingBackup"):
        made["$defs"].pop(longer, None)
    made["properties"]["customers"] = {"type": "string", "description": Config.model_fields["customers"].description}
    # the names local, ring and cold say the kind; any other name has to
    tiers = {name: {"$ref": f"#/$defs/{name.capitalize()}Tier"} for name in KINDS}
    other = {"allOf": [{"$ref": "#/$defs/RingTier"}, {"required": ["kind"]}]}
    made["$defs"]["Tiers"] = {"type": "object", "properties": tiers, "required": ["local"], "additionalProperties": other}
    return {"$schema": DIALECT, **made, "title": "axej.yaml"}


class _ForEditors(GenerateJsonSchema):
    """Durations as they are written here, and no titles that only repeat a key."""

    def encode_default(self, dft: Any) -> Any:
        return duration_text(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _given(values: Any) -> Any:
    """Without what is not set (a person reads nothing in `socket: null`), the kind of each thing first."""
    match values:
        case dict():
            below = {key: _given(value) for key, value in values.items() if value is not None}
            given = [(key, value) for key, value in below.items() if value not in ({}, [])]
            return dict(sorted(given, key=lambda pair: 0 if pair[0] == "kind" else 2 if pair[0] in LAST else 1))
        case list():
            return [_given(value) for value in values]
    return values


def _without(values: Any, unknown: list[tuple[int | str, ...]]) -> Any:
    copy = _deep(values)
    for location in unknown:
        here = copy
        for part in location[:-1]:
            inside = isinstance(here, list) or (isinstance(here, dict) and part in here)
            here = here[part] if inside else here  # a part that isn't there is the tag of a union
        if isinstance(here, dict):
            here.pop(location[-1], None)
    return copy


def _deep(values: Any) -> Any:
    match values:
        case Mapping():
            return {key: _deep(value) for key, value in values.items()}
        case list() | tuple():
            return [_deep(value) for value in values]
    return values
