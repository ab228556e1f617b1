"""Event ids: UUIDv7 (RFC 9562), sorted by time, made before the first attempt to append."""

from __future__ import annotations

import os
from datetime import datetime


def event_id(now: datetime) -> str:
    """A new id whose first 48 bits are `now` in milliseconds."""
    import uuid

    milliseconds = int(now.timestamp() * 1000) & (1 << 48) - 1
    random = int.from_bytes(os.urandom(10), "big")
    value = milliseconds << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return str(uuid.UUID(int=value))
