"""Copies of the local repository's snapshots on the partner's machine, or anywhere that restic reaches (Tier B): `ring.push`."""

from __future__ import annotations

from axejournal.domain import machine
from axejournal.domain.copy_facts import COPY_FACTS, CopiesVerified
from axejournal.domain.events import Fact
from axejournal.domain.facts import RunStarted
from axejournal.domain.job import Job, Resource, Stage
from axejournal.domain.run import Run
from axejournal.jobs.copying import CopyKit, choosing, copy_kit, copying, end, finish, given_up
from axejournal.jobs.steps.forget_snapshots import ForgetSnapshots
from axejournal.jobs.steps.look_at_tier import LookAtTier
from axejournal.jobs.steps.verify_copies import VerifyCopies

NAME = "ring.push"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "preflight"),
        ("preflight", "PreflightPassed", "choosing"),
        ("choosing", "CopiesChosen", "copying"),
        ("copying", "SnapshotCopied", "copying"),
        ("copying", "CopiesFinished", "verifying"),
        ("verifying", "CopiesVerified", "retaining"),
        ("retaining", "SnapshotsForgotten", "retaining"),
        ("retaining", "RunSucceeded", "succeeded"),
        ("retaining", "RunDegraded", "degraded"),
    ),
    final=("succeeded", "degraded"),
)


def _end(run: Run) -> Fact:
    return end(tuple(reasons_against(run)))


def reasons_against(run: Run) -> tuple[str, ...]:
    """Why a push is no plain success, each as a sentence; empty when it is one."""
    verified = run.find(CopiesVerified)
    vanished = verified.vanished if verified else ()
    gone = f"{len(vanished)} copies have vanished from tier {run.requested.options['tier']}: {', '.join(v[:8] for v in vanished)}"
    return (*given_up(run), *((gone,) if vanished else ()))


JOB: Job[CopyKit] = Job(
    name=NAME,
    title="copy snapshots of the local repository to the partner's machine",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "preflight": Stage(steps=lambda run, kit: (LookAtTier(kit),)),
        "choosing": Stage(steps=choosing),
        "copying": Stage(steps=copying, leave=finish),
        "verifying": Stage(steps=lambda run, kit: (VerifyCopies(kit),)),
        "retaining": Stage(steps=lambda run, kit: (ForgetSnapshots(kit),), leave=_end),
    },
    resources=lambda run: (Resource(f"repository:{run.requested.options['tier']}"),),
    kit=copy_kit,
    tidy=lambda run, kit: None,
    facts=COPY_FACTS,
)
