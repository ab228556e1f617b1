"""Where heads of the journal were left: in snapshots, at the peer, on cold disks. The journal itself says so; whether what
it says is still true of its chain is looked at here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from axejournal.journal import readonly
from axejournal.journal.clauses import instant

NAMES = ("SnapshotTaken", "LetterLeft", "DiskSynced")
"""Facts that tell of a head which was left somewhere."""


@dataclass(frozen=True)
class LeftHead:
    """A head that was left. `recorded`: the event that says so; `found`: the position whose hash it is, or None."""

    hash: str
    where: str
    at: datetime
    run: str
    recorded: int
    found: int | None


def left_heads(path: Path) -> tuple[LeftHead, ...]:
    """All of them, newest first. Raises JournalDamaged, JournalNewer."""
    marks = ",".join("?" * len(NAMES))
    query = f"SELECT position, name, run, recorded_at_us, data FROM events WHERE name IN ({marks}) ORDER BY position DESC"
    with readonly.opened(path) as journal:
        rows = journal.execute(query, NAMES).fetchall()
        told = [(row, head, where) for row in rows for head, where in _told(row[1], json.loads(row[4]))]
        hashes = {bytes.fromhex(head) for _, head, _ in told}
        positions = dict(_positions(journal, hashes))
    return tuple(LeftHead(head, where, _known(row[3]), row[2], row[0], positions.get(head)) for row, head, where in told)


def _told(name: str, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    match name:
        case "SnapshotTaken" if _is_hash(data.get("journal_head")):
            yield data["journal_head"], f"snapshot {data['snapshot'][:8]}"
        case "LetterLeft" if _is_hash(data.get("head")):
            yield data["head"], f"peer of tier {data['tier']}"
        case "DiskSynced" if _is_hash(data.get("journal_head")):
            yield data["journal_head"], f"disk {data['disk']} of tier {data['tier']}"


def _positions(journal: Any, hashes: set[bytes]) -> Iterator[tuple[str, int]]:
    """One pass: there is no index of hashes."""
    for position, digest in journal.execute("SELECT position, hash FROM events"):
        if digest in hashes:
            yield digest.hex(), position


def _is_hash(text: object) -> bool:
    return isinstance(text, str) and len(text) == 64 and not set(text) - set("0123456789abcdef") and set(text) != {"0"}


def _known(us: int) -> datetime:
    moment = instant(us)
    assert moment is not None
    return moment
