"""Which repository is the recorded one of a tier, and how big is it?"""

from __future__ import annotations

import sqlite3

from axejournal.domain.events import Event
from axejournal.journal.projections.projection import Projection, storable

_RECORD = """
INSERT INTO repositories (customer, tier, repository, place, recorded_by, recorded_position)
SELECT runs.customer, ?, ?, ?, runs.run, ? FROM runs WHERE runs.run = ?
ON CONFLICT DO UPDATE SET place = excluded.place, recorded_by = excluded.recorded_by,
  recorded_position = excluded.recorded_position"""
_MEASURE = """
INSERT INTO repositories (customer, tier, repository, size_bytes, snapshots, measured_at_us, pruned_at_us)
SELECT runs.customer, ?, ?, ?, ?, ?, ? FROM runs WHERE runs.run = ?
ON CONFLICT DO UPDATE SET size_bytes = coalesce(excluded.size_bytes, size_bytes), snapshots = excluded.snapshots,
  measured_at_us = excluded.measured_at_us, pruned_at_us = coalesce(excluded.pruned_at_us, pruned_at_us)"""


def apply(tables: sqlite3.Connection, event: Event) -> None:
    """See Projection. Only RepositoryRecorded says which one is right; the rest measure it."""
    data = event.data
    which = (data["tier"], data["repository"])
    if event.name == "RepositoryRecorded":
        tables.execute(_RECORD, (*which, storable(data["place"]), event.position, event.run))
    else:
        size = (
            data.get("repository_bytes"),
            data["kept"],
            event.recorded_at_us,
            event.recorded_at_us if data.get("pruned") else None,
        )
        tables.execute(_MEASURE, (*which, *size, event.run))


PROJECTION = Projection("repositories", ("repositories",), apply, frozenset({"RepositoryRecorded", "SnapshotsForgotten"}))
