"""The head of our journal goes along with the copies: a history that is rewritten later does not hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axejournal.domain.errors import AxejError, Interrupted
from axejournal.domain.facts.ring import LetterLeft
from axejournal.domain.job import ONCE, Attempt, RetryPolicy
from axejournal.domain.ports.peer import LETTER
from axejournal.domain.run import Run
from axejournal.jobs.ringing import our_letter

if TYPE_CHECKING:
    from axejournal.jobs.ringing import PushKit


@dataclass(frozen=True)
class LeaveLetter:
    """One small file, replaced as a whole. A push does not fail of it."""

    kit: PushKit
    name: str = "letter"
    policy: RetryPolicy = ONCE
    contained: bool = True

    def probe(self, run: Run) -> LetterLeft | None:
        """A newer one is as good."""
        return None

    def act(self, attempt: Attempt) -> LetterLeft:
        """Where there is no partner the head is in the snapshots' tags only."""
        ring = self.kit.ring
        if ring.peer is None:
            return LetterLeft(ring.ring.tier, "", 0, "no partner's machine")
        reached = ring.ring_memory.reached()
        letter = our_letter(ring, reached.challenge if reached else "")
        try:
            ring.peer.put(LETTER, letter.write())
        except Interrupted:
            raise
        except AxejError as failure:
            return LetterLeft(ring.ring.tier, letter.head, letter.position, failure.message)
        return LetterLeft(ring.ring.tier, letter.head, letter.position)
