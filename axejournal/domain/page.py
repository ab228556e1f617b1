"""A page of runbooks/ as it is written in Markdown: its title, its sections, and its steps. Pure: takes text.

A step is written `N. <!-- step: ID [job=NAME] [decide] [run="axej …"] --> TEXT`: `ID` stays the same for ever, `decide`
says that a person must, `run` is the command that does it. Words in CAPITALS of a command stand for values.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

_STEP = re.compile(r"^(\d+)\. <!-- step: (.*?) -->", re.MULTILINE)
_SECTION = re.compile(r"^## .+\n", re.MULTILINE)
_VALUE = re.compile(r"[A-Z]{2,}(_[A-Z]+)*")
STEPS_SECTION = 3
"""Symptom, decision, steps, …: the place of the steps."""


@dataclass(frozen=True)
class PageStep:
    """One numbered step. `job` runs, or the command `run` does it; `decide`: a person must."""

    number: int
    id: str
    text: str
    job: str | None = None
    run: tuple[str, ...] = ()
    decide: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The words of its command that stand for values: AS_OF, RUN."""
        return tuple(dict.fromkeys(word for word in self.run if _VALUE.fullmatch(word)))

    @property
    def title(self) -> str:
        """Its first sentence."""
        line = self.text.strip().split("\n", 1)[0]
        return re.split(r"(?<=[.?!:]) ", line, maxsplit=1)[0]


@dataclass(frozen=True)
class Page:
    """One page in one language. `name` has no ending: `frame-damaged`."""

    name: str
    text: str

    @property
    def title(self) -> str:
        """Its heading."""
        found = re.search(r"^# (.+)$", self.text, re.MULTILINE)
        return found[1] if found else self.name

    @property
    def steps(self) -> tuple[PageStep, ...]:
        """The numbered steps, in order. Raises ValueError for a mark that means nothing."""
        sections = _SECTION.split(self.text)
        return tuple(_steps(sections[STEPS_SECTION])) if len(sections) > STEPS_SECTION else ()

    @property
    def is_scenario(self) -> bool:
        """Whether it is one of the operator's scenarios; else it is a page of failures."""
        return "(scenario " in self.text.split("\n", 1)[0] or "(시나리오 " in self.text.split("\n", 1)[0]

    def step(self, name: str) -> PageStep | None:
        """The step of that id."""
        return next((step for step in self.steps if step.id == name), None)


def _steps(text: str) -> Iterator[PageStep]:
    parts = _STEP.split(text)[1:]
    for number, mark, content in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        name, *words = shlex.split(mark)
        values = dict(word.split("=", 1) for word in words if "=" in word)
        unknown = [word for word in words if word != "decide" and word.split("=", 1)[0] not in ("job", "run")]
        if unknown:
            raise ValueError(f"step {name}: what is {unknown[0]}?")
        run = tuple(shlex.split(values["run"])) if "run" in values else ()
        yield PageStep(int(number), name, _unindented(content), values.get("job"), run, "decide" in words)


def _unindented(content: str) -> str:
    """A step's text without the indent of its list."""
    return re.sub(r"^ {3,4}", "", content, flags=re.MULTILINE).strip()
