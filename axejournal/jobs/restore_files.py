"""Brings files back: `restore.files`. Fetched beside the live ones, compared, swapped in by two renames, checked."""

from __future__ import annotations

import shutil
from typing import Any

from axejournal.config.sources import FilesSource, PostgresSource
from axejournal.domain import machine
from axejournal.domain.events import Fact
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.restore import (
    ChecksFinished,
    ProofRaised,
)
from axejournal.domain.job import Job, Stage
from axejournal.domain.run import Run
from axejournal.jobs.restore_ending import (
    ROWS,
    check_steps,
    damaged,
    ending,
    lost_by_check,
    of_point,
    restart_steps,
    restarted,
    was_checked,
)
from axejournal.jobs.restore_plan import RestoreHands, RestoreKit, restore_kit, restore_resources
from axejournal.jobs.restore_preview import About, RestorePreview
from axejournal.jobs.restore_views import preview_files
from axejournal.jobs.steps.clear_work import ClearWork
from axejournal.jobs.steps.fetch_files import CompareFiles, FetchFiles, PrepareFiles
from axejournal.jobs.steps.swap_files import SwapFiles, fetch_folder

NAME = "restore.files"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "preparing"),
        ("preparing", "RestorePrepared", "fetching"),
        ("fetching", "FilesFetched", "comparing"),
        ("fetching", "DumpDamaged", "damaged"),
        ("damaged", "ProofLost", "ending"),
        ("comparing", "FilesCompared", "swapping"),
        ("swapping", "FilesPlaced", "restarting"),
        *ROWS,
        ("checking", "ProofRaised", "ending"),
        ("ending", "WorkCleared", "ending"),
    ),
    final=("succeeded", "degraded"),
)


def _checked(run: Run) -> Fact:
    """A part that came back says nothing of the rest."""
    if (suspect := lost_by_check(run)) is not None:
        return suspect
    if run.requested.options.get("path"):
        return ChecksFinished()
    return ProofRaised(**of_point(run), proof="verified" if was_checked(run) else "restored")


def tidy(run: Run, kit: RestoreKit) -> None:
    """Removes what was fetched and not placed."""
    shutil.rmtree(fetch_folder(kit.plan), ignore_errors=True)


def preview(hands: RestoreHands, run: Run, about: About) -> RestorePreview:
    """What a run would do; touches nothing."""
    return preview_files(restore_kit(hands, run), about)


def is_there(hands: Any, source: PostgresSource | FilesSource) -> bool:
    """Whether there is something to lose."""
    assert isinstance(source, FilesSource)
    return source.path.exists()


JOB: Job[RestoreKit] = Job(
    name=NAME,
    title="bring files back: beside the live ones, compared, swapped in, checked",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "preparing": Stage(steps=lambda run, kit: (PrepareFiles(kit),)),
        "fetching": Stage(steps=lambda run, kit: (FetchFiles(kit),)),
        "damaged": Stage(steps=lambda run, kit: (), leave=damaged),
        "comparing": Stage(steps=lambda run, kit: (CompareFiles(kit),)),
        "swapping": Stage(steps=lambda run, kit: (SwapFiles(kit),)),
        "restarting": Stage(steps=restart_steps, leave=restarted),
        "checking": Stage(steps=check_steps, leave=_checked),
        "ending": Stage(steps=lambda run, kit: (ClearWork(fetch_folder(kit.plan)),), leave=ending),
    },
    resources=lambda run: restore_resources(run),
    kit=restore_kit,
    tidy=tidy,
)
