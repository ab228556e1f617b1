"""The JSON objects that a restic prints, one by one as they come."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from axejournal.domain.errors import AxejError, Interrupted
from axejournal.programs import process
from axejournal.programs.process import Command, Completed


def objects(command: Command, fault_of: Callable[[Completed], AxejError]) -> Iterator[dict[str, Any]]:
    """Memory stays flat however many there are. Raises what `fault_of` makes of an exit code other than 0, and Interrupted.
    Closed early, restic ends."""
    child = process.start(command)
    assert child.stdin and child.stdout and child.stderr
    child.stdin.close()
    said: deque[bytes] = deque(maxlen=200)
    listener = threading.Thread(target=said.extend, args=(child.stderr,), daemon=True)
    listener.start()
    try:
        for line in child.stdout:
            yield json.loads(line)
        child.wait()
        listener.join(timeout=5)
    finally:
        child.stdout.close()  # restic ends at its next line, even when it was blocked on a full pipe
        process.end(child)
    if process.cancelled():
        raise Interrupted("restic was ended: the run is being cancelled")
    if child.returncode != 0:
        raise fault_of(Completed(child.returncode, b"", b"".join(said).decode("utf-8", "replace"), 0.0))
