"""Reads the pages of runbooks/ as the tests need them: sections, steps, blocks of code, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from axejournal.shipped import folder

FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
STEP = re.compile(r"^(\d+)\. <!-- step: (.*?) -->", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One numbered step. `id` stays the same for ever; `job` runs, or the command `run` does it; `decide`: a person must."""

    number: int
    id: str
    job: str | None
    run: str | None
    decide: bool
    text: str

    @property
    def blocks(self) -> tuple[tuple[str, str], ...]:
        """(language, content) of each block of code, in order."""
        return blocks(self.text)


@dataclass(frozen=True)
class Page:
    """One page in one language."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def headings(self) -> tuple[str, ...]:
        """The titles of its sections, in order."""
        return tuple(re.findall(r"^## (.+)$", FENCE.sub("", self.text), re.MULTILINE))

    def section(self, number: int) -> str:
        """The content of a section, without its title."""
        return re.split(r"^## .+\n", self.text, flags=re.MULTILINE)[number + 1]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The numbered steps."""
        return tuple(_steps(self.section(2)))

    @property
    def links(self) -> tuple[str, ...]:
        """Where its links lead."""
        return tuple(re.findall(r"\]\(([^)]+)\)", FENCE.sub("", self.text)))

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """Every command of axej that the page names, in blocks, in step marks and in running text, as words."""
        prose = FENCE.sub("", self.text)
        lines = [line for language, content in blocks(self.text) if language == "sh" for line in content.splitlines()]
        marks = [step.run for step in self.steps if step.run]
        named = [*lines, *marks, *re.findall(r"`((?:axej|axe) [^`]+)`", prose)]
        found = (match for text in named for match in re.finditer(r"(?:^|[;&|(]\s*)((?:axej|axe) [^;&|)]+)", text))
        return tuple(tuple(shlex.split(match[1])) for match in found)


def blocks(text: str) -> tuple[tuple[str, str], ...]:
    """(language, content) of each block of code, in order; the indent of a step is taken off."""
    found = ((indent, language, content) for indent, language, content in FENCE.findall(text))
    return tuple((language, re.sub(rf"^{indent}", "", content, flags=re.MULTILINE)) for indent, language, content in found)


def english() -> tuple[Page, ...]:
    """All pages, in English, by name."""
    return tuple(Page(path) for path in sorted(folder("runbooks").glob("*.md")) if not path.name.endswith(".ko.md"))


def korean(page: Page) -> Page:
    """The same page in Korean; it may not exist."""
    return Page(page.path.with_name(f"{page.path.stem}.ko.md"))


def _steps(text: str) -> Iterator[Step]:
    parts = STEP.split(text)[1:]
    for number, mark, content in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        name, *words = shlex.split(mark)
        values = dict(word.split("=", 1) for word in words if "=" in word)
        unknown = [word for word in words if word != "decide" and word.split("=", 1)[0] not in ("job", "run")]
        if unknown:
            raise ValueError(f"step {name}: what is {unknown[0]}?")
        yield Step(int(number), name, values.get("job"), values.get("run"), "decide" in words, content)
