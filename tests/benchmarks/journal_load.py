"""A big journal, fast: nights as a machine with five databases leaves them, with a chain that `verify` accepts.

`python -m tests.benchmarks.journal_load PATH [EVENTS]` writes one.
"""

from __future__ import annotations

import itertools
import math
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from axejournal.domain.events import Event
from axejournal.domain.facts import SnapshotsForgotten
from axejournal.domain.ports import Draft
from axejournal.journal.chain import NO_HASH, link
from axejournal.journal.codec import canonical, encode
from axejournal.journal.projections import PROJECTIONS
from axejournal.journal.replay import replay
from axejournal.journal.schema import EVENT_COLUMNS
from tests.journal.stories import REPOSITORY, draft, night, open_store, snapshot_of

FIRST = datetime(1999, 1, 1, 3, tzinfo=UTC)
KEPT_NIGHTS = 30
BATCH = 400
Story = tuple[str, datetime, list[Draft]]
"""A run: its id, when it began, what it appends."""
_INSERT = f"INSERT INTO events ({EVENT_COLUMNS}) VALUES ({', '.join('?' * 17)})"


def build(path: Path, events: int) -> int:
    """A journal at `path` (which must not exist) of at least so many events, in whole nights; returns how many."""
    return write(path, _nights(), events)


def write(path: Path, stories: Iterable[Story], events: float = math.inf) -> int:
    """A journal at `path` of these runs, one after the other, until it has so many events; returns how many.

    The rows are those that Store would append; what is left out is one fsync an append.
    """
    open_store(path).close()
    journal = sqlite3.connect(path, isolation_level=None)
    journal.execute("PRAGMA synchronous = OFF")
    position, head = 0, NO_HASH
    for batch in _batched(iter(stories), BATCH):
        journal.execute("BEGIN IMMEDIATE")
        for run, begun, drafts in batch:
            rows, made = _rows(run, begun, drafts, position, head)
            journal.executemany(_INSERT, rows)
            replay(journal, made, PROJECTIONS)
            position, head = position + len(rows), made[-1].hash
            if position >= events:
                break
        journal.execute("COMMIT")
        if position >= events:
            break
    journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    journal.close()
    return position


def _batched(items: Iterator[Any], size: int) -> Iterator[tuple[Any, ...]]:
    while batch := tuple(itertools.islice(items, size)):
        yield batch


def _nights() -> Iterator[Story]:
    """Run, moment and drafts of one night after the other; each forgets the snapshot of a month ago."""
    for number in itertools.count():
        begun = FIRST + timedelta(days=number)
        run = f"{begun:%Y%m%d}-0300-{number:06d}"
        old = number - KEPT_NIGHTS
        forgotten = (snapshot_of(f"{FIRST + timedelta(days=old):%Y%m%d}-0300-{old:06d}"),) if old >= 0 else ()
        slot = begun.isoformat(timespec="minutes")
        drafts = [made for appended in night(run, slot, taken_at=slot) for made in appended]
        swapped = [
            draft(SnapshotsForgotten("local", REPOSITORY, forgotten, 30, False, 10**9), made.step, 1, made.state)
            if isinstance(made.fact, SnapshotsForgotten)
            else made
            for made in drafts
        ]
        yield run, begun, swapped


def _rows(
    run: str, begun: datetime, drafts: Sequence[Draft], position: int, head: bytes
) -> tuple[list[tuple[Any, ...]], list[Event]]:
    rows, made = [], []
    since_us = (begun - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    for number, item in enumerate(drafts, start=1):
        kind, data = type(item.fact), encode(item.fact)
        event_id = f"{(since_us // 1000) + number:012x}-7000-8000-{position + number:012x}"
        what = (kind.__name__, kind.version, item.state, item.step, item.attempt)
        moment = (since_us + number * 1_000_000, number * 1_000_000)
        fields = (position + number, event_id, run, number, *what, 1, "mac:4711:1795", "boot-1", *moment)
        text = canonical(data)
        own = link(head, (*fields, text))
        rows.append((*fields, text, head, own))
        made.append(Event(*fields, data, head, own))
        head = own
    return rows, made


if __name__ == "__main__":
    print(build(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000))
