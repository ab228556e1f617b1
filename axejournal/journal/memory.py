"""What the steps of a run ask the journal: the real Memory. Each question is one short, indexed read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from axejournal.domain.events import Fact
from axejournal.domain.facts import DatabaseDumped
from axejournal.domain.policy import Held
from axejournal.domain.ports import LastPoint
from axejournal.journal import readonly
from axejournal.journal.chain import event_of
from axejournal.journal.codec import Codec
from axejournal.journal.schema import EVENT_COLUMNS
from axejournal.journal.upcasters import Upcasters

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DUMP = f"""
SELECT {EVENT_COLUMNS} FROM events
WHERE position = (SELECT position FROM last_dumps WHERE customer = ? AND source = ?)"""
_LAST_POINT = """
SELECT size_bytes, files FROM restore_points
WHERE customer = ? AND source = ? AND tier = ? AND removed_by IS NULL ORDER BY time_us DESC LIMIT 1"""
_POINTS = """
SELECT source, snapshot, time_us, proof FROM restore_points
WHERE customer = ? AND tier = ? AND removed_by IS NULL ORDER BY time_us"""
_LAST_PRUNE = """
SELECT max(events.recorded_at_us) FROM runs JOIN events ON events.run = runs.run
WHERE runs.customer = ? AND events.name = 'SnapshotsForgotten' AND json_extract(events.data, '$.tier') = ?
  AND json_extract(events.data, '$.pruned') AND runs.requested_at_us > ?"""
_PRUNED_WITHIN = timedelta(days=400)  # an older prune is due again whatever it says


class JournalMemory:
    """Reads the journal at `path` for one customer. `zone`: of the times that it gives."""

    def __init__(self, path: Path, facts: Iterable[type[Fact]], customer: str, zone: ZoneInfo, now: datetime) -> None:
        self._path = path
        self._codec = Codec(facts)
        self._customer = customer
        self._zone = zone
        self._since_us = int((now - _PRUNED_WITHIN - _EPOCH).total_seconds()) * 1_000_000

    def repository_id(self, tier: str) -> str | None:
        """See Memory."""
        query = (
            "SELECT repository FROM repositories WHERE customer = ? AND tier = ? AND recorded_by IS NOT NULL "
            "ORDER BY recorded_position DESC LIMIT 1"
        )
        with readonly.opened(self._path) as connection:
            row = connection.execute(query, (self._customer, tier)).fetchone()
        return str(row[0]) if row else None

    def last_dump(self, customer: str, source: str) -> DatabaseDumped | None:
        """See Memory."""
        with readonly.opened(self._path) as connection:
            row = connection.execute(_LAST_DUMP, (customer, source)).fetchone()
        if row is None:
            return None
        fact = self._codec.decode(event_of(row, Upcasters()))
        return fact if isinstance(fact, DatabaseDumped) else None

    def last_point(self, source: str, tier: str) -> LastPoint | None:
        """See Memory."""
        with readonly.opened(self._path) as connection:
            row = connection.execute(_LAST_POINT, (self._customer, source, tier)).fetchone()
        return LastPoint(int(row[0]), int(row[1])) if row else None

    def points(self, tier: str) -> tuple[Held, ...]:
        """See Memory."""
        with readonly.opened(self._path) as connection:
            rows = connection.execute(_POINTS, (self._customer, tier)).fetchall()
        return tuple(Held(source, snapshot, self._time(time_us), proof) for source, snapshot, time_us, proof in rows)

    def last_prune(self, tier: str) -> datetime | None:
        """See Memory."""
        with readonly.opened(self._path) as connection:
            row = connection.execute(_LAST_PRUNE, (self._customer, tier, self._since_us)).fetchone()
        return self._time(row[0]) if row[0] is not None else None

    def _time(self, microseconds: int) -> datetime:
        return (_EPOCH + timedelta(microseconds=microseconds)).astimezone(self._zone)
