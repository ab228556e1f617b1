"""Brings one database back: `restore.database`. Loaded beside the live one, compared, swapped in, checked."""

from __future__ import annotations

import contextlib
import shutil
from typing import Any

from axejournal.config.sources import FilesSource, PostgresSource
from axejournal.domain import machine
from axejournal.domain.errors import AxejError, CheckFailed, RestoreDiffers, RestorePointDamaged
from axejournal.domain.events import Fact, RunDegraded, RunFailed, RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.restore import (
    ChecksFinished,
    CommandRan,
    DatabaseCompared,
    DatabaseLoaded,
    DatabasePlaced,
    DumpDamaged,
    ProofLost,
    ProofRaised,
    RestorePrepared,
    ServicesRestarted,
)
from axejournal.domain.job import Job, Stage
from axejournal.domain.run import Run
from axejournal.jobs.restore_plan import RestoreHands, RestoreKit, restore_kit, restore_resources
from axejournal.jobs.restore_preview import About, RestorePreview
from axejournal.jobs.restore_views import preview_database
from axejournal.jobs.steps.clear_work import ClearWork
from axejournal.jobs.steps.compare_database import CompareDatabase
from axejournal.jobs.steps.fetch_dump import FetchDump
from axejournal.jobs.steps.load_database import LoadDatabase, RestoreRoles
from axejournal.jobs.steps.prepare_restore import PrepareRestore
from axejournal.jobs.steps.run_command import RunCommand, checks_of
from axejournal.jobs.steps.swap_database import SwapDatabase

NAME = "restore.database"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "preparing"),
        ("preparing", "RestorePrepared", "fetching"),
        ("fetching", "DumpFetched", "loading"),
        ("fetching", "DumpDamaged", "damaged"),
        ("damaged", "ProofLost", "ending"),
        ("loading", "RolesRestored", "loading"),
        ("loading", "DatabaseLoaded", "comparing"),
        ("comparing", "DatabaseCompared", "compared"),
        ("compared", "ProofRaised", "swapping"),
        ("compared", "ProofLost", "ending"),
        ("swapping", "DatabasePlaced", "restarting"),
        ("restarting", "CommandRan", "restarting"),
        ("restarting", "ServicesRestarted", "checking"),
        ("checking", "CommandRan", "checking"),
        ("checking", "ProofRaised", "ending"),
        ("checking", "ProofLost", "ending"),
        ("checking", "ChecksFinished", "ending"),
        ("ending", "WorkCleared", "ending"),
        ("ending", "RunSucceeded", "succeeded"),
        ("ending", "RunDegraded", "degraded"),
    ),
    final=("succeeded", "degraded"),
)


def of_point(run: Run) -> dict[str, str]:
    """What names the restore point in facts about its proof."""
    point = run.requested.options["point"]
    names = {name: str(point[name]) for name in ("repository", "snapshot")}
    return {**names, "source": str(run.requested.options["source"])}


def damaged(run: Run) -> Fact:
    """What did not come back as it was put in."""
    found = run.find(DumpDamaged)
    assert found is not None
    return ProofLost(**of_point(run), reason=found.message)


def _compared(run: Run) -> Fact:
    found = run.find(DatabaseCompared)
    assert found is not None
    if found.differences:
        return ProofLost(**of_point(run), reason="; ".join(found.differences[:5]))
    return ProofRaised(**of_point(run), proof="restored")


def restarted(run: Run) -> Fact:
    """Every restart was tried."""
    return ServicesRestarted(tuple(step.name for step in run.given_up if step.name.startswith("restart:")))


def _checked(run: Run) -> Fact:
    broken = [step for step in run.given_up if step.name.startswith("check:")]
    if broken:
        last = broken[0].last_failure
        return ProofLost(**of_point(run), reason=last.message if last else broken[0].name)
    checks = [fact for fact in run.all(CommandRan) if fact.kind == "check"]
    return ProofRaised(**of_point(run), proof="verified") if checks else ChecksFinished()


