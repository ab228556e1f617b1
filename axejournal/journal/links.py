"""Which runs were begun for a step of another run? Plain sqlite3; a run says so in its own first event."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from axejournal.domain.ports.desk import Linked
from axejournal.journal import readonly

_OF_STEP = """
SELECT runs.run, runs.outcome, runs.exit_code, events.data FROM events JOIN runs ON runs.run = events.run
WHERE events.position > (SELECT min(position) FROM events WHERE run = ?1) AND events.name = 'RunRequested'
  AND json_extract(events.data, '$.options.part_of.run') = ?1 AND json_extract(events.data, '$.options.part_of.step') = ?2
ORDER BY events.position"""


def linked(path: Path, run: str, step: str) -> tuple[Linked, ...]:
    """The runs that were begun for a step of a run, oldest first. A backup that a restore made first is none of them that
    count: the step's own work follows it. Raises JournalDamaged, JournalNewer."""
    with readonly.opened(path) as journal:
        rows = journal.execute(_OF_STEP, (run, step)).fetchall()
    return tuple(
        Linked(name, outcome, bool(json.loads(data)["options"].get("queue")), code) for name, outcome, code, data in rows
    )


def part_of(path: Path, run: str) -> tuple[str, str] | None:
    """(run, step) for which a run was begun; None for one by itself."""
    query = "SELECT json_extract(data, '$.options.part_of') FROM events WHERE run = ? AND number = 1"
    with readonly.opened(path) as journal:
        row = journal.execute(query, (run,)).fetchone()
    found = json.loads(row[0]) if row and row[0] else None
    return (str(found["run"]), str(found["step"])) if found else None


def heads_in(path: Path, heads: Iterable[str]) -> int:
    """How many of these heads (hashes in hex) are hashes of events of this journal."""
    with readonly.opened(path) as journal:
        events = (hash.hex() for (hash,) in journal.execute("SELECT hash FROM events"))
        return len(set(heads).intersection(events))
