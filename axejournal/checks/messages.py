"""Whether anybody would hear of a failure."""

from __future__ import annotations

from collections.abc import Iterable

from axejournal.checks.finding import Finding, Patient, ok, warn

NAME = "messages"


def messages(patient: Patient) -> Iterable[Finding]:
    """Channels that are configured, and what waits on those that can't be reached."""
    assert patient.app is not None
    telling = patient.app.telling
    names = telling.channels
    if not names:
        hint = 'Write "notify:" into axej.yaml, then "axej notify test".'
        yield warn(NAME, "nobody is told when a backup fails, or when none runs: no channel is configured", hint)
        return
    if not any(name.startswith("ping:") for name in names):
        hint = "Name an outside watch under notify: ping:, which misses a night when this machine is off."
        yield warn(NAME, f"{', '.join(names)}; nobody outside would miss this machine", hint)
    waiting = telling.waiting()
    stuck = {row.channel: row for row in waiting if row.failures}
    for channel, row in stuck.items():
        count = sum(one.channel == channel for one in waiting)
        text = f"{channel} can't be reached ({row.failures} tries in a row, {count} waiting): {row.why}"
        yield warn(NAME, text, 'Write "axej notify test".')
    if not stuck:
        yield ok(NAME, f"{', '.join(names)}; no message is stuck")
