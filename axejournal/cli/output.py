"""How results look: tables for a person, JSON for a program. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

OUTCOME_STYLES = {
    "succeeded": "green",
    "degraded": "yellow",
    "failed": "red",
    "cancelled": "magenta",
    "abandoned": "magenta",
    "open": "cyan",
}


def console(stderr: bool = False, width: int | None = None) -> Console:
    """A rich console: 80 columns when the output is no terminal and COLUMNS is not set; honours NO_COLOR."""
    from rich.console import Console

    return Console(stderr=stderr, width=width, highlight=False, soft_wrap=False, emoji=False)


def table() -> Table:
    """An empty table in the one look of axej; see tables.print_table."""
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="bold")


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")


class Styled(NamedTuple):
    """A text and rich's style for it."""

    text: str
    style: str = ""


def outcome(name: str, state: str = "") -> Styled:
    """An outcome in its colour; an open run is told by its state."""
    return Styled(state if name == "open" and state else name, OUTCOME_STYLES.get(name, ""))


def is_fancy() -> bool:
    """Whether the output is laid out for a screen, with colours and a width. A pipe gets plain lines, whole, without
    rich, whose import takes as long as Python's start twice over."""
    return sys.stdout.isatty() or any(name in os.environ for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"))


def say(*parts: str | Styled) -> None:
    """One line on stdout, in colours on a terminal; never wrapped by us, so that it can be searched and copied."""
    styled = [part if isinstance(part, Styled) else Styled(part) for part in parts]
    if not is_fancy():
        print("".join(part.text for part in styled))
        return
    from rich.text import Text

    console().print(Text.assemble(*styled), soft_wrap=True)


def plain(text: str) -> str:
    """Text of others (a database's name, a server's message) without anything that could steer a terminal."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}" for each in text)


def size(size_bytes: int | None) -> str:
    """Bytes as a person reads them: `429 MiB`; empty for unknown."""
    if size_bytes is None:
        return ""
    amount = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(amount) < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def duration(seconds: float | None) -> str:
    """Seconds as a person reads them: `4.8 s`, `12 min 3 s`, `26 h`, `3 d 2 h`; empty for unknown."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = timedelta(seconds=round(seconds))
    hours, rest = divmod(whole.seconds, 3600)
    minutes, left_s = divmod(rest, 60)
    if whole.days:
        return f"{whole.days} d {hours} h" if hours else f"{whole.days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min {left_s} s" if left_s else f"{minutes} min"


def local(moment: datetime | None, zone: str, seconds: bool = False) -> str:
    """An instant in the customer's zone: `2026-05-20 03:00+09:00`; empty for unknown."""
    if moment is None:
        return ""
    from zoneinfo import ZoneInfo

    there = moment.astimezone(ZoneInfo(zone))
    return there.isoformat(sep=" ", timespec="seconds" if seconds else "minutes")


def times(title: str, texts: Sequence[str]) -> tuple[str, list[str]]:
    """A column of times: the offset goes into the title when all have the same one: `slot (+09:00)`."""
    offsets = {text[-6:] for text in texts if text}
    if len(offsets) != 1:
        return title, list(texts)
    return f"{title} ({offsets.pop()})", [text[:-6] for text in texts]


def from_us(microseconds: int | None) -> datetime | None:
    """Microseconds since 1970 in UTC as an instant."""
    return None if microseconds is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
