"""Which cold disk is due in which quarter. Pure.

The disk of a quarter is `((4 * year + quarter - 1) mod n) + 1`, shifted so that a first quarter named in the configuration
is the first disk's. A quarter whose own disk was not synced in it is overdue after its 15th day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

GRACE_DAYS = 15


@dataclass(frozen=True, order=True)
class Quarter:
    """Three months of a year. `number`: 1 to 4."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Quarter:
        """The one that a day is in."""
        return cls(day.year, (day.month - 1) // 3 + 1)

    @classmethod
    def read(cls, text: str) -> Quarter:
        """From `2026Q1`. Raises ValueError."""
        found = re.fullmatch(r"(\d{4})Q([1-4])", text)
        if not found:
            raise ValueError(f"{text} is no quarter")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

    @property
    def ordinal(self) -> int:
        """Counts quarters."""
        return 4 * self.year + self.number - 1

    @property
    def begins(self) -> date:
        """Its first day."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last_day(self) -> date:
        """The last day on which its disk is in time."""
        return self.begins + timedelta(days=GRACE_DAYS - 1)

    def later(self, quarters: int) -> Quarter:
        """So many quarters on."""
        year, number = divmod(self.ordinal + quarters, 4)
        return Quarter(year, number + 1)


@dataclass(frozen=True)
class Turn:
    """One quarter of the calendar: whose turn it is. `synced`: the day of the disk's last sync in it."""

    quarter: Quarter
    disk: str
    synced: date | None = None
    overdue: bool = False


def due_disk(quarter: Quarter, first: Quarter, disks: Sequence[str]) -> str | None:
    """The disk of a quarter; None for one before the first."""
    turn = quarter.ordinal - first.ordinal
    return disks[turn % len(disks)] if turn >= 0 and disks else None


def turn_of(
    quarter: Quarter,
    first: Quarter,
    disks: Sequence[str],
    synced: Mapping[str, date],
    today: date,
    since: date | None = None,
) -> Turn | None:
    """A quarter's turn, with what became of it so far. `synced`: the newest sync of each disk; `since`: who began later than
    a quarter's last day in time has not missed it."""
    disk = due_disk(quarter, first, disks)
    if disk is None:
        return None
    last = synced.get(disk)
    done = last if last is not None and Quarter.of(last) >= quarter else None
    missed = done is None and today > quarter.last_day and (since is None or since <= quarter.last_day)
    return Turn(quarter, disk, done, missed)


def calendar(
    first: Quarter,
    disks: Sequence[str],
    synced: Mapping[str, date],
    today: date,
    quarters: int = 4,
    since: date | None = None,
) -> tuple[Turn, ...]:
    """This quarter's turn and those that follow, so many in all; from the first quarter on."""
    begin = max(Quarter.of(today), first)
    turns = (turn_of(begin.later(ahead), first, disks, synced, today, since) for ahead in range(quarters))
    return tuple(turn for turn in turns if turn is not None)
