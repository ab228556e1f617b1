"""What a push would do: looked at, not done."""

from __future__ import annotations

from dataclasses import dataclass, replace

from axejournal.domain.facts import PreflightPassed
from axejournal.domain.job import Attempt
from axejournal.domain.ports import Progress
from axejournal.domain.run import Run
from axejournal.jobs.ringing import PushKit
from axejournal.jobs.steps.choose_copies import ChooseCopies
from axejournal.jobs.steps.look_at_peer import insist_on_consent
from axejournal.jobs.steps.look_at_tier import LookAtTier
from axejournal.jobs.steps.measure_room import MeasureRoom


@dataclass(frozen=True)
class Preview:
    """`address`: the peer's that answers, "" for a place that is no partner's; `wanted`: what would be copied, oldest first,
    as restic's short id and the time when it was taken."""

    tier: str
    place: str
    address: str
    tried: tuple[str, ...]
    present: int
    wanted: tuple[tuple[str, str], ...]
    vanished: tuple[str, ...]
    needed_bytes: int | None
    free_bytes: int | None


def preview(run: Run, kit: PushKit) -> Preview:
    """Looks at the peer and at both repositories. Raises what the steps raise: consent, reachability, space."""
    address, tried = "", tuple[str, ...]()
    if kit.ring.peer is not None:
        insist_on_consent(kit.ring)
        found = kit.ring.peer.look()
        address, tried = found.address, found.tried
    attempt = Attempt(run, 1, _quiet)
    looked: PreflightPassed = LookAtTier(kit, removes=False).act(attempt)
    attempt = replace(attempt, run=replace(run, facts=((None, looked),)))
    chosen = ChooseCopies(kit).act(attempt)
    attempt = replace(attempt, run=replace(attempt.run, facts=(*attempt.run.facts, (None, chosen))))
    room = MeasureRoom(kit, exact=True).act(attempt)
    times = {point.snapshot: point.time.isoformat(sep=" ", timespec="minutes") for point in kit.memory.points("local")}
    wanted = tuple((one[:8], times.get(one, "")) for one in chosen.wanted)
    return Preview(
        kit.plan.tier,
        kit.repository.place,
        address,
        tried,
        chosen.present,
        wanted,
        chosen.vanished,
        room.needed_bytes,
        room.free_bytes,
    )


def _quiet(_: Progress) -> None:
    return