def ending(run: Run) -> Fact:
    """How a restore ends."""
    bad, compared, lost = run.find(DumpDamaged), run.find(DatabaseCompared), run.find(ProofLost)
    time = run.requested.options["point"]["time"]
    older = 'Take an older one: "axej points" lists them. The live database was not touched.'
    if bad is not None:
        what = ", ".join(bad.what[:5]) + (f" and {len(bad.what) - 5} more" if len(bad.what) > 5 else "")
        return failed(RestorePointDamaged(f"the restore point {time} is damaged: {what}", older))
    if compared is not None and compared.differences:
        what = "; ".join(compared.differences[:5])
        return failed(RestoreDiffers(f"the restored database is not what was dumped: {what}", older))
    if lost is not None:
        hint = f'Look at its output with "axej history {run.id}". To take the restore back, type "axej undo {run.id}".'
        return failed(CheckFailed(f"restored, but a check failed: {lost.reason}", hint))
    reasons = tuple(reasons_against(run))
    return RunDegraded(reasons) if reasons else RunSucceeded()


def failed(error: AxejError) -> RunFailed:
    """The fact that a run failed of this error."""
    return RunFailed(error.code, error.message, error.hint, error.exit_code, error.runbook)


def reasons_against(run: Run) -> list[str]:
    """Why a restore is no plain success, each as a sentence."""
    reasons = [f"{step.name} failed: {step.last_failure.message if step.last_failure else ''}" for step in run.given_up]
    loaded = run.find(DatabaseLoaded)
    reasons += [f"not restored: {one}" for one in loaded.left_out] if loaded else []
    compared = run.find(DatabaseCompared)
    if compared is not None and compared.unproven:
        names = ", ".join(compared.unproven[:5])
        reasons.append(
            f"the fingerprints of {len(compared.unproven)} tables are of another method, only rows were counted: {names}"
        )
    return reasons


def restart_steps(run: Run, kit: RestoreKit) -> tuple[RunCommand, ...]:
    """None when nothing was swapped in."""
    return () if kit.plan.into else tuple(RunCommand(kit.commands, plan) for plan in kit.plan.restart)


def check_steps(run: Run, kit: RestoreKit) -> tuple[RunCommand, ...]:
    """None when nothing was swapped in."""
    return () if kit.plan.into else checks_of(kit)


def tidy(run: Run, kit: RestoreKit) -> None:
    """Removes the fetched copy, and the database beside the live one that did not get its name."""
    shutil.rmtree(kit.plan.folder, ignore_errors=True)
    if run.state in ("failed", "cancelled") and run.find(DatabasePlaced) is None and run.find(RestorePrepared) is not None:
        for name in (kit.plan.restoring, kit.plan.restored):
            with contextlib.suppress(AxejError):  # a later restore of this source drops it
                kit.database.drop(name)
    kit.database.close()


def preview(hands: RestoreHands, run: Run, about: About) -> RestorePreview:
    """What a run would do; touches nothing."""
    kit = restore_kit(hands, run)
    try:
        return preview_database(kit, about)
    finally:
        kit.database.close()


def is_there(hands: Any, source: PostgresSource | FilesSource) -> bool:
    """Whether there is something to lose. Raises SourceUnreachable."""
    assert isinstance(source, PostgresSource)
    server = hands.restorer(source.name, "look", hands.config)
    try:
        return server.live(source.database) is not None
    finally:
        server.close()


JOB: Job[RestoreKit] = Job(
    name=NAME,
    title="bring one database back: beside the live one, compared, swapped in, checked",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "preparing": Stage(steps=lambda run, kit: (PrepareRestore(kit),)),
        "fetching": Stage(steps=lambda run, kit: (FetchDump(kit),)),
        "damaged": Stage(steps=lambda run, kit: (), leave=damaged),
        "loading": Stage(steps=lambda run, kit: (RestoreRoles(kit), LoadDatabase(kit))),
        "comparing": Stage(steps=lambda run, kit: (CompareDatabase(kit),)),
        "compared": Stage(steps=lambda run, kit: (), leave=_compared),
        "swapping": Stage(steps=lambda run, kit: (SwapDatabase(kit),)),
        "restarting": Stage(steps=restart_steps, leave=restarted),
        "checking": Stage(steps=check_steps, leave=_checked),
        "ending": Stage(steps=lambda run, kit: (ClearWork(kit.plan.folder),), leave=ending),
    },
    resources=lambda run: restore_resources(run),
    kit=restore_kit,
    tidy=tidy,
)
