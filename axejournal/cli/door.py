"""The entry point of `axej` and `axe`. Answers two questions without loading the rest, because schedulers and people
ask them often: the plain `--help`, and a scheduled call with nothing due.

Imports nothing heavy at the top: click alone costs three times a bare `python -c pass`.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs the command of sys.argv and exits with its code."""
    words = sys.argv[1:]
    if words in (["--help"], ["-h"], []) and not _completing() and (text := _plain_help()):
        sys.stdout.write(text)
        sys.exit(0)
    if words[:2] == ["ring", "serve"] and len(words) == 3 and not words[2].startswith("-"):
        from axejournal.app.ring_serving import serve  # for sshd, at each connection of the partner

        sys.exit(serve(words[2]))
    if "--scheduled" in words:
        from axejournal.cli.scheduled import nothing_due

        if nothing_due(words):
            os._exit(0)  # nothing is open or unwritten; taking a Python apart costs a third of its start
    import gc

    gc.set_threshold(50_000)  # loading SQLAlchemy makes many objects that live on: looking for garbage costs a fifth more
    from axejournal.cli.main import run

    code = run(words)
    gc.freeze()  # the end: nothing is looked through once more
    sys.exit(code)


def _completing() -> bool:
    """A shell asks what may follow: it calls without words, and says what was typed in its own variables."""
    return "_AXEJ_COMPLETE" in os.environ or "_AXE_COMPLETE" in os.environ


def _plain_help() -> str | None:
    """The help page as the build keeps it (tests hold it equal to click's); None when the terminal is narrower."""
    try:
        if os.get_terminal_size().columns < 80:
            return None
    except OSError:
        pass
    try:
        with open(os.path.join(os.path.dirname(__file__), "help.txt"), encoding="utf-8") as file:  # noqa: PTH118, PTH120, PTH123 (pathlib costs 10 ms)
            return file.read()
    except OSError:
        return None
