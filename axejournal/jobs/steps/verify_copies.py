"""Looks whether the tier's repository holds what the journal says that it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axejournal.domain.facts import PreflightPassed
from axejournal.domain.facts.copy import CopiesVerified
from axejournal.domain.job import PATIENT, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.steps.choose_copies import held

if TYPE_CHECKING:
    from axejournal.jobs.copying import CopyKit


@dataclass(frozen=True)
class VerifyCopies:
    """A copy that has vanished is named: a peer can delete, but not unseen."""

    kit: CopyKit
    name: str = "verify"
    policy: RetryPolicy = PATIENT
    contained: bool = False

    def probe(self, run: Run) -> CopiesVerified | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> CopiesVerified:
        """Raises what Repository.snapshots raises."""
        looked = attempt.run.find(PreflightPassed)
        assert looked is not None
        there, _ = held(self.kit, looked.repository)
        known = {point.snapshot for point in self.kit.memory.points(self.kit.plan.tier)}
        return CopiesVerified(self.kit.plan.tier, looked.repository, len(there), tuple(sorted(known - there)))
