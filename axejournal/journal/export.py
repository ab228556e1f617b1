"""The journal as JSON lines, for whoever wants to read or check it without axej."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from axejournal.journal import readonly
from axejournal.journal.chain import event_of
from axejournal.journal.codec import canonical
from axejournal.journal.replay import pages
from axejournal.journal.schema import EVENT_COLUMNS

_NAMES = EVENT_COLUMNS.split(", ")


def export(path: Path, out: TextIO) -> int:
    """Writes one line an event, in order, with every column of `events` (hashes in hex); returns how many.

    A line's hash can be computed from it: SHA-256 over the bytes of `previous_hash` and the JSON array (sorted keys, no
    spaces, UTF-8) of the columns from `position` to `data`, the data being the text of its JSON in the same form.
    Raises JournalDamaged, JournalNewer.
    """
    count = 0
    with readonly.opened(path) as journal:
        for rows in pages(journal):
            for row in rows:
                event = event_of(row)
                fields = {name: getattr(event, name) for name in _NAMES}
                fields |= {"previous_hash": event.previous_hash.hex(), "hash": event.hash.hex()}
                out.write(canonical(fields) + "\n")
            count += len(rows)
    return count
