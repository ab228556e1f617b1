"""Makes the live table equal to the wanted rows: one transaction, done or not done; then clears away."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from axejournal.domain.facts.table import ScratchDropped, TableEqualised, TableStaged
from axejournal.domain.job import ONCE, USUAL, Attempt, RetryPolicy
from axejournal.domain.ports.tables import Equalised, Staged
from axejournal.domain.run import Run
from axejournal.jobs.restore_table_plan import TableKit
from axejournal.jobs.steps.stage_table import task_of


@dataclass(frozen=True)
class EqualiseTable:
    """The transaction notes in a table of its own that it was done, so that a crash leaves no doubt."""

    kit: TableKit
    name: str = "equalise"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> TableEqualised | None:
        """The note is there, or the transaction was not committed: the dead run's sessions were ended before."""
        found = self.kit.tables.equalised(self.kit.database, run.id)
        return self._fact(found, self._until(run)) if found else None

    def act(self, attempt: Attempt) -> TableEqualised:
        """Raises SourceRefused, with the constraint and the rows, when nothing could be changed."""
        run, kit = attempt.run, self.kit
        if attempt.again and (done := self.probe(run)) is not None:
            return done
        staged = run.find(TableStaged)
        assert staged is not None
        sequences = {} if kit.undone else kit.dumped.sequences
        wanted = Staged(staged.rows, staged.fingerprint)
        found = kit.tables.equalise(task_of(kit, run), wanted, sequences, self._until(run))
        return self._fact(found, self._until(run))

    def _until(self, run: Run) -> str:
        """Counted from when the run was asked for, so that a resume gives the same."""
        from datetime import datetime

        begun = datetime.fromisoformat(str(run.requested.options["requested_at"]))
        return (begun + self.kit.base.plan.keep_old).isoformat(timespec="seconds")

    def _fact(self, found: Equalised, until: str) -> TableEqualised:
        numbers = found.inserted, found.updated, found.deleted
        return TableEqualised(self.kit.title, *numbers, found.kept, until, found.sequences)


@dataclass(frozen=True)
class DropScratch:
    """May be begun twice."""

    kit: TableKit
    name: str = "clear"
    policy: RetryPolicy = USUAL
    contained: bool = True

    def probe(self, run: Run) -> ScratchDropped | None:
        """Dropped again."""
        return None

    def act(self, attempt: Attempt) -> ScratchDropped:
        """Removes the schema with the wanted rows, and the fetched files."""
        shutil.rmtree(self.kit.base.plan.folder, ignore_errors=True)
        return ScratchDropped(self.kit.tables.drop_scratch(self.kit.database, attempt.run.id))
