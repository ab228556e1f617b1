"""Facts to JSON and back."""

from __future__ import annotations

import json
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axejournal.domain.errors import JournalDamaged, JournalNewer
from axejournal.domain.events import Event, Fact, RunFailed, RunRequested
from axejournal.domain.facts.known import KNOWN_FACTS
from axejournal.journal.codec import Codec, UnknownFact, canonical, encode
from axejournal.journal.upcasters import Upcaster, Upcasters
from tests.journal.stories import dumped, verified


@dataclass(frozen=True)
class Part:
    name: str
    size: float


@dataclass(frozen=True)
class Everything(Fact):
    text: str
    number: int
    ratio: float
    flag: bool
    maybe: str | None
    parts: tuple[Part, ...]
    pair: tuple[str, int]
    sizes: Mapping[str, int | None]
    nested: Mapping[str, tuple[Part, ...]]
    anything: Any = None
    late: tuple[str, ...] = field(default=("default",))


FULL = Everything(
    text="악세",
    number=7,
    ratio=0.5,
    flag=True,
    maybe=None,
    parts=(Part("a", 1.0), Part("b", 2.5)),
    pair=("x", 1),
    sizes={"a": 1, "b": None},
    nested={"k": (Part("c", 0.0),)},
    anything=[1, {"z": 2}],
)


def event(name: str, data: Mapping[str, Any], version: int = 1) -> Event:
    return Event(7, "id", "run", 1, name, version, "state", None, None, 1, "p", "b", 0, 0, data, b"", b"")


def back(fact: Fact) -> Fact:
    kind = type(fact)
    return Codec({kind.__name__: kind}).decode(event(kind.__name__, json.loads(canonical(encode(fact))), kind.version))


def test_fact_with_every_kind_of_field_comes_back():
    assert back(FULL) == FULL


def test_facts_of_the_project_come_back():
    for fact in (
        dumped("frame", 3),
        verified("r"),
        RunFailed("A", "b"),
        RunRequested("j", "c", None, "t", 1, "v", "h", {"a": [1]}),
    ):
        assert back(fact) == fact


@pytest.mark.parametrize("kind", KNOWN_FACTS.values(), ids=lambda kind: kind.__name__)
def test_every_recorded_kind_has_fields_that_can_be_decoded(kind):
    samples = {str: "text", int: 1, float: 1.5, bool: True, Any: "text"}

    def sample(hint):
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if hint in samples:
            return samples[hint]
        if type(None) in arguments:
            return sample(arguments[0])
        if origin is tuple:
            return tuple(sample(each) for each in arguments if each is not ...)
        if origin in (Mapping, dict):
            return {"key": sample(arguments[1])}
        return hint(**{entry.name: sample(typing.get_type_hints(hint)[entry.name]) for entry in fields(hint)})

    fact = sample(kind)
    assert back(fact) == fact


def test_json_is_canonical():
    assert canonical({"b": 1, "a": [None, True, "é"], "c": {}}) == '{"a":[null,true,"é"],"b":1,"c":{}}'
    assert canonical("\udcff𝄞") == '"\\udcff𝄞"'
    for number in (math.nan, math.inf):
        with pytest.raises(ValueError, match="Out of range"):
            canonical(number)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_json_comes_back_and_encodes_to_the_same_bytes(value):
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text
    text.encode("utf-8")


def test_missing_field_takes_its_default_and_a_surplus_one_is_left_out():
    data = {**encode(FULL), "removed_long_ago": 1}
    del data["late"]
    assert Codec({Everything.__name__: Everything}).decode(event("Everything", data)) == replace(FULL, late=("default",))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"number": "7"}, r"Everything\.number is '7', which is no int"),
        ({"flag": 1}, r"Everything\.flag is 1, which is no bool"),
        ({"number": True}, r"Everything\.number is True, which is no int"),
        ({"maybe": 3}, r"Everything\.maybe is 3, which fits none"),
        ({"parts": [{"name": "a"}]}, r"Everything\.parts\[0\]\.size is missing"),
        ({"pair": ["x"]}, r"Everything\.pair has 1 entries, not 2"),
        ({"sizes": []}, r"Everything\.sizes is \[\]"),
    ],
)
def test_data_that_does_not_fit_is_named(change, said):
    with pytest.raises(JournalDamaged, match=said) as caught:
        Codec({Everything.__name__: Everything}).decode(event("Everything", {**encode(FULL), **change}))
    assert "event 7 can't be read" in caught.value.message


def test_missing_field_without_default_is_named():
    data = {name: value for name, value in encode(FULL).items() if name != "text"}
    with pytest.raises(JournalDamaged, match=r"Everything\.text is missing"):
        Codec({Everything.__name__: Everything}).decode(event("Everything", data))


def test_unknown_kind_stays_readable_and_cannot_be_written():
    fact = Codec({}).decode(event("TapeRewound", {"tape": 3}, version=9))
    assert fact == UnknownFact("TapeRewound", {"tape": 3})
    with pytest.raises(ValueError, match="unknown kind TapeRewound can't be recorded"):
        encode(fact)


def test_version_ahead_of_this_program_is_refused():
    with pytest.raises(JournalNewer, match="Everything version 2; this axej knows version 1"):
        Codec({Everything.__name__: Everything}).decode(event("Everything", encode(FULL), version=2))


def test_what_json_lacks_is_refused():
    for value in ({1: "a"}, {"a": {1}}, {"a": b"x"}):
        with pytest.raises(ValueError, match=r"a fact can't hold|text keys"):
            encode(replace(FULL, anything=value))


# --- older versions ---


@dataclass(frozen=True)
class DiskSynced(Fact):
    """An example of a fact that changed twice: `disk` was a number, then `bytes` became `size_bytes`."""

    version: ClassVar[int] = 3
    disk: str
    size_bytes: int


CHANGES = (
    Upcaster("DiskSynced", 1, lambda data: {**data, "disk": f"cold-{data['disk']}"}),
    Upcaster("DiskSynced", 2, lambda data: {"disk": data["disk"], "size_bytes": data["bytes"]}),
)


def test_old_versions_are_brought_to_the_present_one_step_by_step():
    chain = Upcasters(CHANGES)
    first = chain.lift("DiskSynced", 1, {"disk": 2, "bytes": 5})
    assert first == (3, {"disk": "cold-2", "size_bytes": 5})
    assert chain.lift("DiskSynced", 2, {"disk": "cold-2", "bytes": 5}) == first
    assert chain.lift("DiskSynced", 3, {"disk": "cold-2", "size_bytes": 5}) == first
    assert chain.lift("Other", 1, {"a": 1}) == (1, {"a": 1})
    fact = Codec({DiskSynced.__name__: DiskSynced}).decode(event("DiskSynced", first[1], first[0]))
    assert fact == DiskSynced("cold-2", 5)


def test_upcasting_leaves_the_stored_data_alone():
    data = {"disk": 2, "bytes": 5}
    Upcasters(CHANGES).lift("DiskSynced", 1, data)
    assert data == {"disk": 2, "bytes": 5}


def test_two_upcasters_for_one_version_are_refused():
    with pytest.raises(ValueError, match="two upcasters for DiskSynced version 1"):
        Upcasters((*CHANGES, CHANGES[0]))
