"""What the jobs of a ring share: their plan and their hands."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from axejournal import __version__
from axejournal.domain.letter import Letter, read
from axejournal.domain.ports.peer import HostKey, Peer
from axejournal.domain.ports.ring import ReceiveFolder, RingMemory
from axejournal.domain.run import Run
from axejournal.jobs.checking import CheckHands, CheckKit, check_kit
from axejournal.jobs.copying import CopyKit, copy_kit

if TYPE_CHECKING:
    from axejournal.config.models import Config


class RingHands(CheckHands, Protocol):
    """What the assembled program offers to these jobs."""

    def peer(self, tier: str, config: Config) -> Peer | None:
        """The partner's machine; None for a ring that is only a place."""
        ...

    def ring_memory(self, tier: str, config: Config) -> RingMemory:
        """What the journal knows of a ring."""
        ...

    def own_restic(self) -> str:
        """restic's version, too old or not; "" when there is none."""
        ...

    def receive_folder(self, tier: str, config: Config) -> ReceiveFolder | None:
        """What we keep for the peer."""
        ...


@dataclass(frozen=True)
class RingPlan:
    """One ring. `peer`: the partner's name, "" for a place that is no partner's; `wait`: for tonight's backup, at most;
    `restic_needed`: the oldest version that axej works with, there too."""

    customer: str
    tier: str
    peer: str
    wait_s: float
    read_parts: int
    quiet: timedelta
    restic_needed: str


@dataclass(frozen=True)
class RingKit:
    """The hands of what looks at a ring without copying."""

    ring: RingPlan
    peer: Peer | None
    ring_memory: RingMemory
    received: ReceiveFolder | None
    own_restic: Callable[[], str]
    now: Callable[[], datetime]
    monotonic_us: Callable[[], int]
    head: Callable[[], str]


@dataclass(frozen=True)
class PushKit(CopyKit):
    """The hands of a push."""

    ring: RingKit
    check: CheckKit


def ring_plan(config: Config, tier: str) -> RingPlan:
    """The plan of a run, by the configuration that it recorded."""
    from axejournal.config.tiers import RingTier

    settings = config.tiers[tier]
    assert isinstance(settings, RingTier)
    peer = "" if settings.repository is not None else settings.peer or ""
    return RingPlan(
        customer=config.customer,
        tier=tier,
        peer=peer,
        wait_s=settings.wait.total_seconds(),
        read_parts=settings.read_parts,
        quiet=settings.quiet,
        restic_needed=config.restic.minimum,
    )


def ring_kit(hands: RingHands, run: Run) -> RingKit:
    """The hands of a run, by the configuration that it recorded. The peer insists on the host key that the journal knows."""
    from axejournal.config.effective import restore

    config = restore(run.requested.options["config"])
    tier = str(run.requested.options["tier"])
    peer, memory = hands.peer(tier, config), hands.ring_memory(tier, config)
    if peer is not None and (pinned := memory.pinned()) is not None:
        peer.pin(HostKey(pinned.key, pinned.fingerprint))
    return RingKit(
        ring=ring_plan(config, tier),
        peer=peer,
        ring_memory=memory,
        received=hands.receive_folder(tier, config),
        own_restic=hands.own_restic,
        now=hands.clock.now,
        monotonic_us=hands.clock.monotonic_us,
        head=hands.store.head,
    )


def push_kit(hands: RingHands, run: Run) -> PushKit:
    """The hands of a push."""
    copy = copy_kit(hands, run)
    parts = {field.name: getattr(copy, field.name) for field in fields(CopyKit)}
    return PushKit(**parts, ring=ring_kit(hands, run), check=check_kit(hands, run))


def push_options(tier: str, read_parts: int, effective: Mapping[str, Any], requested_at: str) -> dict[str, Any]:
    """What a push records of what was asked for. `of`: in how many parts the copies are read back."""
    return {"requested_at": requested_at, "tier": tier, "of": max(read_parts, 1), "config": dict(effective)}


def our_letter(kit: RingKit, challenge: str) -> Letter:
    """What is left at the peer's now: it answers the letter that the peer left here."""
    theirs = read(kit.received.look().letter) if kit.received else None
    position = kit.ring_memory.position_of_head()
    return Letter(
        customer=kit.ring.customer,
        at=kit.now().isoformat(timespec="seconds"),
        head=kit.head(),
        position=position,
        challenge=challenge,
        answer=theirs.challenge if theirs else "",
        axej=__version__,
        restic=kit.own_restic(),
    )


def new_challenge() -> str:
    """What nobody can guess."""
    return secrets.token_urlsafe(18)
