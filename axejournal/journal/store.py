"""Appends events, durably, and reads them back: the real EventStore.

One append is one transaction: the events, chained by hash, and all projections. It happens whole or not at all.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from axejournal.domain.errors import AxejError, JournalDamaged, JournalNewer, StaleRunner
from axejournal.domain.events import Event, Fact
from axejournal.domain.ports import Clock, Draft
from axejournal.journal import database, readonly
from axejournal.journal.chain import NO_HASH, event_of, link
from axejournal.journal.codec import Codec, canonical, encode
from axejournal.journal.faults import explain, is_unsettled
from axejournal.journal.locks import WriterLock
from axejournal.journal.projections import PROJECTIONS
from axejournal.journal.replay import rebuild, recreate, replay
from axejournal.journal.schema import EVENT_COLUMNS, SCHEMA
from axejournal.journal.upcasters import UPCASTERS, Upcaster, Upcasters

_HEADS = """
SELECT (SELECT user_version FROM pragma_user_version),
       (SELECT max(position) FROM events), (SELECT hash FROM events ORDER BY position DESC LIMIT 1),
       number, epoch
FROM (SELECT 1) LEFT JOIN (SELECT number, epoch FROM events WHERE run = ? ORDER BY number DESC LIMIT 1)"""
_INSERT = f"INSERT INTO events ({EVENT_COLUMNS}) VALUES ({', '.join('?' * 17)})"
_OF_RUN = f"SELECT {EVENT_COLUMNS} FROM events WHERE run = ? ORDER BY number"
_BY_ID = f"SELECT {EVENT_COLUMNS} FROM events WHERE event_id = ? AND run = ?"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Pending:
    """A draft that is encoded, before the lock is taken."""

    draft: Draft
    name: str
    version: int
    data: dict[str, Any]
    text: str


@dataclass(frozen=True)
class _Order:
    """One append."""

    run: str
    epoch: int
    after: int
    pending: tuple[_Pending, ...]


class Store:
    """The journal at `path`, created or migrated when opened. Threads may share it; a forked child makes its own.

    `process_name` ("host:pid:start") and `boot_id` are written on every event. Raises JournalDamaged, JournalNewer.
    """

    def __init__(
        self,
        path: Path,
        facts: Mapping[str, type[Fact]],
        process_name: str,
        boot_id: str,
        clock: Clock,
        upcasters: Iterable[Upcaster] = UPCASTERS,
    ) -> None:
        self.path = path
        self._codec = Codec(facts)
        self._upcasters = Upcasters(upcasters)
        self._clock = clock
        self._who = (process_name, boot_id)
        self._pid = os.getpid()
        self._guard = threading.RLock()
        self._lock = WriterLock(database.lock_path(path))
        self._file: tuple[int, int] | None = None
        self._connection: Connection | None = None
        try:
            self._connection = self._open()
        except BaseException:
            self._lock.close()
            raise

    # --- the port EventStore ---

    def append(self, run: str, epoch: int, after: int, drafts: Sequence[Draft]) -> tuple[Event, ...]:
        """See EventStore. Appending the same drafts again returns the events that are already there."""
        order = _Order(run, epoch, after, tuple(self._encode(draft) for draft in drafts))
        _check(order)
        if os.getpid() != self._pid:
            raise RuntimeError("a forked child must open a Store of its own")
        with self._guard, self._lock.held():
            connection = self._live()
            try:
                with connection.begin():
                    return self._append(database.driver(connection), order)
            except (sqlite3.Error, DBAPIError) as fault:
                if not is_unsettled(fault):
                    raise ValueError(f"run {run}: these events can't be appended: {fault}") from fault
                return self._settle(order, explain(fault, self.path))

    def stream(self, run: str) -> tuple[Event, ...]:
        """See EventStore."""
        with readonly.opened(self.path) as connection:
            rows = connection.execute(_OF_RUN, (run,)).fetchall()
        return tuple(event_of(row, self._upcasters) for row in rows)

    def fact(self, event: Event) -> Fact:
        """See EventStore; an UnknownFact for a kind that this axej doesn't know."""
        return self._codec.decode(event)

    def open_runs(self) -> tuple[str, ...]:
        """See EventStore."""
        with readonly.opened(self.path) as connection:
            rows = connection.execute("SELECT run FROM runs WHERE outcome = 'open' ORDER BY first_position").fetchall()
        return tuple(row[0] for row in rows)

    def head(self) -> str:
        """See EventStore."""
        with readonly.opened(self.path) as connection:
            row = connection.execute("SELECT hash FROM events ORDER BY position DESC LIMIT 1").fetchone()
        return (row[0] if row else NO_HASH).hex()

    def write_copy(self, into: Path) -> None:
        """See EventStore. Others may append meanwhile; the copy is the journal as it was when this began."""
        with readonly.opened(self.path) as connection:
            database.copy_into(connection, into)

    # --- beside the port ---

    def rebuild(self) -> int:
        """Makes all projections anew from the events, in one transaction; returns the number of events."""
        with self._guard, self._lock.held():
            connection = self._live()
            journal = database.driver(connection)
            try:
                with connection.begin():
                    recreate(journal, PROJECTIONS)
                    return rebuild(journal, self._upcasters, PROJECTIONS)
            except (sqlite3.Error, DBAPIError, ValueError, KeyError, TypeError) as fault:
                raise explain(fault, self.path) from fault

    def close(self) -> None:
        """Ends the connection. May be called twice; an append opens it again."""
        with self._guard:
            if self._connection is not None and os.getpid() == self._pid:
                with self._lock.held():
                    database.close(self._connection)
                self._connection = None
            self._lock.close()

    # --- inside ---

    def _open(self) -> Connection:
        if self._file is not None:  # it was there: its absence is no reason to begin a new one
            self._same_file()
        connection = database.open_for_writing(
            self.path, self._lock, lambda opened: rebuild(database.driver(opened), self._upcasters, PROJECTIONS)
        )
        self._file = _identity(self.path)
        return connection

    def _live(self) -> Connection:
        if self._connection is None:
            self._connection = self._open()
        self._same_file()
        return self._connection

    def _same_file(self) -> None:
        """What is appended to a journal whose file was removed or replaced meanwhile would be lost in silence."""
        if _identity(self.path) != self._file:
            raise JournalDamaged(
                f"journal {self.path}: its file was removed or replaced while it was open; nothing was appended",
                f'Put the journal back at {self.path}, then run "axej journal verify" and "axej resume".',
            )

    def _encode(self, draft: Draft) -> _Pending:
        data = encode(draft.fact)
        kind = type(draft.fact)
        return _Pending(draft, kind.__name__, kind.version, data, canonical(data))

    def _append(self, journal: sqlite3.Connection, order: _Order) -> tuple[Event, ...]:
        position, head, number, epoch = self._heads(journal, order.run)
        if number != order.after or epoch > order.epoch:
            return _already(journal, order) or _stale(order, number, epoch)
        events = tuple(self._place(order, position, head))
        for event, item in zip(events, order.pending, strict=True):
            journal.execute(_INSERT, _row(event, item.text))
        replay(journal, events, PROJECTIONS)
        return events

    def _heads(self, journal: sqlite3.Connection, run: str) -> tuple[int, bytes, int, int]:
        """The last position and hash of the journal, the last number and epoch of the run."""
        version, position, head, number, epoch = journal.execute(_HEADS, (run,)).fetchone()
        if version != SCHEMA:
            raise JournalNewer(
                f"journal {self.path} was brought to schema {version} while this process ran; it knows {SCHEMA}",
                'Run "axej resume" with the axej that migrated it.',
            )
        return position or 0, head or NO_HASH, number or 0, epoch or 0

    def _place(self, order: _Order, position: int, head: bytes) -> Iterator[Event]:
        since = self._clock.now() - _EPOCH
        times = ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds, self._clock.monotonic_us())
        for offset, item in enumerate(order.pending, start=1):
            draft = item.draft
            what = (item.name, item.version, draft.state, draft.step, draft.attempt)
            fields = (position + offset, draft.event_id, order.run, order.after + offset, *what, order.epoch, *self._who, *times)
            own = link(head, (*fields, item.text))
            yield Event(*fields, item.data, head, own)
            head = own

    def _settle(self, order: _Order, failure: AxejError) -> tuple[Event, ...]:
        """A COMMIT that failed is unknown, not undone: only a new connection can tell. What it finds was read from the
        cache of a disk that had just failed, so that it counts once a checkpoint has written it anew."""
        kept: tuple[Event, ...] = ()
        try:
            self._drop()
            journal = database.driver(self._live())
            kept = _already(journal, order)
            if kept and journal.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
                return kept
        except (AxejError, sqlite3.Error, DBAPIError):
            raise _with(failure, "whether the last event was kept is unknown") from None
        raise _with(failure, "whether the last event was kept is unknown" if kept else "nothing was appended")

    def _drop(self) -> None:
        dropped, self._connection = self._connection, None
        if dropped is not None:
            with contextlib.suppress(sqlite3.Error, DBAPIError):
                database.close(dropped)


