"""Small parts of a reader's question and answer: conditions that were asked for, times in and out of the tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def all_of(tests: Sequence[tuple[str, Any]]) -> tuple[str, tuple[Any, ...]]:
    """A WHERE clause of the tests that have a value, and the values."""
    asked = [(test, value) for test, value in tests if value is not None]
    clause = "WHERE " + " AND ".join(test for test, _ in asked) if asked else ""
    return clause, tuple(value for _, value in asked)


def at_most(limit: int | None) -> int:
    """SQLite's LIMIT; None is no limit."""
    return -1 if limit is None else limit


def times(row: Sequence[Any], *places: int) -> tuple[Any, ...]:
    """The row, with the microseconds at these places as instants."""
    return tuple(instant(value) if place in places else value for place, value in enumerate(row))


def instant(us: int | None) -> datetime | None:
    """Microseconds since 1970 as an aware datetime in UTC."""
    return None if us is None else _EPOCH + timedelta(microseconds=us)


def microseconds(moment: datetime | None) -> int | None:
    """An aware datetime as microseconds since 1970, rounded down."""
    return None if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)
