"""What the restore of a server's data directory (a stopped server's volume, a physical copy) finds out and records."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain.events import Fact


@dataclass(frozen=True)
class VolumePrepared(Fact):
    """The place is free, the repository is the right one, there is room."""

    restic: str
    repository: str
    snapshot: str
    into: str
    free_bytes: int
    needed_bytes: int


@dataclass(frozen=True)
class VolumeFetched(Fact):
    """The archives are out of the snapshot and whole."""

    directory: str
    size_bytes: int


@dataclass(frozen=True)
class VolumeUnpacked(Fact):
    """The data directory lies at its place, beside the live server. `commands` start a server on it."""

    into: str
    server_version: str
    size_bytes: int
    commands: tuple[str, ...] = ()
