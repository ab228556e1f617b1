"""When did each job, for each tier, last try, last succeed, and for which slot? Where is the newest dump of each database?"""

from __future__ import annotations

import sqlite3

from axejournal.domain.events import Event
from axejournal.journal.projections.projection import Projection
from axejournal.journal.projections.runs import ENDS

_ATTEMPT = """
INSERT INTO freshness (job, customer, tier, attempt_run, attempt_slot, attempt_at_us, attempt_outcome, failures)
VALUES (?, ?, ?, ?, ?, ?, 'open', 0)
ON CONFLICT DO UPDATE SET attempt_run = excluded.attempt_run, attempt_slot = excluded.attempt_slot,
  attempt_at_us = excluded.attempt_at_us, attempt_outcome = 'open'"""
_OF_RUN = """
FROM runs WHERE runs.run = ? AND freshness.job = runs.job AND freshness.customer = runs.customer
  AND freshness.tier = coalesce(runs.tier, '')"""
_OUTCOME = f"UPDATE freshness SET attempt_outcome = runs.outcome {_OF_RUN} AND freshness.attempt_run = runs.run"
_FAILURE = f"UPDATE freshness SET failures = failures + 1 {_OF_RUN}"
_DONE = f"UPDATE freshness SET done_run = runs.run, done_at_us = runs.finished_at_us, failures = 0 {_OF_RUN}"
# a run of an older slot may end later (it was resumed): the newest slot stays
_SUCCESS = f"""
UPDATE freshness SET success_run = runs.run, success_at_us = runs.finished_at_us,
  success_slot = CASE WHEN runs.slot_us > coalesce(success_slot_us, -1) THEN runs.slot ELSE success_slot END,
  success_slot_us = CASE WHEN runs.slot_us > coalesce(success_slot_us, -1) THEN runs.slot_us ELSE success_slot_us END
{_OF_RUN}"""
_DUMP = """
INSERT INTO last_dumps (customer, source, unproven_run, unproven_position)
SELECT runs.customer, ?, runs.run, ? FROM runs WHERE runs.run = ?
ON CONFLICT DO UPDATE SET unproven_run = excluded.unproven_run, unproven_position = excluded.unproven_position"""
# a dump counts once its snapshot was looked into
_DUMP_KEPT = """
UPDATE last_dumps SET position = unproven_position
WHERE unproven_run = ?1 AND source = ?2 AND customer = (SELECT customer FROM runs WHERE runs.run = ?1)"""


def apply(tables: sqlite3.Connection, event: Event) -> None:
    """See Projection. Asks the projection `runs`, which hears of an event first."""
    data = event.data
    match event.name:
        case "RunRequested":
            tier = data["options"].get("tier") or ""
            tables.execute(_ATTEMPT, (data["job"], data["customer"], tier, event.run, data["slot"], event.recorded_at_us))
        case "SnapshotVerified":
            for point in data["points"]:
                tables.execute(_DUMP_KEPT, (event.run, point["source"]))
        case "DatabaseDumped":
            tables.execute(_DUMP, (data["source"], event.position, event.run))
        case _:
            tables.execute(_OUTCOME, (event.run,))
            tables.execute(_DONE if event.name in ("RunSucceeded", "RunDegraded") else _FAILURE, (event.run,))
            if event.name == "RunSucceeded":
                tables.execute(_SUCCESS, (event.run,))


PROJECTION = Projection(
    "freshness",
    ("freshness", "last_dumps"),
    apply,
    ENDS | {"RunRequested", "SnapshotVerified", "DatabaseDumped"},
)
