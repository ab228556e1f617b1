"""Which file system and repository is each cold disk, when was it synced, and which keys open it?"""

from __future__ import annotations

import sqlite3
from datetime import datetime

from axejournal.domain.events import Event
from axejournal.domain.facts.cold import PAPER
from axejournal.journal.codec import canonical
from axejournal.journal.projections.projection import Projection, storable

_RECORD = """
INSERT INTO disks (customer, tier, disk, volume, filesystem, place, repository, keys, recorded_by, recorded_at_us)
SELECT runs.customer, ?1, ?2, ?3, ?4, ?5, ?6, ?7, runs.run, ?8 FROM runs WHERE runs.run = ?9
ON CONFLICT DO UPDATE SET volume = excluded.volume, filesystem = excluded.filesystem, place = excluded.place,
  repository = excluded.repository, keys = excluded.keys, machine_key = NULL, recorded_by = excluded.recorded_by,
  recorded_at_us = excluded.recorded_at_us, synced_by = NULL, synced_at_us = NULL, snapshots = NULL, free_bytes = NULL,
  journal_head = NULL, mark = NULL, opens = NULL, paper_as_of_us = NULL"""
_SYNC = """
UPDATE disks SET synced_by = ?1, synced_at_us = ?2, snapshots = ?3, free_bytes = ?4, journal_head = ?5, mark = ?6, opens = ?7,
  keys = ?8
WHERE customer = (SELECT customer FROM runs WHERE runs.run = ?1) AND tier = ?9 AND disk = ?10 AND repository = ?11"""
_KEYS = """
UPDATE disks SET keys = ?, machine_key = coalesce(?, machine_key)
WHERE customer = (SELECT customer FROM runs WHERE runs.run = ?) AND tier = ? AND repository = ?"""
_KEY = """
UPDATE disks SET keys = json_insert(keys, '$[#]', ?)
WHERE customer = (SELECT customer FROM runs WHERE runs.run = ?) AND tier = ? AND disk = ?"""
_PAPER = """
UPDATE disks SET paper_as_of_us = ?
WHERE customer = (SELECT customer FROM runs WHERE runs.run = ?) AND tier = ? AND disk = ?"""
_PROVE = """
INSERT INTO key_proofs (customer, tier, repository, kind, disk, run, proven_at_us)
SELECT runs.customer, ?1, ?2, ?3, ?4, runs.run, ?5 FROM runs WHERE runs.run = ?6
ON CONFLICT DO UPDATE SET run = excluded.run, proven_at_us = excluded.proven_at_us, disk = excluded.disk"""


def apply(tables: sqlite3.Connection, event: Event) -> None:
    """See Projection."""
    data = event.data
    if event.name == "KeyAdded":
        if data.get("disk"):  # the second key of a rotation that is not over is no strange one
            tables.execute(_KEY, (data["key"], event.run, data["tier"], data["disk"]))
        return
    tier, repository = data["tier"], data["repository"]
    if event.name == "DiskRecorded":
        what = (data["volume"], data["filesystem"], storable(data["place"]), repository, canonical(data["keys"]))
        tables.execute(_RECORD, (tier, data["disk"], *what, event.recorded_at_us, event.run))
        tables.execute(_PROVE, (tier, repository, PAPER, data["disk"], event.recorded_at_us, event.run))
    elif event.name == "DiskSynced":
        known = canonical([*data["keys"], *data["missing_keys"]])
        how = (data["snapshots"], data["free_bytes"], data["journal_head"], data["mark"], data["opens"], known)
        tables.execute(_SYNC, (event.run, event.recorded_at_us, *how, tier, data["disk"], repository))
        tables.execute(_PROVE, (tier, repository, data["opens"], data["disk"], event.recorded_at_us, event.run))
    elif event.name == "KeyProven":
        tables.execute(_PROVE, (tier, repository, storable(data["kind"]), data["disk"], event.recorded_at_us, event.run))
    else:
        machine = data["key"] if event.name == "KeyEnrolled" else None
        tables.execute(_KEYS, (canonical(data["keys"]), machine, event.run, tier, repository))
        if data.get("as_of"):
            moment_us = round(datetime.fromisoformat(data["as_of"]).timestamp() * 1_000_000)
            tables.execute(_PAPER, (moment_us, event.run, tier, data["disk"]))
            tables.execute(_PROVE, (tier, repository, PAPER, data["disk"], event.recorded_at_us, event.run))


HEARS = frozenset({"DiskRecorded", "DiskSynced", "KeyEnrolled", "KeysRenewed", "KeyProven", "KeyAdded"})
PROJECTION = Projection("disks", ("disks", "key_proofs"), apply, HEARS)
