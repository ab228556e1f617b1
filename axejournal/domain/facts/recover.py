"""What a recovery of a whole machine finds out and records."""

from __future__ import annotations

from dataclasses import dataclass

from axejournal.domain.events import Fact


@dataclass(frozen=True)
class JournalRecovered(Fact):
    """This journal's new life begins here. What is before it was written by `host`, up to the backup `backup`, and came out
    of a snapshot of a repository: its chain of `events` was verified against `heads` that the repository's snapshots hold.
    `abandoned`: runs of that host that had not ended; `aside`: what was there on this machine, and where it is now."""

    tier: str
    place: str
    repository: str
    snapshot: str
    backup: str
    host: str
    events: int
    head: str
    heads: int
    abandoned: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceRecovered(Fact):
    """One source is back, by a run of its own."""

    source: str
    run: str
    outcome: str


@dataclass(frozen=True)
class SourcesFinished(Fact):
    """Each source was tried."""

    recovered: tuple[str, ...]
    missing: tuple[str, ...] = ()
