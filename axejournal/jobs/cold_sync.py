"""Copies the local repository's snapshots onto the cold disk that is connected (Tier C): `cold.sync`. It asks for the
password on paper when no other key opens the disk, waits for a disk that was pulled out, and works on no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from axejournal.domain import machine
from axejournal.domain.events import Fact, RunFailed
from axejournal.domain.facts import RunStarted, SnapshotCopied
from axejournal.domain.facts.check import DamageLocated, DataRead
from axejournal.domain.facts.cold import (
    PAPER,
    DiskIdentified,
    DiskOpened,
    DiskReady,
    DiskSought,
    DiskSynced,
    PasswordNeeded,
    ReadingChosen,
    ReadingFinished,
    SyncRecorded,
)
from axejournal.domain.facts.copy import BackupAwaited, CopiesChosen, CopiesFinished, CopiesVerified
from axejournal.domain.job import Job, Resource, Stage, Step
from axejournal.domain.run import Run
from axejournal.jobs.check_repository import hit_text
from axejournal.jobs.cooling import ColdKit, OnDisk, cold_kit
from axejournal.jobs.copying import choosing, end, given_up
from axejournal.jobs.steps.await_tonight import AwaitTonight
from axejournal.jobs.steps.choose_copies import ChooseCopies
from axejournal.jobs.steps.copy_snapshot import CopySnapshot
from axejournal.jobs.steps.forget_snapshots import ForgetSnapshots
from axejournal.jobs.steps.locate_damage import LocateDamage, Suspect
from axejournal.jobs.steps.look_at_tier import LookAtTier
from axejournal.jobs.steps.read_data import ProvePoints, ReadData
from axejournal.jobs.steps.sync_disk import AskPassword, ChooseReading, EjectDisk, IdentifyDisk, RecordSync, SeekDisk
from axejournal.jobs.steps.verify_copies import VerifyCopies

NAME = "cold.sync"
TONIGHT = "choose:tonight"

TABLE = machine.build(
    NAME,
    version=2,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "identifying"),
        ("identifying", "DiskIdentified", "identifying"),
        ("identifying", "PasswordNeeded", "awaiting_password"),
        ("identifying", "DiskReady", "copying"),
        ("identifying", "RunWaits", "awaiting_disk"),
        ("awaiting_password", "DiskOpened", "awaiting_password"),
        ("awaiting_password", "DiskReady", "copying"),
        ("awaiting_password", "RunWaits", "awaiting_password"),
        ("awaiting_password", "DiskSought", "identifying"),
        ("awaiting_disk", "DiskSought", "identifying"),
        ("copying", "PreflightPassed", "copying"),
        ("copying", "CopiesChosen", "copying"),
        ("copying", "SnapshotCopied", "copying"),
        ("copying", "BackupAwaited", "copying"),
        ("copying", "CopiesVerified", "copying"),
        ("copying", "SnapshotsForgotten", "copying"),
        ("copying", "CopiesFinished", "checking"),
        ("copying", "RunWaits", "awaiting_disk"),
        ("copying", "DiskSought", "identifying"),
        ("checking", "ReadingChosen", "checking"),
        ("checking", "DataRead", "checking"),
        ("checking", "DamageLocated", "checking"),
        ("checking", "ProofLost", "checking"),
        ("checking", "PointsChecked", "checking"),
        ("checking", "ReadingFinished", "recording"),
        ("checking", "RunWaits", "awaiting_disk"),
        ("checking", "DiskSought", "identifying"),
        ("recording", "DiskSynced", "recording"),
        ("recording", "SyncRecorded", "ejecting"),
        ("recording", "RunWaits", "awaiting_disk"),
        ("ejecting", "DiskEjected", "ejecting"),
        ("ejecting", "RunSucceeded", "succeeded"),
        ("ejecting", "RunDegraded", "degraded"),
    ),
    final=("succeeded", "degraded"),
)
Steps = Callable[[Run, ColdKit], Sequence[Step]]


def _taken_up(steps: Steps) -> Steps:
    """A process that has not opened the disk looks for it first, and asks for what opens it."""

    def of(run: Run, kit: ColdKit) -> Sequence[Step]:
        return steps(run, kit) if kit.hand.is_open else _seeking(run, kit)

    return of


def _seeking(run: Run, kit: ColdKit) -> Sequence[Step]:
    return (SeekDisk(kit, f"seek:{len(run.all(DiskSought)) + 1}"),)


def _identifying(run: Run, kit: ColdKit) -> Sequence[Step]:
    return () if kit.hand.has_looked else (IdentifyDisk(kit, f"identify:{len(run.all(DiskIdentified)) + 1}"),)


def _identified(run: Run) -> Fact:
    found = run.find(DiskIdentified)
    return PasswordNeeded() if found is None or found.opens == PAPER else DiskReady()


def _asking(run: Run, kit: ColdKit) -> Sequence[Step]:
    """A process that did not look at the disk itself looks first."""
    if not kit.hand.has_looked:
        return _seeking(run, kit)
    return () if kit.hand.is_open else (AskPassword(kit, f"password:{len(run.all(DiskOpened)) + 1}"),)


def _copying(run: Run, kit: ColdKit) -> Sequence[Step]:
    copies = kit.copy(run)
    first = (LookAtTier(copies), *choosing(run, copies))
    if not all(run.settled(step.name) for step in first):
        return [OnDisk(kit, step) for step in first]
    there: tuple[Step, ...] = (*(CopySnapshot(copies, snapshot) for snapshot in _wanted(run)), AwaitTonight(kit))
    if not all(run.settled(step.name) for step in there):
        return [OnDisk(kit, step) for step in there]
    waited = run.find(BackupAwaited)
    if waited is not None and waited.backup is not None and not run.settled(TONIGHT):
        return [OnDisk(kit, ChooseCopies(copies, TONIGHT))]
    return [OnDisk(kit, step) for step in (VerifyCopies(copies), ForgetSnapshots(copies))]


def _wanted(run: Run) -> tuple[str, ...]:
    """Of both choices: what was there first, then tonight's."""
    return tuple(dict.fromkeys(one for chosen in run.all(CopiesChosen) for one in chosen.wanted))


