"""A terminal with somebody at it: waits for a question, types the answer."""

from __future__ import annotations

import os
import select

from tests.world import axej
from tests.world.home import World

LONGEST_S = 60


def at_terminal(world: World, answers: list[tuple[str, str]], *words: str, kill_at: str = "") -> tuple[int, str]:
    """`axej WORDS` at a terminal of its own. `answers`: (end of the question, what is typed), in order; returns its exit code
    (negative: the signal that ended it) and all that stood on the screen. What is typed blind does not."""
    environment = {**world.environ({}, kill_at), "TERM": "dumb"}
    process, terminal = axej.at_terminal(words, environment, world.folder)
    said, seen = "", 0
    pending = list(answers)
    while select.select([terminal], [], [], LONGEST_S)[0]:
        try:
            said += os.read(terminal, 65536).decode("utf-8", "replace")
        except OSError:  # the other end is closed
            break
        if pending and pending[0][0] in said[seen:]:
            seen = len(said)
            os.write(terminal, f"{pending.pop(0)[1]}\n".encode())
    else:
        process.kill()
        said += f"\nnothing came for {LONGEST_S} s; not asked: {pending}"
    os.close(terminal)
    return process.wait(), said
