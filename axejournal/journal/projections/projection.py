"""What a projection is: tables that are computed from the events, droppable and rebuildable."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from axejournal.domain.events import Event


@dataclass(frozen=True)
class Projection:
    """`apply` brings the tables from before an event to after it, inside the caller's transaction. It is told of the
    events named in `hears` (None: of all), in their present versions, in the order of their positions. The tables'
    shape is in migrations/."""

    name: str
    tables: tuple[str, ...]
    apply: Callable[[sqlite3.Connection, Event], None]
    hears: frozenset[str] | None = None


def storable(text: str) -> str:
    """The text, with what SQLite can't hold (half a character, out of a file name that is no UTF-8) as escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def instant_us(text: str | None) -> int | None:
    """Microseconds since 1970 (UTC) of an ISO 8601 time with offset; None for None and for a time without offset."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
