"""In which snapshots is a physical copy of a source's server?"""

from __future__ import annotations

from pathlib import Path

from axejournal.journal.reader import projected


def snapshots_with_copy(path: Path, customer: str, source: str) -> frozenset[str]:
    """Ids of snapshots that are still there."""
    query = "SELECT snapshot FROM physical_copies WHERE customer = ? AND source = ?"
    with projected(path) as connection:
        return frozenset(row[0] for row in connection.execute(query, (customer, source)))
