"""On the path of a process, this gives axej another time: its clock begins at TESTS_NOW and runs on from there.

libfaketime can't do it for Python 3.11 (its clock_nanosleep refuses absolute times). Only axej's own clock is set:
restic and PostgreSQL keep the true one, as two machines do that disagree.
"""

import os
from datetime import datetime

from axejournal.programs.clock import SystemClock

_true = SystemClock.now
_ahead = datetime.fromisoformat(os.environ["TESTS_NOW"]) - _true(SystemClock())
SystemClock.now = lambda self: _true(self) + _ahead

if "TESTS_HASTE" in os.environ:  # axej waits so many times shorter
    _sleep, _haste = SystemClock.sleep, float(os.environ["TESTS_HASTE"])
    SystemClock.sleep = lambda self, seconds: _sleep(self, seconds / _haste)
