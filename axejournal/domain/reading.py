"""The rule by which a repository's data is read in parts, and what that proves.

restic puts each pack file into one part of n by the first byte of its name, so that n runs with k = 1 … n read all. A
restore point is *checked* when each of the n parts was read without a fault, its structure included, after the point was
made: its packs were all there by then, each is in one part, and each was read. (What a prune repacked meanwhile it read,
and authenticated, itself.) A part with a fault proves nothing; another n begins anew. Reading never lifts a point that is
suspect: the bytes are what was written, which says nothing of what was written; only a restore does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class PartRead:
    """The newest reading of one part. `good_at`: when its newest reading without a fault began, None for never."""

    part: int
    of: int
    read_at: datetime
    good_at: datetime | None


def next_part(parts: Sequence[PartRead], of: int) -> int:
    """The part that was read longest ago; one that was never read comes first."""
    read = {one.part: one.read_at for one in parts if one.of == of}
    unread = [part for part in range(1, of + 1) if part not in read]
    return unread[0] if unread else min(read, key=lambda part: (read[part], part))


def all_read_since(parts: Sequence[PartRead], of: int) -> datetime | None:
    """The moment since which every part was read without a fault; None while one never was."""
    good = [one.good_at for one in parts if one.of == of and one.good_at is not None]
    return min(good) if len(good) == of else None
