"""Which physical copies of servers lie in a snapshot that is still there, and from when are they?"""

from __future__ import annotations

import sqlite3

from axejournal.domain.events import Event
from axejournal.journal.projections.projection import Projection, instant_us

# its time is its run's slot; a run by hand has none
_INSERT = """
INSERT INTO physical_copies (customer, source, time_us, position, repository, snapshot, size_bytes)
SELECT runs.customer, ?, coalesce(runs.slot_us, ?), ?, ?, ?, ? FROM runs WHERE runs.run = ?
ON CONFLICT DO NOTHING"""
_REMOVE = "DELETE FROM physical_copies WHERE repository = ? AND snapshot = ?"


def apply(tables: sqlite3.Connection, event: Event) -> None:
    """See Projection. A copy counts once its snapshot was looked into, and until that is removed."""
    data = event.data
    if event.name == "SnapshotVerified":
        for copy in data.get("physical", ()):
            held = (data["repository"], data["snapshot"], copy["size_bytes"])
            tables.execute(_INSERT, (copy["source"], instant_us(data["taken_at"]), event.position, *held, event.run))
    else:
        for snapshot in data["removed"]:
            tables.execute(_REMOVE, (data["repository"], snapshot))


PROJECTION = Projection("physical_copies", ("physical_copies",), apply, frozenset({"SnapshotVerified", "SnapshotsForgotten"}))
