"""Answers about the reading of repositories' data: which part was read when, and since when all of it was."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from axejournal.domain.reading import PartRead
from axejournal.journal.clauses import instant
from axejournal.journal.reader import projected


def parts_read(path: Path, customer: str, tier: str, repository: str | None = None) -> tuple[PartRead, ...]:
    """The newest reading of each part of a tier's repository (None: the one that was read last). Raises JournalDamaged,
    JournalNewer."""
    newest = "SELECT repository FROM data_reads WHERE customer = ?1 AND tier = ?2 ORDER BY read_at_us DESC LIMIT 1"
    query = (
        "SELECT part, parts, read_at_us, good_at_us FROM data_reads "
        f"WHERE customer = ?1 AND tier = ?2 AND repository = coalesce(?3, ({newest})) ORDER BY parts, part"
    )
    with projected(path) as journal:
        rows = journal.execute(query, (customer, tier, repository)).fetchall()
    return tuple(PartRead(part, of, _known(read), instant(good)) for part, of, read, good in rows)


def _known(us: int) -> datetime:
    moment = instant(us)
    assert moment is not None
    return moment
