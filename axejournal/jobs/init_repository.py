"""Makes a tier's repository, or takes one that is there as the tier's: `repository.init`. Its id is recorded, and from
then on no other repository at that place is worked on."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain import machine
from axejournal.domain.errors import RepositoryMissing, UsageFault
from axejournal.domain.events import RunSucceeded
from axejournal.domain.facts import RepositoryRecorded, RunStarted
from axejournal.domain.job import ONCE, Attempt, Job, Resource, RetryPolicy, Stage
from axejournal.domain.ports import Repository
from axejournal.domain.run import Run
from axejournal.jobs.plan import Hands

NAME = "repository.init"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "creating"),
        ("creating", "RepositoryRecorded", "recorded"),
        ("recorded", "RunSucceeded", "succeeded"),
    ),
    final=("succeeded",),
)


@dataclass(frozen=True)
class InitKit:
    """`adopt`: take the repository that is there, make none."""

    tier: str
    repository: Repository
    adopt: bool
    like: Repository | None = None  # whose chunker parameters it gets, or copies would share nothing


@dataclass(frozen=True)
class CreateRepository:
    """Made once: a second attempt finds the first one's."""

    kit: InitKit
    name: str = "create"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> RepositoryRecorded | None:
        """The first attempt looked that the place was empty, so what is there now is its own."""
        return self._found()

    def act(self, attempt: Attempt) -> RepositoryRecorded:
        """Raises UsageFault when one is there and none is to be adopted, RepositoryMissing when it is the other way."""
        found = self._found()
        place = self.kit.repository.place
        if self.kit.adopt and found is None:
            raise RepositoryMissing(f"nothing to adopt: no repository is at {place}", 'Write "axej init" to make one.')
        if found is not None and not (self.kit.adopt or attempt.again):
            hint = f'Write "axej init --adopt {self.kit.tier}" to use it, or set another place in axej.yaml.'
            raise UsageFault(f"a repository is already at {place} (id {found.repository[:8]})", hint)
        return found or self._recorded(self.kit.repository.initialise(self.kit.like))

    def _found(self) -> RepositoryRecorded | None:
        try:
            return self._recorded(self.kit.repository.identity())
        except RepositoryMissing:
            return None

    def _recorded(self, identity: str) -> RepositoryRecorded:
        return RepositoryRecorded(self.kit.tier, self.kit.repository.place, identity)


def _kit(hands: Hands, run: Run) -> InitKit:
    from axejournal.config.effective import restore

    options = run.requested.options
    tier = str(options["tier"])
    config = restore(options["config"])
    like = hands.repository("local", config) if tier != "local" else None
    return InitKit(tier, hands.repository(tier, config), bool(options["adopt"]), like)


JOB: Job[InitKit] = Job(
    name=NAME,
    title="make a tier's repository and record its id",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "creating": Stage(steps=lambda run, kit: (CreateRepository(kit),)),
        "recorded": Stage(steps=lambda run, kit: (), leave=lambda run: RunSucceeded()),
    },
    resources=lambda run: (Resource(f"repository:{run.requested.options['tier']}"),),
    kit=_kit,
    tidy=lambda run, kit: None,
)
