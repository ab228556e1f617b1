"""Is the journal what was written? Hash chain, gaps, shape, triggers, projections against replay, heads kept elsewhere.

Pages through the events once, so that memory stays flat and a live journal's log doesn't grow. A chain alone doesn't
show a tail that was cut off or a chain that was made anew: anchors do, heads that snapshots, the peer or a message hold.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axejournal.domain.errors import JournalDamaged
from axejournal.journal import readonly
from axejournal.journal.chain import NO_HASH, event_of, link
from axejournal.journal.projections import PROJECTIONS
from axejournal.journal.replay import Row, pages, replay, temporary_tables
from axejournal.journal.schema import SCHEMA, found, golden
from axejournal.journal.upcasters import UPCASTERS, Upcaster, Upcasters

MOST_FAULTS = 20
"""No more are collected; the first one says where to look."""
UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What reading a damaged file raises (the message itself may be no text any more)."""


@dataclass(frozen=True)
class Anchor:
    """A head of the journal that is known from elsewhere: its hash in hex, its position if that is known too, and where
    it was kept ("snapshot 1a2b3c4d")."""

    hash: str
    position: int | None = None
    where: str = ""

    def __str__(self) -> str:
        place = "" if self.position is None else f" at {self.position}"
        return f"head {self.hash[:16]}…{place}" + (f" ({self.where})" if self.where else "")


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it was written. `position`: of the first event that it concerns, when it has one."""

    what: str
    position: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What was looked at, and what was wrong with it."""

    path: Path
    events: int
    head: str
    anchors: int
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing was wrong."""
        return not self.faults

    @property
    def first_bad(self) -> int | None:
        """The lowest position that a fault names."""
        return min((fault.position for fault in self.faults if fault.position is not None), default=None)

    def check(self) -> None:
        """Raises JournalDamaged, naming the first bad position, unless the journal is sound."""
        if self.faults:
            first = min(self.faults, key=lambda fault: (fault.position is None, fault.position or 0))
            more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
            raise JournalDamaged(
                f"journal {self.path}: {first.what}{more}",
                "Keep the file as it is, and compare it with the copies that the snapshots hold.",
            )


@dataclass
class _Findings:
    """What the pass over the events has come to."""

    position: int = 0
    events: int = 0
    head: bytes = NO_HASH
    numbers: dict[str, tuple[int, int]] = field(default_factory=dict)  # run -> last number, last epoch
    met: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    broken: bool = False  # the events themselves: then replay would say nothing

    def add(self, what: str, position: int | None = None) -> None:
        self.broken = self.broken or position is not None
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(what, position))


def verify(
    path: Path,
    anchors: Iterable[Anchor] = (),
    progress: Callable[[int], None] = lambda events: None,
    upcasters: Iterable[Upcaster] = UPCASTERS,
) -> Verdict:
    """Looks at everything; `progress` is told how many events were seen. Raises JournalNewer, and JournalDamaged only
    for a file that can't be opened as a journal at all."""
    known = tuple(anchors)
    seen = _Findings()
    with readonly.opened(path) as journal:
        current = readonly.version(journal) == SCHEMA
        try:
            _shape(journal, seen, current)
            if current:
                temporary_tables(journal, PROJECTIONS)
            _walk(journal, seen, known, Upcasters(upcasters) if current else None, progress)
            if current and not seen.broken:
                _projections(journal, seen, Upcasters(upcasters))
        except UNREADABLE as fault:
            seen.add(f"behind event {seen.position} the file can't be read: {fault}", seen.position + 1)
    _anchors(known, seen)
    return Verdict(path, seen.events, seen.head.hex(), len(known), tuple(seen.faults))


def _shape(journal: sqlite3.Connection, seen: _Findings, current: bool) -> None:
    """SQLite's own check, and every table, index and trigger against the golden schema."""
    try:
        lines = [line for (line,) in journal.execute(f"PRAGMA integrity_check({MOST_FAULTS})").fetchall() if line != "ok"]
    except UNREADABLE as fault:
        lines = [str(fault)]
    for line in lines:
        seen.add(f"SQLite's integrity check says: {line}")
    wanted, there = golden(), found(journal)
    for name in sorted(wanted.keys() | there.keys()):
        if not current and not name.startswith("events"):
            continue
        if name not in there:
            seen.add(f"{name} is missing from the schema ({wanted[name].split(' (')[0].splitlines()[0]})")
        elif name not in wanted:
            seen.add(f"{name} is in the schema and doesn't belong there")
        elif wanted[name] != there[name]:
            seen.add(f"{name} is not as axej made it")


