"""Brings events of older versions to the present one, step by step. Stored events are never changed.

When a fact changes its shape, its class's `version` rises by one, one line is added to UPCASTERS, and a migration
raises the schema's number, even if no table changes: an older axej then refuses the journal instead of misreading it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Change = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class Upcaster:
    """Turns the data of event `name` from `from_version` into the next version's."""

    name: str
    from_version: int
    change: Change


UPCASTERS: tuple[Upcaster, ...] = ()


class Upcasters:
    """All upcasters, by name and version. An event without one stays as it is."""

    def __init__(self, upcasters: Iterable[Upcaster] = UPCASTERS) -> None:
        self._steps: dict[tuple[str, int], Change] = {}
        for upcaster in upcasters:
            place = (upcaster.name, upcaster.from_version)
            if place in self._steps:
                raise ValueError(f"two upcasters for {upcaster.name} version {upcaster.from_version}")
            self._steps[place] = upcaster.change

    def lift(self, name: str, version: int, data: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        """The newest version that the chain reaches, and the data in it."""
        while (change := self._steps.get((name, version))) is not None:
            data, version = change(data), version + 1
        return version, data
