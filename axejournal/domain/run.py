"""A run, folded from its events. Pure: the same events give the same run, whatever the code of the job is by now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from axejournal.domain.events import (
    ChildStarted,
    Event,
    Fact,
    OperatorDecided,
    RunCancelled,
    RunDegraded,
    RunFailed,
    RunRequested,
    RunResumed,
    RunSucceeded,
    RunWaits,
    StepFailed,
    StepGivenUp,
    StepProbed,
    StepStarted,
)
from axejournal.domain.ports import Child
from axejournal.domain.resting import RESTING

F = TypeVar("F", bound=Fact)

OPEN, DONE, GIVEN_UP, ASKED = "open", "done", "given up", "asked"


@dataclass(frozen=True)
class StepRecord:
    """What the journal says of one step. `failures`: attempts that ended in StepFailed; `crashes`: intents that never
    got an answer because their process died; `status` open: its last attempt has no answer yet."""

    name: str
    status: str
    attempts: int = 0
    failures: int = 0
    crashes: int = 0
    state: str = ""
    fact: Fact | None = None
    last_failure: StepFailed | None = None


@dataclass(frozen=True)
class Run:
    """Everything that the journal knows of one run."""

    id: str
    requested: RunRequested
    state: str
    epoch: int
    number: int
    steps: Mapping[str, StepRecord] = field(default_factory=dict)
    facts: tuple[tuple[str | None, Fact], ...] = ()
    children: tuple[Child, ...] = ()
    outcome: Fact | None = None
    resumed: int = 0
    decided: OperatorDecided | None = None
    waited: RunWaits | None = None

    @property
    def waits(self) -> RunWaits | None:
        """What a person is needed for, when the run waits for one."""
        return self.waited if self.state in RESTING else None

    def find(self, kind: type[F], step: str | None = None) -> F | None:
        """The newest fact of a kind (of one step), or None."""
        for name, fact in reversed(self.facts):
            if isinstance(fact, kind) and step in (None, name):
                return fact
        return None

    def all(self, kind: type[F]) -> tuple[F, ...]:
        """All facts of a kind, in order."""
        return tuple(fact for _, fact in self.facts if isinstance(fact, kind))

    def settled(self, step: str) -> bool:
        """Whether a step needs nothing more: done, or given up."""
        record = self.steps.get(step)
        return record is not None and record.status in (DONE, GIVEN_UP)

    @property
    def given_up(self) -> tuple[StepRecord, ...]:
        """Steps whose failure the run bore."""
        return tuple(step for step in self.steps.values() if step.status == GIVEN_UP)


def fold(events: Iterable[Event], fact_of: Callable[[Event], Fact]) -> Run | None:
    """The run that these events tell of; None when there are none. Raises ValueError when the first is no RunRequested."""
    run: Run | None = None
    for event in events:
        run = apply(run, event, fact_of(event))
    return run


def apply(run: Run | None, event: Event, fact: Fact) -> Run:
    """The run after one more event."""
    if run is None:
        if not isinstance(fact, RunRequested):
            raise ValueError(f"run {event.run} begins with {event.name}, not with RunRequested")
        return Run(event.run, fact, event.state, event.epoch, event.number)
    moved = replace(run, state=event.state, epoch=max(run.epoch, event.epoch), number=event.number)
    match fact:
        case RunResumed():
            return replace(_count_crashes(moved), resumed=run.resumed + 1, children=(), decided=None)
        case ChildStarted():
            child = Child(fact.program, fact.pid, fact.started_at_s, fact.boot_id)
            return replace(moved, children=(*run.children, child))
        case OperatorDecided():
            return replace(moved, decided=fact)
        case RunWaits():
            moved = replace(moved, waited=fact)
        case RunSucceeded() | RunDegraded() | RunFailed() | RunCancelled():
            return replace(moved, outcome=fact, facts=(*run.facts, (event.step, fact)))
    if event.step is not None:
        moved = replace(moved, steps={**run.steps, event.step: _step_after(run, event, fact)})
    if event.name in ("StepStarted", "StepFailed", "StepGivenUp", "StepProbed", "RunWaits"):
        return moved
    return replace(moved, facts=(*run.facts, (event.step, fact)))


def _step_after(run: Run, event: Event, fact: Fact) -> StepRecord:
    assert event.step is not None
    record = run.steps.get(event.step) or StepRecord(event.step, OPEN, state=event.state)
    match fact:
        case StepStarted():
            return replace(record, status=OPEN, attempts=event.attempt or record.attempts + 1, state=event.state)
        case StepFailed():
            return replace(record, status="failed", failures=record.failures + 1, last_failure=fact)
        case StepGivenUp():
            return replace(record, status=GIVEN_UP)
        case RunWaits():
            return replace(record, status=ASKED)
        case StepProbed():
            return record
        case _:
            return replace(record, status=DONE, fact=fact)


def _count_crashes(run: Run) -> Run:
    """Who only waited was not taken down by what it did."""
    died = {name for name, step in run.steps.items() if step.status == OPEN and step.state not in RESTING}
    steps = {name: replace(step, crashes=step.crashes + 1) if name in died else step for name, step in run.steps.items()}
    return replace(run, steps=steps)
