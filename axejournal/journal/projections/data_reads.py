"""Which part of which repository's data was read when, and with what result?"""

from __future__ import annotations

import sqlite3

from axejournal.domain.events import Event
from axejournal.journal.projections.projection import Projection

# a reading is as old as its beginning: what was put there meanwhile was not read
_READ = """
INSERT INTO data_reads (customer, tier, repository, parts, part, run, read_at_us, good_at_us, faults, size_bytes)
SELECT runs.customer, ?1, ?2, ?3, ?4, runs.run, runs.requested_at_us,
       CASE WHEN ?5 = 0 THEN runs.requested_at_us END, ?5, ?6
FROM runs WHERE runs.run = ?7
ON CONFLICT DO UPDATE SET run = excluded.run, read_at_us = excluded.read_at_us, faults = excluded.faults,
  good_at_us = coalesce(excluded.good_at_us, good_at_us), size_bytes = excluded.size_bytes"""


def apply(tables: sqlite3.Connection, event: Event) -> None:
    """See Projection. A part's newest reading, and when the newest without a fault began."""
    data = event.data
    which = (data["tier"], data["repository"], data["of"], data["part"])
    tables.execute(_READ, (*which, len(data["faults"]), data["size_bytes"], event.run))


PROJECTION = Projection("data_reads", ("data_reads",), apply, frozenset({"DataRead"}))
