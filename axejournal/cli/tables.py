"""Tables that fit: on a narrow terminal whole columns go, the least needed first, and long text is folded inside its
own cell; ids, times and numbers are never cut. Without a terminal nothing goes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from axejournal.cli.output import console, plain, table

GAP = 2


@dataclass(frozen=True)
class Column:
    """`spare`: 0 stays always; of the others the highest number goes first. `least`: text that may be folded down to
    this width. A column without any content is left out, unless it has `spare` 0."""

    title: str
    spare: int = 0
    right: bool = False
    least: int = 0


def print_table(columns: Sequence[str | Column], rows: Iterable[Sequence[Any]]) -> tuple[str, ...]:
    """Prints rows (cells are text, never markup); returns the titles of columns that had content and no room."""
    from rich.text import Text

    kinds = [Column(column) if isinstance(column, str) else column for column in columns]
    cells = [[cell if isinstance(cell, Text) else Text(_one_line(cell)) for cell in row] for row in rows]
    screen = console()
    wanted = [place for place, kind in enumerate(kinds) if not kind.spare or any(row[place].plain for row in cells)]
    needs = {place: max([len(kinds[place].title), *(row[place].cell_len for row in cells)]) for place in wanted}
    room = screen.width if screen.is_terminal or "COLUMNS" in os.environ else sum(needs.values()) + GAP * len(needs)
    shown = _fitting(kinds, wanted, needs, room)
    made = table()
    fold = [place for place in shown if kinds[place].least]
    left = room - sum(needs[place] for place in shown if place not in fold) - GAP * (len(shown) - 1)
    for place in shown:
        kind = kinds[place]
        width = max(kind.least, min(needs[place], left // len(fold))) if kind.least else needs[place]
        made.add_column(
            kind.title, width=width, no_wrap=not kind.least, justify="right" if kind.right else "left", overflow="fold"
        )
        needs[place] = width
    for row in cells:
        made.add_row(*(row[place] for place in shown))
    console(width=sum(needs[place] for place in shown) + GAP * (len(shown) - 1)).print(made)
    return tuple(kinds[place].title for place in wanted if place not in shown)


def _fitting(kinds: Sequence[Column], wanted: Sequence[int], needs: dict[int, int], room: int) -> list[int]:
    """The columns that stay: those that always do, then of the others the most needed that still fit."""
    shown = [place for place in wanted if not kinds[place].spare]
    left = room - sum(_least(kinds[place], needs[place]) + GAP for place in shown) + GAP
    for place in sorted(set(wanted) - set(shown), key=lambda place: kinds[place].spare):
        if (width := _least(kinds[place], needs[place]) + GAP) <= left:
            shown.append(place)
            left -= width
    return sorted(shown)


def _least(kind: Column, needed: int) -> int:
    return min(needed, kind.least) if kind.least else needed


def _one_line(cell: Any) -> str:
    text = "" if cell is None else plain(str(cell))
    return text if text.isprintable() else " ".join(text.split())
