"""A disk is connected while the nightly backup runs: what is there is copied first, tonight's snapshot when it is over."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain.facts.copy import BackupAwaited
from axejournal.domain.job import ONCE, Attempt, RetryPolicy
from axejournal.domain.ports import Progress
from axejournal.domain.run import Run
from axejournal.jobs.cooling import ColdKit, awaited

POLL_S = 1.0
LONGEST_S = 2 * 3600.0
"""As long as a push waits, unless it is told otherwise."""


@dataclass(frozen=True)
class AwaitTonight:
    """Waits only where a backup is at work; it is no fault when the disk is full of what was there."""

    kit: ColdKit
    name: str = "await"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> None:
        """Looked at again: where it has ended meanwhile, its snapshot is there."""

    def act(self, attempt: Attempt) -> BackupAwaited:
        """Reads the journal and the leases only. Raises Interrupted, and PersonNeeded when the disk is pulled out meanwhile."""
        kit, hands = self.kit, self.kit.hands
        backup, waited_s = hands.backup_at_work(), 0.0
        if backup is None:
            return BackupAwaited()
        while hands.backup_at_work() == backup:
            if waited_s >= LONGEST_S:
                return BackupAwaited(backup, waited_s, f"run {backup} was not over after {LONGEST_S / 3600:g} hours")
            if not kit.hand.is_there():
                raise awaited(kit)
            attempt.progress(Progress(0, None, f"waits for tonight's backup, run {backup}; everything before is on the disk"))
            attempt.unless_cancelled()
            hands.clock.sleep(POLL_S)
            waited_s += POLL_S
        ended = hands.outcome_of(backup)
        return BackupAwaited(backup, waited_s, "" if ended in ("succeeded", "degraded") else f"run {backup} {ended}")
