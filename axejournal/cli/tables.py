"""Tables that fit: on a narrow terminal whole columns go, the least needed first, and long text is folded inside its
own cell; ids, times and numbers are never cut. In a pipe nothing goes, and rich is not needed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from axejournal.cli.output import Styled, is_fancy, plain

GAP = 2
Row = Sequence[Styled]


class Column(NamedTuple):
    """`spare`: 0 stays always; of the others those with the lowest numbers stay. `least`: text that may be folded down
    to this width. A column without any content is left out, unless it has `spare` 0."""

    title: str
    spare: int = 0
    right: bool = False
    least: int = 0


def print_table(columns: Sequence[str | Column], rows: Iterable[Sequence[Any]]) -> tuple[str, ...]:
    """Prints rows (cells are text, never markup); returns the titles of columns that had content and no room."""
    kinds = [Column(column) if isinstance(column, str) else column for column in columns]
    cells = [[_cell(value) for value in row] for row in rows]
    wanted = [place for place, kind in enumerate(kinds) if not kind.spare or any(row[place].text for row in cells)]
    needs = {place: max([len(kinds[place].title), *(width(row[place].text) for row in cells)]) for place in wanted}
    if not is_fancy():
        _print_plain(
            [kinds[place] for place in wanted], [needs[place] for place in wanted], [[row[p] for p in wanted] for row in cells]
        )
        return ()
    return _print_fancy(kinds, wanted, needs, cells)


def width(text: str) -> int:
    """How many columns of a terminal a text takes: Korean takes two a letter (UAX 11)."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def _cell(value: Any) -> Styled:
    text, style = value if isinstance(value, Styled) else ("" if value is None else str(value), "")
    if not text.isprintable():
        text = " ".join(plain(text).split())
    return Styled(text, style)


def _print_plain(kinds: Sequence[Column], widths: Sequence[int], rows: Sequence[Row]) -> None:
    lines = [[kind.title for kind in kinds], *([cell.text for cell in row] for row in rows)]
    for number, texts in enumerate(lines):
        padded = []
        for kind, size, text in zip(kinds, widths, texts, strict=True):
            blank = " " * (size - width(text))
            padded.append(blank + text if kind.right else text + blank)
        print((" " * GAP).join(padded).rstrip())
        if number == 0:
            rule = "─" if "utf" in (sys.stdout.encoding or "").lower() else "-"
            print(rule * (sum(widths) + GAP * (len(widths) - 1)))


def _print_fancy(kinds: Sequence[Column], wanted: Sequence[int], needs: dict[int, int], rows: Sequence[Row]) -> tuple[str, ...]:
    from rich.text import Text

    from axejournal.cli.output import console, table

    room = console().width
    shown = _fitting(kinds, wanted, needs, room)
    widths = _widths(kinds, shown, needs, room)
    made = table()
    for place in shown:
        kind = kinds[place]
        justify: Literal["left", "right"] = "right" if kind.right else "left"
        made.add_column(kind.title, width=widths[place], no_wrap=not kind.least, justify=justify, overflow="fold")
    for row in rows:
        made.add_row(*(Text(row[place].text, style=row[place].style) for place in shown))
    console(width=sum(widths.values()) + GAP * (len(shown) - 1)).print(made)
    return tuple(kinds[place].title for place in wanted if place not in shown)


def _widths(kinds: Sequence[Column], shown: Sequence[int], needs: dict[int, int], room: int) -> dict[int, int]:
    """Of each column shown: what it needs; those that may be folded share what is left, who needs least first."""
    widths = {place: _least(kinds[place], needs[place]) for place in shown}
    left = room - sum(widths.values()) - GAP * (len(shown) - 1)
    narrow = sorted((place for place in shown if widths[place] < needs[place]), key=lambda place: needs[place] - widths[place])
    for number, place in enumerate(narrow):
        more = max(0, min(needs[place] - widths[place], left // (len(narrow) - number)))
        widths[place] += more
        left -= more
    return widths


def _fitting(kinds: Sequence[Column], wanted: Sequence[int], needs: dict[int, int], room: int) -> list[int]:
    """The columns that stay: those that always do, then of the others the most needed that still fit."""
    shown = [place for place in wanted if not kinds[place].spare]
    left = room - sum(_least(kinds[place], needs[place]) + GAP for place in shown) + GAP
    for place in sorted(set(wanted) - set(shown), key=lambda place: kinds[place].spare):
        if (size := _least(kinds[place], needs[place]) + GAP) <= left:
            shown.append(place)
            left -= size
    return sorted(shown)


def _least(kind: Column, needed: int) -> int:
    return min(needed, kind.least) if kind.least else needed
