"""What was found out last about each ring: consent, host key, both ways, the letter, the folder that is kept for the peer."""

from __future__ import annotations

import sqlite3

from axejournal.domain.events import Event
from axejournal.journal.codec import canonical
from axejournal.journal.projections.projection import Projection

_KEEP = """
INSERT INTO ring_facts (customer, tier, name, run, position, recorded_at_us, data)
SELECT runs.customer, ?, ?, runs.run, ?, ?, ? FROM runs WHERE runs.run = ?
ON CONFLICT DO UPDATE SET run = excluded.run, position = excluded.position, recorded_at_us = excluded.recorded_at_us,
  data = excluded.data"""
HEARS = frozenset(
    {
        "ConsentGiven",
        "ConsentWithdrawn",
        "HostKeyPinned",
        "PeerReached",
        "WayBackSeen",
        "LetterLeft",
        "PeerWatched",
    }
)


def apply(tables: sqlite3.Connection, event: Event) -> None:
    """See Projection. The newest of each name."""
    data = canonical(event.data)
    tables.execute(_KEEP, (event.data["tier"], event.name, event.position, event.recorded_at_us, data, event.run))


PROJECTION = Projection("ring_facts", ("ring_facts",), apply, HEARS)
