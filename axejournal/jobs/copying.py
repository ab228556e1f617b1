"""What jobs that copy the local repository's snapshots into another tier share: the plan, the hands, the stages' parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axejournal.domain.events import Fact, RunDegraded, RunSucceeded
from axejournal.domain.facts import SnapshotCopied
from axejournal.domain.facts.copy import CopiesChosen, CopiesFinished
from axejournal.domain.job import Step
from axejournal.domain.policy import Keep
from axejournal.domain.ports import Clock, Disk, EventStore, Memory, Repository, RepositoryLock
from axejournal.domain.run import Run
from axejournal.jobs.plan import Hands
from axejournal.jobs.steps.choose_copies import ChooseCopies
from axejournal.jobs.steps.copy_snapshot import CopySnapshot

if TYPE_CHECKING:
    from axejournal.config.models import Config

SOURCE = "local"
"""The tier that all others copy from."""


@dataclass(frozen=True)
class CopyPlan:
    """One copying into one tier."""

    customer: str
    tier: str
    keep: Keep
    prune_days: int | None = None
    init: str = "axej init"  # the command that makes its repository


@dataclass(frozen=True)
class CopyKit:
    """The hands of a run that copies: from `source`, the local repository, into `repository`, the tier's."""

    plan: CopyPlan
    source: Repository
    repository: Repository
    memory: Memory
    store: EventStore
    disk: Disk
    clock: Clock
    is_dead_lock: Callable[[RepositoryLock], bool]
    restic_version: Callable[[], str]


def copy_options(tier: str, effective: Mapping[str, Any], requested_at: str) -> dict[str, Any]:
    """What a run that copies records of what was asked for."""
    return {"requested_at": requested_at, "tier": tier, "config": dict(effective)}


def copy_plan(config: Config, tier: str) -> CopyPlan:
    """The plan of a run, by the configuration that it recorded."""
    retention = config.tiers[tier].retention
    keep = Keep(**{name: getattr(retention, name) for name in ("last", "daily", "weekly", "monthly", "yearly")})
    init = f"axej {config.tiers[tier].kind} init {tier}"
    return CopyPlan(config.customer, tier, keep, retention.prune_days, init)


def copy_kit(hands: Hands, run: Run) -> CopyKit:
    """The hands of a run, by the configuration that it recorded."""
    from axejournal.config.effective import restore

    config = restore(run.requested.options["config"])
    tier = str(run.requested.options["tier"])
    recorded = hands.memory.repository_id(tier)  # what an earlier repository of this tier held is not missing in this one
    return CopyKit(
        plan=copy_plan(config, tier),
        source=hands.repository(SOURCE, config),
        repository=hands.repository(tier, config),
        memory=hands.memory.of(recorded) if recorded else hands.memory,
        store=hands.store,
        disk=hands.disk,
        clock=hands.clock,
        is_dead_lock=hands.is_dead_lock,
        restic_version=hands.restic_version,
    )


def choosing(run: Run, kit: CopyKit) -> Sequence[Step]:
    """The step that looks which snapshots the tier lacks."""
    return (ChooseCopies(kit),)


def copying(run: Run, kit: CopyKit) -> Sequence[Step]:
    """One step a snapshot, oldest first: a damaged pack stops one snapshot, not the tier."""
    chosen = run.find(CopiesChosen)
    return tuple(CopySnapshot(kit, snapshot) for snapshot in (chosen.wanted if chosen else ()))


def finish(run: Run) -> Fact:
    """When each snapshot is settled."""
    copied = tuple(fact.original for fact in run.all(SnapshotCopied))
    chosen = run.find(CopiesChosen)
    return CopiesFinished(copied, tuple(one for one in (chosen.wanted if chosen else ()) if one not in copied))


def end(reasons: Sequence[str]) -> Fact:
    """How a run ends that could do its work, with these reasons against a plain success."""
    return RunDegraded(tuple(reasons)) if reasons else RunSucceeded()


def given_up(run: Run) -> tuple[str, ...]:
    """A sentence for each step that could not be done."""
    return tuple(f"{step.name} failed: {step.last_failure.message if step.last_failure else ''}" for step in run.given_up)
