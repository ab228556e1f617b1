"""Copies of the local repository's snapshots on the partner's machine, or anywhere that restic reaches (Tier B): `ring.push`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from axejournal.domain import machine
from axejournal.domain.events import Fact
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.check import DamageLocated, DataRead
from axejournal.domain.facts.copy import BackupAwaited, CopiesChosen, CopiesVerified
from axejournal.domain.facts.ring import LetterLeft
from axejournal.domain.job import BRIEF, NIGHT, Job, Resource, Stage, Step
from axejournal.domain.run import Run
from axejournal.jobs.check_repository import hit_text
from axejournal.jobs.copying import choosing, copying, end, finish, given_up
from axejournal.jobs.ringing import PushKit, push_kit
from axejournal.jobs.steps.await_backup import AwaitBackup
from axejournal.jobs.steps.forget_snapshots import ForgetSnapshots
from axejournal.jobs.steps.leave_letter import LeaveLetter
from axejournal.jobs.steps.locate_damage import LocateDamage, Suspect
from axejournal.jobs.steps.look_at_peer import LookAtPeer
from axejournal.jobs.steps.measure_room import MeasureRoom
from axejournal.jobs.steps.read_data import ProvePoints, ReadData
from axejournal.jobs.steps.verify_copies import VerifyCopies

NAME = "ring.push"
READ_AGAIN = timedelta(hours=12)
"""A push that comes sooner after the last reading, or after the first copy, reads nothing back."""

TABLE = machine.build(
    NAME,
    version=2,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "preflight"),
        ("preflight", "PreflightPassed", "awaiting"),
        ("awaiting", "BackupAwaited", "choosing"),
        ("choosing", "CopiesChosen", "measuring"),
        ("measuring", "RoomMeasured", "copying"),
        ("copying", "SnapshotCopied", "copying"),
        ("copying", "CopiesFinished", "verifying"),
        ("verifying", "CopiesVerified", "reading"),
        ("reading", "DataRead", "reading"),
        ("reading", "DamageLocated", "reading"),
        ("reading", "ProofLost", "reading"),
        ("reading", "PointsChecked", "reading"),
        ("reading", "LetterLeft", "retaining"),
        ("retaining", "SnapshotsForgotten", "retaining"),
        ("retaining", "RunSucceeded", "succeeded"),
        ("retaining", "RunDegraded", "degraded"),
    ),
    final=("succeeded", "degraded"),
)


def _reading(run: Run, kit: PushKit) -> Sequence[Step]:
    """A part of the data is read back, then what that proves; where it is damaged, what the damage hits; then the letter."""
    letter = LeaveLetter(kit)
    read, located = run.find(DataRead), run.find(DamageLocated)
    if read is None:
        due = _is_due(run, kit) and not run.settled("read")
        return (ReadData(kit.check, contained=True),) if due else (letter,)
    if not read.faults:
        return (ProvePoints(kit.check), letter)
    if located is None:
        return (LocateDamage(kit.check),)
    return (*(Suspect(kit.check, number) for number in range(1, len(located.points) + 1)), ProvePoints(kit.check), letter)


def _is_due(run: Run, kit: PushKit) -> bool:
    """Decided by times before this run, so that a resume decides the same."""
    if not kit.ring.ring.read_parts:
        return False
    verified = run.find(CopiesVerified)
    assert verified is not None
    times = [part.read_at for part in kit.check.parts(verified.repository)] or [point.made_at for point in kit.check.points()][
        -1:
    ]
    return bool(times) and kit.clock.now() - max(times) > READ_AGAIN


def _end(run: Run) -> Fact:
    return end(reasons_against(run))


def reasons_against(run: Run) -> tuple[str, ...]:
    """Why a push is no plain success, each as a sentence; empty when it is one."""
    chosen, verified, awaited = run.find(CopiesChosen), run.find(CopiesVerified), run.find(BackupAwaited)
    read, located, letter = run.find(DataRead), run.find(DamageLocated), run.find(LetterLeft)
    tier = run.requested.options["tier"]
    vanished = dict.fromkeys([*(chosen.vanished if chosen else ()), *(verified.vanished if verified else ())])
    reasons = list(given_up(run))
    if awaited is not None and awaited.late:
        reasons.append(f"tonight's backup is not among the copies: {awaited.late}")
    if vanished:
        what = "copy has" if len(vanished) == 1 else "copies have"
        names = ", ".join(one[:8] for one in list(vanished)[:8])
        reasons.append(f"{len(vanished)} {what} vanished from tier {tier}, not by our hand: {names}")
    if read is not None and read.faults:
        hit = hit_text(located) if located else ""
        reasons.append(f"the copies in tier {tier} are damaged: {hit}{read.faults[0][:300]}")
    if letter is not None and letter.why and letter.head:
        reasons.append(f"the head of the journal was not left at the peer: {letter.why}")
    return tuple(reasons)


def _tidy(run: Run, kit: PushKit) -> None:
    if kit.ring.peer is not None:
        kit.ring.peer.leave()


def _preflight(run: Run, kit: PushKit) -> Sequence[Step]:
    return (LookAtPeer(kit, policy=NIGHT if run.requested.slot else BRIEF),)


JOB: Job[PushKit] = Job(
    name=NAME,
    title="copy snapshots of the local repository to the partner's machine",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "preflight": Stage(steps=_preflight),
        "awaiting": Stage(steps=lambda run, kit: (AwaitBackup(kit),)),
        "choosing": Stage(steps=choosing),
        "measuring": Stage(steps=lambda run, kit: (MeasureRoom(kit),)),
        "copying": Stage(steps=copying, leave=finish),
        "verifying": Stage(steps=lambda run, kit: (VerifyCopies(kit),)),
        "reading": Stage(steps=_reading),
        "retaining": Stage(steps=lambda run, kit: (ForgetSnapshots(kit),), leave=_end),
    },
    resources=lambda run: (Resource(f"repository:{run.requested.options['tier']}"),),
    kit=push_kit,
    tidy=_tidy,
)
