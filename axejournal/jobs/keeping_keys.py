"""Proves that passwords open repositories, and adds the machine's key to a cold disk: `keys.verify`, `cold.enroll`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from axejournal.domain import machine
from axejournal.domain.events import Fact, RunFailed, RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.cold import KeyEnrolled, KeyProven
from axejournal.domain.job import ONCE, Attempt, Job, Resource, RetryPolicy, Stage
from axejournal.domain.run import Run

VERIFY, ENROLL = "keys.verify", "cold.enroll"


class Way(Protocol):
    """One password of one repository, and the place that it comes from."""

    @property
    def tier(self) -> str: ...
    @property
    def disk(self) -> str: ...
    @property
    def kind(self) -> str: ...
    def open(self, run: str) -> str:
        """Opens the repository; its id. Raises WrongPassword, RepositoryMissing, …"""
        ...


class KeyHands(Protocol):
    """What the assembled program offers to these jobs."""

    def key_ways(self, options: Mapping[str, Any]) -> Sequence[Way]:
        """What a run was asked to prove."""
        ...

    def enroll(self, run: str, options: Mapping[str, Any]) -> KeyEnrolled:
        """Adds the machine's key to a disk; one that is there already is found. Raises WrongPassword, PersonNeeded, …"""
        ...


@dataclass(frozen=True)
class KeyKit:
    """The hands of a run."""

    ways: Sequence[Way]
    enroll: Callable[[str], KeyEnrolled]


@dataclass(frozen=True)
class ProveKey:
    """A password that opens nothing does not stop the others from being tried."""

    way: Way
    policy: RetryPolicy = ONCE
    contained: bool = True

    @property
    def name(self) -> str:
        return f"prove:{self.way.tier}{self.way.disk and ':' + self.way.disk}:{self.way.kind}"

    def probe(self, run: Run) -> None:
        """Tried again."""

    def act(self, attempt: Attempt) -> KeyProven:
        """Raises WrongPassword and what opening a repository raises."""
        way = self.way
        return KeyProven(way.tier, way.open(attempt.run.id), way.kind, way.disk)


@dataclass(frozen=True)
class EnrollKey:
    """Once: a key that an attempt before has added opens the disk already."""

    kit: KeyKit
    name: str = "enroll"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> None:
        """Looked for when it is done again."""

    def act(self, attempt: Attempt) -> KeyEnrolled:
        """Raises what KeyHands.enroll raises."""
        return self.kit.enroll(attempt.run.id)


def _kit(hands: KeyHands, run: Run) -> KeyKit:
    options = run.requested.options
    ways = hands.key_ways(options) if run.requested.job == VERIFY else ()
    return KeyKit(ways, lambda run_id: hands.enroll(run_id, options))


def _proven(run: Run) -> Fact:
    bad = [
        f"{step.name.removeprefix('prove:')}: {step.last_failure.message if step.last_failure else ''}" for step in run.given_up
    ]
    if not bad:
        return RunSucceeded()
    hint = "Look where that password is kept; write it there again from the paper."
    if run.requested.options.get("paper"):
        hint = 'Look for the right paper. While another way still opens it, "axej keys rotate TIER" makes a new password.'
    return RunFailed("WrongPassword", "; ".join(bad), hint, 12, "wrong-password")


VERIFY_JOB: Job[KeyKit] = Job(
    name=VERIFY,
    title="prove that each password opens its repository",
    machine=machine.build(
        VERIFY,
        version=1,
        initial="requested",
        rows=(
            ("requested", "RunStarted", "proving"),
            ("proving", "KeyProven", "proving"),
            ("proving", "RunSucceeded", "succeeded"),
        ),
        final=("succeeded",),
    ),
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "proving": Stage(steps=lambda run, kit: [ProveKey(way) for way in kit.ways], leave=_proven),
    },
    resources=lambda run: (Resource("keys"),),
    kit=_kit,
    tidy=lambda run, kit: None,
)
ENROLL_JOB: Job[KeyKit] = Job(
    name=ENROLL,
    title="add the machine's key to a cold disk",
    machine=machine.build(
        ENROLL,
        version=1,
        initial="requested",
        rows=(
            ("requested", "RunStarted", "enrolling"),
            ("enrolling", "KeyEnrolled", "enrolled"),
            ("enrolling", "RunWaits", "waiting"),
            ("waiting", "KeyEnrolled", "enrolled"),
            ("waiting", "RunWaits", "waiting"),
            ("enrolled", "RunSucceeded", "succeeded"),
        ),
        final=("succeeded",),
    ),
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "enrolling": Stage(steps=lambda run, kit: (EnrollKey(kit),)),
        "waiting": Stage(steps=lambda run, kit: (EnrollKey(kit),)),
        "enrolled": Stage(steps=lambda run, kit: (), leave=lambda run: RunSucceeded()),
    },
    resources=lambda run: (Resource(f"repository:{run.requested.options['tier']}:{run.requested.options['disk']}"),),
    kit=_kit,
    tidy=lambda run, kit: None,
)
