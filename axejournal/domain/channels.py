"""Which channels a configuration names, and how long one that can't be reached is left alone. Imports next to nothing: a
scheduled call with nothing due asks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PING = "ping:"
"""`ping:local`: the outside watch that is told how each run of a tier (or of a job) ended; the others tell people."""
HEARTBEAT = "local"
"""What the older setting `heartbeat` stands for: `notify.ping.local`."""
MOST_AGE_DAYS = 7
"""What is older is told to nobody: by then it is history, and "axej history" has it."""
MOST_MESSAGES = 20
"""How many a run sends on one channel; the rest waits for the next."""
WAITS_S = (300, 900, 3600, 3 * 3600, 6 * 3600)
"""How long a channel is left alone after its first, second, … failure in a row."""


def channel_names(notify: Mapping[str, Any], heartbeat: object = None) -> tuple[str, ...]:
    """The names of all configured channels, of the settings as plain values."""
    pings = dict.fromkeys([*(notify.get("ping") or {}), *([HEARTBEAT] if heartbeat else ())])
    people = [name for name in ("slack", "command") if notify.get(name)]
    return (*people, *(PING + key for key in pings))


def wait_s(failures: int, asked_s: float | None = None) -> float:
    """Until the next try after so many failures in a row; at least what the other side asked for, at most a day of that."""
    own = WAITS_S[min(max(failures, 1), len(WAITS_S)) - 1]
    return max(own, min(asked_s or 0.0, 86_400.0))
