"""Records that both operators agree to keep each other's copies, or that one of them no longer does: `ring.consent`."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain import machine
from axejournal.domain.events import Fact, RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.ring import ConsentGiven, ConsentWithdrawn
from axejournal.domain.job import ONCE, Attempt, Job, RetryPolicy, Stage
from axejournal.domain.run import Run
from axejournal.jobs.ringing import RingKit, ring_kit

NAME = "ring.consent"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "recording"),
        ("recording", "ConsentGiven", "recorded"),
        ("recording", "ConsentWithdrawn", "recorded"),
        ("recorded", "RunSucceeded", "succeeded"),
    ),
    final=("succeeded",),
)


@dataclass(frozen=True)
class Record:
    """Nothing but the word itself."""

    kit: RingKit
    run: Run
    name: str = "record"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> Fact | None:
        """It is in the journal or it is not."""
        return None

    def act(self, attempt: Attempt) -> Fact:
        """Raises nothing."""
        options, plan = self.run.requested.options, self.kit.ring
        names = tuple(str(name) for name in options["names"])
        return (ConsentWithdrawn if options["withdraw"] else ConsentGiven)(plan.tier, plan.peer, names)


JOB: Job[RingKit] = Job(
    name=NAME,
    title="record both operators' consent to a ring",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "recording": Stage(steps=lambda run, kit: (Record(kit, run),)),
        "recorded": Stage(steps=lambda run, kit: (), leave=lambda run: RunSucceeded()),
    },
    resources=lambda run: (),
    kit=ring_kit,
    tidy=lambda run, kit: None,
)
