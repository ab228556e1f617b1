"""The rehearsed restore, from every tier, into scratch servers: `restore.drill`. Evidence, not a promise.

One run goes through the tiers in a round each: choose, prepare (scratch servers and files), load, compare, check, measure,
clear. After the first tier the others are drilled for what failed in it, or for all when all tiers are asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from axejournal.domain import machine
from axejournal.domain.errors import AxejError
from axejournal.domain.events import Fact
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.drill import (
    ComparisonsFinished,
    DrillPoint,
    LoadsFinished,
    PointsChosen,
    ScratchCompared,
    ScratchesReady,
    ScratchFetched,
    ScratchLoaded,
    ScratchReady,
    SourceDrilled,
    TierDrilled,
)
from axejournal.domain.facts.restore import ChecksFinished
from axejournal.domain.job import Job, Resource, Stage, Step
from axejournal.domain.run import Run
from axejournal.jobs.drill_end import ending, leave_tier, measured, wanted_next
from axejournal.jobs.drill_plan import DrillKit, Round, drill_kit
from axejournal.jobs.steps.choose_points import ChoosePoints
from axejournal.jobs.steps.drill_check import CheckSource, ExportSource
from axejournal.jobs.steps.drill_compare import CompareSource
from axejournal.jobs.steps.drill_restore import FetchSource, LoadSource, StartScratch
from axejournal.jobs.steps.drill_verdict import ClearScratch, JudgeSource, MissSource, ProvePoint, changes_proof

NAME = "restore.drill"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "choosing"),
        ("choosing", "PointsChosen", "preparing"),
        ("preparing", "ScratchReady", "preparing"),
        ("preparing", "ScratchFetched", "preparing"),
        ("preparing", "ScratchesReady", "restoring"),
        ("restoring", "ScratchLoaded", "restoring"),
        ("restoring", "LoadsFinished", "comparing"),
        ("comparing", "ScratchCompared", "comparing"),
        ("comparing", "ComparisonsFinished", "checking"),
        ("checking", "ScratchChecked", "checking"),
        ("checking", "ChecksFinished", "measuring"),
        ("measuring", "SourceDrilled", "measuring"),
        ("measuring", "ProofRaised", "measuring"),
        ("measuring", "ProofLost", "measuring"),
        ("measuring", "TierDrilled", "cleaning"),
        ("cleaning", "ScratchCleared", "cleaning"),
        ("cleaning", "TierLeft", "choosing"),
        ("cleaning", "DrillMeasured", "reporting"),
        ("reporting", "RunSucceeded", "succeeded"),
        ("reporting", "RunDegraded", "degraded"),
    ),
    final=("succeeded", "degraded"),
)


def present(run: Run) -> Round:
    """The tier that is being drilled."""
    chosen = run.all(PointsChosen)
    return Round(len(chosen), chosen[-1].tier, chosen[-1].points, run)


def _choosing(run: Run, kit: DrillKit) -> Sequence[Step]:
    tier, sources = wanted_next(run)
    return (ChoosePoints(kit, tier, sources),)


def _preparing(run: Run, kit: DrillKit) -> Sequence[Step]:
    """Servers and fetches by turns: the first server's cluster, which the others wait for, is made beside a fetch."""
    now = present(run)
    steps: list[Step] = []
    for point in now.points:
        steps += [StartScratch(kit, now, point)] if point.kind == "postgres" else []
        steps.append(FetchSource(kit, now, point))
    return steps


def _restoring(run: Run, kit: DrillKit) -> Sequence[Step]:
    now = present(run)
    fit = (point for point in _databases(now) if now.fact(ScratchReady, "scratch", point) and _came_back(now, point))
    return tuple(LoadSource(kit, now, point) for point in fit)


def _comparing(run: Run, kit: DrillKit) -> Sequence[Step]:
    now = present(run)
    ready = (
        point
        for point in now.points
        if (now.fact(ScratchLoaded, "load", point) if point.kind == "postgres" else _came_back(now, point))
    )
    return tuple(CompareSource(kit, now, point) for point in ready)


def _checking(run: Run, kit: DrillKit) -> Sequence[Step]:
    now = present(run)
    steps: list[Step] = []
    for point in _databases(now):
        if now.fact(ScratchCompared, "compare", point) is None:
            continue
        drill = kit.database(point).drill
        steps += [CheckSource(kit, now, point, number) for number in range(1, len(drill.checks) + 1)]
        steps += [ExportSource(kit, now, point)] if drill.export else []
    return steps


def _measuring(run: Run, kit: DrillKit) -> Sequence[Step]:
    """Verdicts first; then what they mean for the restore points."""
    now, chosen = present(run), run.all(PointsChosen)[-1]
    kinds = {name: source.kind for name, source in kit.config.sources.items()}
    misses = [MissSource(now.tier, source, kinds.get(source, ""), why) for source, why in chosen.missing.items()]
    judged = [fact for fact in run.all(SourceDrilled) if fact.tier == now.tier]
    proofs = [ProvePoint(fact) for fact in judged if changes_proof(fact)]
    return (*(JudgeSource(kit, now, point) for point in now.points), *misses, *proofs)


def _databases(now: Round) -> Sequence[DrillPoint]:
    return [point for point in now.points if point.kind == "postgres"]


def _came_back(now: Round, point: DrillPoint) -> bool:
    fetched = now.fact(ScratchFetched, "fetch", point)
    return fetched is not None and not fetched.damaged


def _measured(run: Run) -> TierDrilled:
    return measured(run, present(run))


def _leave_tier(run: Run) -> Fact:
    return leave_tier(run)


def tidy(run: Run, kit: DrillKit) -> None:
    """What can't be ended now is ended by a later run."""
    with contextlib.suppress(AxejError, OSError):
        kit.scratch.down(run.id)


def at_once(run: Run) -> int:
    """How many sources side by side."""
    return int(run.requested.options["at_once"])


JOB: Job[DrillKit] = Job(
    name=NAME,
    title="bring every source back from every tier into a scratch server, compare it, check it, measure it",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "choosing": Stage(steps=_choosing),
        "preparing": Stage(steps=_preparing, leave=lambda run: ScratchesReady(), at_once=lambda run: 2 * at_once(run)),
        "restoring": Stage(steps=_restoring, leave=lambda run: LoadsFinished(), at_once=at_once),
        "comparing": Stage(steps=_comparing, leave=lambda run: ComparisonsFinished(), at_once=at_once),
        "checking": Stage(steps=_checking, leave=lambda run: ChecksFinished(), at_once=at_once),
        "measuring": Stage(steps=_measuring, leave=_measured),
        "cleaning": Stage(steps=lambda run, kit: (ClearScratch(kit, present(run).tier),), leave=_leave_tier),
        "reporting": Stage(steps=lambda run, kit: (), leave=ending),
    },
    resources=lambda run: (Resource(f"drill:{run.requested.customer}"),),
    kit=drill_kit,
    tidy=tidy,
)
