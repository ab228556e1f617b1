"""Looks into the snapshot: is every source in it, whole? Only what is found here becomes a restore point."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from axejournal.domain.errors import SnapshotIncomplete
from axejournal.domain.facts import (
    DatabaseDumped,
    PhysicalCopied,
    PhysicalHeld,
    PointMade,
    SnapshotTaken,
    SnapshotVerified,
    VolumeStaged,
)
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.patterns import compiled
from axejournal.domain.ports import Node
from axejournal.domain.run import Run
from axejournal.jobs.plan import BackupKit, FilesPlan
from axejournal.jobs.steps.copy_server import BASE
from axejournal.jobs.steps.dump_database import DATA
from axejournal.jobs.steps.staging import MANIFEST
from axejournal.jobs.steps.take_snapshot import time_of

SMALL_BYTES = 1024 * 1024
"""Below this a source may shrink as it likes without a warning."""


@dataclass
class Tally:
    """What the listing shows of one source."""

    roots: tuple[str, ...]
    files: int = 0
    size_bytes: int = 0
    sizes: dict[str, int] = field(default_factory=dict)  # of dumps and physical copies only: path -> bytes
    matched: dict[str, int] = field(default_factory=dict)  # required pattern -> files


@dataclass(frozen=True)
class VerifySnapshot:
    """Reads the snapshot's listing once, streamed, and compares it with the run's facts."""

    kit: BackupKit
    name: str = "verify"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> SnapshotVerified | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> SnapshotVerified:
        """Raises SnapshotIncomplete when no source at all is whole in it."""
        taken = attempt.run.find(SnapshotTaken)
        assert taken is not None
        dumps, files = self._dumps(attempt.run), self.kit.plan.files
        tallies = {name: Tally((fact.directory,)) for name, fact in dumps.items()}
        tallies |= {plan.name: Tally((str(plan.path),)) for plan in files}
        copies = attempt.run.all(PhysicalCopied)
        tallies |= {copy.directory: Tally((copy.directory,)) for copy in copies}  # no source's name has a slash
        in_detail = {*dumps, *(copy.directory for copy in copies)}
        self._count(taken.snapshot, tallies, {plan.name: plan for plan in files}, in_detail)
        missing, points, warnings = [], [], list(taken.unreadable)
        for name, fact in dumps.items():
            faults = _faults_of_dump(fact, tallies[name])
            if faults:
                missing.append(f"{name}: {faults[0]}")
            else:
                points.append(_point(name, "postgres" if isinstance(fact, DatabaseDumped) else "volume", tallies[name]))
        for plan in files:
            faults = _faults_of_files(plan, tallies[plan.name])
            if tallies[plan.name].files:
                points.append(_point(plan.name, "files", tallies[plan.name]))
            (warnings if tallies[plan.name].files else missing).extend(f"{plan.name}: {fault}" for fault in faults)
        whole = tuple(copy for copy in copies if not _faults_of_copy(copy, tallies[copy.directory]))
        missing += [f"{copy.source}: {_faults_of_copy(copy, tallies[copy.directory])}" for copy in copies if copy not in whole]
        warnings += [warning for point in points for warning in self._shrunk(point)]
        if not points:
            raise SnapshotIncomplete(
                f"snapshot {taken.snapshot[:8]} holds no source whole: {'; '.join(missing)}",
                "Look at the exclude files and at the sources' paths, then start the backup again.",
            )
        return SnapshotVerified(
            snapshot=taken.snapshot,
            repository=taken.repository,
            tier=self.kit.plan.tier,
            taken_at=time_of(attempt.run).isoformat(),
            points=tuple(points),
            warnings=tuple(warnings),
            missing=tuple(missing),
            physical=tuple(PhysicalHeld(copy.source, copy.directory, copy.size_bytes) for copy in whole),
        )

    def _dumps(self, run: Run) -> dict[str, DatabaseDumped | VolumeStaged]:
        dumped = {fact.source: fact for fact in run.all(DatabaseDumped)}
        return {**dumped, **{fact.source: fact for fact in run.all(VolumeStaged)}}

    def _count(self, snapshot: str, tallies: dict[str, Tally], files: dict[str, FilesPlan], in_detail: set[str]) -> None:
        roots = [(PurePosixPath(root), name) for name, tally in tallies.items() for root in tally.roots]
        for node in self.kit.repository.listing(snapshot):
            if node.kind != "file":
                continue
            for root, name in roots:
                if node.path.startswith(f"{root}/") or node.path == str(root):
                    _take(tallies[name], node, root, files.get(name), name in in_detail)

    def _shrunk(self, point: PointMade) -> Iterable[str]:
        last = self.kit.memory.last_point(point.source, self.kit.plan.tier)
        if last is None or last.size_bytes < SMALL_BYTES:
            return
        lost = 100 - 100 * point.size_bytes // last.size_bytes
        if lost >= self.kit.plan.shrink_alarm_percent:
            yield (
                f"{point.source}: {point.size_bytes:,} bytes, {lost} % less than the last restore point "
                f"({last.size_bytes:,}); was something deleted?"
            )


def _take(tally: Tally, node: Node, root: PurePosixPath, plan: FilesPlan | None, in_detail: bool) -> None:
    tally.files += 1
    tally.size_bytes += node.size_bytes
    if in_detail:
        tally.sizes[node.path] = node.size_bytes
    if plan is not None:
        relative = node.path[len(str(root)) :].lstrip("/")
        for pattern, _ in plan.require:
            if compiled(pattern).fullmatch(relative):
                tally.matched[pattern] = tally.matched.get(pattern, 0) + 1


def _point(name: str, kind: str, tally: Tally) -> PointMade:
    return PointMade(name, kind, tally.roots, tally.size_bytes, tally.files)


def _faults_of_dump(fact: DatabaseDumped | VolumeStaged, tally: Tally) -> list[str]:
    folder = Path(fact.directory)
    if str(folder / MANIFEST) not in tally.sizes:
        return [f"{folder} is not in the snapshot (do the exclude files hide it?)"]
    if isinstance(fact, VolumeStaged):
        return [] if tally.size_bytes else ["its volume is empty in the snapshot"]
    faults = [] if str(folder / DATA / "toc.dat") in tally.sizes else ["its table of contents is not in the snapshot"]
    for table in fact.tables:
        if table.file is None:
            continue
        found = tally.sizes.get(str(folder / DATA / table.file))
        if found != table.size_bytes:
            faults.append(f"table {table.schema}.{table.name} has {found} bytes in the snapshot, not {table.size_bytes}")
    return faults


def _faults_of_copy(copy: PhysicalCopied, tally: Tally) -> str:
    """Empty when the copy is whole in the snapshot."""
    folder = Path(copy.directory)
    if not {str(folder / BASE), str(folder / MANIFEST)} <= set(tally.sizes):
        return f"its physical copy {folder} is not in the snapshot (do the exclude files hide it?)"
    found = tally.size_bytes - tally.sizes[str(folder / MANIFEST)]
    return "" if found == copy.size_bytes else f"its physical copy has {found} bytes in the snapshot, not {copy.size_bytes}"


def _faults_of_files(plan: FilesPlan, tally: Tally) -> list[str]:
    if not tally.files:
        return [f"no file of {plan.path} is in the snapshot (do the exclude files hide it?)"]
    return [
        f"only {tally.matched.get(pattern, 0)} files match {pattern}, {at_least} are required (do the exclude files hide them?)"
        for pattern, at_least in plan.require
        if tally.matched.get(pattern, 0) < at_least
    ]
