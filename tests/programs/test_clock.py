from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta

from axejournal.programs.clock import SystemClock

CANCELLED = """
import threading, time
from axejournal.programs import process
from axejournal.programs.clock import SystemClock
threading.Timer(0.3, process.end_all, ["SIGTERM"]).start()
begin = time.monotonic()
SystemClock().sleep(60)
print(time.monotonic() - begin)
"""


def test_now_is_aware_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_monotonic_counts_microseconds() -> None:
    begin, began = SystemClock().monotonic_us(), time.monotonic()
    SystemClock().sleep(0.25)
    passed_us = SystemClock().monotonic_us() - begin
    assert 250_000 <= passed_us <= (time.monotonic() - began) * 1e6 + 1000


def test_sleep_ends_early_when_the_run_is_being_cancelled() -> None:
    done = subprocess.run([sys.executable, "-c", CANCELLED], check=True, capture_output=True, text=True, timeout=30)
    assert 0.2 < float(done.stdout) < 2
