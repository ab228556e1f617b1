"""Brings a server's data directory back beside the live one: `restore.volume`. For restore points that hold a stopped server's
volume instead of a dump, and for physical copies. Nothing is replaced and nothing is started: the commands are told."""

from __future__ import annotations

import shutil
from typing import Any

from axejournal.domain import machine
from axejournal.domain.errors import AxejError
from axejournal.domain.events import RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.volume import VolumeUnpacked
from axejournal.domain.job import Job, Stage
from axejournal.domain.run import Run
from axejournal.jobs.restore_plan import RestoreHands, RestoreKit, restore_kit, restore_resources
from axejournal.jobs.restore_preview import About, RestorePreview
from axejournal.jobs.restore_views import point_text
from axejournal.jobs.steps.clear_work import ClearWork
from axejournal.jobs.steps.unpack_volume import FetchVolume, PrepareVolume, UnpackVolume, is_physical, place_of

NAME = "restore.volume"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "preparing"),
        ("preparing", "VolumePrepared", "fetching"),
        ("fetching", "VolumeFetched", "unpacking"),
        ("unpacking", "VolumeUnpacked", "ending"),
        ("ending", "WorkCleared", "ending"),
        ("ending", "RunSucceeded", "succeeded"),
    ),
    final=("succeeded",),
)


def preview(hands: RestoreHands, run: Run, about: About) -> RestorePreview:
    """What a run would do; touches nothing."""
    kit = restore_kit(hands, run)
    plan, found = kit.plan, []
    into = plan.into or place_of(kit).replace(plan.run, "RUN")
    try:
        if plan.into is not None:
            kit.database.check_place(plan.into)
    except AxejError as fault:
        found.append(fault.message)
    what = "the physical copy of its running server" if is_physical(kit) else "its stopped server's volume"
    lines = (
        ("restore point", point_text(kit, about)),
        ("fetch", f"{what}, of snapshot {plan.point.snapshot[:8]} (run {plan.point.run})"),
        ("replaces", f"nothing: {into} is made beside {plan.place}"),
        ("steps", "fetch -> prove -> unpack"),
        ("then", "you start a server on it: the commands are told at the end"),
        ("last time", f"{about.last_s:.0f} s" if about.last_s is not None else "never done on this machine"),
        ("runbook", "runbooks/source-unreachable.md"),
    )
    return RestorePreview(plan.source, lines, (), tuple(found))


def is_there(hands: Any, source: Any) -> bool:
    """Whether something would be lost: never, it is restored beside."""
    return False


def told(run: Run) -> list[str]:
    """Where it is and how a server is started on it, for a person."""
    done = run.find(VolumeUnpacked)
    if done is None:
        return []
    first = (
        f"the data directory of PostgreSQL {done.server_version} is in {done.into}, beside the live one. To start a server on it:"
    )
    return [first, *(f"  {command}" for command in done.commands)]


def tidy(run: Run, kit: RestoreKit) -> None:
    """Removes what was fetched."""
    shutil.rmtree(kit.plan.folder, ignore_errors=True)


JOB: Job[RestoreKit] = Job(
    name=NAME,
    title="bring a server's data directory back beside the live one",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "preparing": Stage(steps=lambda run, kit: (PrepareVolume(kit),)),
        "fetching": Stage(steps=lambda run, kit: (FetchVolume(kit),)),
        "unpacking": Stage(steps=lambda run, kit: (UnpackVolume(kit),)),
        "ending": Stage(steps=lambda run, kit: (ClearWork(kit.plan.folder),), leave=lambda run: RunSucceeded()),
    },
    resources=lambda run: restore_resources(run, shared=True),
    kit=restore_kit,
    tidy=tidy,
)
