"""restic's exclude files, read as restic reads them, to see before a night what they would do.

Meaning of the patterns: restic manual, "Excluding files", and what restic 0.19 was seen to do (tests/config compares
the two). A pattern matches a path and all that is below it. Each part between slashes is as Go's filepath.Match has
it; `**` is any number of parts. With a slash in front it is anchored at the root, else it may begin anywhere in the
path. `~` means nothing. A later pattern with `!` takes paths back. `$NAME` is a variable, `$$` a dollar.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|([*#$@!?0-9-])|([A-Za-z_][A-Za-z0-9_]*)|\{)")
NOTHING = re.compile(r"(?!)")
CLASS = re.compile(r"\[(\^?)((?:\\.|[^\]\\])+)\]", re.DOTALL)
RANGE = re.compile(r"(\\?.)(?:-(\\?.))?", re.DOTALL)


class PatternMalformed(ValueError):
    """restic refuses to run with this pattern."""


@dataclass(frozen=True)
class Pattern:
    """One line of an exclude file."""

    file: Path
    line: int
    written: str
    text: str  # cleaned, without `!`, variables filled in
    takes_back: bool = False

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Finds itself in absolute paths. Raises PatternMalformed."""
        return re.compile(_expression(self.text), re.DOTALL)

    @property
    def is_anchored(self) -> bool:
        """Whether it begins at the root."""
        return self.text.startswith("/")

    @property
    def fixed_head(self) -> str:
        """The folders before its first wildcard: what it matches is at or below them."""
        parts = self.text.split("/")
        wild = next((index for index, part in enumerate(parts) if re.search(r"[*?\[\\]", part)), len(parts))
        return "/".join(parts[:wild]) or "/"

    def matches(self, path: str) -> bool:
        """Whether restic would take the path, or a folder above it, for a match."""
        return self.regex.search(path) is not None


@dataclass(frozen=True)
class Excludes:
    """Patterns of all exclude files of a backup, in restic's order: they hold for all its paths together."""

    patterns: tuple[Pattern, ...] = field(default=())

    @cached_property
    def _any(self) -> re.Pattern[str]:
        plain = [f"(?:{pattern.regex.pattern})" for pattern in self.patterns]
        return re.compile("|".join(plain), re.DOTALL) if plain else NOTHING

    @cached_property
    def takes_back(self) -> bool:
        """Whether any pattern takes back what others leave out."""
        return any(pattern.takes_back for pattern in self.patterns)

    def hides(self, path: str, root: str) -> bool:
        """Whether a path below `root`, which is given to restic, is left out, by itself or with a folder in between."""
        if not self.takes_back:
            return self._any.search(path) is not None
        folders = [path[:end] for end in range(len(root) + 1, len(path)) if path[end] == "/"]
        return any(self._hides_itself(part) for part in (*folders, path))  # a folder that is out is not looked into

    def hider(self, path: str) -> Pattern | None:
        """The pattern by which the path is left out."""
        return next((pattern for pattern in self.patterns if not pattern.takes_back and pattern.matches(path)), None)

    def _hides_itself(self, path: str) -> bool:
        hidden = False
        for pattern in self.patterns:
            if pattern.matches(path):
                hidden = not pattern.takes_back
        return hidden


def read(file: Path) -> tuple[Pattern, ...]:
    """The patterns of a file, malformed ones too. Raises OSError."""
    lines = file.read_bytes().decode("utf-8-sig", errors="surrogateescape").splitlines()
    return tuple(parse(file, number, line) for number, line in enumerate(lines, 1) if line.strip() and line.strip()[0] != "#")


def parse(file: Path, line: int, written: str) -> Pattern:
    """One line that is neither empty nor a comment."""
    written = written.strip()
    text = _filled(written)
    takes_back = text.startswith("!")
    return Pattern(file, line, written, os.path.normpath(text[takes_back:]) if text[takes_back:] else ".", takes_back)


def well_formed(patterns: Iterable[Pattern]) -> tuple[Pattern, ...]:
    """Without those that restic would refuse."""
    return tuple(pattern for pattern in patterns if malformation(pattern) is None)


def malformation(pattern: Pattern) -> str | None:
    """Why restic would refuse the pattern, or None."""
    try:
        _ = pattern.regex
    except PatternMalformed as problem:
        return str(problem)
    return None


def _filled(text: str) -> str:
    """As Go's os.Expand does, with `$$` for a dollar; an unknown variable is empty."""
    return VARIABLE.sub(lambda found: "$" if "$" in (found[1], found[2]) else os.environ.get("".join(found.groups("")), ""), text)


def _expression(text: str) -> str:
    parts = text.split("/")
    if text == "/":
        return r"\A"
    if text.startswith("/"):
        return r"\A" + _joined(parts[1:], "") + r"(?=/|\Z)"
    return r"(?:\A|(?<=/))" + _joined(parts[1:], _first(parts[0])) + r"(?=/|\Z)"


def _first(part: str) -> str:
    return "[^/]*(?:/[^/]*)*?" if part == "**" else _part(part)


def _joined(parts: Sequence[str], head: str) -> str:
    return head + "".join(r"(?:/[^/]*)*?" if part == "**" else f"/{_part(part)}" for part in parts)


def _part(part: str) -> str:
    """One part of a path, as Go's filepath.Match has it."""
    expression, rest = "", part
    while rest:
        sign, rest = rest[0], rest[1:]
        if sign == "*":
            expression += "[^/]*"
        elif sign == "?":
            expression += "[^/]"
        elif sign == "[":
            found = CLASS.match(f"[{rest}")
            if found is None:
                raise PatternMalformed("a [ without its ]")
            expression += f"[{found[1]}{_class(found[2])}]"
            rest = rest[found.end() - 1 :]
        elif sign == "\\":
            if not rest:
                raise PatternMalformed("a \\ with nothing after it")
            expression, rest = expression + re.escape(rest[0]), rest[1:]
        else:
            expression += re.escape(sign)
    return expression


def _class(inside: str) -> str:
    expression = ""
    for first, last in RANGE.findall(inside):
        if first == "-" or last == "-":
            raise PatternMalformed(f"[{inside}] is no set of characters")
        low, high = re.escape(first[-1]), re.escape((last or first)[-1])
        expression += f"{low}-{high}" if low <= high else ""
    return expression or r"\0"
