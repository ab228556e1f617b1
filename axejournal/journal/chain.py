"""How events are chained: each carries the hash of the one before, so that no change of an old one goes unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from axejournal.domain.events import Event
from axejournal.journal.codec import canonical
from axejournal.journal.upcasters import Upcasters

NO_HASH = bytes(32)
"""The `previous_hash` of the first event."""


def link(previous: bytes, fields: Sequence[str | int | None]) -> bytes:
    """SHA-256 over the previous event's hash and the canonical JSON array of all fields of the envelope, in the order
    of EVENT_COLUMNS from `position` to `data` (the data as the text that is stored)."""
    return hashlib.sha256(previous + canonical(list(fields)).encode("utf-8")).digest()


def event_of(row: Sequence[Any], upcasters: Upcasters | None = None) -> Event:
    """An Event from a row of EVENT_COLUMNS; with upcasters, in its present version."""
    fields = list(row)
    fields[14] = json.loads(fields[14])
    if upcasters is not None:
        fields[5], fields[14] = upcasters.lift(fields[4], fields[5], fields[14])
    return Event(*fields)