def _row(event: Event, text: str) -> tuple[Any, ...]:
    return (
        *(event.position, event.event_id, event.run, event.number, event.name, event.version, event.state, event.step),
        *(event.attempt, event.epoch, event.process, event.boot_id, event.recorded_at_us, event.monotonic_us),
        *(text, event.previous_hash, event.hash),
    )


def _already(journal: sqlite3.Connection, order: _Order) -> tuple[Event, ...]:
    """The stored events of these drafts when all are there, else nothing."""
    rows = [journal.execute(_BY_ID, (item.draft.event_id, order.run)).fetchone() for item in order.pending]
    return () if None in rows else tuple(event_of(row) for row in rows)


def _stale(order: _Order, number: int, epoch: int) -> NoReturn:
    raise StaleRunner(
        f"run {order.run} is at event {number} of epoch {epoch}; this process knows event {order.after} of epoch {order.epoch}",
        f'Another process took the run over; look at it with "axej history {order.run}".',
    )


def _check(order: _Order) -> None:
    names = [item.name for item in order.pending]
    if not names or order.epoch < 1:
        raise ValueError("an append needs at least one draft and an epoch from 1")
    first = ["RunRequested"] if order.after == 0 else []
    if names[: len(first)] != first or "RunRequested" in names[len(first) :]:
        raise ValueError(f"run {order.run}: RunRequested is the first event of a run, and only that; got {names}")


def _with(failure: AxejError, what: str) -> AxejError:
    return type(failure)(f"{failure.message}; {what}", failure.hint)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 (each append: pathlib's costs twice as much)
    except OSError:
        return None
    return found.st_dev, found.st_ino
