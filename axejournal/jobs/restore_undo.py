"""Takes a restore back: `restore.undo`. What it had replaced gets its place again, and what was restored is kept in turn, so
that an undo can be undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axejournal.domain import machine
from axejournal.domain.errors import RestorePointMissing, UsageFault
from axejournal.domain.events import Fact, RunDegraded, RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.restore import (
    DatabasePlaced,
    FilesPlaced,
    ServicesRestarted,
)
from axejournal.domain.job import Job, Resource, Stage, Step
from axejournal.domain.run import Run
from axejournal.jobs.restore_plan import RestoreKit, restore_kit
from axejournal.jobs.steps.run_command import RunCommand
from axejournal.jobs.steps.swap_back import PrepareUndo, SwapBack

NAME = "restore.undo"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "preparing"),
        ("preparing", "UndoPrepared", "swapping"),
        ("swapping", "DatabasePlaced", "restarting"),
        ("swapping", "FilesPlaced", "restarting"),
        ("restarting", "CommandRan", "restarting"),
        ("restarting", "ServicesRestarted", "ending"),
        ("ending", "RunSucceeded", "succeeded"),
        ("ending", "RunDegraded", "degraded"),
    ),
    final=("succeeded", "degraded"),
)


def undo_options(undone: Run, config: Mapping[str, Any], requested_at: str) -> dict[str, Any]:
    """What an undo records. `config`: the present one. Raises UsageFault for a run that swapped nothing in."""
    options = undone.requested.options
    placed: DatabasePlaced | FilesPlaced | None = undone.find(DatabasePlaced) or undone.find(FilesPlaced)
    if "source" not in options or "point" not in options:
        raise UsageFault(f"run {undone.id} is no restore", '"axej history" lists the runs there are.')
    if undone.requested.job == "restore.volume":
        hint = "Remove what it made by hand when nobody needs it."
        raise UsageFault(f"run {undone.id} unpacked a data directory beside: it replaced nothing", hint)
    if options.get("into"):
        hint = f"Drop {options['into']} by hand when nobody needs it."
        raise UsageFault(f"run {undone.id} restored beside, into {options['into']}: it replaced nothing", hint)
    if placed is not None and placed.kept is None:
        what = placed.database if isinstance(placed, DatabasePlaced) else placed.path
        raise RestorePointMissing(
            f"run {undone.id} replaced nothing: there was no {what} before it", f"Drop {what} by hand when nobody needs it."
        )
    kept: dict[str, Any] = {"undone": undone.id, "queue": [], "into": None, "requested_at": requested_at, "config": dict(config)}
    until = placed.kept_until if placed is not None else None
    return {**options, **kept, "kept": placed.kept if placed is not None else None, "kept_until": until}


def _steps(run: Run, kit: RestoreKit) -> tuple[Step, ...]:
    return (SwapBack(kit),)


def _restarted(run: Run) -> Fact:
    return ServicesRestarted(tuple(step.name for step in run.given_up))


def _end(run: Run) -> Fact:
    reasons = tuple(f"{step.name} failed: {step.last_failure.message if step.last_failure else ''}" for step in run.given_up)
    return RunDegraded(reasons) if reasons else RunSucceeded()


def _tidy(run: Run, kit: RestoreKit) -> None:
    if kit.server is not None:
        kit.server.close()


JOB: Job[RestoreKit] = Job(
    name=NAME,
    title="take a restore back: what it had replaced gets its place again",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "preparing": Stage(steps=lambda run, kit: (PrepareUndo(kit),)),
        "swapping": Stage(steps=_steps),
        "restarting": Stage(
            steps=lambda run, kit: tuple(RunCommand(kit.commands, plan) for plan in kit.plan.restart), leave=_restarted
        ),
        "ending": Stage(steps=lambda run, kit: (), leave=_end),
    },
    resources=lambda run: (Resource(f"source:{run.requested.options['source']}"),),
    kit=restore_kit,
    tidy=_tidy,
)
