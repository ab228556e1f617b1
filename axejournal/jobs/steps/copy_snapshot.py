"""One snapshot of the local repository into another tier's, with `restic copy`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axejournal.domain.errors import AxejError, PeerUnreachable
from axejournal.domain.facts import PreflightPassed, SnapshotCopied
from axejournal.domain.job import PATIENT, Attempt, RetryPolicy
from axejournal.domain.ports import Copied
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.jobs.copying import CopyKit


@dataclass(frozen=True)
class CopySnapshot:
    """Found again by its `original`: a copy that happened after all is never made a second time."""

    kit: CopyKit
    snapshot: str
    policy: RetryPolicy = PATIENT
    contained: bool = True

    @property
    def name(self) -> str:
        """`copy:` and the id as restic shows it."""
        return f"copy:{self.snapshot[:8]}"

    def probe(self, run: Run) -> SnapshotCopied | None:
        """Looks for the copy, once the locks that a dead restic left at both ends are gone."""
        self._clear_the_way()
        return self._find(run)

    def act(self, attempt: Attempt) -> SnapshotCopied:
        """Raises what Repository.copy_from raises. What an earlier attempt has sent is made known first: a copy that is
        simply run again sends everything once more (measured)."""
        kit, begin_us = self.kit, self.kit.clock.monotonic_us()
        if attempt.again:
            if (found := self.probe(attempt.run)) is not None:
                return found
            kit.repository.repair_index()
        taken = kit.repository.copy_from(kit.source, self.snapshot, attempt.progress)
        took_s = (kit.clock.monotonic_us() - begin_us) / 1e6
        made = self._named(attempt.run, taken, took_s) or self._find(attempt.run, took_s)
        if made is None:
            raise PeerUnreachable(
                f"the copy of snapshot {self.snapshot[:8]} is not in {kit.repository.place}, though restic reported no fault",
                "Try again; if it stays so, look at the repository with restic snapshots.",
            )
        return made

    def _named(self, run: Run, taken: Copied, duration_s: float) -> SnapshotCopied | None:
        """The copy by the beginning of its name, which saves a call of restic where names can be seen without it."""
        names = [name for name in self.kit.repository.names() or () if taken.short and name.startswith(taken.short)]
        return self._fact(run, names[0], taken.time, duration_s) if len(names) == 1 and taken.time else None

    def _find(self, run: Run, duration_s: float = 0.0) -> SnapshotCopied | None:
        if self._is_known_not_to_be_there(run):
            return None
        copies = [found for found in self.kit.repository.snapshots() if self.snapshot in (found.original, found.id)]
        return self._fact(run, copies[0].id, copies[0].time.isoformat(), duration_s) if copies else None

    def _is_known_not_to_be_there(self, run: Run) -> bool:
        """When the journal knows what each name there is a copy of, which saves a call of restic."""
        looked = run.find(PreflightPassed)
        there, known = self.kit.repository.names(), self.kit.memory.copies(looked.repository) if looked else {}
        return there is not None and there <= known.keys() and self.snapshot not in {known[name] for name in there}

    def _clear_the_way(self) -> None:
        for repository in (self.kit.source, self.kit.repository):
            repository.unlock_dead(self.kit.is_dead_lock)

    def _fact(self, run: Run, copy: str, taken_at: str, duration_s: float) -> SnapshotCopied:
        looked = run.find(PreflightPassed)
        source = self.kit.memory.repository_id("local")
        if looked is None or source is None:
            raise AxejError("nothing was looked at before this copy")  # a bug of the job's table
        return SnapshotCopied(
            tier=self.kit.plan.tier,
            repository=looked.repository,
            snapshot=copy,
            original=self.snapshot,
            source_repository=source,
            taken_at=taken_at,
            journal_head=self.kit.store.head(),
            duration_s=duration_s,
        )
