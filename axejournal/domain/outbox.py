"""The outbox: what is told of runs that ended, and when the same trouble again is no news.

Each run that ends leaves one entry, in the same transaction. People hear of trouble, of its end, of what announces itself,
and once of a run that waits for them where nobody sits; an outside watch (a ping) hears of each end. A trouble is known by
job, tier, subject and code: as long as it stays the same, it is told as "3rd night in a row" instead of as a fresh alarm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from axejournal.domain.events import Fact

JOB = "notify"
ANNOUNCED = ("restore.", "recover")
"""Jobs whose success is told too, by the beginning of their names."""
ALARM, REPEATED, RECOVERED, DONE, QUIET, WAITS = "alarm", "repeated", "recovered", "done", "quiet", "waits"
REPLACED: Mapping[str, tuple[str, ...]] = {
    ALARM: (ALARM, REPEATED, RECOVERED, QUIET, WAITS),
    REPEATED: (ALARM, REPEATED, RECOVERED, QUIET, WAITS),
    RECOVERED: (ALARM, REPEATED, RECOVERED, QUIET, WAITS),
    DONE: (ALARM, REPEATED, RECOVERED, QUIET, WAITS),
    QUIET: (QUIET, WAITS),
    WAITS: (WAITS,),
}
"""Earlier entries of the same job, tier and subject that an entry makes pointless where they were not sent yet."""


@dataclass(frozen=True)
class MessageSent(Fact):
    """The channel took the message (an entry's position). It may have taken it twice, when a process died in between."""

    message: int
    channel: str


@dataclass(frozen=True)
class MessagePostponed(Fact):
    """The channel did not take it; a later run tries again."""

    message: int
    channel: str
    why: str
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Trouble:
    """What has not gone well since. `count`: how often in a row; `nights`: for how many different slots."""

    code: str
    count: int
    nights: int
    since_us: int
    last_slot: str | None = None


@dataclass(frozen=True)
class End:
    """How a run ended: `code` names its trouble, None when there is none."""

    job: str
    code: str | None
    slot: str | None
    at_us: int


def code_of(name: str, data: Mapping[str, Any], trouble: str | None = None) -> str | None:
    """What tells one trouble from another: the error, or the reasons without their numbers; `trouble`: what the run was
    asked to add. None for a success."""
    match name:
        case "RunFailed":
            return f"{data['error']}: {trouble}" if trouble else str(data["error"])
        case "RunDegraded":
            reasons = "; ".join(str(reason) for reason in data["reasons"])
            return "degraded: " + re.sub(r"\d[\d.,:]*", "#", reasons)[:400]
    return None


def next_entry(before: Trouble | None, end: End) -> tuple[str, Trouble | None]:
    """The kind of entry that an end leaves, and the trouble that there is from then on."""
    if end.code is None:
        if end.job.startswith(ANNOUNCED):
            return DONE, None
        return (RECOVERED if before else QUIET), None
    if before is None or before.code != end.code:
        return ALARM, Trouble(end.code, 1, 1 if end.slot else 0, end.at_us, end.slot)
    another = end.slot is not None and end.slot != before.last_slot
    slot = end.slot or before.last_slot
    return REPEATED, replace(before, count=before.count + 1, nights=before.nights + another, last_slot=slot)
