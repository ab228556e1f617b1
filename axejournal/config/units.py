"""Durations as people write them: `26h`, `7d`, `7 days`, `90m`. Light: imports no pydantic.

Ten lines of our own: pydantic reads ISO 8601 only (`PT26H`), and a library for it would be one more to trust.
"""

from __future__ import annotations

import re
from datetime import timedelta

SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
WORDS = {
    "w": ("w", "week", "weeks"),
    "d": ("d", "day", "days"),
    "h": ("h", "hour", "hours"),
    "m": ("m", "min", "minute", "minutes"),
    "s": ("s", "sec", "second", "seconds"),
}
UNITS = {word: unit for unit, words in WORDS.items() for word in words}
PATTERN = r"^\s*(\d+\s*(" + "|".join(sorted(UNITS, key=len, reverse=True)) + r")\s*)+$"
LONGEST_S = 100 * 366 * 86_400


def duration(text: str) -> timedelta:
    """What `text` says. Raises ValueError when it is no duration, is zero, or is over a hundred years."""
    if not re.match(PATTERN, text):
        raise ValueError(f"{text!r} is no duration")
    parts = re.findall(r"(\d+)\s*([a-z]+)", text)
    seconds = sum(int(number) * SECONDS[UNITS[word]] for number, word in parts)
    if not 0 < seconds <= LONGEST_S:
        raise ValueError(f"{text!r} is out of range")
    return timedelta(seconds=seconds)


def duration_text(value: timedelta) -> str:
    """The shortest text that `duration` reads as exactly this value: whole weeks stay days (`7d`)."""
    seconds = int(value.total_seconds())
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % SECONDS[unit] == 0)
    return f"{seconds // SECONDS[unit]}{unit}"
