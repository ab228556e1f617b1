"""The outbox and the channels that it is emptied through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from axejournal.domain.message import Message


@dataclass(frozen=True)
class Entry:
    """One entry of the outbox: `position` is that of the event that ended the run. `count`, `nights` and `since` tell of
    the trouble that it is about (also of the one that is over)."""

    position: int
    run: str
    job: str
    tier: str
    kind: str
    count: int
    nights: int
    since: datetime | None
    at: datetime


@dataclass(frozen=True)
class Delivery:
    """What came of sending. `why`: a sentence without any secret; `retry_after_s`: what the other side asked for."""

    sent: bool
    why: str = ""
    retry_after_s: float | None = None


class Channel(Protocol):
    """One way of telling."""

    def send(self, message: Message) -> Delivery:
        """Within a few seconds, whatever the other side does. Raises nothing but Interrupted."""
        ...


class Outbox(Protocol):
    """What the journal keeps to be told."""

    def entry(self, position: int) -> Entry:
        """One entry. Raises JournalDamaged."""
        ...
