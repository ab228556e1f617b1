"""pydantic's errors as sentences: which key, what is wrong, what to write instead. Used only when something is wrong."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from axejournal.config.base import FAULT
from axejournal.config.models import Config
from axejournal.config.passwords import Secret
from axejournal.config.tiers import BY_NAME
from axejournal.config.tree import Key

WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
}
BEFORE = {"password": "passfile: ~/.pgpass (the password stands in that file)"}
"""What to write instead of keys that people try."""


def sentence(error: ErrorDetails, written: Any) -> tuple[Key, str, str]:
    """The key as the file has it, what is wrong, what to write instead. A secret that stands there is not repeated."""
    location = error["loc"]
    key = _as_written(location, written)
    if error["type"] == "missing":
        key = (*key, location[-1])
    context: Mapping[str, Any] = error.get("ctx", {})
    kind, value = error["type"], error.get("input")
    if kind == FAULT:
        return key, str(context["message"]), str(context["remedy"])
    if kind == "missing":
        return key, "is missing", _example(location) or f"{location[-1]}: …"
    if kind == "extra_forbidden":
        return key, *_unknown(location)
    if kind.startswith("union_tag"):
        return _tag(key, location, context)
    if value is None and kind in ("dict_type", "model_type", "model_attributes_type"):
        return key, "is empty", "keys below it, or nothing at all"
    wanted = WANTED.get(kind)
    if wanted is not None:
        example = _quoted(value) if kind == "string_type" and not _secret(location) else None
        return key, f"{_described(value)} where {wanted} belongs", example or _example(location) or wanted
    return key, *_out_of_bounds(kind, context, value, location)


def _out_of_bounds(kind: str, context: Mapping[str, Any], value: Any, location: Key) -> tuple[str, str]:
    shown = "this" if _secret(location) else _described(value)
    example = "letters, digits, _, . and -" if location[-1] == "[key]" else _example(location) or "another value"
    match kind:
        case "literal_error":
            allowed = str(context["expected"]).replace("'", "")
            return f"{shown} is not known here", allowed
        case "greater_than_equal" | "less_than_equal":
            small, bound = kind[0] == "g", context.get("ge", context.get("le"))
            return (
                f"{shown} is too {'small' if small else 'big'}",
                f"a number of {bound} or {'more' if small else 'less'}",
            )
        case "string_pattern_mismatch" | "string_too_short" | "string_too_long":
            return f"{shown} can't {'be a name' if location[-1] == '[key]' else 'stand here'}", example
        case "too_short":
            return "is empty", example if example != "another value" else "at least one"
    return str(context.get("message") or kind), example


def _as_written(location: Key, written: Any) -> Key:
    """pydantic's location as far as the file has it: without tags of unions, and without what a short form leaves out."""
    key: Key = ()
    here = written
    for part in location:
        is_item = isinstance(here, list) and isinstance(part, int) and part < len(here)
        if is_item or (isinstance(here, Mapping) and part in here):
            key, here = (*key, part), here[part]
    return key


def _tag(key: Key, location: Key, context: Mapping[str, Any]) -> tuple[Key, str, str]:
    expected = str(context.get("expected_tags", "")).replace("'", "")
    if location[:2] == ("tiers", BY_NAME):
        near = get_close_matches(str(location[2]), ("local", "ring", "cold"), 1, 0.6)
        if near and near[0] != location[2]:
            return key, f"unknown tier (did you mean {near[0]}?)", f"{near[0]}:"
        return key, "a tier of its own name says its kind, and only a ring can have one", "kind: ring"
    if "tag" in context:
        near = get_close_matches(str(context["tag"]), expected.split(", "), 1, 0.5)
        return (
            (*key, "kind"),
            f"{context['tag']!r} is no kind of source",
            f"kind: {near[0]}" if near else f"kind: one of {expected}",
        )
    return (*key, "kind"), "is missing", "kind: postgres, or kind: files"


def _unknown(location: Key) -> tuple[str, str]:
    wrong = str(location[-1])
    known = sorted({name for model in _models(location[:-1]) for name in _fields(model)} - {"kind"})
    if wrong in BEFORE and "passfile" in known:
        return "a plain password has no place in this file", BEFORE[wrong]
    near = get_close_matches(wrong, known, 1, 0.6)
    if near:
        return f"unknown key (did you mean {near[0]}?)", _example((*location[:-1], near[0])) or f"{near[0]}: …"
    return "unknown key", f"one of {', '.join(known)}" if known else "nothing here"


def _example(location: Key) -> str | None:
    """`database: frame`, from the field's own example."""
    for model in _models(location[:-1]):
        found = _fields(model).get(str(location[-1]))
        if found is not None and found.examples:
            value = found.examples[0]
            return f"{location[-1]}: {value if isinstance(value, str) else json.dumps(value)}"
    return None


def _secret(location: Key) -> bool:
    """Whether a secret may stand there by mistake."""
    return any(issubclass(model, Secret) for end in range(len(location) + 1) for model in _models(location[:end]))


def _models(location: Key) -> list[type[BaseModel]]:
    """The models that may stand at a location."""
    annotations: list[Any] = [Config]
    for part in location:
        annotations = [below for annotation in annotations for below in _step(annotation, part)]
    return [
        one for annotation in annotations for one in _plain(annotation) if isinstance(one, type) and issubclass(one, BaseModel)
    ]


def _step(annotation: Any, part: str | int) -> Iterator[Any]:
    choices = list(_plain(annotation))
    tagged = [one for one in choices if _is_tagged(one, part)]
    if tagged:
        yield from tagged
        return
    for one in choices:
        arguments = get_args(one)
        if get_origin(one) is dict:
            yield arguments[1]
        elif get_origin(one) is tuple:
            yield arguments[0]
        elif _is_model(one) and (found := _fields(one).get(str(part))) is not None:
            yield found.annotation


def _is_tagged(model: Any, part: str | int) -> bool:
    return _is_model(model) and "kind" in _fields(model) and part in get_args(_fields(model)["kind"].annotation)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _plain(annotation: Any) -> Iterator[Any]:
    """The alternatives of an annotation, without what is around them."""
    if get_origin(annotation) is Annotated:
        yield from _plain(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for one in get_args(annotation):
            yield from _plain(one)
    else:
        yield annotation


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {found.alias or name: found for name, found in model.model_fields.items()}


def _quoted(value: Any) -> str | None:
    match value:
        case bool():
            return "the word in quotes"
        case int() | float():
            return f'"{value}", in quotes'
    return None


def _described(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"{str(value).lower()} (yes, no, on, off count as that)"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"{value!r}" if len(value) <= 60 else f"{value[:57]!r}…"
        case Mapping():
            return "a mapping"
    return "a list"
