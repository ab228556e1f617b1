"""Looks before anything is sent to a partner: consent, the way there, our folder, and then what every tier is looked at for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axejournal.domain.errors import ConsentMissing, RepositoryMissing
from axejournal.domain.facts import PreflightPassed
from axejournal.domain.job import NIGHT, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.steps.look_at_tier import LookAtTier

if TYPE_CHECKING:
    from axejournal.jobs.ringing import PushKit, RingKit


@dataclass(frozen=True)
class LookAtPeer:
    """The preflight of a push. A peer that is off is tried again through the night, ever more seldom."""

    kit: PushKit
    name: str = "preflight"
    policy: RetryPolicy = NIGHT
    contained: bool = False

    def probe(self, run: Run) -> PreflightPassed | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> PreflightPassed:
        """Raises ConsentMissing, HostKeyChanged, KeyRefused, PeerUnreachable, and what LookAtTier raises."""
        ring = self.kit.ring
        if ring.peer is None:
            return LookAtTier(self.kit).act(attempt)
        insist_on_consent(ring)
        found = ring.peer.look()
        if found.config is None:
            where = "folder" if not found.folder else "repository"
            raise RepositoryMissing(
                f"peer {ring.peer.name} has no {where} of ours where the configuration says (receive_dir_at_peer)",
                f'Was it ever made? "{self.kit.plan.init}" makes it. If it was there before, call the partner first.',
            )
        return LookAtTier(self.kit, free_bytes=found.free_bytes or 0, remote_locks=found.locks > 0).act(attempt)


def insist_on_consent(kit: RingKit) -> None:
    """Raises ConsentMissing."""
    consent = kit.ring_memory.consent()
    record = f'"axej ring consent --as NAME --as NAME{"" if kit.ring.tier == "ring" else f" {kit.ring.tier}"}"'
    if consent is None:
        raise ConsentMissing(
            f"nobody has recorded that {kit.ring.customer} and {kit.ring.peer} keep each other's copies",
            f"When both operators agree: {record}.",
        )
    if consent.withdrawn:
        raise ConsentMissing(
            f"the consent with {kit.ring.peer} was withdrawn by {', '.join(consent.names)} on {consent.at:%Y-%m-%d %H:%M}",
            f"Nothing is sent until both agree anew: {record}.",
        )
