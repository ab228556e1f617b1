"""Looks before anything is touched, and clears away what earlier restores of the same source left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from axejournal.domain.errors import AxejError, DiskFull, RepositoryForeign, SourceRefused
from axejournal.domain.facts import DatabaseDumped
from axejournal.domain.facts.restore import DatabasePlaced, RestorePrepared
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.ports.restore import LiveDatabase, ServerLook
from axejournal.domain.run import Run, fold
from axejournal.jobs.restore_plan import RestoreKit, beside
from axejournal.jobs.steps.fetch_dump import truth_of
from axejournal.jobs.steps.swap_database import check_into

SPARE_BYTES = 64 * 1024 * 1024
DATABASE_PER_DUMP_BYTE = 1.6
"""A loaded database against its dump (indexes and row headers; bytea is twice as large in the dump): 1.3 at most, measured."""


@dataclass(frozen=True)
class PrepareRestore:
    """Touches nothing but what earlier runs of axej left."""

    kit: RestoreKit
    name: str = "prepare"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> RestorePrepared | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> RestorePrepared:
        """Raises ProgramMissing, RepositoryForeign, SourceRefused, DiskFull, SourceUnreachable."""
        kit, plan = self.kit, self.kit.plan
        version = kit.restic_version()
        check_repository(kit)
        look = kit.database.look()
        live = kit.database.live(plan.target)
        for fault in faults(kit, look, live):
            raise fault
        check_into(kit.database, plan.into, plan.place)
        swept = tuple(sweep(kit, look))
        return RestorePrepared(
            restic=version,
            repository=plan.point.repository,
            snapshot=plan.point.snapshot,
            free_bytes=kit.disk.free_bytes(plan.folder),
            needed_bytes=plan.point.size_bytes + SPARE_BYTES,
            replaces=live is not None and plan.into is None,
            replaced_bytes=live.size_bytes if live else None,
            server_version=look.facts.version,
            system_identifier=look.facts.system_identifier,
            swept=swept,
        )


def check_repository(kit: RestoreKit) -> None:
    """Raises RepositoryForeign when it is not the one that holds the restore point."""
    identity = kit.repository.identity(known=True)
    if identity != kit.plan.point.repository:
        raise RepositoryForeign(
            f"repository {kit.plan.tier} at {kit.repository.place} has the id {identity[:8]}; the restore point is in "
            f"{kit.plan.point.repository[:8]}",
            "Put the right repository back in its place.",
        )


def faults(kit: RestoreKit, look: ServerLook, live: LiveDatabase | None) -> Iterator[AxejError]:
    """Why this server can't take this restore, by what the journal knows of the dump."""
    plan = kit.plan
    yield from full(kit, look)
    try:
        dumped = truth_of(kit)
    except (OSError, ValueError, KeyError, TypeError):
        return  # the manifest is not fetched yet: what does not fit is found when it is loaded
    major = int(dumped.server_version.split(".")[0])
    if look.facts.major < major:
        yield SourceRefused(
            f"server at {plan.place} is PostgreSQL {look.facts.major}, the dump is of {major}",
            f"Restore into a server of PostgreSQL {major} or newer.",
        )
    missing = [one for one in dumped.extensions if one.split()[0] not in look.extensions]
    if missing:
        yield SourceRefused(
            f"server at {plan.place} has no extension {', '.join(missing)}, which {plan.source} needs",
            "Install the extension's package where the server runs, then restore again.",
        )
    if live is not None and live.prepared_transactions and plan.into is None:
        yield SourceRefused(
            f"database {live.name} holds {live.prepared_transactions} prepared transactions: it can't be renamed",
            "End them first: COMMIT PREPARED or ROLLBACK PREPARED (pg_prepared_xacts lists them).",
        )


def full(kit: RestoreKit, look: ServerLook | None) -> Iterator[AxejError]:
    """Disks that are too small: for the fetched files, and for the second database where the server is on this machine."""
    plan = kit.plan
    needed = plan.point.size_bytes + SPARE_BYTES
    free = kit.disk.free_bytes(plan.folder)
    if free < needed:
        yield too_small(plan.folder, free, needed)
    if look is None or look.data_folder is None:
        return
    more = int(plan.point.size_bytes * DATABASE_PER_DUMP_BYTE)
    free = kit.disk.free_bytes(look.data_folder)
    if free < more:
        yield too_small(look.data_folder, free, more)


def too_small(where: Path, free: int, needed: int) -> DiskFull:
    """The error of a disk without room."""
    return DiskFull(
        f"{where}: {free:,} bytes are free and the restore may need {needed:,}", "Free some space there, then restore again."
    )


def sweep(kit: RestoreKit, look: ServerLook) -> Iterator[str]:
    """Drops what is this source's and nobody's any more: half loaded databases of runs that have ended, and replaced
    ones that were kept long enough. Only names that runs in the journal gave."""
    plan, open_runs = kit.plan, set(kit.store.open_runs())
    for name in look.databases:
        run = name.rpartition("_")[2]
        if run in open_runs or run == plan.run:
            continue
        if name in (beside(plan.database, "restoring", run), beside(plan.database, "restored", run)):
            known = bool(kit.store.stream(run))
        elif name == beside(plan.database, "before", run):
            until = kept_until(kit, run, name)
            known = until is not None and until < kit.clock.now()
        else:
            continue
        if known:
            kit.database.drop(name)
            yield f"database {name}"


def kept_until(kit: RestoreKit, run: str, name: str) -> datetime | None:
    """Until when a replaced database is kept, by the run that replaced it; None when the journal does not know it."""
    found = fold(kit.store.stream(run), kit.store.fact)
    placed = found.find(DatabasePlaced) if found else None
    if placed is None or placed.kept != name or placed.kept_until is None:
        return None
    return datetime.fromisoformat(placed.kept_until)


def described(dumped: DatabaseDumped) -> str:
    """For a plan."""
    return f"PostgreSQL {dumped.server_version}, {len(dumped.tables)} tables, {sum(t.rows for t in dumped.tables):,} rows"
