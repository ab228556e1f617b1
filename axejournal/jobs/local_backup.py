"""The nightly backup into the local repository (Tier A): `backup.local`."""

from __future__ import annotations

from collections.abc import Sequence

from axejournal.domain import machine
from axejournal.domain.events import Fact, RunDegraded, RunFailed, RunSucceeded
from axejournal.domain.facts import (
    DatabaseDumped,
    DumpsFinished,
    RunStarted,
    SnapshotVerified,
    VolumeStaged,
)
from axejournal.domain.job import Job, Resource, Stage, Step
from axejournal.domain.run import Run
from axejournal.jobs.plan import BackupKit, Hands
from axejournal.jobs.steps.clear_staging import ClearStaging, clear
from axejournal.jobs.steps.copy_server import CopyServer, is_due
from axejournal.jobs.steps.dump_database import DumpDatabase
from axejournal.jobs.steps.forget_snapshots import ForgetSnapshots
from axejournal.jobs.steps.preflight import Preflight
from axejournal.jobs.steps.take_snapshot import TakeSnapshot, time_of
from axejournal.jobs.steps.verify_snapshot import VerifySnapshot

NAME = "backup.local"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "preflight"),
        ("preflight", "PreflightPassed", "dumping"),
        ("dumping", "DatabaseDumped", "dumping"),
        ("dumping", "VolumeStaged", "dumping"),
        ("dumping", "PhysicalCopied", "dumping"),
        ("dumping", "DumpsFinished", "snapshotting"),
        ("snapshotting", "SnapshotTaken", "verifying"),
        ("verifying", "SnapshotVerified", "retaining"),
        ("retaining", "SnapshotsForgotten", "retaining"),
        ("retaining", "StagingCleared", "retaining"),
        ("retaining", "RunSucceeded", "succeeded"),
        ("retaining", "RunDegraded", "degraded"),
    ),
    final=("succeeded", "degraded"),
)


def _dumps(run: Run, kit: BackupKit) -> Sequence[Step]:
    moment = time_of(run)  # the run's own time, so that a resume finds the same steps
    copies = (CopyServer(kit, plan) for plan in kit.plan.databases if is_due(kit, plan, moment))
    return (*(DumpDatabase(kit, plan) for plan in kit.plan.databases), *copies)


def _finish_dumps(run: Run) -> Fact:
    dumped = (*(fact.source for fact in run.all(DatabaseDumped)), *(fact.source for fact in run.all(VolumeStaged)))
    missing = tuple(step.name.removeprefix("dump:") for step in run.given_up if step.name.startswith("dump:"))
    nothing_else = not run.requested.options.get("files")
    if missing and not dumped and nothing_else:
        first = run.steps[f"dump:{missing[0]}"].last_failure
        why = f"{first.message}" if first else "see its steps"
        return RunFailed(
            "DumpFailed", f"none of {len(missing)} sources could be dumped; {missing[0]}: {why}", first.hint if first else ""
        )
    return DumpsFinished(dumped, missing)


def _end(run: Run) -> Fact:
    reasons = tuple(reasons_against(run))
    return RunDegraded(reasons) if reasons else RunSucceeded()


def reasons_against(run: Run) -> Sequence[str]:
    """Why a run is no plain success, each as a sentence; empty when it is one."""
    verified = run.find(SnapshotVerified)
    given_up = [f"{step.name} failed: {step.last_failure.message if step.last_failure else ''}" for step in run.given_up]
    volumes = [
        f"{fact.source}: its server was down, its volume {fact.volume} was backed up instead" for fact in run.all(VolumeStaged)
    ]
    looked = [*verified.missing, *verified.warnings] if verified else []
    left_out = [
        f"{name} is the only copy of its data and was left out of this run"
        for name in run.requested.options.get("left_out_only_copies", ())
    ]
    return [*given_up, *volumes, *looked, *left_out]


def _tidy(run: Run, kit: BackupKit) -> None:
    clear(kit.plan.staging)


def _kit(hands: Hands, run: Run) -> BackupKit:
    from axejournal.config.effective import restore
    from axejournal.jobs.planning import backup_plan

    config = restore(run.requested.options["config"])
    plan = backup_plan(config, run.requested.options, hands.state)
    return BackupKit(
        plan=plan,
        repository=hands.repository(plan.tier, config),
        server=lambda source: hands.server(source, run.id, config),
        is_dead_lock=hands.is_dead_lock,
        memory=hands.memory,
        store=hands.store,
        disk=hands.disk,
        clock=hands.clock,
        restic_version=hands.restic_version,
    )


JOB: Job[BackupKit] = Job(
    name=NAME,
    title="nightly backup of databases and files into the local repository",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "preflight": Stage(steps=lambda run, kit: (Preflight(kit),)),
        "dumping": Stage(steps=_dumps, leave=_finish_dumps, at_once=lambda run: int(run.requested.options["at_once"])),
        "snapshotting": Stage(steps=lambda run, kit: (TakeSnapshot(kit),)),
        "verifying": Stage(steps=lambda run, kit: (VerifySnapshot(kit),)),
        "retaining": Stage(steps=lambda run, kit: (ForgetSnapshots(kit), ClearStaging(kit.plan.staging)), leave=_end),
    },
    resources=lambda run: (Resource(f"backup.local:{run.requested.customer}"), Resource("staging"), Resource("repository:local")),
    kit=_kit,
    tidy=_tidy,
)
