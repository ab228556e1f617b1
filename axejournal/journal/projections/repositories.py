"""Which repository is the recorded one of a tier, which were met, and how big are they?"""

from __future__ import annotations

import sqlite3

from axejournal.domain.events import Event
from axejournal.journal.projections.projection import Projection, storable

_MEET = """
INSERT INTO repositories (customer, tier, repository, met_position)
SELECT runs.customer, ?, ?, ? FROM runs WHERE runs.run = ?
ON CONFLICT DO NOTHING"""
_RECORD = """
UPDATE repositories SET place = ?, recorded_by = ?, recorded_position = ?"""
_MEASURE = """
UPDATE repositories SET size_bytes = coalesce(?, size_bytes), snapshots = ?, measured_at_us = ?,
  pruned_at_us = coalesce(?, pruned_at_us)"""
_WHICH = """
WHERE customer = (SELECT customer FROM runs WHERE runs.run = ?) AND tier = ? AND repository = ?"""


def apply(tables: sqlite3.Connection, event: Event) -> None:
    """See Projection. Only RepositoryRecorded says which one is right; the rest meet and measure it."""
    data = event.data
    tier, repository = data["tier"], data["repository"]
    tables.execute(_MEET, (tier, repository, event.position, event.run))
    if event.name == "RepositoryRecorded":
        recorded = (storable(data["place"]), event.run, event.position)
        tables.execute(_RECORD + _WHICH, (*recorded, event.run, tier, repository))
    elif event.name == "SnapshotsForgotten":
        pruned_at_us = event.recorded_at_us if data.get("pruned") else None
        measured = (data.get("repository_bytes"), data["kept"], event.recorded_at_us, pruned_at_us)
        tables.execute(_MEASURE + _WHICH, (*measured, event.run, tier, repository))


PROJECTION = Projection(
    "repositories",
    ("repositories",),
    apply,
    frozenset({"RepositoryRecorded", "SnapshotVerified", "SnapshotCopied", "SnapshotsForgotten"}),
)
