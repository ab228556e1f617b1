"""The journal, what the steps ask it, and the leases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from axejournal.domain.events import Event, Fact
from axejournal.domain.facts import DatabaseDumped
from axejournal.domain.policy import Held


@dataclass(frozen=True)
class Draft:
    """An event before it has a place. `event_id` (UUIDv7) is made before the first attempt to append, so that
    appending again is harmless."""

    event_id: str
    fact: Fact
    state: str
    step: str | None = None
    attempt: int | None = None


class EventStore(Protocol):
    """The append-only events. Raises JournalDamaged when it can't be read or written as it must, JournalNewer when a
    newer axej wrote it."""

    def append(self, run: str, epoch: int, after: int, drafts: Sequence[Draft]) -> tuple[Event, ...]:
        """All drafts durable, in one transaction, numbered from `after` + 1. `after` is the run's last number known
        to the caller (0: a new run). Raises StaleRunner when the run has moved on or has a higher epoch."""
        ...

    def stream(self, run: str) -> tuple[Event, ...]:
        """The run's events, in order, brought to the present versions; empty when there is no such run."""
        ...

    def fact(self, event: Event) -> Fact:
        """The fact that an event carries."""
        ...

    def open_runs(self) -> tuple[str, ...]:
        """Runs that have not ended, oldest first."""
        ...

    def head(self) -> str:
        """The hash of the newest event, hex; 64 zeros for an empty journal."""
        ...

    def write_copy(self, into: Path) -> None:
        """A consistent, complete copy of the journal at `into` (0600), replacing what is there."""
        ...


@dataclass(frozen=True)
class LastPoint:
    """The newest restore point of a source."""

    size_bytes: int
    files: int


@dataclass(frozen=True)
class LastPhysical:
    """The newest physical copy of a source's server."""

    at: datetime
    size_bytes: int


def snapshots_of(tier: str) -> str:
    """The resource of who fetches out of a tier's snapshots (shared) and of who removes some of them."""
    return f"snapshots:{tier}"


class Memory(Protocol):
    """What the steps ask the journal."""

    def repository_id(self, tier: str) -> str | None:
        """The id that the tier's repository must have; None while none was recorded."""
        ...

    def last_dump(self, source: str) -> DatabaseDumped | None:
        """The newest dump of a source that got into a restore point."""
        ...

    def last_point(self, source: str, tier: str) -> LastPoint | None:
        """The newest restore point of a source in a tier."""
        ...

    def last_physical(self, source: str) -> LastPhysical | None:
        """The newest physical copy of a source's server that is in a snapshot which was not removed."""
        ...

    def points(self, tier: str) -> tuple[Held, ...]:
        """All restore points of a tier, oldest first; their times carry the customer's zone."""
        ...

    def of(self, repository: str) -> Memory:
        """The same, of one repository only: where a tier has several."""
        ...

    def alone(self, tier: str, run: str) -> AbstractContextManager[bool]:
        """Inside, whether nobody fetches out of the tier's repository, and then nobody begins to. See `snapshots_of`."""
        ...

    def last_prune(self, tier: str) -> datetime | None:
        """When the tier's repository was pruned last."""
        ...

    def copies(self, repository: str) -> Mapping[str, str]:
        """Which snapshot of a repository is the copy of which, as far as it was copied from here."""
        ...


class Leases(Protocol):
    """Exclusive or shared rights to work on a resource, held by the kernel for as long as this process lives."""

    def take(self, resource: str, run: str, shared: bool = False, wait_s: float = 0.0) -> AbstractContextManager[None]:
        """Held inside. Raises Busy, naming the holder's run, pid and since when, after `wait_s`."""
        ...

    def holder(self, resource: str) -> str | None:
        """Who holds it now ("run …, pid …"), or None when it is free."""
        ...
