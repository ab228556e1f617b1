"""What the steps of a run ask the journal: the real Memory, for one customer. Each question is one short, indexed read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from axejournal.domain.errors import Busy
from axejournal.domain.facts import DatabaseDumped
from axejournal.domain.policy import Held
from axejournal.domain.ports import EventStore, LastPhysical, LastPoint, Leases
from axejournal.domain.ports.journal import snapshots_of
from axejournal.journal import reader


@dataclass(frozen=True)
class JournalMemory:
    """Reads the journal at `path`. `zone`: of the times that it gives; `only`: the one repository that it speaks of."""

    path: Path
    store: EventStore
    customer: str
    zone: ZoneInfo
    only: str | None = None
    leases: Leases | None = None

    @contextlib.contextmanager
    def alone(self, tier: str, run: str) -> Iterator[bool]:
        """See Memory."""
        with contextlib.ExitStack() as held:
            is_alone = True
            try:
                if self.leases is not None:
                    held.enter_context(self.leases.take(snapshots_of(tier), run))
            except Busy:
                is_alone = False
            yield is_alone

    def of(self, repository: str) -> JournalMemory:
        """See Memory."""
        return replace(self, only=repository)

    def repository_id(self, tier: str) -> str | None:
        """See Memory. Without a recorded one: the one that a snapshot was verified in (the first night pins it)."""
        if self.only is not None and tier != "local":
            return self.only
        recorded = reader.recorded_repository(self.path, self.customer, tier)
        known = () if recorded else reader.repositories(self.path, self.customer, tier)
        return recorded or next((row.repository for row in known), None)

    def last_dump(self, source: str) -> DatabaseDumped | None:
        """See Memory."""
        row = reader.last_dump(self.path, self.customer, source)
        if row is None:
            return None
        found = next(event for event in self.store.stream(row.run) if event.position == row.position)
        fact = self.store.fact(found)
        return fact if isinstance(fact, DatabaseDumped) else None

    def last_point(self, source: str, tier: str) -> LastPoint | None:
        """See Memory."""
        found = reader.points(self.path, source, tier, self.customer, limit=1)
        return LastPoint(found[0].size_bytes, found[0].files) if found else None

    def last_physical(self, source: str) -> LastPhysical | None:
        """See Memory."""
        found = reader.last_physical(self.path, self.customer, source)
        return LastPhysical(found[0].astimezone(self.zone), found[1]) if found else None

    def points(self, tier: str) -> tuple[Held, ...]:
        """See Memory."""
        rows = reversed(reader.points(self.path, tier=tier, customer=self.customer))
        mine = (row for row in rows if self.only in (None, row.repository) or tier == "local")
        return tuple(Held(row.source, row.snapshot, row.at.astimezone(self.zone), row.proof) for row in mine)

    def last_prune(self, tier: str) -> datetime | None:
        """See Memory."""
        rows = reader.repositories(self.path, self.customer, tier)
        times = [row.pruned_at for row in rows if row.pruned_at is not None and self.only in (None, row.repository)]
        return max(times, default=None)

    def copies(self, repository: str) -> Mapping[str, str]:
        """See Memory."""
        from axejournal.journal.ring import copies

        return copies(self.path, repository)
