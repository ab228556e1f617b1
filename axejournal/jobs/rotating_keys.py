"""Gives a repository another password, and takes the old one away once the new one has opened it: `keys.rotate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from axejournal.domain import machine
from axejournal.domain.events import RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.cold import KeyAdded, KeysRenewed, PasswordStaged, PasswordSwitched
from axejournal.domain.job import ONCE, USUAL, Attempt, Job, Resource, RetryPolicy, Stage, Step
from axejournal.domain.run import Run

NAME = "keys.rotate"


class Rotation(Protocol):
    """One repository's password, kept in a file. Each may be called again after a crash."""

    def stage(self) -> str:
        """Puts a new password beside the old one, durable; the id of the old key. Raises WrongPassword."""
        ...

    def add(self) -> str:
        """Adds a key with the new password, unless it is there; its id."""
        ...

    def switch(self) -> None:
        """The new password takes the old one's place."""
        ...

    def remove(self, old: str) -> tuple[str, ...]:
        """Removes the old key, once the new password has opened the repository; the keys that are left."""
        ...

    def identity(self) -> str:
        """The repository's id, by the password in its place."""
        ...


class RotationHands(Protocol):
    """What the assembled program offers to this job."""

    def key_rotation(self, tier: str) -> Rotation:
        """Of a tier whose password is in a file. Raises UsageFault."""
        ...


@dataclass(frozen=True)
class RotationKit:
    """The hands of a run."""

    tier: str
    rotation: Rotation


@dataclass(frozen=True)
class StagePassword:
    """A new password, beside the old one."""

    kit: RotationKit
    name: str = "stage"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> None:
        """Done again: what is there already is kept."""

    def act(self, attempt: Attempt) -> PasswordStaged:
        """See Rotation.stage."""
        return PasswordStaged(self.kit.tier, self.kit.rotation.stage())


@dataclass(frozen=True)
class AddKey:
    """Both passwords open the repository from here on."""

    kit: RotationKit
    name: str = "add"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> None:
        """Done again: a key that is there is found."""

    def act(self, attempt: Attempt) -> KeyAdded:
        """See Rotation.add."""
        return KeyAdded(self.kit.tier, self.kit.rotation.add())


@dataclass(frozen=True)
class SwitchPassword:
    """Whoever asks for the password gets the new one from here on."""

    kit: RotationKit
    name: str = "switch"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> None:
        """Done again."""

    def act(self, attempt: Attempt) -> PasswordSwitched:
        """See Rotation.switch."""
        self.kit.rotation.switch()
        return PasswordSwitched(self.kit.tier)


@dataclass(frozen=True)
class RemoveKey:
    """The old password opens nothing any more."""

    kit: RotationKit
    name: str = "remove"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> None:
        """Done again: what is removed is removed."""

    def act(self, attempt: Attempt) -> KeysRenewed:
        """See Rotation.remove."""
        staged = attempt.run.find(PasswordStaged)
        assert staged is not None
        left = self.kit.rotation.remove(staged.old_key)
        return KeysRenewed(self.kit.tier, self.kit.rotation.identity(), left)


def _steps(run: Run, kit: RotationKit) -> Sequence[Step]:
    return (StagePassword(kit), AddKey(kit), SwitchPassword(kit), RemoveKey(kit))


def _kit(hands: RotationHands, run: Run) -> RotationKit:
    tier = str(run.requested.options["tier"])
    return RotationKit(tier, hands.key_rotation(tier))


JOB: Job[RotationKit] = Job(
    name=NAME,
    title="give a repository another password",
    machine=machine.build(
        NAME,
        version=1,
        initial="requested",
        rows=(
            ("requested", "RunStarted", "rotating"),
            ("rotating", "PasswordStaged", "rotating"),
            ("rotating", "KeyAdded", "rotating"),
            ("rotating", "PasswordSwitched", "rotating"),
            ("rotating", "KeysRenewed", "rotating"),
            ("rotating", "RunSucceeded", "succeeded"),
        ),
        final=("succeeded",),
    ),
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "rotating": Stage(steps=_steps, leave=lambda run: RunSucceeded()),
    },
    resources=lambda run: (Resource(f"repository:{run.requested.options['tier']}"),),
    kit=_kit,
    tidy=lambda run, kit: None,
)
