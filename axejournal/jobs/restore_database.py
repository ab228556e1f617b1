"""Brings one database back: `restore.database`. Loaded beside the live one, compared, swapped in, checked."""

from __future__ import annotations

import contextlib
import shutil
from typing import Any

from axejournal.config.sources import FilesSource, PostgresSource
from axejournal.domain import machine
from axejournal.domain.errors import AxejError
from axejournal.domain.events import Fact
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.restore import (
    ChecksFinished,
    DatabaseCompared,
    DatabasePlaced,
    ProofRaised,
    RestorePrepared,
)
from axejournal.domain.job import Job, Stage
from axejournal.domain.run import Run
from axejournal.jobs.restore_ending import (
    ROWS,
    check_steps,
    damaged,
    ending,
    lost,
    lost_by_check,
    of_point,
    restart_steps,
    restarted,
    was_checked,
)
from axejournal.jobs.restore_plan import RestoreHands, RestoreKit, restore_kit, restore_resources
from axejournal.jobs.restore_preview import About, RestorePreview
from axejournal.jobs.restore_views import preview_database
from axejournal.jobs.steps.clear_work import ClearWork
from axejournal.jobs.steps.compare_database import CompareDatabase
from axejournal.jobs.steps.fetch_dump import FetchDump
from axejournal.jobs.steps.load_database import LoadDatabase, RestoreRoles
from axejournal.jobs.steps.prepare_restore import PrepareRestore
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
        *ROWS,
        ("checking", "ProofRaised", "ending"),
        ("ending", "WorkCleared", "ending"),
    ),
    final=("succeeded", "degraded"),
)


def _compared(run: Run) -> Fact:
    found = run.find(DatabaseCompared)
    assert found is not None
    if found.differences:
        return lost(run, "; ".join(found.differences[:5]))
    return ProofRaised(**of_point(run), proof="restored")


def _checked(run: Run) -> Fact:
    if (suspect := lost_by_check(run)) is not None:
        return suspect
    return ProofRaised(**of_point(run), proof="verified") if was_checked(run) else ChecksFinished()


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
