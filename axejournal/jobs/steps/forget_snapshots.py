"""Retention: removes the snapshots that no source needs any more, and now and then the data behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from axejournal.domain.errors import RepositoryLocked
from axejournal.domain.facts import SnapshotsForgotten, SnapshotVerified
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.policy import to_forget
from axejournal.domain.run import Run
from axejournal.jobs.plan import BackupKit


@dataclass(frozen=True)
class ForgetSnapshots:
    """Asks the repository for nothing when there is nothing to remove: each restic call costs 0.7 s."""

    kit: BackupKit
    name: str = "forget"
    policy: RetryPolicy = USUAL
    contained: bool = True

    def probe(self, run: Run) -> SnapshotsForgotten | None:
        """Forgetting what is forgotten changes nothing: it is done again."""
        return None

    def act(self, attempt: Attempt) -> SnapshotsForgotten:
        """Raises what Repository.forget and prune raise."""
        kit, tier = self.kit, self.kit.plan.tier
        verified = attempt.run.find(SnapshotVerified)
        assert verified is not None
        points = kit.memory.points(tier)
        removed = to_forget(points, kit.plan.keep)
        if attempt.again:
            kit.repository.unlock_dead(kit.is_dead_lock)
        if removed:
            try:
                kit.repository.forget(removed)
            except RepositoryLocked:
                if not kit.repository.unlock_dead(kit.is_dead_lock):
                    raise
                kit.repository.forget(removed)
        pruned = self._prune_is_due(min((point.time for point in points), default=kit.clock.now()))
        if pruned:
            kit.repository.prune()
        kept = len({point.snapshot for point in points} - set(removed))
        size = kit.repository.size_bytes() if pruned else None
        return SnapshotsForgotten(tier, verified.repository, removed, kept, pruned, size)

    def _prune_is_due(self, oldest: datetime) -> bool:
        """Counted from the last prune, or from the oldest restore point while there was none."""
        every = self.kit.plan.prune_days
        if every is None:
            return False
        last = self.kit.memory.last_prune(self.kit.plan.tier) or oldest
        # half a day of slack: a nightly run must not slip by a night because it began a minute earlier
        return self.kit.clock.now() - last > timedelta(days=every) - timedelta(hours=12)
