"""Proves the way to the partner's machine and the way back: `ring.verify`."""

from __future__ import annotations

from axejournal.domain import machine
from axejournal.domain.events import Fact
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.ring import PeerReached, WayBackSeen
from axejournal.domain.job import Job, Resource, Stage
from axejournal.domain.run import Run
from axejournal.jobs.copying import end
from axejournal.jobs.ringing import RingKit, ring_kit
from axejournal.jobs.steps.prove_ways import MeetPeer, ProveWayBack, ProveWayThere

NAME = "ring.verify"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "meeting"),
        ("meeting", "HostKeyPinned", "going"),
        ("meeting", "HostKeySeen", "going"),
        ("going", "PeerReached", "returning"),
        ("returning", "WayBackSeen", "ending"),
        ("ending", "RunSucceeded", "succeeded"),
        ("ending", "RunDegraded", "degraded"),
    ),
    final=("succeeded", "degraded"),
)


def _end(run: Run) -> Fact:
    there, back = run.find(PeerReached), run.find(WayBackSeen)
    assert there is not None and back is not None
    return end(((there.stranger,) if there.stranger else ()) + back.doubts)


JOB: Job[RingKit] = Job(
    name=NAME,
    title="prove the way to the partner's machine, and the way back",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "meeting": Stage(steps=lambda run, kit: (MeetPeer(kit, accept=bool(run.requested.options["accept"])),)),
        "going": Stage(steps=lambda run, kit: (ProveWayThere(kit),)),
        "returning": Stage(steps=lambda run, kit: (ProveWayBack(kit),)),
        "ending": Stage(steps=lambda run, kit: (), leave=_end),
    },
    resources=lambda run: (Resource(f"ring:{run.requested.options['tier']}"),),
    kit=ring_kit,
    tidy=lambda run, kit: None,
)
