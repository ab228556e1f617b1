"""What is to be told of runs that ended, what was told on which channel, and which channel can't be reached?

The entry is made in the transaction that ends the run, so that no end is ever without its message.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict

from axejournal.domain.channels import wait_s
from axejournal.domain.events import Event
from axejournal.domain.outbox import JOB, REPLACED, WAITS, End, Trouble, code_of, next_entry
from axejournal.domain.resting import AWAITING_DISK, AWAITING_PASSWORD
from axejournal.journal.projections.projection import Projection, storable

_ENDED = """
SELECT runs.customer, runs.job, coalesce(runs.tier, ''), coalesce(json_extract(asked.data, '$.options.source'), ''),
       runs.slot, json_extract(asked.data, '$.options.trouble')
FROM runs JOIN events AS asked ON asked.run = runs.run AND asked.number = 1 WHERE runs.run = ?"""
_KEY = "customer = ? AND job = ? AND tier = ? AND subject = ?"
_TROUBLE = f"SELECT code, count, nights, since_us, last_slot FROM troubles WHERE {_KEY}"
_KEEP = """
INSERT INTO troubles (customer, job, tier, subject, code, count, nights, since_us, last_slot)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_REPLACE = f"UPDATE outbox SET replaced_by = ? WHERE {_KEY} AND replaced_by IS NULL AND kind IN "
_INSERT = """
INSERT INTO outbox (position, customer, job, tier, subject, run, kind, count, nights, since_us, at_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_KNOWN = f"SELECT 1 FROM outbox WHERE {_KEY} AND replaced_by IS NULL AND run = ? AND kind = 'waits'"
_SENT = "INSERT INTO deliveries (message, channel, sent_at_us) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_REACHED = "DELETE FROM channels WHERE channel = ?"
_FAILED = """
INSERT INTO channels (channel, failures, why, failed_at_us, not_before_us) VALUES (?, 1, ?, ?, ?)
ON CONFLICT DO UPDATE SET failures = failures + 1, why = excluded.why, failed_at_us = excluded.failed_at_us"""
_WAIT = "UPDATE channels SET not_before_us = ? WHERE channel = ?"

AWAITING = (AWAITING_DISK, AWAITING_PASSWORD)


def apply(tables: sqlite3.Connection, event: Event) -> None:
    """See Projection. Asks the projection `runs`, which hears of an event first."""
    data = event.data
    match event.name:
        case "MessageSent":
            tables.execute(_SENT, (data["message"], data["channel"], event.recorded_at_us))
            tables.execute(_REACHED, (data["channel"],))
        case "MessagePostponed":
            _postpone(tables, event)
        case "RunWaits" | "PasswordNeeded":
            _wait(tables, event)
        case _:
            _end(tables, event)


def _end(tables: sqlite3.Connection, event: Event) -> None:
    *key, slot, trouble = tables.execute(_ENDED, (event.run,)).fetchone()
    job = str(key[1])
    if job == JOB:
        return
    row = tables.execute(_TROUBLE, key).fetchone()
    before = Trouble(*row) if row else None
    code = code_of(event.name, event.data, trouble)
    kind, after = next_entry(before, End(job, storable(code) if code else None, slot, event.recorded_at_us))
    told = after or before or Trouble("", 0, 0, event.recorded_at_us)
    if before or after:
        tables.execute(f"DELETE FROM troubles WHERE {_KEY}", key)
    if after:
        tables.execute(_KEEP, (*key, *asdict(after).values()))
    replaced = REPLACED[kind]
    tables.execute(_REPLACE + f"({', '.join('?' * len(replaced))})", (event.position, *key, *replaced))
    entry = (kind, told.count, told.nights, told.since_us, event.recorded_at_us)
    tables.execute(_INSERT, (event.position, *key, event.run, *entry))


def _wait(tables: sqlite3.Connection, event: Event) -> None:
    """Once a run; who asked for it himself is told on his terminal."""
    *key, _, _ = tables.execute(_ENDED, (event.run,)).fetchone()
    (trigger,) = tables.execute("SELECT trigger FROM runs WHERE run = ?", (event.run,)).fetchone()
    if trigger == "operator" or event.state not in AWAITING or tables.execute(_KNOWN, (*key, event.run)).fetchone():
        return
    tables.execute(_REPLACE + "(?)", (event.position, *key, WAITS))
    at_us = event.recorded_at_us
    tables.execute(_INSERT, (event.position, *key, event.run, WAITS, 1, 0, at_us, at_us))


def _postpone(tables: sqlite3.Connection, event: Event) -> None:
    data, at_us = event.data, event.recorded_at_us
    channel = data["channel"]
    tables.execute(_FAILED, (channel, storable(data["why"]), at_us, at_us))
    failures = tables.execute("SELECT failures FROM channels WHERE channel = ?", (channel,)).fetchone()[0]
    tables.execute(_WAIT, (at_us + int(wait_s(failures, data.get("retry_after_s")) * 1_000_000), channel))


PROJECTION = Projection(
    "outbox",
    ("outbox", "troubles", "deliveries", "channels"),
    apply,
    frozenset({"RunSucceeded", "RunDegraded", "RunFailed", "RunWaits", "PasswordNeeded", "MessageSent", "MessagePostponed"}),
)
