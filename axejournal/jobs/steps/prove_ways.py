"""The way to a partner's machine and back, each proven by a file that really went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from axejournal.domain.errors import HostKeyChanged, PeerUnreachable
from axejournal.domain.events import Fact
from axejournal.domain.facts.ring import HostKeyPinned, HostKeySeen, PeerReached, WayBackSeen
from axejournal.domain.job import BRIEF, ONCE, Attempt, RetryPolicy
from axejournal.domain.letter import Letter, read, restic_doubt
from axejournal.domain.ports.peer import LETTER, Peer
from axejournal.domain.run import Run
from axejournal.jobs.ringing import new_challenge, our_letter

if TYPE_CHECKING:
    from axejournal.jobs.ringing import RingKit

STALE = timedelta(days=35)


@dataclass(frozen=True)
class MeetPeer:
    """The host key: pinned by the first look, insisted on ever after. `accept`: a person compared the new fingerprint."""

    kit: RingKit
    accept: bool = False
    name: str = "host-key"
    policy: RetryPolicy = BRIEF
    contained: bool = False

    def probe(self, run: Run) -> Fact | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> Fact:
        """Raises HostKeyChanged, KeyRefused, PeerUnreachable."""
        peer, plan = peer_of(self.kit), self.kit.ring
        pinned, found = self.kit.ring_memory.pinned(), peer.meet()
        if pinned is not None and pinned.key == found.key:
            peer.pin(found)
            return HostKeySeen(plan.tier, plan.peer, found.fingerprint)
        if pinned is not None and not self.accept:
            raise HostKeyChanged(
                f"peer {plan.peer} shows the host key {found.fingerprint}, not the pinned {pinned.fingerprint}; nothing was sent",
                'Call the partner and compare by voice. When it is right: "axej ring verify --accept-host-key".',
            )
        peer.pin(found)
        return HostKeyPinned(plan.tier, plan.peer, found.key, found.fingerprint, pinned.fingerprint if pinned else "")


@dataclass(frozen=True)
class ProveWayThere:
    """A letter is written into our folder at the peer's and read from it again; the one that lay there must be ours."""

    kit: RingKit
    name: str = "there"
    policy: RetryPolicy = BRIEF
    contained: bool = False

    def probe(self, run: Run) -> PeerReached | None:
        """Done again: the letter is replaced."""
        return None

    def act(self, attempt: Attempt) -> PeerReached:
        """Raises PeerUnreachable, DiskFull, HostKeyChanged, KeyRefused."""
        kit, peer, begin_us = self.kit, peer_of(self.kit), self.kit.monotonic_us()
        found = peer.look()
        last = kit.ring_memory.reached()
        answered = last is not None and _is_answered(kit, last.challenge)
        letter = our_letter(kit, last.challenge if last and not answered else new_challenge())
        peer.put(LETTER, letter.write())
        if peer.get(LETTER) != letter.write():
            raise PeerUnreachable(
                f"what was written into our folder at {kit.ring.peer} does not come back as it was",
                "The partner looks whether that disk is whole.",
            )
        return PeerReached(
            tier=kit.ring.tier,
            peer=kit.ring.peer,
            address=found.address,
            tried=found.tried,
            free_bytes=found.free_bytes,
            took_s=round((kit.monotonic_us() - begin_us) / 1e6, 2),
            challenge=letter.challenge,
            answered=answered,
            stranger=_stranger(kit, read(found.letter)),
        )


def _stranger(kit: RingKit, letter: Letter | None) -> str:
    if letter is None or not letter.head:
        return ""
    if letter.customer != kit.ring.customer:
        return f"the letter in our folder there is {letter.customer}'s, not ours"
    if not kit.ring_memory.holds_head(letter.position, letter.head):
        return (
            f"our journal does not hold the head that was left there on {letter.at} (event {letter.position}): it was rewritten"
        )
    return ""


def _is_answered(kit: RingKit, challenge: str) -> bool:
    theirs = read(kit.received.look().letter) if kit.received else None
    return theirs is not None and bool(challenge) and theirs.answer == challenge


@dataclass(frozen=True)
class ProveWayBack:
    """The peer's letter in the folder that we keep for it: an answer to a challenge of ours can only have come by the way
    back. And its key line is tried: whoever has that key can write there, and nowhere else."""

    kit: RingKit
    name: str = "back"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> WayBackSeen | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> WayBackSeen:
        """Reads this machine only."""
        kit = self.kit
        assert kit.received is not None
        found, lines = kit.received.look(), kit.received.key_lines()
        letter, before = read(found.letter), kit.ring_memory.way_back()
        there = attempt.run.find(PeerReached)
        answered = there is not None and (there.answered or _is_answered(kit, there.challenge))
        at = found.letter_at.isoformat() if answered and found.letter_at else (before.answered_at if before else None)
        old = restic_doubt(kit.ring.peer, letter.restic if letter else "", kit.ring.restic_needed)
        doubts = [*self._doubts(found.there, letter, at), *lines.doubts, *([old] if old else [])]
        return WayBackSeen(
            tier=kit.ring.tier,
            peer=kit.ring.peer,
            answered_at=at,
            letter_at=found.letter_at.isoformat() if found.letter_at else None,
            restic=letter.restic if letter else "",
            axej=letter.axej if letter else "",
            confined=lines.confined,
            doubts=tuple(doubts),
            ahead_s=_ahead_s(letter, found.letter_at),
        )

    def _doubts(self, there: bool, letter: Letter | None, answered_at: str | None) -> list[str]:
        peer = self.kit.ring.peer
        ask = f'the operator of {peer} runs "axej ring verify" there, then you once more here'
        if not there:
            return [f'the folder that is kept for {peer} is not there: "axej ring authorize {peer} --write" makes it']
        if letter is None:
            return [f"the way back is not proven: {peer} has never left a letter here; {ask}"]
        if answered_at is None:
            return [f"the way back is not proven yet: {peer} has not answered; {ask}"]
        if self.kit.now() - datetime.fromisoformat(answered_at) > STALE:
            return [f"the way back was proven last on {answered_at[:10]}; {ask}"]
        return []


def _ahead_s(letter: Letter | None, came: datetime | None) -> float | None:
    """A letter is put down as soon as it is written: its own time is by the peer's clock, the file's by this one."""
    try:
        written = datetime.fromisoformat(letter.at) if letter else None
    except ValueError:
        return None
    if written is None or written.tzinfo is None or came is None:
        return None
    return round((written - came).total_seconds(), 1)


def peer_of(kit: RingKit) -> Peer:
    """The partner's machine."""
    assert kit.peer is not None
    return kit.peer
