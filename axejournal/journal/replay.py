"""Reads events in pages, and computes projections from them: into the journal's own tables, or into temporary ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from axejournal.domain.events import Event
from axejournal.journal.chain import event_of
from axejournal.journal.projections.projection import Projection
from axejournal.journal.schema import EVENT_COLUMNS, golden
from axejournal.journal.upcasters import Upcasters

PAGE = 1000
"""Events a page. Each page is a read of its own: a long one would keep the write-ahead log from being reused."""

Row = tuple[Any, ...]


def pages(connection: sqlite3.Connection, after: int = 0, size: int = PAGE) -> Iterator[list[Row]]:
    """All rows of EVENT_COLUMNS behind a position, in order."""
    query = f"SELECT {EVENT_COLUMNS} FROM events WHERE position > ? ORDER BY position LIMIT {size}"
    while True:
        rows: list[Row] = connection.execute(query, (after,)).fetchall()
        if not rows:
            return
        yield rows
        after = int(rows[-1][0])


def temporary_tables(connection: sqlite3.Connection, projections: Iterable[Projection]) -> None:
    """Empty tables of these projections that hide the journal's own from this connection; they may be made on a
    read-only one, and are gone with it."""
    shapes = golden()
    for table in (table for projection in projections for table in projection.tables):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        connection.execute(shapes[table].replace("CREATE TABLE", "CREATE TEMP TABLE", 1))


def replay(connection: sqlite3.Connection, events: Iterable[Event], projections: Sequence[Projection]) -> None:
    """Applies events, in order, to the projections' tables on this connection, in the caller's transaction."""
    for event in events:
        for projection in projections:
            if projection.hears is None or event.name in projection.hears:
                projection.apply(connection, event)


def recreate(connection: sqlite3.Connection, projections: Sequence[Projection]) -> None:
    """Drops the projections' tables and makes them anew, empty, inside the caller's transaction."""
    shapes = golden()
    tables = [table for projection in projections for table in projection.tables]
    for table in tables:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(shapes[table])
    for statement in shapes.values():
        if statement.startswith("CREATE INDEX") and statement.split()[4] in tables:
            connection.execute(statement)


def rebuild(connection: sqlite3.Connection, upcasters: Upcasters, projections: Sequence[Projection]) -> int:
    """Empties the projections and computes them from all events, inside the caller's transaction; returns how many
    events there are."""
    for table in (table for projection in projections for table in projection.tables):
        connection.execute(f"DELETE FROM {table}")
    last = 0
    for rows in pages(connection):
        replay(connection, (event_of(row, upcasters) for row in rows), projections)
        last = int(rows[-1][0])
    return last
