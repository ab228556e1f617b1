"""What a schedule asks for now, told from the journal alone. Cheap enough for a call every minute: plain sqlite3, no
pydantic, yaml, click or SQLAlchemy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

JOBS = {"local": "backup.local"}
"""The job that a tier's schedule starts."""


def due_slot(tier: str, effective: Mapping[str, Any], journal: Path, config_path: Path, now: datetime) -> datetime | None:
    """The slot of a tier's schedule that is to be run now, or None. Raises JournalDamaged, JournalNewer."""
    from axejournal.engine.schedule import Schedule, due
    from axejournal.journal import readonly

    wanted = effective["tiers"][tier].get("schedule")
    if not wanted:
        return None
    query = "SELECT success_slot_us FROM freshness WHERE job = ? AND customer = ? AND tier = ?"
    with readonly.opened(journal) as connection:
        first = connection.execute("SELECT recorded_at_us FROM events ORDER BY position LIMIT 1").fetchone()
        satisfied = connection.execute(query, (JOBS[tier], effective["customer"], tier)).fetchone()
    # an empty journal: slots count from when the configuration was written, so that a fresh install starts nothing
    since = _instant(first[0]) if first else datetime.fromtimestamp(config_path.stat().st_mtime, UTC)
    schedule = Schedule(wanted["cron"], wanted["timezone"])
    return due(schedule, now, since, _instant(satisfied[0]) if satisfied and satisfied[0] is not None else None)


def next_slot(tier: str, effective: Mapping[str, Any], now: datetime) -> datetime | None:
    """The first slot of a tier's schedule after now, with the zone's offset; None for a tier without a schedule."""
    from axejournal.engine import schedule

    wanted = effective["tiers"][tier].get("schedule")
    return schedule.next_slot(schedule.Schedule(wanted["cron"], wanted["timezone"]), now) if wanted else None


def anything_open(journal: Path) -> bool:
    """Whether a run has not ended. Raises JournalDamaged, JournalNewer."""
    from axejournal.journal import readonly

    with readonly.opened(journal) as connection:
        return connection.execute("SELECT 1 FROM runs WHERE outcome = 'open' LIMIT 1").fetchone() is not None


def _instant(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
