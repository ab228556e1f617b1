"""The desk at which a person works through a page of runbooks/: somebody sits there, or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from axejournal.domain.errors import PersonNeeded


@dataclass(frozen=True)
class Linked:
    """A run that was begun for a step of another run. `outcome`: as the journal has it, "open" included; `unfinished`:
    runs that belong to it are still to come (a restore of several sources)."""

    run: str
    outcome: str
    unfinished: bool = False
    exit_code: int | None = None

    @property
    def is_done(self) -> bool:
        """Whether what was asked for was done."""
        return self.outcome in ("succeeded", "degraded") and not self.unfinished


class Desk(Protocol):
    """Every method but `show` raises PersonNeeded when a person must, and nobody sits there."""

    def show(self, title: str, text: str) -> None:
        """Shows a step's text, once in this process."""
        ...

    def ask(self, step: str, question: str, choices: Sequence[str], needed: bool) -> str:
        """One of the choices (what is asked for, first). Not `needed`: without anybody there the first one is taken."""
        ...

    def given(self, name: str) -> str | None:
        """What a word in capitals stands for, when that was said now, with the command."""
        ...

    def value(self, name: str) -> str:
        """What a word in capitals stands for: asked."""
        ...

    def perform(self, words: Sequence[str], run: str, step: str) -> int:
        """Performs a command of axej for a step of a run; returns its exit code. The runs that it begins are linked."""
        ...

    def go_on(self, linked: Linked, run: str, step: str) -> int:
        """Goes on with a run that was begun for a step and whose process died; returns its exit code."""
        ...


class EmptyDesk:
    """Nobody sits there: a scheduled call."""

    def show(self, title: str, text: str) -> None:
        """See Desk."""

    def ask(self, step: str, question: str, choices: Sequence[str], needed: bool) -> str:
        """See Desk."""
        raise PersonNeeded(f"step {step}: {question}")

    def given(self, name: str) -> str | None:
        """See Desk."""
        return None

    def value(self, name: str) -> str:
        """See Desk."""
        raise PersonNeeded(f"{name} is not given")

    def perform(self, words: Sequence[str], run: str, step: str) -> int:
        """See Desk."""
        raise PersonNeeded(f"step {step}: {' '.join(words)}")

    def go_on(self, linked: Linked, run: str, step: str) -> int:
        """See Desk."""
        raise PersonNeeded(f"step {step}: run {linked.run} is open")
