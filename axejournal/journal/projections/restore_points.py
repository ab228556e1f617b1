"""What can be restored, from where, and how far has it been shown good?

A snapshot becomes restore points only by SnapshotVerified; retention marks them as removed, and the marks stay.
"""

from __future__ import annotations

import sqlite3

from axejournal.domain.events import Event
from axejournal.journal.codec import canonical
from axejournal.journal.projections.projection import Projection, instant_us

# a point's time is its run's slot; a run by hand has none, and was taken when it was taken
_INSERT = """
INSERT INTO restore_points (repository, snapshot, source, customer, tier, kind, run, time, time_us, taken_at,
                            recorded_at_us, paths, size_bytes, files, proof)
SELECT ?1, ?2, ?3, runs.customer, ?4, ?5, runs.run, coalesce(runs.slot, ?6), coalesce(runs.slot_us, ?7), ?6,
       ?8, ?9, ?10, ?11, 'stored'
FROM runs WHERE runs.run = ?12
ON CONFLICT DO NOTHING"""
_REMOVE = """
UPDATE restore_points SET removed_by = ?, removed_at_us = ?
WHERE repository = ? AND snapshot = ? AND removed_by IS NULL"""


def apply(tables: sqlite3.Connection, event: Event) -> None:
    """See Projection."""
    data = event.data
    if event.name == "SnapshotVerified":
        taken_us = instant_us(data["taken_at"])
        for point in data["points"]:
            where = (data["repository"], data["snapshot"], point["source"], data["tier"], point["kind"])
            size = (canonical(point["paths"]), point["size_bytes"], point["files"])
            tables.execute(_INSERT, (*where, data["taken_at"], taken_us, event.recorded_at_us, *size, event.run))
    else:
        for snapshot in data["removed"]:
            tables.execute(_REMOVE, (event.run, event.recorded_at_us, data["repository"], snapshot))


PROJECTION = Projection("restore_points", ("restore_points",), apply, frozenset({"SnapshotVerified", "SnapshotsForgotten"}))
