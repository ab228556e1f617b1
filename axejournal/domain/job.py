"""What a job declares, and what a step is. The only thing that jobs and engine know of each other.

A job is a state table and, for each state that isn't final, a `Stage`: the steps of that state, and the fact that
leaves it when all its steps are settled. Steps of one stage may run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from axejournal.domain.events import Fact
from axejournal.domain.machine import Machine
from axejournal.domain.ports import Progress
from axejournal.domain.run import Run

Kit = TypeVar("Kit")


@dataclass(frozen=True)
class RetryPolicy:
    """How often a passing failure is tried again. Waits grow by doubling, with jitter, up to the longest."""

    attempts: int = 3
    first_wait_s: float = 2.0
    longest_wait_s: float = 60.0


ONCE = RetryPolicy(attempts=1)
USUAL = RetryPolicy()
BRIEF = RetryPolicy(attempts=3, first_wait_s=2.0, longest_wait_s=20.0)
PATIENT = RetryPolicy(attempts=4, first_wait_s=5.0, longest_wait_s=120.0)
NIGHT = RetryPolicy(attempts=10, first_wait_s=5.0, longest_wait_s=1200.0)  # about an hour and a half in all


@dataclass(frozen=True)
class Attempt:
    """One try of a step. `again`: an earlier attempt was begun, by this process or by a dead one; `unless_cancelled` raises
    Interrupted when the run is being cancelled: for a step that waits without a child."""

    run: Run
    number: int
    progress: Callable[[Progress], None]
    unless_cancelled: Callable[[], None] = lambda: None

    @property
    def again(self) -> bool:
        """Whether something of an earlier attempt may lie about."""
        return self.number > 1


class Step(Protocol):
    """One side effect of a run."""

    @property
    def name(self) -> str:
        """Unique in the run, and the same at each resume: `dump:frame`."""
        ...

    @property
    def policy(self) -> RetryPolicy:
        """What is tried again, how often."""
        ...

    @property
    def contained(self) -> bool:
        """Whether the run goes on (and ends no better than degraded) when this step can't be done."""
        ...

    def act(self, attempt: Attempt) -> Fact:
        """Does it, and returns what happened. Raises AxejError; PersonNeeded where the job's table lets a run wait. Must
        bear being begun a second time."""
        ...

    def probe(self, run: Run) -> Fact | None:
        """Whether it happened after all (its process died before it could say so): the fact, or None."""
        ...


@dataclass(frozen=True)
class Stage(Generic[Kit]):
    """What is to be done in one state. `leave` gives the fact that moves the run on once all steps are settled; it is
    None where the single step's own fact does."""

    steps: Callable[[Run, Kit], Sequence[Step]]
    leave: Callable[[Run], Fact] | None = None
    at_once: Callable[[Run], int] = lambda _: 1


@dataclass(frozen=True)
class Resource:
    """Something that a run needs a lease on, for as long as it works."""

    name: str
    shared: bool = False


@dataclass(frozen=True)
class Job(Generic[Kit]):
    """A kind of work. `kit` makes the hands of a run from the assembled program's; `tidy` removes what a run that has
    ended may leave on this machine: it must bear being called twice and must not raise."""

    name: str
    title: str
    machine: Machine
    stages: Mapping[str, Stage[Kit]]
    resources: Callable[[Run], tuple[Resource, ...]]
    kit: Callable[[Any, Run], Kit]
    tidy: Callable[[Run, Kit], None]

    def __post_init__(self) -> None:
        working = set(self.machine.states) - self.machine.final
        if working != set(self.stages):
            raise ValueError(f"job {self.name}: stages {sorted(self.stages)} are not the states {sorted(working)}")
