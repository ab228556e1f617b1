"""What a schedule asks for now, told from the journal alone. Cheap enough for a call every minute: plain sqlite3, no
pydantic, yaml, click or SQLAlchemy.

A schedule has a name: that of a tier, or `drill`, or `check`. It starts a job, for slots that the journal satisfies.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

OF_TIERS = {"local": "backup.local", "ring": "ring.push", "cold": "cold.sync"}
"""The job that fills a tier of each kind."""
OF_ALL = {"drill": "restore.drill", "check": "repository.check"}
"""The jobs that are of no one tier, by the name of their schedule: a success for any tier satisfies it."""

LOOKED = "overdue-looked"
"""A file of the state folder: when this was looked at last. It may be deleted."""
EVERY_S = 3600


def job_of(name: str, effective: Mapping[str, Any]) -> str | None:
    """The job of a tier or of a schedule; None when there is none of that name."""
    tier = effective["tiers"].get(name)
    return OF_TIERS.get(tier.get("kind", name)) if tier else OF_ALL.get(name)


def wanted(name: str, effective: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """A schedule as the configuration has it (`cron`, `timezone`), or None for what has none, such as a cold tier."""
    section = effective["tiers"].get(name) or effective.get(name) or {}
    found: Mapping[str, Any] | None = section.get("schedule")
    return found or None


def names(effective: Mapping[str, Any]) -> tuple[str, ...]:
    """Everything that has a schedule: tiers in their order, then the others."""
    return tuple(name for name in (*effective["tiers"], *OF_ALL) if wanted(name, effective))


def due_slot(
    name: str, effective: Mapping[str, Any], journal: Path, config_path: Path, now: datetime, tier: str | None = None
) -> datetime | None:
    """The slot of a schedule that is to be run now, or None. `tier`: for a schedule of no tier that asks for each tier by
    itself. Raises JournalDamaged, JournalNewer."""
    from axejournal.engine.schedule import Schedule, due, may_try
    from axejournal.journal import readonly

    settings, job = wanted(name, effective), job_of(name, effective)
    if settings is None or job is None:
        return None
    of_tier = name if name in effective["tiers"] else tier
    which = "job = ? AND customer = ?" + (" AND tier = ?" if of_tier else "")
    whose = (job, effective["customer"], *([of_tier] if of_tier else []))
    with readonly.opened(journal) as connection:
        first = connection.execute("SELECT recorded_at_us FROM events ORDER BY position LIMIT 1").fetchone()
        tried, satisfied = connection.execute(
            f"SELECT count(*), max(success_slot_us) FROM freshness WHERE {which}", whose
        ).fetchone()
        since = _since(first[0] if first else None, bool(tried), config_path)
        schedule = Schedule(settings["cron"], settings["timezone"])
        slot = due(schedule, now, since, _instant(satisfied) if satisfied is not None else None)
        if slot is None or not tried:
            return slot
        # last_at_us is that of the row with the greatest position (SQLite, bare columns): a clock may have gone back since
        tries, _, last = connection.execute(
            f"SELECT count(*), max(first_position), last_at_us FROM runs WHERE {which} AND slot_us = ? AND outcome <> 'open'",
            (*whose, _microseconds(slot)),
        ).fetchone()
    return slot if may_try(tries, _instant(last) if tries else None, now) else None


def _since(first_us: int | None, tried: bool, config_path: Path) -> datetime:
    """Slots count from the journal's beginning; for what was never tried, from when the configuration was written: a
    fresh install, or a tier that was just added, starts nothing at noon."""
    written = datetime.fromtimestamp(config_path.stat().st_mtime, UTC)
    if first_us is None:
        return written
    return _instant(first_us) if tried else max(_instant(first_us), written)


def next_slot(name: str, effective: Mapping[str, Any], now: datetime) -> datetime | None:
    """The first slot of a schedule after now, with the zone's offset; None for what has no schedule."""
    from axejournal.engine import schedule

    settings = wanted(name, effective)
    return schedule.next_slot(schedule.Schedule(settings["cron"], settings["timezone"]), now) if settings else None


def anything_open(journal: Path) -> bool:
    """Whether a run has not ended, but for those that wait for a person or a disk. Raises JournalDamaged, JournalNewer."""
    from axejournal.domain.resting import RESTING
    from axejournal.journal import readonly

    with readonly.opened(journal) as connection:
        query = f"SELECT 1 FROM runs WHERE outcome = 'open' AND state NOT IN {RESTING} LIMIT 1"
        return connection.execute(query).fetchone() is not None


def looked_lately(state: Path, now: datetime) -> bool:
    """Whether someone looked within the hour. Cheap."""
    try:
        past_s = now.timestamp() - float((state / LOOKED).read_text())
    except (OSError, ValueError):
        return False
    return 0 <= past_s < EVERY_S


def note_look(state: Path, now: datetime) -> None:
    """Someone looked. Does nothing, without error, where that can't be kept."""
    try:
        (state / LOOKED).write_text(f"{now.timestamp():.0f}\n")
    except OSError:
        return


def _instant(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
