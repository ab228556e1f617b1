"""Which runs are there, how far are they, how did they end?"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from axejournal.domain.events import Event
from axejournal.journal.projections.projection import Projection, instant_us, storable

ENDS = frozenset({"RunSucceeded", "RunDegraded", "RunFailed", "RunCancelled"})

_INSERT = """
INSERT INTO runs (first_position, run, job, customer, slot, slot_us, trigger, program_version, state, outcome,
                  requested_at_us, attempts, retries, resumed, snapshots, epoch, number, last_position, last_at_us, tier)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, 0, 0, 0, '[]', ?, ?, ?, ?, ?)"""
_MOVE = "UPDATE runs SET state = ?, epoch = ?, number = ?, last_position = ?, last_at_us = ?{more} WHERE run = ?"

Values = Callable[[Event], tuple[Any, ...]]
_WHY = "error = ?, message = ?, hint = ?"
_CHANGES: dict[str, tuple[str, Values]] = {
    "RunStarted": ("started_at_us = ?", lambda event: (event.recorded_at_us,)),
    "StepStarted": (
        "attempts = attempts + 1, retries = retries + (? > 1), started_at_us = coalesce(started_at_us, ?)",
        lambda event: (event.attempt or 1, event.recorded_at_us),
    ),
    "RunResumed": ("resumed = resumed + 1, decision = NULL", lambda event: ()),
    "OperatorDecided": ("decision = ?", lambda event: (event.data["decision"],)),
    "StepFailed": (_WHY, lambda event: _why(event)),
    "StepGivenUp": (_WHY, lambda event: _why(event)),
    "SnapshotTaken": (
        "snapshots = json_insert(snapshots, '$[#]', ?), size_bytes = coalesce(size_bytes, 0) + ?, "
        "added_bytes = coalesce(added_bytes, 0) + ?, stored_bytes = coalesce(stored_bytes, 0) + ?",
        lambda event: tuple(event.data[name] for name in ("snapshot", "size_bytes", "added_bytes", "stored_bytes")),
    ),
    "RunSucceeded": (
        "outcome = 'succeeded', exit_code = 0, finished_at_us = ?, error = NULL, message = NULL, hint = NULL",
        lambda event: (event.recorded_at_us,),
    ),
    "RunDegraded": (
        f"outcome = 'degraded', exit_code = 3, finished_at_us = ?, {_WHY}",
        lambda event: (event.recorded_at_us, None, storable("; ".join(event.data["reasons"])), None),
    ),
    "RunFailed": (
        "outcome = CASE decision WHEN 'abandon' THEN 'abandoned' ELSE 'failed' END, "
        f"exit_code = ?, runbook = ?, finished_at_us = ?, {_WHY}",
        lambda event: (event.data.get("exit_code", 1), event.data.get("runbook"), event.recorded_at_us, *_why(event)),
    ),
    "RunCancelled": (
        f"outcome = 'cancelled', exit_code = 130, finished_at_us = ?, {_WHY}",
        lambda event: (event.recorded_at_us, "Interrupted", f"cancelled: {event.data['signal']}", None),
    ),
}
_NOTHING: tuple[str, Values] = ("", lambda event: ())


def apply(tables: sqlite3.Connection, event: Event) -> None:
    """See Projection."""
    if event.name == "RunRequested":
        _insert(tables, event)
        return
    assignments, values = _CHANGES.get(event.name, _NOTHING)
    moved = (event.state, event.epoch, event.number, event.position, event.recorded_at_us)
    more = f", {assignments}" if assignments else ""
    tables.execute(_MOVE.format(more=more), (*moved, *values(event), event.run))


def _insert(tables: sqlite3.Connection, event: Event) -> None:
    data = event.data
    who = (event.position, event.run, data["job"], data["customer"], data["slot"], instant_us(data["slot"]))
    how = (data["trigger"], data["program_version"], event.state)
    when = (event.recorded_at_us, event.epoch, event.number, event.position, event.recorded_at_us)
    tables.execute(_INSERT, (*who, *how, *when, data["options"].get("tier")))


def _why(event: Event) -> tuple[Any, ...]:
    hint = event.data.get("hint")
    return event.data["error"], storable(event.data["message"]), storable(hint) if hint else None


PROJECTION = Projection("runs", ("runs",), apply)
