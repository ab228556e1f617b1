"""What can be restored, from where, and how far has it been shown good?

A snapshot becomes restore points only by SnapshotVerified, and in another tier by SnapshotCopied; retention marks them as
removed, as does a look that no longer finds them. The marks stay until they are copied anew: a copy has the same id again.
"""

from __future__ import annotations

import sqlite3

from axejournal.domain.events import Event
from axejournal.domain.policy import PROOFS
from axejournal.journal.codec import canonical
from axejournal.journal.projections.projection import Projection, instant_us, storable

# a point's time is its run's slot; a run by hand has none, and was taken when it was taken
_INSERT = """
INSERT INTO restore_points (repository, snapshot, source, customer, tier, kind, run, time, time_us, taken_at,
                            recorded_at_us, paths, size_bytes, files, proof)
SELECT ?1, ?2, ?3, runs.customer, ?4, ?5, runs.run, coalesce(runs.slot, ?6), coalesce(runs.slot_us, ?7), ?6,
       ?8, ?9, ?10, ?11, 'stored'
FROM runs WHERE runs.run = ?12
ON CONFLICT DO NOTHING"""
# a copy holds what its original holds, and is from the same time; that its data are there is all that is shown of it
_COPY = """
INSERT INTO restore_points (repository, snapshot, source, customer, tier, kind, run, time, time_us, taken_at,
                            recorded_at_us, paths, size_bytes, files, proof)
SELECT ?1, ?2, source, customer, ?3, kind, run, time, time_us, taken_at, ?4, paths, size_bytes, files, 'stored'
FROM restore_points WHERE repository = ?5 AND snapshot = ?6
ON CONFLICT DO UPDATE SET recorded_at_us = excluded.recorded_at_us, proof = 'stored', proof_by = NULL, proof_reason = NULL,
  removed_by = NULL, removed_at_us = NULL WHERE removed_by IS NOT NULL"""
_REMOVE = """
UPDATE restore_points SET removed_by = ?, removed_at_us = ?
WHERE repository = ? AND snapshot = ? AND removed_by IS NULL"""

# a proof is only ever raised, but by a fact that says that it is lost
_RAISE = """
UPDATE restore_points SET proof = ?1, proof_by = ?6, proof_reason = NULL
WHERE repository = ?2 AND snapshot = ?3 AND source = ?4 AND instr(?5, proof || ' ') < instr(?5, ?1 || ' ')"""
_LOSE = """
UPDATE restore_points SET proof = 'suspect', proof_reason = ?, proof_by = ?
WHERE repository = ? AND snapshot = ? AND source = ?"""
# reading bytes says nothing of what was written: what is suspect stays so
_CHECK = """
UPDATE restore_points SET proof = 'checked', proof_by = ?
WHERE repository = ? AND snapshot = ? AND source = ? AND proof = 'stored'"""
_ORDER = "".join(f"{proof} " for proof in PROOFS)


def apply(tables: sqlite3.Connection, event: Event) -> None:
    """See Projection."""
    data = event.data
    if event.name == "SnapshotVerified":
        taken_us = instant_us(data["taken_at"])
        for point in data["points"]:
            where = (data["repository"], data["snapshot"], point["source"], data["tier"], point["kind"])
            size = (canonical(point["paths"]), point["size_bytes"], point["files"])
            tables.execute(_INSERT, (*where, data["taken_at"], taken_us, event.recorded_at_us, *size, event.run))
    elif event.name == "SnapshotCopied":
        made = (data["repository"], data["snapshot"], data["tier"], event.recorded_at_us)
        tables.execute(_COPY, (*made, data["source_repository"], data["original"]))
    elif event.name == "ProofRaised":
        tables.execute(_RAISE, (data["proof"], data["repository"], data["snapshot"], data["source"], _ORDER, event.run))
    elif event.name == "ProofLost":
        why = (storable(data["reason"]), event.run)
        tables.execute(_LOSE, (*why, data["repository"], data["snapshot"], data["source"]))
    elif event.name == "PointsChecked":
        for point in data["points"]:
            tables.execute(_CHECK, (event.run, data["repository"], point["snapshot"], point["source"]))
    else:  # by our own retention, or vanished by somebody's hand
        for snapshot in data["removed"] if event.name == "SnapshotsForgotten" else data["vanished"]:
            tables.execute(_REMOVE, (event.run, event.recorded_at_us, data.get("repository", ""), snapshot))


HEARS = frozenset(
    {
        "SnapshotVerified",
        "SnapshotCopied",
        "SnapshotsForgotten",
        "CopiesChosen",
        "CopiesVerified",
        "ProofRaised",
        "ProofLost",
        "PointsChecked",
    }
)
PROJECTION = Projection("restore_points", ("restore_points",), apply, HEARS)
