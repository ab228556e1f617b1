"""Reads a tier's repository, a part of its data at a time: `repository.check`. What is damaged is named, with the restore
points that it hits."""

from __future__ import annotations

from collections.abc import Sequence

from axejournal.domain import machine
from axejournal.domain.events import Fact, RunFailed, RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.check import DamageLocated, DataRead
from axejournal.domain.job import Job, Resource, Stage, Step
from axejournal.domain.run import Run
from axejournal.jobs.checking import CheckKit, check_kit
from axejournal.jobs.steps.locate_damage import LocateDamage, Suspect
from axejournal.jobs.steps.read_data import ProvePoints, ReadData

NAME = "repository.check"
SHOWN = 8

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "reading"),
        ("reading", "DataRead", "locating"),
        ("locating", "DamageLocated", "locating"),
        ("locating", "ProofLost", "locating"),
        ("locating", "PointsChecked", "ending"),
        ("ending", "RunSucceeded", "succeeded"),
    ),
    final=("succeeded",),
)


def _locating(run: Run, kit: CheckKit) -> Sequence[Step]:
    """Nothing to locate: what was read proves something. Else the damage first, then each point that it hits."""
    read, located = run.find(DataRead), run.find(DamageLocated)
    assert read is not None
    if not read.faults:
        return (ProvePoints(kit),)
    if located is None:
        return (LocateDamage(kit),)
    return (*(Suspect(kit, number) for number in range(1, len(located.points) + 1)), ProvePoints(kit))


def _end(run: Run) -> Fact:
    read, located = run.find(DataRead), run.find(DamageLocated)
    assert read is not None
    if not read.faults:
        return RunSucceeded()
    what = "; ".join(read.faults[:2])
    hit = hit_text(located) if located else ""
    return RunFailed(
        "RepositoryDamaged",
        f"repository {read.tier} is damaged: {hit}{what[:500]}",
        f"{_remedy(read, located)}Restore what you need from another tier meanwhile.",
        1,
        "repository-damaged",
    )


def hit_text(located: DamageLocated) -> str:
    """`frame: 3 restore points, the newest 2026-05-20T03:00+09:00; …; `: what is hit, source by source."""
    sources: dict[str, list[str]] = {}
    for point in located.points:
        sources.setdefault(point.source, []).append(point.time)
    parts = [
        f"{source}: {len(times)} restore point{'s' if len(times) > 1 else ''}, the newest {max(times)}"
        for source, times in sources.items()
    ]
    more = f" and {len(parts) - SHOWN} more sources" if len(parts) > SHOWN else ""
    return "; ".join(parts[:SHOWN]) + more + "; " if parts else "no restore point is hit; "


def _remedy(read: DataRead, located: DamageLocated | None) -> str:
    if located is None or not located.packs:
        return "Follow the runbook. "
    return f'"restic repair packs {" ".join(pack[:8] for pack in located.packs[:3])}" saves what can be saved. '


JOB: Job[CheckKit] = Job(
    name=NAME,
    title="read a part of a tier's repository, and say what damage hits",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "reading": Stage(steps=lambda run, kit: (ReadData(kit),)),
        "locating": Stage(steps=_locating),
        "ending": Stage(steps=lambda run, kit: (), leave=_end),
    },
    resources=lambda run: (Resource(f"repository:{run.requested.options['tier']}"),),
    kit=check_kit,
    tidy=lambda run, kit: None,
)
