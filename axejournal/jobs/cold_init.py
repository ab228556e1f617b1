"""Makes a newly connected disk a cold one: its repository, which file system it is, what is written on it: `cold.init`."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain import machine
from axejournal.domain.errors import RepositoryMissing
from axejournal.domain.events import RunSucceeded
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.cold import DiskRecorded
from axejournal.domain.job import ONCE, Attempt, Job, Resource, RetryPolicy, Stage
from axejournal.domain.ports.volumes import Volume
from axejournal.domain.run import Run
from axejournal.jobs.cooling import ColdKit, cold_kit

NAME = "cold.init"

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "creating"),
        ("creating", "DiskRecorded", "recorded"),
        ("creating", "RunWaits", "waiting"),
        ("waiting", "DiskRecorded", "recorded"),
        ("waiting", "RunWaits", "waiting"),
        ("recorded", "RunSucceeded", "succeeded"),
    ),
    final=("succeeded",),
)


@dataclass(frozen=True)
class PrepareDisk:
    """Once: what an attempt before it made is opened with the password that is typed again. `adopt`: so is what was there."""

    kit: ColdKit
    adopt: bool
    not_empty: bool
    replace: bool
    name: str = "prepare"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> None:
        """Whoever died knew the password; it is asked for again."""

    def act(self, attempt: Attempt) -> DiskRecorded:
        """Raises what DiskHand.claim raises, WrongPassword, PersonNeeded."""
        kit, hand = self.kit, self.kit.hand
        volume = hand.claim(self.not_empty, self.adopt or attempt.again, self.replace)
        there = (hand.place / "config").is_file()
        if self.adopt and not there:
            raise RepositoryMissing(f"nothing to adopt: no repository is at {hand.place}", "Leave --adopt out to make one.")
        if there:
            kit.desk.receive(attempt.run.id, kit.what, hand.learn, lambda: True)
            return self._recorded(volume, hand.repository.identity())
        password = kit.desk.choose(kit.what)
        return self._recorded(volume, hand.initialise(password, kit.source))

    def _recorded(self, volume: Volume, identity: str) -> DiskRecorded:
        kit = self.kit
        kit.hand.mark_disk(identity)
        assert volume.uuid is not None
        place = str(kit.hand.place)
        return DiskRecorded(kit.tier, kit.disk, volume.uuid, volume.filesystem, place, identity, kit.hand.keys())


def _preparing(run: Run, kit: ColdKit) -> tuple[PrepareDisk, ...]:
    options = run.requested.options
    return (PrepareDisk(kit, bool(options["adopt"]), bool(options["not_empty"]), bool(options["replace"])),)


JOB: Job[ColdKit] = Job(
    name=NAME,
    title="make a disk a cold one: its repository and its number",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "creating": Stage(steps=_preparing),
        "waiting": Stage(steps=_preparing),
        "recorded": Stage(steps=lambda run, kit: (), leave=lambda run: RunSucceeded()),
    },
    resources=lambda run: (Resource(f"repository:{run.requested.options['tier']}:{run.requested.options['disk']}"),),
    kit=cold_kit,
    tidy=lambda run, kit: None,
)
