"""Retention: removes the snapshots that no source needs any more, and now and then the data behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from axejournal.domain.errors import RepositoryLocked
from axejournal.domain.facts import PreflightPassed, SnapshotsForgotten
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.policy import Keep, to_forget
from axejournal.domain.ports import Clock, Memory, Repository, RepositoryLock
from axejournal.domain.run import Run


class RetentionPlan(Protocol):
    """What stays in a tier."""

    @property
    def tier(self) -> str: ...
    @property
    def keep(self) -> Keep: ...
    @property
    def prune_days(self) -> int | None: ...


class RetentionKit(Protocol):
    """The hands that retention needs: of a backup, or of a run that copies."""

    @property
    def plan(self) -> RetentionPlan: ...
    @property
    def repository(self) -> Repository: ...
    @property
    def memory(self) -> Memory: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def is_dead_lock(self) -> Callable[[RepositoryLock], bool]: ...


@dataclass(frozen=True)
class ForgetSnapshots:
    """Asks the repository for nothing when there is nothing to remove: each restic call costs 0.7 s."""

    kit: RetentionKit
    name: str = "forget"
    policy: RetryPolicy = USUAL
    contained: bool = True

    def probe(self, run: Run) -> SnapshotsForgotten | None:
        """Forgetting what is forgotten changes nothing: it is done again."""
        return None

    def act(self, attempt: Attempt) -> SnapshotsForgotten:
        """Raises what Repository.forget and prune raise."""
        kit, tier = self.kit, self.kit.plan.tier
        looked = attempt.run.find(PreflightPassed)
        assert looked is not None
        with kit.memory.alone(tier, attempt.run.id) as is_alone:
            if not is_alone:  # a restore may be reading what would go: another night removes it
                kept = len({point.snapshot for point in kit.memory.points(tier)})
                return SnapshotsForgotten(tier, looked.repository, (), kept)
            return self._forget(attempt, looked)

    def _forget(self, attempt: Attempt, looked: PreflightPassed) -> SnapshotsForgotten:
        kit, tier = self.kit, self.kit.plan.tier
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
        return SnapshotsForgotten(tier, looked.repository, removed, kept, pruned, size)

    def _prune_is_due(self, oldest: datetime) -> bool:
        """Counted from the last prune, or from the oldest restore point while there was none."""
        every = self.kit.plan.prune_days
        if every is None:
            return False
        last = self.kit.memory.last_prune(self.kit.plan.tier) or oldest
        # half a day of slack: a nightly run must not slip by a night because it began a minute earlier
        return self.kit.clock.now() - last > timedelta(days=every) - timedelta(hours=12)
