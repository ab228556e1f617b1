"""Commands that the operator configured: what restarts a service, what checks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from axejournal.programs import process
from axejournal.programs.process import Command


@dataclass(frozen=True)
class ConfiguredCommands:
    """The `Commands` port. `keep` is told program, exit code and output of each that ended."""

    keep: Callable[[str, int, str], None]

    def run(self, argv: tuple[str, ...], folder: Path | None, timeout_s: float) -> tuple[int, str]:
        """See the port."""
        done = process.run(Command(argv, timeout_s=timeout_s, cwd=folder))
        self.keep(" ".join(argv), done.exit_code, done.text)  # what it said on stderr is kept by its owner
        return done.exit_code, done.text + done.stderr
