"""What waits to be told, by plain sqlite3: cheap enough for each scheduled call."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from axejournal.domain.channels import MOST_AGE_DAYS, MOST_MESSAGES, PING
from axejournal.journal import readonly
from axejournal.journal.clauses import instant, microseconds, times

if TYPE_CHECKING:
    from axejournal.domain.ports.outbox import Entry

_COLUMNS = "position, run, job, tier, kind, count, nights, since_us, at_us"
_WAITING = f"""
SELECT {_COLUMNS} FROM outbox WHERE replaced_by IS NULL AND customer = ? AND at_us > ? AND {{which}}
  AND NOT EXISTS (SELECT 1 FROM deliveries WHERE message = position AND channel = ?) ORDER BY position LIMIT ?"""
_PEOPLE = """kind <> 'quiet' AND (kind <> 'waits' OR EXISTS (
  SELECT 1 FROM runs WHERE runs.run = outbox.run AND runs.state IN ('awaiting_disk', 'awaiting_password')))"""


class Waiting(NamedTuple):
    """One message that waits on one channel. `why`: of the channel's last failure; `not_before`: when it is tried again."""

    channel: str
    position: int
    run: str
    job: str
    tier: str
    kind: str
    at: datetime
    failures: int
    why: str | None
    not_before: datetime | None


def waiting(path: Path, customer: str, channels: Sequence[str], now: datetime, due_only: bool = True) -> tuple[Waiting, ...]:
    """What is to be sent now, oldest first, channel by channel; with `due_only` False also on channels that failed lately.
    Raises JournalDamaged, JournalNewer."""
    if not channels:
        return ()
    with readonly.opened(path) as journal:
        if not _has_outbox(journal):
            return ()
        return tuple(row for channel in channels for row in _on(journal, customer, channel, now, due_only))


def entry(path: Path, position: int) -> Entry:
    """One entry of the outbox. Raises JournalDamaged."""
    from axejournal.domain.errors import JournalDamaged
    from axejournal.domain.ports.outbox import Entry

    with readonly.opened(path) as journal:
        row = journal.execute(f"SELECT {_COLUMNS} FROM outbox WHERE position = ?", (position,)).fetchone()
    if row is None:
        raise JournalDamaged(f"journal {path}: no message {position} is in it", 'Run "axej journal rebuild".')
    return Entry(*times(row, 7, 8))


def _on(journal: sqlite3.Connection, customer: str, channel: str, now: datetime, due_only: bool) -> Iterator[Waiting]:
    now_us = microseconds(now) or 0
    failed = journal.execute("SELECT failures, why, not_before_us FROM channels WHERE channel = ?", (channel,)).fetchone()
    failures, why, not_before_us = failed or (0, None, None)
    if due_only and not_before_us is not None and not_before_us > now_us:
        return
    key = channel.removeprefix(PING)
    which, values = ("kind <> 'waits' AND (tier = ? OR job = ?)", (key, key)) if channel.startswith(PING) else (_PEOPLE, ())
    oldest = now_us - MOST_AGE_DAYS * 86_400_000_000
    asked = (customer, oldest, *values, channel, MOST_MESSAGES)
    for row in journal.execute(_WAITING.format(which=which), asked).fetchall():
        yield Waiting(*(channel, *row[:5], instant(row[8]), failures, why, instant(not_before_us)))


def _has_outbox(journal: sqlite3.Connection) -> bool:
    """An older journal has none until the next command that writes brings it up to date."""
    return journal.execute("SELECT 1 FROM main.sqlite_master WHERE name = 'outbox'").fetchone() is not None
