"""Facts to JSON and back: generic over dataclass fields, without a schema of its own.

A field may be str, int, float, bool, None, a tuple, a mapping with str keys, a nested dataclass, a union of these, or
Any (plain JSON). The text is canonical: the same fact always gives the same bytes, because events are hashed.
"""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, Union

from axejournal.domain.errors import JournalDamaged, JournalNewer
from axejournal.domain.events import Event, Fact

Json = None | bool | int | float | str | list[Any] | dict[str, Any]

_CANONICAL = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_known_names: dict[type[Any], tuple[str, ...]] = {}
_known_hints: dict[type[Any], dict[str, Any]] = {}


@dataclass(frozen=True)
class UnknownFact(Fact):
    """An event whose kind this axej doesn't know (any more): it stays readable, and means nothing to a job."""

    name: str
    data: Mapping[str, Any]


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces, as it is stored and hashed. Raises ValueError for NaN and infinities.

    A file name that is no UTF-8 reaches Python as lone surrogates; they are written as escapes, so that nothing is
    lost and the text can be stored.
    """
    text = _CANONICAL.encode(value)
    return text if text.isascii() else _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def encode(fact: Fact) -> dict[str, Json]:
    """The fact's fields as plain JSON values. Raises ValueError for a value that JSON doesn't have."""
    if isinstance(fact, UnknownFact):
        raise ValueError(f"a fact of unknown kind {fact.name} can't be recorded")
    return {name: _plain(getattr(fact, name)) for name in _names(type(fact))}


def _plain(value: Any) -> Json:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case tuple() | list():
            return [_plain(item) for item in value]
        case Mapping():
            if not all(isinstance(key, str) for key in value):
                raise ValueError(f"a mapping in a fact needs text keys: {value!r}")
            return {key: _plain(item) for key, item in value.items()}
        case _ if is_dataclass(value):
            return {name: _plain(getattr(value, name)) for name in _names(type(value))}
        case _:
            raise ValueError(f"a fact can't hold a {type(value).__name__}")


def _names(kind: type[Any]) -> tuple[str, ...]:
    found = _known_names.get(kind)
    if found is None:
        found = _known_names[kind] = tuple(field.name for field in fields(kind))
    return found


class Codec:
    """Knows which facts there are: `kinds`, by name."""

    def __init__(self, kinds: Mapping[str, type[Fact]]) -> None:
        self._kinds = kinds

    def decode(self, event: Event) -> Fact:
        """The fact that an event carries, once it was brought to the present version.

        Fields without a value take their default, fields that are no longer known are left out. Raises JournalNewer
        for a version that is ahead of this axej, JournalDamaged for data that doesn't fit.
        """
        kind = self._kinds.get(event.name)
        if kind is None:
            return UnknownFact(event.name, event.data)
        if event.version > kind.version:
            raise JournalNewer(
                f"event {event.position} is {event.name} version {event.version}; this axej knows version {kind.version}",
                "Update axej on this machine; the journal was written by a newer one.",
            )
        try:
            return typing.cast(Fact, _build(kind, event.data, event.name))
        except (TypeError, ValueError) as fault:
            hint = 'Run "axej journal verify" to see whether the journal was changed.'
            raise JournalDamaged(f"event {event.position} can't be read: {fault}", hint) from fault


def _build(kind: type[Any], data: Any, where: str) -> Any:
    if not isinstance(data, Mapping):
        raise ValueError(f"{where} is no object")
    hints = _hints(kind)
    values = {}
    for field in fields(kind):
        if field.name in data:
            values[field.name] = _value(hints[field.name], data[field.name], f"{where}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{where}.{field.name} is missing")
    return kind(**values)


def _hints(kind: type[Any]) -> dict[str, Any]:
    found = _known_hints.get(kind)
    if found is None:
        found = _known_hints[kind] = typing.get_type_hints(kind)
    return found


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, where)
    if is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, where)
    if origin is tuple and isinstance(value, list):
        return _tuple(arguments, value, where)
    if origin is not None and issubclass(origin, Mapping) and isinstance(value, Mapping):
        return {key: _value(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if hint is type(None) and value is None:
        return None
    if hint is float and type(value) in (int, float):
        return float(value)
    if hint in (str, int, bool) and type(value) is hint:
        return value
    raise ValueError(f"{where} is {value!r:.60}, which is no {getattr(hint, '__name__', hint)}")


def _one_of(hints: tuple[Any, ...], value: Any, where: str) -> Any:
    for hint in hints:
        try:
            return _value(hint, value, where)
        except ValueError:
            continue
    raise ValueError(f"{where} is {value!r:.60}, which fits none of {hints}")


def _tuple(hints: tuple[Any, ...], values: list[Any], where: str) -> tuple[Any, ...]:
    if len(hints) == 2 and hints[1] is Ellipsis:
        return tuple(_value(hints[0], value, f"{where}[{place}]") for place, value in enumerate(values))
    if len(hints) != len(values):
        raise ValueError(f"{where} has {len(values)} entries, not {len(hints)}")
    return tuple(_value(hint, value, where) for hint, value in zip(hints, values, strict=True))
