"""What a restore would do, as it is printed before it is asked for: for every job that restores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class RestorePreview:
    """`lines`: (label, text), in the order in which they are printed; `warnings` are sentences. `faults`: why the run
    would end at once; with one of them nothing is asked and nothing begun."""

    source: str
    lines: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class About:
    """What the program adds to a plan: how long the last such restore took, the page that goes with it, and the moment."""

    last_s: float | None
    runbook: str
    now: datetime
