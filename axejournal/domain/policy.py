"""Rules without hands: what retention keeps, and in what order proofs stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

PROOFS: tuple[str, ...] = ("suspect", "stored", "checked", "restored", "verified")
"""How far a restore point has been shown good, worst first."""


def proof_rank(proof: str) -> int:
    """The place of a proof in PROOFS; one that nobody recorded is no better than the worst."""
    return PROOFS.index(proof) if proof in PROOFS else 0


@dataclass(frozen=True)
class Keep:
    """How many restore points of each kind retention keeps, per source; 0 keeps none by that rule."""

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0


@dataclass(frozen=True)
class Held:
    """One restore point as retention sees it: `time` is its slot in the schedule's zone."""

    source: str
    snapshot: str
    time: datetime
    proof: str = "stored"


def to_forget(points: Iterable[Held], keep: Keep) -> tuple[str, ...]:
    """The snapshots that no source needs any more, oldest first.

    Kept, for each source by itself: what the rules ask for (restic's meaning: the newest point of each of the last N
    days, weeks, …), the newest point, the newest that is not suspect, and the newest point of each degree of proof: the
    newest verified one never goes, and no proven point while no newer one has its proof. A snapshot goes only when every
    source in it can do without. Without any rule nothing is forgotten.
    """
    all_points = sorted(points, key=lambda point: point.time)
    if keep == Keep():
        return ()
    needed: set[str] = set()
    for source in {point.source for point in all_points}:
        needed |= _needed([point for point in all_points if point.source == source], keep)
    return tuple(dict.fromkeys(point.snapshot for point in all_points if point.snapshot not in needed))


def _needed(points: Sequence[Held], keep: Keep) -> set[str]:
    """Of one source, oldest first."""
    newest_first = list(reversed(points))
    needed = {point.snapshot for point in newest_first[: max(1, keep.last)]}
    rules: tuple[tuple[int, Callable[[datetime], object]], ...] = (
        (keep.daily, lambda time: time.date()),
        (keep.weekly, lambda time: time.isocalendar()[:2]),
        (keep.monthly, lambda time: (time.year, time.month)),
        (keep.yearly, lambda time: time.year),
    )
    for count, bucket in rules:
        newest: dict[object, str] = {}
        for point in newest_first:
            newest.setdefault(bucket(point.time), point.snapshot)
        needed |= set(list(newest.values())[:count])
    needed |= {point.snapshot for point in [one for one in newest_first if one.proof != PROOFS[0]][:1]}
    best = -1
    for point in newest_first:
        rank = proof_rank(point.proof)
        if rank > best and rank > proof_rank("stored"):
            needed.add(point.snapshot)
        best = max(best, rank)
    return needed
