"""What a runbook's run finds out and records."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain.events import Fact


@dataclass(frozen=True)
class StepWorked(Fact):
    """A step of the page is done. `answer`: what the person said of it; "shown" when nothing was asked."""

    answer: str


@dataclass(frozen=True)
class ValueGiven(Fact):
    """What a word in capitals stands for in the commands of this page: AS_OF, RUN."""

    name: str
    value: str


@dataclass(frozen=True)
class CommandPerformed(Fact):
    """The step's command ended. `run`: the run that it was, None for a command that only looks; `skipped`: it did not
    end well, and the person went on all the same."""

    command: str
    exit_code: int
    run: str | None = None
    outcome: str | None = None
    skipped: bool = False


@dataclass(frozen=True)
class PageFinished(Fact):
    """Every step of the page is done."""

    steps: int
