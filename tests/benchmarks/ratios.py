"""What a benchmark is: two works that take turns (A B, B A, …) in one run, and the ratio of each pair.

Seconds of two runs on a busy machine say little; two works that ran one after the other say how they compare. So each
pair of neighbours gives one ratio, and the row's figure is the median of these.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One line of the issue's table of goals. `values`: one figure a round; the row is met when their median is at most
    `goal` (less than it, when `below`). `seconds`: what was measured, by the name of who was measured."""

    name: str
    goal: float
    values: Sequence[float]
    unit: str = "x"
    below: bool = False
    seconds: dict[str, Sequence[float]] = field(default_factory=dict)
    note: str = ""

    @property
    def median(self) -> float:
        """The row's figure."""
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool:
        """Whether the goal was reached."""
        return self.median < self.goal if self.below else self.median <= self.goal

    def plain(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            "name": self.name,
            "goal": self.goal,
            "below": self.below,
            "unit": self.unit,
            "median": round(self.median, 4),
            "least": round(min(self.values), 4),
            "most": round(max(self.values), 4),
            "met": self.is_met,
            "values": [round(value, 4) for value in self.values],
            "seconds": {name: [round(value, 6) for value in values] for name, values in self.seconds.items()},
            "note": self.note,
        }


def timed(work: Work, times: int = 1) -> float:
    """Seconds that one call takes, of so many."""
    begin = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - begin) / times


def taken_in_turns(works: dict[str, Work], rounds: int, times: int = 1) -> dict[str, list[float]]:
    """Seconds of each, one a round; a round of its own warms up. The order is turned around in every second round."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name in in_order(list(works), number):
            seconds = timed(works[name], times)
            if number:
                took[name].append(seconds)
    return took


def in_order(names: list[str], number: int) -> list[str]:
    """The order of a round."""
    return names if number % 2 == 0 else names[::-1]


def ratios(took: dict[str, list[float]], one: str, other: str) -> list[float]:
    """How many times as long `one` took as `other`, round by round."""
    return [mine / theirs for mine, theirs in zip(took[one], took[other], strict=True)]


def compared(name: str, goal: float, took: dict[str, list[float]], one: str, other: str, **more: Any) -> Row:
    """The row of two works out of several that took turns."""
    return Row(name, goal, ratios(took, one, other), seconds={one: took[one], other: took[other]}, **more)
