"""What a ring's jobs ask of the journal and of this machine, besides the peer itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from axejournal.domain.facts.ring import HostKeyPinned, PeerReached, PeerWatched, WayBackSeen


@dataclass(frozen=True)
class Consent:
    """Both operators' agreement, or that it was taken back. `at`: in the customer's zone."""

    names: tuple[str, ...]
    at: datetime
    withdrawn: bool = False


@dataclass(frozen=True)
class Backup:
    """How the backup of a slot stands. `over`: it succeeded, or its last try has ended; `why`: it did not succeed, and why."""

    run: str | None
    over: bool
    why: str = ""


class RingMemory(Protocol):
    """What the journal knows of one ring."""

    def consent(self) -> Consent | None:
        """The newest word; None when there never was one."""
        ...

    def pinned(self) -> HostKeyPinned | None:
        """The host key that is insisted on."""
        ...

    def reached(self) -> PeerReached | None:
        """The newest proof of the way there; its challenge is the one that waits for an answer."""
        ...

    def way_back(self) -> WayBackSeen | None:
        """The newest look at the way back."""
        ...

    def watched(self) -> PeerWatched | None:
        """The newest look at the folder that is kept for the peer."""
        ...

    def backup(self, slot: datetime | None) -> Backup:
        """How the local backup of the newest slot at or before this one stands; None: whether one runs now."""
        ...

    def position_of_head(self) -> int:
        """The newest event's."""
        ...

    def holds_head(self, position: int, head: str) -> bool:
        """Whether our history has this hash at this place."""
        ...


@dataclass(frozen=True)
class Received:
    """The folder that is kept for the peer, as it lies on this disk. `arrived`: when each snapshot came, by this machine's
    clock; `odd`: what does not belong there (symlinks, files of others' making)."""

    there: bool
    arrived: Mapping[str, datetime]
    size_bytes: int = 0
    letter: bytes | None = None
    letter_at: datetime | None = None
    odd: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeyLines:
    """What ~/.ssh/authorized_keys says of the peer. `confined`: the folder that its key is held in, "" for none; `doubts`:
    each a sentence."""

    confined: str = ""
    doubts: tuple[str, ...] = ()


class ReceiveFolder(Protocol):
    """receive_dir_at_self, and who may write there."""

    def look(self) -> Received:
        """Follows no symlink, and reads nothing but the letter."""
        ...

    def key_lines(self) -> KeyLines:
        """Whether the peer's key can do this and nothing else, as far as it can be seen; the forced command is tried."""
        ...
