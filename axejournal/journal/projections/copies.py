"""Which snapshot of which repository is the copy of which? So that names alone tell what a tier has, without restic."""

from __future__ import annotations

import sqlite3

from axejournal.domain.events import Event
from axejournal.journal.projections.projection import Projection


def apply(tables: sqlite3.Connection, event: Event) -> None:
    """See Projection."""
    row = (event.data["repository"], event.data["snapshot"], event.data["original"])
    tables.execute("INSERT INTO copies (repository, snapshot, original) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)


PROJECTION = Projection("copies", ("copies",), apply, frozenset({"SnapshotCopied"}))
