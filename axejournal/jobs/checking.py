"""What a check of a repository works on, and the hands that its steps may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from axejournal.domain.ports import Clock, Memory, Repository, RepositoryLock
from axejournal.domain.reading import PartRead
from axejournal.domain.run import Run
from axejournal.jobs.plan import Hands
from axejournal.jobs.restore_orders import Point

if TYPE_CHECKING:
    from axejournal.config.models import Config

Hit = tuple[str, str]
"""A snapshot, and a path in it."""


class MadePoint(Point, Protocol):
    """A restore point, and since when the journal knows it."""

    @property
    def made_at(self) -> datetime: ...


class CheckHands(Hands, Protocol):
    """What the assembled program offers to this job."""

    def points_of(self, tier: str) -> Sequence[MadePoint]:
        """The restore points of a tier that were not removed, newest first."""
        ...

    def parts_read(self, tier: str, repository: str) -> Sequence[PartRead]:
        """What was read of a repository so far."""
        ...

    def holders(self, tier: str, config: Config, packs: Sequence[str]) -> Sequence[Hit]:
        """What needs these packs."""
        ...

    def part_bytes(self, tier: str, config: Config, part: int, of: int) -> int | None:
        """How much data a part is, where that can be told."""
        ...


@dataclass(frozen=True)
class CheckKit:
    """The hands of a check of one tier's repository, in `of` parts."""

    tier: str
    of: int
    repository: Repository
    memory: Memory
    clock: Clock
    is_dead_lock: Callable[[RepositoryLock], bool]
    points: Callable[[], Sequence[MadePoint]]
    parts: Callable[[str], Sequence[PartRead]]  # repository id
    holders: Callable[[Sequence[str]], Sequence[Hit]]
    part_bytes: Callable[[int], int | None]


def check_options(tier: str, of: int, effective: Mapping[str, Any], requested_at: str) -> dict[str, Any]:
    """What a check records of what was asked for."""
    return {"requested_at": requested_at, "tier": tier, "of": of, "config": dict(effective)}


def check_kit(hands: CheckHands, run: Run) -> CheckKit:
    """The hands of a run, by the configuration that it recorded."""
    from axejournal.config.effective import restore

    config = restore(run.requested.options["config"])
    tier, of = str(run.requested.options["tier"]), int(run.requested.options["of"])
    return CheckKit(
        tier=tier,
        of=of,
        repository=hands.repository(tier, config),
        memory=hands.memory,
        clock=hands.clock,
        is_dead_lock=hands.is_dead_lock,
        points=lambda: hands.points_of(tier),
        parts=lambda repository: hands.parts_read(tier, repository),
        holders=lambda packs: hands.holders(tier, config, packs),
        part_bytes=lambda part: hands.part_bytes(tier, config, part, of),
    )
