"""What the ring's jobs find out and record about the partner, beside the copies themselves (copy_facts)."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain.events import Fact


@dataclass(frozen=True)
class ConsentGiven(Fact):
    """Both operators agreed that the two machines keep each other's copies. `names`: who; `directions`: "there" (ours at
    theirs), "back" (theirs here)."""

    tier: str
    peer: str
    names: tuple[str, ...]
    directions: tuple[str, ...] = ("there", "back")


@dataclass(frozen=True)
class ConsentWithdrawn(Fact):
    """One of them took it back: nothing is sent from here on."""

    tier: str
    peer: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class HostKeyPinned(Fact):
    """From here on only the machine with this host key is the peer. `before`: the fingerprint that it replaces."""

    tier: str
    peer: str
    key: str
    fingerprint: str
    before: str = ""


@dataclass(frozen=True)
class HostKeySeen(Fact):
    """The machine that answers shows the pinned host key."""

    tier: str
    peer: str
    fingerprint: str


@dataclass(frozen=True)
class PeerReached(Fact):
    """The way there: a letter was written into our folder at the peer and read from it again. `free_bytes`: there, None when
    it can't be told; `answered`: the peer had answered the challenge before this one; `stranger`:
    why the letter that lay there is not one that our journal knows; `tried`: addresses that did
    not answer."""

    tier: str
    peer: str
    address: str
    tried: tuple[str, ...] = ()
    free_bytes: int | None = None
    took_s: float = 0.0
    challenge: str = ""
    answered: bool = False
    stranger: str = ""


@dataclass(frozen=True)
class WayBackSeen(Fact):
    """The way back, as far as it can be seen from here. `answered_at`: when the peer answered a challenge of ours by writing
    into the folder that we keep for it, None while it never did; `restic`, `axej`: the peer's versions by its letter;
    `doubts`: each a sentence, empty when the way back is proven and the peer's key can do nothing else; `ahead_s`: by how much
    the peer's clock was ahead of this one when its letter came (behind: below 0), give or take its way."""

    tier: str
    peer: str
    answered_at: str | None = None
    letter_at: str | None = None
    restic: str = ""
    axej: str = ""
    confined: str = ""
    doubts: tuple[str, ...] = ()
    ahead_s: float | None = None


@dataclass(frozen=True)
class RoomMeasured(Fact):
    """What is to be sent, at most, and what is free there; None: can't be told."""

    tier: str
    needed_bytes: int | None = None
    free_bytes: int | None = None


@dataclass(frozen=True)
class LetterLeft(Fact):
    """The head of our journal lies beside the copies, at the peer's. `position`: of that event; `why`: it does not, and why."""

    tier: str
    head: str
    position: int
    why: str = ""


@dataclass(frozen=True)
class PeerWatched(Fact):
    """What the folder that we keep for the peer shows without any password. `newest_at`: when its newest snapshot came, by
    this machine's clock; `gone`: snapshots of the last look that are no longer there; `odd`: what does not belong there;
    `known`: how many were there at the last look; `quiet_s`: how long the peer may be quiet."""

    tier: str
    peer: str
    snapshots: tuple[str, ...]
    newest_at: str | None = None
    size_bytes: int = 0
    added: int = 0
    gone: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    quiet_s: float = 0.0
    known: int = 0
