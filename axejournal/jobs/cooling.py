"""What a sync of a cold disk works on, the hands that its steps may use, and how its steps meet a disk that is gone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from axejournal.domain.errors import AxejError, PersonNeeded, WrongPassword
from axejournal.domain.events import Fact
from axejournal.domain.facts.cold import DiskIdentified
from axejournal.domain.job import Attempt, RetryPolicy, Step
from axejournal.domain.ports import Repository
from axejournal.domain.ports.volumes import PasswordDesk, Volume
from axejournal.domain.run import Run
from axejournal.jobs.checking import CheckHands, CheckKit
from axejournal.jobs.copying import CopyKit, copy_plan

if TYPE_CHECKING:
    from axejournal.config.models import Config

Made = TypeVar("Made")


class RecordedDisk(Protocol):
    """What the journal says of a disk."""

    @property
    def volume(self) -> str: ...
    @property
    def repository(self) -> str: ...
    @property
    def keys(self) -> tuple[str, ...]: ...
    @property
    def recorded_at(self) -> datetime: ...
    @property
    def asked(self) -> str: ...


class DiskHand(Protocol):
    """One cold disk, as this process works on it. What it has looked at and opened is forgotten with the process."""

    @property
    def has_looked(self) -> bool: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def has_machine_key(self) -> bool: ...
    @property
    def repository(self) -> Repository: ...
    @property
    def place(self) -> Path: ...
    def recorded(self) -> RecordedDisk | None: ...
    def look(self) -> Volume: ...
    def is_there(self) -> bool: ...
    def claim(self, not_empty: bool, again: bool, replace: bool) -> Volume: ...
    def initialise(self, password: str, like: Repository) -> str: ...
    def learn(self, typed: str) -> None: ...
    def open_by(self, typed: str) -> None: ...
    def open_by_machine(self, known: bool = False) -> None: ...
    def distrust(self) -> None: ...
    def keys(self) -> tuple[str, ...]: ...
    def free_bytes(self) -> int: ...
    def mark_disk(self, repository: str, **more: str) -> None: ...
    def eject(self) -> str: ...
    def holders(self, packs: Sequence[str]) -> Sequence[tuple[str, str]]: ...
    def part_bytes(self, part: int, of: int) -> int | None: ...


class ColdHands(CheckHands, Protocol):
    """What the assembled program offers to this job."""

    @property
    def password_desk(self) -> PasswordDesk:
        """Who can be asked for the password on paper."""
        ...

    def backup_at_work(self) -> str | None:
        """The run of the local backup that is at work now, if any."""
        ...

    def outcome_of(self, run: str) -> str:
        """How a run ended, or `open`."""
        ...

    def cold_disk(self, tier: str, disk: str, config: Config) -> DiskHand:
        """A disk by its number."""
        ...


@dataclass(frozen=True)
class ColdKit:
    """The hands of one sync."""

    tier: str
    disk: str
    config: Config
    hand: DiskHand
    hands: ColdHands

    @property
    def what(self) -> str:
        """The disk, in a sentence."""
        return f"disk {self.disk}"

    @property
    def desk(self) -> PasswordDesk:
        """See ColdHands."""
        return self.hands.password_desk

    @functools.cached_property
    def source(self) -> Repository:
        """The local repository: one, which remembers what it was asked."""
        return self.hands.repository("local", self.config)

    def copy(self, run: Run) -> CopyKit:
        """The hands of the copying, once the disk is open."""
        hands, found = self.hands, identified(run)
        return CopyKit(
            plan=copy_plan(self.config, self.tier),
            source=self.source,
            repository=self.hand.repository,
            memory=hands.memory.of(found.repository),
            store=hands.store,
            disk=hands.disk,
            clock=hands.clock,
            is_dead_lock=hands.is_dead_lock,
            restic_version=hands.restic_version,
        )

    def check(self, run: Run, of: int) -> CheckKit:
        """The hands of the reading, once the disk is open."""
        hands, found = self.hands, identified(run)
        return CheckKit(
            tier=self.tier,
            of=of,
            repository=self.hand.repository,
            memory=hands.memory.of(found.repository),
            clock=hands.clock,
            is_dead_lock=hands.is_dead_lock,
            points=lambda: [point for point in hands.points_of(self.tier) if point.repository == found.repository],
            parts=lambda repository: hands.parts_read(self.tier, repository),
            holders=self.hand.holders,
            part_bytes=lambda part: self.hand.part_bytes(part, of),
        )


def sync_options(tier: str, disk: str, effective: Mapping[str, Any], requested_at: str) -> dict[str, Any]:
    """What a sync records of what was asked for."""
    return {"requested_at": requested_at, "tier": tier, "disk": disk, "config": dict(effective)}


def cold_kit(hands: ColdHands, run: Run) -> ColdKit:
    """The hands of a run, by the configuration that it recorded."""
    from axejournal.config.effective import restore

    options = run.requested.options
    config, tier, disk = restore(options["config"]), str(options["tier"]), str(options["disk"])
    return ColdKit(tier, disk, config, hands.cold_disk(tier, disk, config), hands)


def identified(run: Run) -> DiskIdentified:
    """The disk that this run found first: it goes on with no other."""
    found = run.all(DiskIdentified)
    assert found, "the disk was not looked at"
    return found[0]


def awaited(kit: ColdKit) -> PersonNeeded:
    """The disk is gone, and the run waits for it."""
    return PersonNeeded(f"{kit.what} is gone; the run goes on when it is back", f"Connect disk {kit.disk} again, no other.")


@dataclass(frozen=True)
class OnDisk:
    """A step whose failure means nothing when the disk was pulled out meanwhile: the run waits for it then."""

    kit: ColdKit
    inner: Step
    bears: bool | None = None  # whether the run goes on without it; None: as the step says itself

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def policy(self) -> RetryPolicy:
        return self.inner.policy

    @property
    def contained(self) -> bool:
        return self.inner.contained if self.bears is None else self.bears

    def probe(self, run: Run) -> Fact | None:
        """See the inner step."""
        return self._there(lambda: self.inner.probe(run))

    def act(self, attempt: Attempt) -> Fact:
        """See the inner step. Raises PersonNeeded when the disk is gone."""
        return self._there(lambda: self.inner.act(attempt))

    def _there(self, work: Callable[[], Made]) -> Made:
        if not self.kit.hand.is_there():
            raise awaited(self.kit)
        try:
            return work()
        except WrongPassword as failure:
            if failure.message.endswith(self.kit.source.place):
                raise
            self.kit.hand.distrust()
            hint = f'Run "axej cold sync {self.kit.disk}": it tries the machine\'s key anew, and asks for the one on paper.'
            raise PersonNeeded(f"{self.kit.what} is not opened any more: {failure.message}", hint) from failure
        except AxejError as failure:
            if self.kit.hand.is_there() or isinstance(failure, PersonNeeded):
                raise
            raise awaited(self.kit) from failure
