"""Gives a repository another password, and takes the old one away once the new one has opened it: `keys.rotate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from axejournal.domain import machine
from axejournal.domain.errors import AxejError, DiskForeign, DiskMissing, Interrupted, PersonNeeded, UsageFault, WrongPassword
from axejournal.domain.events import RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.cold import KeyAdded, KeysRenewed, PasswordStaged, PasswordSwitched
from axejournal.domain.job import ONCE, USUAL, Attempt, Job, Resource, RetryPolicy, Stage, Step
from axejournal.domain.run import Run

NAME = "keys.rotate"
Made = TypeVar("Made")


class Rotation(Protocol):
    """One repository's password. Each may be called again after a crash, by a process that knows nothing of the first."""

    def stage(self, run: str) -> tuple[str, tuple[str, ...]]:
        """Makes ready; the id of the old key, and of all keys that are there. Raises WrongPassword."""
        ...

    def add(self, run: str, old: str) -> str:
        """Adds a key with the new password, unless it is there; its id. Raises PersonNeeded, UsageFault."""
        ...

    def switch(self, run: str, new: str) -> None:
        """The new password takes the old one's place, and opens the repository from there by the key `new`. Raises
        PersonNeeded when a person must put it there."""
        ...

    def remove(self, run: str, old: str, new: str, before: tuple[str, ...]) -> tuple[str, ...]:
        """Removes the old key, once the new password has opened the repository, and what attempts that died may have added
        to the keys that were there `before` (none given: none died); the keys that are left."""
        ...

    def identity(self) -> str:
        """The repository's id, by the new password."""
        ...


class RotationHands(Protocol):
    """What the assembled program offers to this job."""

    def key_rotation(self, options: Mapping[str, Any]) -> Rotation:
        """Of a tier, or of one disk of a cold tier. Raises UsageFault."""
        ...


@dataclass(frozen=True)
class RotationKit:
    """The hands of a run. `disk`: "" for a repository that is on no cold disk."""

    tier: str
    disk: str
    as_of: str
    rotation: Rotation


@dataclass(frozen=True)
class StagePassword:
    """What is there now opens the repository, and all is ready for a new one."""

    kit: RotationKit
    name: str = "stage"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> None:
        """Done again: what is there already is kept."""

    def act(self, attempt: Attempt) -> PasswordStaged:
        """See Rotation.stage."""
        old, keys = self.kit.rotation.stage(attempt.run.id)
        return PasswordStaged(self.kit.tier, old, self.kit.disk, keys)


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
        kit, old = self.kit, _staged(attempt.run).old_key
        return KeyAdded(kit.tier, waiting(lambda: kit.rotation.add(attempt.run.id, old)), kit.disk)


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
        kit, new = self.kit, _added(attempt.run).key
        waiting(lambda: kit.rotation.switch(attempt.run.id, new))
        return PasswordSwitched(kit.tier, kit.disk)


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
        kit, run = self.kit, attempt.run
        staged, new = _staged(run), _added(run).key
        before = staged.keys if run.steps["add"].attempts > 1 else ()
        left = waiting(lambda: kit.rotation.remove(run.id, staged.old_key, new, before))
        return KeysRenewed(kit.tier, kit.rotation.identity(), left, kit.disk, kit.as_of)


def waiting(work: Callable[[], Made]) -> Made:
    """Once there may be two keys, a mistake, Ctrl-C or a disk that is gone does not end the run: it waits, and is gone on
    with."""
    try:
        return work()
    except (WrongPassword, UsageFault, DiskMissing, DiskForeign, Interrupted) as fault:
        raise PersonNeeded(fault.message, _again(fault)) from fault


def _again(fault: AxejError) -> str:
    again = 'Then type "axej keys rotate" for that tier again: it goes on where it was, and the old password still works.'
    return f"{fault.hint} {again}".strip()


def _staged(run: Run) -> PasswordStaged:
    staged = run.find(PasswordStaged)
    assert staged is not None
    return staged


def _added(run: Run) -> KeyAdded:
    added = run.find(KeyAdded)
    assert added is not None
    return added


def _steps(run: Run, kit: RotationKit) -> Sequence[Step]:
    return (StagePassword(kit), AddKey(kit), SwitchPassword(kit), RemoveKey(kit))


def _kit(hands: RotationHands, run: Run) -> RotationKit:
    options = run.requested.options
    tier, disk, as_of = (str(options.get(name) or "") for name in ("tier", "disk", "as_of"))
    return RotationKit(tier, disk, as_of, hands.key_rotation(options))


def _resources(run: Run) -> tuple[Resource, ...]:
    tier, disk = run.requested.options["tier"], run.requested.options.get("disk")
    return (Resource(f"repository:{tier}:{disk}" if disk else f"repository:{tier}"),)


FACTS = ("PasswordStaged", "KeyAdded", "PasswordSwitched", "KeysRenewed")
JOB: Job[RotationKit] = Job(
    name=NAME,
    title="give a repository another password",
    machine=machine.build(
        NAME,
        version=2,
        initial="requested",
        rows=(
            ("requested", "RunStarted", "rotating"),
            *((state, fact, "rotating") for state in ("rotating", "waiting") for fact in FACTS),
            ("rotating", "RunWaits", "waiting"),
            ("waiting", "RunWaits", "waiting"),
            ("rotating", "RunSucceeded", "succeeded"),
        ),
        final=("succeeded",),
    ),
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "rotating": Stage(steps=_steps, leave=lambda run: RunSucceeded()),
        "waiting": Stage(steps=_steps),
    },
    resources=_resources,
    kit=_kit,
    tidy=lambda run, kit: None,
)
