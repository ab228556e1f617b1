"""Waits for tonight's backup, so that its snapshot goes along."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from axejournal.domain.facts.copy import BackupAwaited
from axejournal.domain.job import ONCE, Attempt, RetryPolicy
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.jobs.ringing import PushKit

POLL_S = 5.0


@dataclass(frozen=True)
class AwaitBackup:
    """A scheduled push waits for the backup of the newest slot before its own; one by hand for the one that runs now, if
    any. Time that passed before a crash counts."""

    kit: PushKit
    name: str = "await"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> BackupAwaited | None:
        """Waiting is taken up again."""
        return None

    def act(self, attempt: Attempt) -> BackupAwaited:
        """Reads the journal and the leases only. Raises Interrupted."""
        kit, slot = self.kit, attempt.run.requested.slot
        asked = datetime.fromisoformat(slot) if slot else None
        began = max(datetime.fromisoformat(str(attempt.run.requested.options["requested_at"])), asked or _LONG_AGO)
        while True:
            found, waited_s = kit.ring.ring_memory.backup(asked), (kit.clock.now() - began).total_seconds()
            if found.over:
                return BackupAwaited(found.run, round(max(waited_s, 0), 1), found.why)
            if waited_s >= kit.ring.ring.wait_s or waited_s < -60:  # a clock that went back waits for nothing
                return BackupAwaited(
                    found.run,
                    round(max(waited_s, 0), 1),
                    f"the backup was not over after {waited_s / 60:.0f} minutes: {found.why}",
                )
            if kit.ring.peer is not None:
                kit.ring.peer.leave()  # its machine is not kept busy by nothing
            attempt.unless_cancelled()
            kit.clock.sleep(min(POLL_S, max(0.2, kit.ring.ring.wait_s - waited_s)))


_LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
