"""What runs that copy snapshots into another tier find out and record, beside SnapshotCopied (facts)."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain.events import Fact


@dataclass(frozen=True)
class BackupAwaited(Fact):
    """The newest slot's backup has ended, or was waited for long enough. `backup`: its run; `late`: why what is copied
    may lack it, empty when it does not."""

    backup: str | None = None
    waited_s: float = 0.0
    late: str = ""


@dataclass(frozen=True)
class CopiesChosen(Fact):
    """What is to be copied, oldest first, by the ids of the local repository. `present`: snapshots of the local repository
    that the tier holds already; `vanished`: copies that the journal knows and that are not in the tier's repository."""

    wanted: tuple[str, ...]
    present: int = 0
    vanished: tuple[str, ...] = ()
    repository: str = ""


@dataclass(frozen=True)
class CopiesFinished(Fact):
    """Each snapshot was copied or given up."""

    copied: tuple[str, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class CopiesVerified(Fact):
    """The tier's repository was looked into after the copying: how many snapshots it holds, and which of those that the
    journal knows are not there."""

    tier: str
    repository: str
    snapshots: int
    vanished: tuple[str, ...] = ()
    size_bytes: int | None = None
