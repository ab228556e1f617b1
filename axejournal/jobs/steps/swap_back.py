"""Swaps back what a restore had replaced: a database by two renames in one transaction, files by two renames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import RestorePointMissing
from axejournal.domain.facts.restore import DatabasePlaced, FilesPlaced, UndoPrepared
from axejournal.domain.job import ONCE, USUAL, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.restore_plan import RestoreKit, beside
from axejournal.jobs.steps.swap_files import aside, place_of, swap_paths


@dataclass(frozen=True)
class PrepareUndo:
    """Looks whether what was replaced is still there."""

    kit: RestoreKit
    name: str = "prepare"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> UndoPrepared | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> UndoPrepared:
        """Raises RestorePointMissing when it is gone."""
        kept, until = kept_of(self.kit), self.kit.options.get("kept_until")
        if not is_kept(self.kit):
            why = f"; it was kept until {until}" if until else "; that run did not get so far"
            raise RestorePointMissing(
                f"what run {self.kit.options['undone']} had replaced ({kept}) is gone{why}",
                f'Restore an older state instead: "axej points --source {self.kit.plan.source}" lists them.',
            )
        return UndoPrepared(kept, until)


@dataclass(frozen=True)
class SwapBack:
    """What is there now is kept under this run's name."""

    kit: RestoreKit
    name: str = "swap"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> DatabasePlaced | FilesPlaced | None:
        """What was kept has left its name, which nobody else may take: then it has its place."""
        if is_kept(self.kit):
            return None
        is_there = self._now_kept() if self.kit.plan.database else aside(self.kit.plan).exists()
        return self._fact(kept=is_there) if self._is_placed() else None

    def act(self, attempt: Attempt) -> DatabasePlaced | FilesPlaced:
        """Raises SourceRefused when the database can't be had alone."""
        plan = self.kit.plan
        if not plan.database:
            return self._fact(kept=swap_paths(place_of(plan), Path(kept_of(self.kit)), aside(plan)))
        server = self.kit.database
        if server.live(plan.database) is None:
            server.rename(kept_of(self.kit), plan.database)
            return self._fact(kept=False)
        ended = server.swap(plan.database, kept_of(self.kit), plan.before)
        return self._fact(kept=True, ended=ended)

    def _now_kept(self) -> bool:
        return self.kit.database.live(self.kit.plan.before) is not None

    def _is_placed(self) -> bool:
        plan = self.kit.plan
        return self.kit.database.live(plan.database) is not None if plan.database else place_of(plan).exists()

    def _fact(self, kept: bool, ended: int = 0) -> DatabasePlaced | FilesPlaced:
        plan = self.kit.plan
        until = (self.kit.clock.now() + plan.keep_old).isoformat(timespec="seconds") if kept else None
        if plan.database:
            return DatabasePlaced(plan.database, plan.before if kept else None, until, ended)
        return FilesPlaced(str(place_of(plan)), str(aside(plan)) if kept else None, until)


def kept_of(kit: RestoreKit) -> str:
    """The name of what the undone run had replaced, even when its process died before it could record it."""
    recorded = kit.options.get("kept")
    if recorded:
        return str(recorded)
    undone = str(kit.options["undone"])
    return beside(kit.plan.database, "before", undone) if kit.plan.database else str(aside(kit.plan, undone))


def is_kept(kit: RestoreKit) -> bool:
    """Whether it is there."""
    return kit.database.live(kept_of(kit)) is not None if kit.plan.database else Path(kept_of(kit)).exists()
