"""Commands of a drill: run with nothing of this process's environment, so that they hold no credentials of live servers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from axejournal.programs import process
from axejournal.programs.process import Command

KEPT = ("PATH", "TMPDIR", "USER", "LOGNAME", "TZ", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG")
KEPT_BYTES = 64 * 1024
"""Of the beginning and of the end of what a command prints."""


@dataclass
class _Output:
    """What a command prints, with a hole in the middle when it is long."""

    head: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    head_size: int = 0
    tail_size: int = 0
    size: int = 0

    def take(self, line: str) -> None:
        """One line, with its end."""
        self.size += len(line)
        if self.head_size + len(line) <= KEPT_BYTES and not self.tail:
            self.head.append(line)
            self.head_size += len(line)
            return
        line = line[-KEPT_BYTES:]
        self.tail.append(line)
        self.tail_size += len(line)
        while self.tail_size > KEPT_BYTES and len(self.tail) > 1:
            self.tail_size -= len(self.tail.pop(0))

    @property
    def text(self) -> str:
        """All of it, or its two ends."""
        left_out = self.size - self.head_size - self.tail_size
        hole = [f"\n[{left_out:,} bytes are left out]\n"] if left_out > 0 else []
        return "".join([*self.head, *hole, *self.tail])


@dataclass(frozen=True)
class BareCommands:
    """The `ScratchCommands` port. `keep` is told program, exit code and the kept output of each that ended."""

    keep: Callable[[str, int, str], None]

    def run(
        self, argv: tuple[str, ...], folder: Path | None, timeout_s: float, environment: Mapping[str, str]
    ) -> tuple[int, str, int]:
        """See the port."""
        output = _Output()
        only = {name: os.environ[name] for name in KEPT if name in os.environ} | {"LC_ALL": "C.UTF-8"}
        home = os.environ.get("HOME")
        if home and "DOCKER_CONFIG" not in only and (Path(home) / ".docker").is_dir():
            only["DOCKER_CONFIG"] = str(Path(home) / ".docker")  # where a Mac's Docker says where its engine is
        command = Command(argv, {**only, **environment}, timeout_s=timeout_s, cwd=folder, bare=True)
        done = process.run(command, output.take)
        text = output.text + done.stderr
        self.keep(" ".join(argv), done.exit_code, output.text)  # what it said on stderr is kept by its owner
        return done.exit_code, text, output.size + len(done.stderr)
