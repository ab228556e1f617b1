"""What a check of a repository finds out and records."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain.events import Fact


@dataclass(frozen=True)
class DataRead(Fact):
    """restic checked the structure of a tier's repository and read part `part` of `of` of its data. `faults`: as restic
    words them; `size_bytes`: how much was read, None where that can't be told (a repository on another machine)."""

    tier: str
    repository: str
    part: int
    of: int
    faults: tuple[str, ...] = ()
    size_bytes: int | None = None
    duration_s: float = 0.0


@dataclass(frozen=True)
class PointHit:
    """Part of DamageLocated: one restore point that needs damaged data. `paths`: some of what is hit of it."""

    source: str
    snapshot: str
    time: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class DamageLocated(Fact):
    """Which restore points the faults hit; those that were suspect already are among them. `packs`: damaged pack files."""

    packs: tuple[str, ...]
    points: tuple[PointHit, ...]


@dataclass(frozen=True)
class PointOfSource:
    """Part of PointsChecked: a restore point's name within its repository."""

    snapshot: str
    source: str


@dataclass(frozen=True)
class PointsChecked(Fact):
    """All data of these restore points were read since they were made: from here on their proof is `checked`, where it
    was `stored`. `read_since`: since when all of the repository was read, ISO 8601; None while that was never so."""

    tier: str
    repository: str
    points: tuple[PointOfSource, ...]
    read_since: str | None = None