def _finish(run: Run) -> Fact:
    copied = tuple(fact.original for fact in run.all(SnapshotCopied))
    return CopiesFinished(copied, tuple(one for one in _wanted(run) if one not in copied))


def _checking(run: Run, kit: ColdKit) -> Sequence[Step]:
    chosen = run.find(ReadingChosen)
    if chosen is None:
        return (ChooseReading(kit),)
    check = kit.check(run, chosen.of)
    read, located = run.find(DataRead), run.find(DamageLocated)
    if read is None:
        return (OnDisk(kit, ReadData(check), bears=True),)
    if not read.faults:
        return (ProvePoints(check),)
    if located is None:
        return (OnDisk(kit, LocateDamage(check)),)
    return (*(Suspect(check, number) for number in range(1, len(located.points) + 1)), ProvePoints(check))


def _recording(run: Run, kit: ColdKit) -> Sequence[Step]:
    return (RecordSync(kit),)


def _ejecting(run: Run, kit: ColdKit) -> Sequence[Step]:
    settings = kit.config.tiers[kit.tier]
    return (EjectDisk(kit),) if getattr(settings, "eject", False) else ()


def _end(run: Run) -> Fact:
    read, located = run.find(DataRead), run.find(DamageLocated)
    if read is not None and read.faults:
        hit = hit_text(located) if located else ""
        return RunFailed(
            "RepositoryDamaged",
            f"disk {run.requested.options['disk']} is damaged: {hit}{'; '.join(read.faults[:2])[:500]}",
            "Take another disk for it, and keep this one as it is until the other tiers are known to be good.",
            1,
            "repository-damaged",
        )
    return end(tuple(reasons_against(run)))


def reasons_against(run: Run) -> tuple[str, ...]:
    """Why a sync is no plain success, each as a sentence; empty when it is one."""
    verified, synced, first = run.find(CopiesVerified), run.find(DiskSynced), run.find(DiskIdentified)
    reasons = list(given_up(run))
    disk = f"disk {run.requested.options['disk']}"
    waited = run.find(BackupAwaited)
    if waited is not None and waited.late:
        reasons.append(f"tonight's backup is not on {disk}: {waited.late}")
    if verified is not None and verified.vanished:
        gone = ", ".join(one[:8] for one in verified.vanished)
        reasons.append(f"{len(verified.vanished)} copies have vanished from {disk}: {gone}")
    if synced is not None and synced.strange_keys:
        names = ", ".join(key[:8] for key in synced.strange_keys)
        reasons.append(f"{disk} can be opened by keys that axej did not add: {names}")
    if synced is not None and synced.missing_keys:
        names = ", ".join(key[:8] for key in synced.missing_keys)
        reasons.append(f"{disk} has lost keys: {names}")
    if synced is not None and len(synced.keys) == 1 and synced.opens != PAPER:
        reasons.append(f"{disk} has one key only, and that is stored: nothing on paper opens it")
    if first is not None and first.fallback:
        reasons.append(f"the machine's key did not open {disk}: {first.fallback}")
    return tuple(reasons)


JOB: Job[ColdKit] = Job(
    name=NAME,
    title="copy snapshots of the local repository onto the cold disk that is connected",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "identifying": Stage(steps=_identifying, leave=_identified),
        "awaiting_password": Stage(steps=_asking, leave=lambda run: DiskReady()),
        "awaiting_disk": Stage(steps=_seeking),
        "copying": Stage(steps=_taken_up(_copying), leave=_finish),
        "checking": Stage(steps=_taken_up(_checking), leave=lambda run: ReadingFinished()),
        "recording": Stage(steps=_recording, leave=lambda run: SyncRecorded()),
        "ejecting": Stage(steps=_ejecting, leave=_end),
    },
    resources=lambda run: (Resource(f"repository:{run.requested.options['tier']}:{run.requested.options['disk']}"),),
    kit=cold_kit,
    tidy=lambda run, kit: None,
)
