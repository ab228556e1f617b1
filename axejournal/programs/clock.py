"""The only reader of the clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

LOCALTIME = Path("/etc/localtime")
POLL_S = 0.1  # how late a sleeper may notice that the run is being cancelled


class SystemClock:
    """The `Clock` port: this machine's clocks."""

    def now(self) -> datetime:
        """The present instant, in UTC, to the microsecond. It may go back: order events by position, not by this."""
        return datetime.now(UTC)

    def monotonic_us(self) -> int:
        """Microseconds since some point of this boot; never goes back, and may stand still while the machine sleeps."""
        return time.monotonic_ns() // 1000

    def sleep(self, seconds: float) -> None:
        """Waits at least that long, whatever the wall clock does; ends early when the run is being cancelled."""
        from axejournal.programs import process

        end = time.monotonic() + seconds
        while process.cancelled() is None and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, POLL_S))


def machine_zone(localtime: Path = LOCALTIME) -> str:
    """The name of the machine's time zone (macOS: /var/db/timezone/zoneinfo/NAME; Linux: /usr/share/zoneinfo/NAME), or
    UTC where it can't be told. A process's own TZ does not count: schedulers don't have it."""
    parts = localtime.resolve().parts
    name = "/".join(parts[parts.index("zoneinfo") + 1 :]) if "zoneinfo" in parts else ""
    kept = localtime.with_name("timezone")
    if not name and kept.is_file():
        name = kept.read_text(encoding="utf-8").strip()
    return name.removeprefix("posix/").removeprefix("right/") or "UTC"
