"""One restic snapshot of dumps, files, a copy of the journal and of the configuration. At most one for a run."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from axejournal.domain.errors import RepositoryLocked
from axejournal.domain.facts import DumpsFinished, PhysicalCopied, PreflightPassed, SnapshotTaken
from axejournal.domain.job import PATIENT, Attempt, RetryPolicy
from axejournal.domain.ports import BackupOrder, Snapshot, Stored
from axejournal.domain.run import Run
from axejournal.jobs.plan import BackupKit
from axejournal.jobs.steps.staging import MEMORY_FOLDER, folder_of

JOURNAL_COPY = "journal.sqlite"
READ_ME = "RESTORE.txt"


@dataclass(frozen=True)
class TakeSnapshot:
    """Found by its tag `run=ID`, never by `latest`: a snapshot dated in the future becomes `latest`."""

    kit: BackupKit
    name: str = "snapshot"
    policy: RetryPolicy = PATIENT
    contained: bool = False

    def probe(self, run: Run) -> SnapshotTaken | None:
        """Looks for the snapshot by its tag, once the way is clear: restic dies by SIGPIPE when it tells a dead parent
        of the snapshot that it has just saved, and leaves its lock."""
        self._clear_the_way()
        found = self.kit.repository.snapshots((f"run={run.id}",))
        return self._found(run, found[0]) if found else None

    def act(self, attempt: Attempt) -> SnapshotTaken:
        """Raises what Repository.backup raises. A second attempt looks first, and makes what the first one had
        stored known again, so that nothing is stored twice."""
        if attempt.again:
            if (fact := self.probe(attempt.run)) is not None:
                return fact
            self.kit.repository.repair_index()
        begin_us = self.kit.clock.monotonic_us()
        head = self._stage_memory(attempt.run)
        try:
            stored = self.kit.repository.backup(self._order(attempt.run, head), attempt.progress)
        except RepositoryLocked:
            if not self._clear_the_way():
                raise
            stored = self.kit.repository.backup(self._order(attempt.run, head), attempt.progress)
        return self._fact(attempt.run, stored, head, (self.kit.clock.monotonic_us() - begin_us) / 1e6)

    def _order(self, run: Run, head: str) -> BackupOrder:
        plan, requested = self.kit.plan, run.requested
        names = {"job": requested.job, "run": run.id, "customer": requested.customer, "slot": slot_of(run), "head": head}
        tags = tuple(f"{name}={value}" for name, value in names.items())
        own = {files.exclude_file for files in plan.files if files.exclude_file}
        return BackupOrder(
            paths=(*self._dumped(run), plan.staging / MEMORY_FOLDER, *(files.path for files in plan.files)),
            tags=tags,
            host=plan.host,
            exclude_files=(*plan.exclude_files, *sorted(own - set(plan.exclude_files))),
        )

    def _dumped(self, run: Run) -> tuple[Path, ...]:
        finished = run.find(DumpsFinished)
        dumps = (folder_of(self.kit.plan.staging, name) for name in (finished.dumped if finished else ()))
        return (*dumps, *(Path(fact.directory) for fact in run.all(PhysicalCopied)))

    def _stage_memory(self, run: Run) -> str:
        """Copies the journal and the configuration beside the dumps; returns the journal's head at that moment."""
        folder = self.kit.plan.staging / MEMORY_FOLDER
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
        head = self.kit.store.head()
        self.kit.store.write_copy(folder / JOURNAL_COPY)
        for path in self.kit.plan.configuration_files:
            if path.is_file():
                shutil.copy2(path, folder / path.name)
        (folder / READ_ME).write_text(_read_me(run), encoding="utf-8")
        return head

    def _clear_the_way(self) -> bool:
        """Removes locks of dead processes of this machine; a living lock, or another host's, stays."""
        return bool(self.kit.repository.unlock_dead(self.kit.is_dead_lock))

    def _fact(self, run: Run, stored: Stored, head: str, duration_s: float) -> SnapshotTaken:
        return SnapshotTaken(
            snapshot=stored.snapshot,
            repository=_identity(run),
            size_bytes=stored.size_bytes,
            added_bytes=stored.added_bytes,
            stored_bytes=stored.stored_bytes,
            files=stored.files,
            journal_head=head,
            unreadable=stored.unreadable,
            duration_s=round(duration_s, 3),
        )

    def _found(self, run: Run, snapshot: Snapshot) -> SnapshotTaken:
        return SnapshotTaken(
            snapshot=snapshot.id,
            repository=_identity(run),
            size_bytes=snapshot.size_bytes or 0,
            added_bytes=snapshot.added_bytes or 0,
            stored_bytes=snapshot.stored_bytes or 0,
            files=snapshot.files or 0,
            journal_head=snapshot.tag("head") or "",
        )


def slot_of(run: Run) -> str:
    """What a restore point's time is: the slot, or the moment of the request for a run by hand."""
    return run.requested.slot or str(run.requested.options["requested_at"])


def time_of(run: Run) -> datetime:
    """`slot_of` as an instant."""
    return datetime.fromisoformat(slot_of(run))


def _identity(run: Run) -> str:
    passed = run.find(PreflightPassed)
    return passed.repository if passed else ""


def _read_me(run: Run) -> str:
    return f"""This snapshot was made by axej (run {run.id}, customer {run.requested.customer}, {slot_of(run)}).
It can be restored without axej:

  restic -r REPOSITORY snapshots --tag run={run.id}
  restic -r REPOSITORY restore SNAPSHOT --target NEW_FOLDER

Each database lies in a folder of its own, made by pg_dump in directory format:

  psql -d postgres -f NEW_FOLDER/.../SOURCE/roles.sql
  createdb DATABASE
  pg_restore --exit-on-error -j 4 -d DATABASE NEW_FOLDER/.../SOURCE/dump

A folder with volume.tar holds a stopped server's data directory instead, SOURCE.physical a copy of a running server;
README.txt in it says how a server is started on it. axej/journal.sqlite is the journal.
"""
