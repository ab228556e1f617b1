"""Answers about rings: the newest fact of each kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from axejournal.journal import readonly
from axejournal.journal.clauses import instant
from axejournal.journal.reader import projected


@dataclass(frozen=True)
class RingFact:
    """One fact about a ring, as it is stored."""

    name: str
    run: str
    position: int
    at: datetime
    data: Mapping[str, Any]


def ring_facts(path: Path, customer: str, tier: str) -> dict[str, RingFact]:
    """The newest fact of each name. Raises JournalDamaged, JournalNewer."""
    query = "SELECT name, run, position, recorded_at_us, data FROM ring_facts WHERE customer = ? AND tier = ?"
    with projected(path) as journal:
        rows = journal.execute(query, (customer, tier)).fetchall()
    return {name: RingFact(name, run, position, _known(at), json.loads(data)) for name, run, position, at, data in rows}


def consent(facts: Mapping[str, RingFact]) -> RingFact | None:
    """The consent that holds, or the withdrawal that ended it; None when there never was one."""
    known = [facts[name] for name in ("ConsentGiven", "ConsentWithdrawn") if name in facts]
    return max(known, key=lambda fact: fact.position, default=None)


def proven_there(facts: Mapping[str, RingFact]) -> datetime | None:
    """When a letter of ours last went to the peer and came back whole."""
    return facts["PeerReached"].at if "PeerReached" in facts else None


def proven_back(facts: Mapping[str, RingFact]) -> datetime | None:
    """When the peer last answered here; a look that found no answer proves nothing."""
    answered = facts["WayBackSeen"].data.get("answered_at") if "WayBackSeen" in facts else None
    return datetime.fromisoformat(answered) if answered else None


def copies(path: Path, repository: str) -> dict[str, str]:
    """Which snapshot of a repository is the copy of which, as far as this journal copied them."""
    with projected(path) as journal:
        return dict(journal.execute("SELECT snapshot, original FROM copies WHERE repository = ?", (repository,)).fetchall())


def holds_head(path: Path, position: int, head: str) -> bool:
    """Whether the event at a position has this hash."""
    with readonly.opened(path) as journal:
        row = journal.execute("SELECT hash FROM events WHERE position = ?", (position,)).fetchone()
    return row is not None and row[0].hex() == head


def _known(us: int) -> datetime:
    moment = instant(us)
    assert moment is not None
    return moment
