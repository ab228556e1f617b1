"""Looks, without any password, whether the partner still pushes: `ring.watch`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from axejournal.domain import machine
from axejournal.domain.errors import PeerQuiet
from axejournal.domain.events import Fact, RunFailed
from axejournal.domain.facts import RunStarted
from axejournal.domain.facts.ring import PeerWatched
from axejournal.domain.job import ONCE, Attempt, Job, Resource, RetryPolicy, Stage
from axejournal.domain.run import Run
from axejournal.jobs.copying import end
from axejournal.jobs.ringing import RingKit, ring_kit

NAME = "ring.watch"
FEW = 2
"""So many snapshots may go at once by the peer's own retention, or half of all."""

TABLE = machine.build(
    NAME,
    version=1,
    initial="requested",
    rows=(
        ("requested", "RunStarted", "looking"),
        ("looking", "PeerWatched", "ending"),
        ("ending", "RunSucceeded", "succeeded"),
        ("ending", "RunDegraded", "degraded"),
    ),
    final=("succeeded", "degraded"),
)


@dataclass(frozen=True)
class LookAtFolder:
    """Names and times of the peer's snapshots. The clock is this machine's: the peer's can't make them younger."""

    kit: RingKit
    name: str = "look"
    policy: RetryPolicy = ONCE
    contained: bool = False

    def probe(self, run: Run) -> PeerWatched | None:
        """Looking is cheap: it is done again."""
        return None

    def act(self, attempt: Attempt) -> PeerWatched:
        """Follows no symlink."""
        kit = self.kit
        assert kit.received is not None
        found, before = kit.received.look(), kit.ring_memory.watched()
        names, known = frozenset(found.arrived), frozenset(before.snapshots if before else ())
        newest = max(found.arrived.values(), default=None)
        return PeerWatched(
            tier=kit.ring.tier,
            peer=kit.ring.peer,
            snapshots=tuple(sorted(names)),
            newest_at=min(newest, kit.now()).isoformat(timespec="seconds") if newest else None,
            size_bytes=found.size_bytes,
            added=len(names - known),
            gone=tuple(sorted(known - names)),
            odd=found.odd[:20],
            quiet_s=kit.ring.quiet.total_seconds(),
            known=len(known),
        )


def _end(run: Run) -> Fact:
    seen = run.find(PeerWatched)
    assert seen is not None
    if not seen.snapshots and not seen.gone:
        quiet = PeerQuiet(
            f"{seen.peer} has no copies here: it never pushed, or its folder is not the one of receive_dir_at_self",
            f'The operator of {seen.peer} looks at "axej status" there; "axej ring verify" here tells of the way back.',
        )
        return RunFailed.of(quiet)
    return end(reasons_against(seen, datetime.fromisoformat(str(run.requested.options["requested_at"]))))


def reasons_against(seen: PeerWatched, now: datetime) -> tuple[str, ...]:
    """What is wrong with what the peer keeps here, each a sentence."""
    reasons = []
    newest = datetime.fromisoformat(seen.newest_at) if seen.newest_at else None
    if newest is not None and now - newest > timedelta(seconds=seen.quiet_s):
        hours = (now - newest).total_seconds() / 3600
        reasons.append(
            f"{seen.peer} has gone quiet: its newest copy came {hours:.0f} hours ago, {seen.quiet_s / 3600:.0f} are allowed"
        )
    if seen.gone and (not seen.added or len(seen.gone) > max(FEW, seen.known // 2)):
        reasons.append(
            f"{len(seen.gone)} of the {seen.known} copies of {seen.peer} have gone, {seen.added} came: was that its retention?"
        )
    if seen.odd:
        reasons.append(f"what does not belong there lies in the folder of {seen.peer}: {', '.join(seen.odd[:5])}")
    return tuple(reasons)


JOB: Job[RingKit] = Job(
    name=NAME,
    title="see whether the partner still pushes",
    machine=TABLE,
    stages={
        "requested": Stage(steps=lambda run, kit: (), leave=lambda run: RunStarted()),
        "looking": Stage(steps=lambda run, kit: (LookAtFolder(kit),)),
        "ending": Stage(steps=lambda run, kit: (), leave=_end),
    },
    resources=lambda run: (Resource(f"watch:{run.requested.options['tier']}"),),
    kit=ring_kit,
    tidy=lambda run, kit: None,
)
