"""Compares what is going to be sent with what is free there, before the first byte is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axejournal.domain.errors import DiskFull
from axejournal.domain.facts.copy import CopiesChosen
from axejournal.domain.facts.ring import RoomMeasured
from axejournal.domain.job import PATIENT, Attempt, RetryPolicy
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.jobs.ringing import PushKit

SPARE_BYTES = 64 << 20
MIB = 1 << 20


@dataclass(frozen=True)
class MeasureRoom:
    """Asks nobody when nothing is to be sent."""

    kit: PushKit
    name: str = "room"
    policy: RetryPolicy = PATIENT
    contained: bool = False
    exact: bool = False

    def probe(self, run: Run) -> RoomMeasured | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> RoomMeasured:
        """Raises DiskFull, and what Peer.look raises."""
        kit, chosen = self.kit, attempt.run.find(CopiesChosen)
        assert chosen is not None
        if not chosen.wanted or kit.ring.peer is None:
            return RoomMeasured(kit.plan.tier)
        free, most = kit.ring.peer.seen().free_bytes, kit.source.file_bytes()
        if not self.exact and free is not None and most is not None and free > most + SPARE_BYTES:
            return RoomMeasured(kit.plan.tier, most, free)  # there is room for all of it: no need to ask restic
        needed = self._needed(chosen)
        if free is not None and free < needed + SPARE_BYTES:
            raise DiskFull(
                f"peer {kit.ring.ring.peer} has {free // MIB:,} MiB free, and about {needed // MIB:,} MiB are to be sent",
                "The partner makes room there, or retention: of this tier keeps less. Nothing was sent.",
            )
        return RoomMeasured(kit.plan.tier, needed, free)

    def _needed(self, chosen: CopiesChosen) -> int:
        """What the snapshots added to the local repository when they were taken. Into an empty one goes all that they need;
        more than the local repository holds it can't be."""
        wanted = set(chosen.wanted)
        found = [snapshot for snapshot in self.kit.source.snapshots() if snapshot.id in wanted]
        added = sum(one.stored_bytes if one.stored_bytes is not None else one.size_bytes or 0 for one in found)
        if chosen.present == 0 and found:
            added = max(added, self.kit.source.size_bytes())
        return added