def _walk(
    journal: sqlite3.Connection,
    seen: _Findings,
    anchors: Sequence[Anchor],
    upcasters: Upcasters | None,
    progress: Callable[[int], None],
) -> None:
    hashes = {anchor.hash for anchor in anchors}
    positions = {anchor.position: anchor for anchor in anchors if anchor.position is not None}
    for rows in _readable_pages(journal):
        for row in rows:
            _chained(row, seen)
            own = seen.head.hex()
            if own in hashes:
                seen.met.add(own)
            if (anchor := positions.get(seen.position)) and anchor.hash != own:
                seen.add(f"event {seen.position} has another hash than {anchor}", seen.position)
        if upcasters is not None and not seen.broken:
            _replay(journal, rows, seen, upcasters)
        progress(seen.events)


def _readable_pages(journal: sqlite3.Connection) -> Iterator[list[Row]]:
    """Pages; one event at a time once a page can't be read, so that the first bad one is known."""
    last = 0
    try:
        for rows in pages(journal):
            yield rows
            last = int(rows[-1][0])
    except UNREADABLE:
        while rows := next(pages(journal, last, size=1), []):
            yield rows
            last = int(rows[-1][0])


def _chained(row: Row, seen: _Findings) -> None:
    """One event against the one before. Goes on from what is stored, so that one change is one fault."""
    position, _, run, number = row[:4]
    epoch, previous, own = row[9], row[15], row[16]
    if position != seen.position + 1:
        gap = f"{seen.position + 1}" if position == seen.position + 2 else f"{seen.position + 1} to {position - 1}"
        seen.add(f"events are missing: {gap}", seen.position + 1)
    if not _fits(row):
        seen.add(f"event {position} was changed: its hash doesn't fit its content", position)
    if previous != seen.head:
        seen.add(f"event {position} doesn't follow event {seen.position}: the hash of the one before differs", position)
    before, last_epoch = seen.numbers.get(run, (0, 0))
    if isinstance(number, int) and isinstance(epoch, int):
        if number != before + 1 or epoch < last_epoch:
            seen.add(f"event {position} is number {number} of epoch {epoch} of run {run}, after number {before}", position)
        seen.numbers[run] = (number, epoch)
    seen.position, seen.events = position, seen.events + 1
    seen.head = own if isinstance(own, bytes) else NO_HASH


def _fits(row: Row) -> bool:
    try:
        return bool(link(row[15], row[:15]) == row[16])
    except TypeError:  # a damaged column has another type
        return False


def _replay(journal: sqlite3.Connection, rows: list[Row], seen: _Findings, upcasters: Upcasters) -> None:
    """Into the temporary tables, in a transaction that touches nothing else."""
    journal.execute("BEGIN")
    for row in rows:
        try:
            replay(journal, (event_of(row, upcasters),), PROJECTIONS)
        except (KeyError, TypeError, ValueError, sqlite3.Error) as fault:
            seen.add(f"event {row[0]} can't be replayed: {fault!r}", row[0])
            break
    journal.execute("COMMIT")


def _projections(journal: sqlite3.Connection, seen: _Findings, upcasters: Upcasters) -> None:
    """What replay gave against what is kept, at one moment: events that came meanwhile are taken in first."""
    journal.execute("BEGIN")
    for rows in pages(journal, seen.position):
        for row in rows:
            _chained(row, seen)
            seen.met.add(seen.head.hex())
        replay(journal, (event_of(row, upcasters) for row in rows), PROJECTIONS)
    there = found(journal)
    for table in (table for projection in PROJECTIONS for table in projection.tables if table in there):
        for what, row in _differences(journal, table):
            keys = ", ".join(str(value) for value in row[:3])
            seen.add(f'projection {table} {what}: {keys}, …; "axej journal rebuild" computes it again')
    journal.execute("ROLLBACK")


def _differences(journal: sqlite3.Connection, table: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    lacking = f"SELECT * FROM temp.{table} EXCEPT SELECT * FROM main.{table} LIMIT 3"
    surplus = f"SELECT * FROM main.{table} EXCEPT SELECT * FROM temp.{table} LIMIT 3"
    for what, query in (("lacks, or has otherwise,", lacking), ("has, and should not,", surplus)):
        for row in journal.execute(query).fetchall():
            yield what, row


def _anchors(anchors: Sequence[Anchor], seen: _Findings) -> None:
    for anchor in anchors:
        if anchor.position is not None and anchor.position > seen.position:
            seen.add(f"the journal ends at event {seen.position}, but {anchor} is known: its end was cut off", seen.position + 1)
        elif anchor.position is None and anchor.hash not in seen.met and anchor.hash != NO_HASH.hex():
            seen.add(f"{anchor} is known, and no event has that hash: the end was cut off, or the chain was made anew")
