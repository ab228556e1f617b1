"""What a backup would do: for `--dry-run`. Looks, and touches nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import AxejError
from axejournal.domain.job import Job
from axejournal.domain.machine import CANCELLED, FAILED
from axejournal.jobs.plan import BackupKit, DatabasePlan, FilesPlan
from axejournal.jobs.steps.copy_server import is_due
from axejournal.jobs.steps.preflight import Preflight


@dataclass(frozen=True)
class Line:
    """One source: what is taken, how big it is about now, and whether it answers."""

    source: str
    kind: str
    what: str
    size_bytes: int | None
    state: str


@dataclass(frozen=True)
class Preview:
    """The whole plan of a run that is not made."""

    customer: str
    tier: str
    repository: str
    lines: tuple[Line, ...]
    steps: tuple[str, ...]
    staging: Path
    free_bytes: int
    needed_bytes: int
    warnings: tuple[str, ...]


def preview(job: Job[BackupKit], kit: BackupKit) -> Preview:
    """Asks each source and the repository; what doesn't answer is said in its line. Raises nothing for that."""
    lines = (*(_database(kit, plan) for plan in kit.plan.databases), *(_files(plan) for plan in kit.plan.files))
    look = Preflight(kit)
    needed = look.needed_bytes({plan.name: look.look(plan) for plan in kit.plan.databases})
    warnings = [f"source {name} is left out" for name in kit.plan.left_out]
    try:
        look.compare(kit.repository.identity())
    except AxejError as failure:
        warnings.append(f"{failure.message} ({failure.hint})")
    states = tuple(state for state in job.machine.states if state not in (FAILED, CANCELLED, "degraded"))
    return Preview(
        customer=kit.plan.customer,
        tier=kit.plan.tier,
        repository=kit.repository.place,
        lines=lines,
        steps=states,
        staging=kit.plan.staging,
        free_bytes=kit.disk.free_bytes(kit.plan.staging),
        needed_bytes=needed,
        warnings=tuple(warnings),
    )


def _database(kit: BackupKit, plan: DatabasePlan) -> Line:
    try:
        server = kit.server(plan.name)
        facts, size = server.facts(), server.database_size_bytes(plan.database)
    except AxejError as failure:
        return Line(plan.name, "postgres", plan.database, None, failure.message)
    more = ", a physical copy is due" if is_due(kit, plan, kit.clock.now()) else ""
    return Line(plan.name, "postgres", plan.database, size, f"ready (PostgreSQL {facts.version}){more}")


def _files(plan: FilesPlan) -> Line:
    if not plan.path.is_dir():
        return Line(plan.name, "files", str(plan.path), None, "the folder is not there")
    count, size = 0, 0
    for folder, _, names in os.walk(plan.path):
        for name in names:
            count += 1
            size += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 (a Path for each of a million files is slow)
    return Line(plan.name, "files", str(plan.path), size, f"ready ({count} files before excludes)")
