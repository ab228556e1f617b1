"""Every kind of fact that a journal of this axej may hold, by its name. A module of facts is loaded when a name asks for it:
most commands meet the facts of one job."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

from axejournal.domain.events import Fact

MODULES = (
    "domain.events",
    "domain.facts",
    "domain.facts.copy",
    "domain.facts.ring",
    "domain.facts.check",
    "domain.outbox",
    "domain.facts.restore",
    "domain.facts.table",
    "domain.facts.volume",
    "domain.facts.cold",
    "domain.facts.drill",
    "domain.facts.recover",
    "domain.facts.runbook",
)
"""Where facts are, those first that a command meets most often."""


class KnownFacts(Mapping[str, type[Fact]]):
    """The facts of these modules of axejournal. Raises ValueError when two of them have one name."""

    def __init__(self, modules: tuple[str, ...] = MODULES) -> None:
        self._found: dict[str, type[Fact]] = {}
        self._left = list(modules)

    def __getitem__(self, name: str) -> type[Fact]:
        while name not in self._found:
            if not self._left:
                raise KeyError(name)
            self._load()
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        while self._left:
            self._load()
        return iter(self._found)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _load(self) -> None:
        module = importlib.import_module(f"axejournal.{self._left.pop(0)}")
        for kind in vars(module).values():
            is_own = isinstance(kind, type) and issubclass(kind, Fact) and kind.__module__ == module.__name__
            if is_own and kind is not Fact and self._found.setdefault(kind.__name__, kind) is not kind:
                raise ValueError(f"two kinds of fact are called {kind.__name__}")


KNOWN_FACTS = KnownFacts()
