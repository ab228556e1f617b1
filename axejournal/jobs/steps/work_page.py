"""The steps of a page of runbooks/: shown, asked, performed. What was answered is not asked again, what ran runs no more."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from axejournal.domain.errors import PersonNeeded
from axejournal.domain.facts.runbook import CommandPerformed, StepWorked, ValueGiven
from axejournal.domain.job import ONCE, Attempt, RetryPolicy, Step
from axejournal.domain.page import Page, PageStep
from axejournal.domain.ports.desk import Desk, Linked
from axejournal.domain.run import Run

DONE, YES, NO, AGAIN, CHANGE, SKIP = "done", "yes", "no", "again", "change", "skip"
WELL = (0, 3)
"""Exit codes with which a page goes on: done, and done but degraded."""


@dataclass(frozen=True)
class RunbookKit:
    """The hands of a page's run. `linked`: the runs that were begun for a step of a run, oldest first."""

    page: Page
    desk: Desk
    linked: Callable[[str, str], tuple[Linked, ...]]


def page_steps(run: Run, kit: RunbookKit) -> Iterator[Step]:
    """What is to be done for each step of the page, in order. A command that a person must decide on is a step of its own,
    and so is each value that a command needs."""
    for step in kit.page.steps:
        if step.run and not step.decide:
            yield from _command(run, kit, step, step.id)
            continue
        yield Ask(kit, step)
        decided = run.find(StepWorked, step.id)
        if step.run and decided is not None and decided.answer == YES:
            yield from _command(run, kit, step, f"{step.id}:run")


def _command(run: Run, kit: RunbookKit, step: PageStep, name: str) -> Iterator[Step]:
    for value in step.values:
        if kit.desk.given(value) is None and value_of(run, value) is None:
            yield AskValue(kit, step, value)
    yield Perform(kit, step, name)


def value_of(run: Run, name: str) -> str | None:
    """What a word in capitals stands for: as it was typed; RUN is the newest restore of this page."""
    restores = [fact.run for fact in run.all(CommandPerformed) if fact.run and " restore " in fact.command]
    if name == "RUN" and restores:
        return restores[-1]
    given = dict(run.requested.options.get("values", {})) | {fact.name: fact.value for fact in run.all(ValueGiven)}
    return given.get(name)


def heading(step: PageStep) -> str:
    """What a step is called on the screen."""
    return f"step {step.number}: {step.id}"


@dataclass(frozen=True)
class Ask:
    """Shows a step, and asks whether it is done; of a step with a command: whether the command is to run."""

    kit: RunbookKit
    step: PageStep
    policy: RetryPolicy = ONCE
    contained: bool = False

    @property
    def name(self) -> str:
        return self.step.id

    def probe(self, run: Run) -> StepWorked | None:
        """An answer that nobody recorded is asked for again."""
        return None

    def act(self, attempt: Attempt) -> StepWorked:
        """Raises PersonNeeded."""
        step = self.step
        self.kit.desk.show(heading(step), step.text)
        if step.run:
            question = f"run `{shlex.join(step.run)}`?"
            return StepWorked(self.kit.desk.ask(step.id, question, (NO, YES), True))
        return StepWorked(self.kit.desk.ask(step.id, "is that done?", (DONE,), step.decide))


@dataclass(frozen=True)
class AskValue:
    """Asks what a word in capitals of a command stands for."""

    kit: RunbookKit
    step: PageStep
    value: str
    policy: RetryPolicy = ONCE
    contained: bool = False

    @property
    def name(self) -> str:
        return f"value:{self.value}"

    def probe(self, run: Run) -> ValueGiven | None:
        """Asked again."""
        return None

    def act(self, attempt: Attempt) -> ValueGiven:
        """Raises PersonNeeded."""
        self.kit.desk.show(heading(self.step), self.step.text)
        return ValueGiven(self.value, self.kit.desk.value(self.value))


@dataclass(frozen=True)
class Perform:
    """Performs a step's command. The run that it begins says in its first event for which step it is, so that a resume
    finds it: one that has ended well is not begun again, one that is open is gone on with."""

    kit: RunbookKit
    step: PageStep
    name: str
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> CommandPerformed | None:
        """Whether the run of this step has ended well."""
        linked = self._newest(run)
        return self._fact(self._words(run, {}), 0, linked) if linked and linked.is_done else None

    def act(self, attempt: Attempt) -> CommandPerformed:
        """Raises PersonNeeded: the command did not end well, and nobody says what now; or a person must say yes to it."""
        run, desk = attempt.run, self.kit.desk
        desk.show(heading(self.step), self.step.text)
        changed: dict[str, str] = {}
        while True:
            words = self._words(run, changed)
            linked = self._newest(run)
            is_open = linked is not None and (linked.outcome == "open" or linked.unfinished)
            exit_code = desk.go_on(linked, run.id, self.name) if linked and is_open else desk.perform(words, run.id, self.name)
            linked = self._newest(run)
            if exit_code in WELL:
                return self._fact(words, exit_code, linked)
            answer = self._what_now(words, exit_code, linked)
            if answer == SKIP:
                return self._fact(words, exit_code, linked, skipped=True)
            if answer == CHANGE:
                changed = {name: desk.value(name) for name in self.step.values}

    def _what_now(self, words: tuple[str, ...], exit_code: int, linked: Linked | None) -> str:
        which = f", run {linked.run}" if linked else ""
        says = f"`{shlex.join(words)}` ended with exit {exit_code}{which}"
        choices = (AGAIN, CHANGE, SKIP) if self.step.values else (AGAIN, SKIP)
        try:
            return self.kit.desk.ask(f"{self.step.id}!", f"{says}. What now?", choices, True)
        except PersonNeeded as needed:
            more = f'"axej history {linked.run}" tells why. ' if linked else ""
            raise PersonNeeded(f"step {self.step.id}: {says}", f"{more}{needed.hint}") from None

    def _words(self, run: Run, changed: Mapping[str, str]) -> tuple[str, ...]:
        """The command with what its words in capitals stand for: as said last."""

        def meant(word: str) -> str:
            return changed.get(word) or self.kit.desk.given(word) or value_of(run, word) or word

        return tuple(meant(word) if word in self.step.values else word for word in self.step.run)

    def _newest(self, run: Run) -> Linked | None:
        found = self.kit.linked(run.id, self.name)
        return found[-1] if found else None

    def _fact(self, words: tuple[str, ...], exit_code: int, linked: Linked | None, skipped: bool = False) -> CommandPerformed:
        name, outcome = (linked.run, linked.outcome) if linked else (None, None)
        return CommandPerformed(shlex.join(words), exit_code, name, outcome, skipped)
