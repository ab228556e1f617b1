"""Which restore points does a fault of the repository hit?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from axejournal.domain.errors import ProgramFailed
from axejournal.domain.facts.check import DamageLocated, DataRead, PointHit
from axejournal.domain.facts.restore import ProofLost
from axejournal.domain.job import ONCE, USUAL, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.checking import CheckKit, Hit

PACK = re.compile(r"pack ([0-9a-f]{64})")
SHOWN = 5


@dataclass(frozen=True)
class LocateDamage:
    """By the packs that restic named. Where it named none, or can't say what needs them, every restore point of the
    repository is hit: better one doubt too many."""

    kit: CheckKit
    name: str = "locate"
    policy: RetryPolicy = USUAL
    contained: bool = False

    def probe(self, run: Run) -> DamageLocated | None:
        """Looking is done again."""
        return None

    def act(self, attempt: Attempt) -> DamageLocated:
        """Raises what asking the repository raises, but for a question that its damage leaves without an answer."""
        read = attempt.run.find(DataRead)
        assert read is not None
        packs = tuple(sorted({pack for fault in read.faults for pack in PACK.findall(fault)}))
        mine = [point for point in self.kit.points() if point.repository == read.repository]
        hits = self._hits(packs, {point.snapshot for point in mine})
        found = []
        for point in mine:
            paths = tuple(path for snapshot, path in hits if snapshot == point.snapshot and _touches(path, point.paths))
            if paths:
                found.append(PointHit(point.source, point.snapshot, point.time, paths[:SHOWN]))
        return DamageLocated(packs, tuple(found))

    def _hits(self, packs: tuple[str, ...], snapshots: set[str]) -> Iterable[Hit]:
        everything = tuple((snapshot, "/") for snapshot in sorted(snapshots))
        if not packs:
            return everything
        try:
            return self.kit.holders(packs)
        except ProgramFailed:
            return everything


def _touches(path: str, roots: Iterable[str]) -> bool:
    """Whether something is below one of the roots, or holds one of them."""
    inside = path.rstrip("/") + "/"
    return any(inside.startswith(f"{root.rstrip('/')}/") or f"{root.rstrip('/')}/".startswith(inside) for root in roots)


@dataclass(frozen=True)
class Suspect:
    """One restore point loses its proof. `number`: among those that are hit."""

    kit: CheckKit
    number: int
    policy: RetryPolicy = ONCE
    contained: bool = False

    @property
    def name(self) -> str:
        return f"suspect:{self.number}"

    def probe(self, run: Run) -> ProofLost | None:
        """The fact is the effect."""
        return None

    def act(self, attempt: Attempt) -> ProofLost:
        """Touches nothing."""
        read, located = attempt.run.find(DataRead), attempt.run.find(DamageLocated)
        assert read is not None and located is not None
        point = located.points[self.number - 1]
        return ProofLost(read.repository, point.snapshot, point.source, f"damaged in tier {read.tier}: {', '.join(point.paths)}")
