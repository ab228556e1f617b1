"""This machine: its time and its disks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """The only way to know the time."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds since some point of this boot; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits; ends early, without error, when the run is being cancelled."""
        ...


class Disk(Protocol):
    """Free space and the durable ways of writing."""

    def free_bytes(self, path: Path) -> int:
        """Bytes that an ordinary user may still write at path (or at its nearest existing parent)."""
        ...
