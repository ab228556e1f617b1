"""What children say, read beside them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import IO


def read_lines(pipe: IO[bytes] | None, take: Callable[[bytes], None], heard: list[float]) -> threading.Thread:
    """A thread that hands on a pipe's lines until it is closed, and notes when it last heard one."""

    def read() -> None:
        assert pipe is not None
        with contextlib.suppress(ValueError):
            for line in pipe:
                heard[0] = time.monotonic()
                take(line)
            pipe.close()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def take_line(line: bytes, kept: bytearray, on_line: Callable[[str], None] | None) -> None:
    """Keeps a line, or hands it on."""
    if on_line is None:
        kept.extend(line)
    else:
        on_line(line.decode("utf-8", "replace"))


def keep_end(line: bytes, kept: bytearray, limit: int) -> None:
    """Keeps a line, and of what was kept before as much as there is room for."""
    kept.extend(line)
    if len(kept) > limit:
        del kept[: len(kept) - limit]
