"""The envelope of every event, and the facts that the engine itself records.

A fact is what happened, in the past tense; the envelope says where, when and by whom. Facts of the jobs are in
`domain/facts/`. A fact's fields are JSON: str, int, float, bool, None, tuples, mappings, nested dataclasses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from axejournal.domain.errors import AxejError


class Fact:
    """Something that happened. The class's name is the event's name; `version` rises when its shape changes."""

    version: ClassVar[int] = 1


@dataclass(frozen=True)
class Event:
    """One row of the journal. `state` is the run's state after this event; `number` counts within the run from 1."""

    position: int
    event_id: str
    run: str
    number: int
    name: str
    version: int
    state: str
    step: str | None
    attempt: int | None
    epoch: int
    process: str
    boot_id: str
    recorded_at_us: int
    monotonic_us: int
    data: Mapping[str, Any]
    previous_hash: bytes
    hash: bytes

    @property
    def recorded_at(self) -> datetime:
        """The wall clock when it was appended, in UTC. Order is by position: clocks go back."""
        from datetime import UTC, timedelta

        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.recorded_at_us)


@dataclass(frozen=True)
class RunRequested(Fact):
    """The first event of every run: what was asked for, resolved, so that a resume needs no configuration."""

    job: str
    customer: str
    slot: str | None  # ISO 8601 with offset: the moment that the schedule asked for
    trigger: str  # "schedule", "operator", "watch"
    machine_version: int
    program_version: str
    host: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunResumed(Fact):
    """A new process took over a run whose process had died. `ended`: what that process had left alive."""

    reason: str
    ended: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepStarted(Fact):
    """The intent: durable before the side effect begins."""


@dataclass(frozen=True)
class ChildStarted(Fact):
    """A process was started for a step; a resume ends it first."""

    program: str
    pid: int
    started_at_s: float
    boot_id: str


@dataclass(frozen=True)
class StepProbed(Fact):
    """A resume looked whether an open step had happened after all. If it had, its fact follows."""

    happened: bool


@dataclass(frozen=True)
class StepFailed(Fact):
    """An attempt failed. `retry_in_s` is None when it is not tried again."""

    error: str
    message: str
    hint: str = ""
    retry_in_s: float | None = None


@dataclass(frozen=True)
class StepGivenUp(Fact):
    """A step whose failure the run can bear: the run goes on and can end no better than degraded."""

    error: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class OperatorDecided(Fact):
    """A person's way out of a stuck run: adopt (the open step is done), retry (it is not), abandon."""

    decision: str
    reason: str = ""


@dataclass(frozen=True)
class RunWaits(Fact):
    """A step needs a person, and nobody is there: the run leaves its process and stays open. Its table says where it waits."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class RunSucceeded(Fact):
    """Everything that was asked for was done and seen to be there."""


@dataclass(frozen=True)
class RunDegraded(Fact):
    """Done, but not all of it, or not as it should be; each reason is a sentence."""

    reasons: tuple[str, ...]


@dataclass(frozen=True)
class RunFailed(Fact):
    """It did not work. `runbook` names the page of runbooks/ that goes on."""

    error: str
    message: str
    hint: str = ""
    exit_code: int = 1
    runbook: str = "failed-run"

    @classmethod
    def of(cls, failure: AxejError) -> Self:
        """Because of this error."""
        return cls(failure.code, failure.message, failure.hint, failure.exit_code, failure.runbook)


@dataclass(frozen=True)
class RunCancelled(Fact):
    """Ctrl-C or SIGTERM; its children were ended."""

    signal: str


NEUTRAL: frozenset[str] = frozenset(
    kind.__name__ for kind in (RunResumed, StepStarted, ChildStarted, StepProbed, StepFailed, StepGivenUp, OperatorDecided)
)
"""Names of events that never move a run's state."""
