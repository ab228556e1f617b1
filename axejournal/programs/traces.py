"""What a run leaves outside the journal: how far its steps are (while it lives) and what its children said (kept).

Both are for people: nothing is decided by them, so that a write that fails is no failure of the run.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from axejournal.domain.ports import Progress

EVERY_S = 0.5
KEPT_DAYS, KEPT_BYTES = 400, 200 * 2**20
"""How long children's logs are kept, and how much of them: the newest."""
LOG_BYTES, TAIL_BYTES = 8 * 2**20, 2**20
"""A log of launchd's or systemd's is cut to its tail when it is longer."""
LONGEST_LINES = 200  # of one child's stderr


class Traces:
    """Files of one state directory: `progress/RUN.json` and `logs/RUN.log` (0600)."""

    def __init__(self, state: Path) -> None:
        self._progress_folder = state / "progress"
        self._log_folder = state / "logs"
        self._steps: dict[str, dict[str, dict[str, object]]] = {}
        self._written_at: dict[str, float] = {}
        self._guard = threading.Lock()

    def log_path(self, run: str) -> Path:
        """Where the output of a run's children is kept."""
        return self._log_folder / f"{run}.log"

    def progress_path(self, run: str) -> Path:
        """Where a living run writes how far it is."""
        return self._progress_folder / f"{run}.json"

    def progress(self, run: str, step: str, progress: Progress) -> None:
        """Notes how far a step is; written at most twice a second."""
        with self._guard, contextlib.suppress(OSError):
            self._steps.setdefault(run, {})[step] = asdict(progress)
            now = time.monotonic()
            if now - self._written_at.get(run, 0.0) >= EVERY_S:
                self._written_at[run] = now
                self._write(run)

    def read_progress(self, run: str) -> dict[str, Progress]:
        """How far each step of a run is, by what its process wrote last; empty when it wrote nothing."""
        try:
            found = json.loads(self.progress_path(run).read_text(encoding="utf-8"))
            return {step: Progress(**values) for step, values in found.items()}
        except (OSError, ValueError, TypeError):
            return {}

    def keep(self, run: str, program: str, exit_code: int, stderr: str) -> None:
        """Keeps what a child said on stderr, and that it failed if it did."""
        if exit_code == 0 and not stderr.strip():
            return
        lines = stderr.strip().splitlines()[-LONGEST_LINES:]
        with self._guard, contextlib.suppress(OSError):
            self._log_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.log_path(run), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8", errors="replace") as file:
                file.write(f"{program}: exit {exit_code}\n")
                file.writelines(f"  {line}\n" for line in lines)

    def forget(self, run: str) -> None:
        """The run has ended: its progress is history."""
        with self._guard, contextlib.suppress(OSError):
            self._steps.pop(run, None)
            self.progress_path(run).unlink(missing_ok=True)

    def sweep(self, open_runs: Callable[[], Collection[str]]) -> None:
        """Removes what runs left that ended while their process was killed. `open_runs` is asked after the look at the files:
        a run is in the journal before it has one."""
        with contextlib.suppress(OSError):
            left = list(self._progress_folder.iterdir())
            living = open_runs() if left else ()
            for path in left:
                if path.stem not in living:
                    path.unlink(missing_ok=True)

    def prune(self, now: datetime) -> int:
        """Removes logs of children that are too old or too many, cuts those of the scheduler to their tail; how many files
        went. Those of runs that are at work are new, and stay."""
        gone, total = 0, 0
        with self._guard, contextlib.suppress(OSError):
            runs: list[tuple[float, int, Path]] = []
            others: list[tuple[float, int, Path]] = []
            for path in self._log_folder.glob("*.log"):
                (others if path.stem.count(".") else runs).append((path.stat().st_mtime, path.stat().st_size, path))
            for changed, size_bytes, path in sorted(runs, reverse=True):
                total += size_bytes
                if now.timestamp() - changed > KEPT_DAYS * 86_400 or total > KEPT_BYTES:
                    path.unlink()
                    gone += 1
            for _, size_bytes, path in others:
                if size_bytes > LOG_BYTES:
                    _cut(path)
        return gone

    def _write(self, run: str) -> None:
        self._progress_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.progress_path(run)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(self._steps[run], ensure_ascii=False), encoding="utf-8")
        beside.replace(path)


def _cut(path: Path) -> None:
    """In place: whoever has it open for appending goes on at the new end."""
    with path.open("r+b") as file:
        file.seek(-TAIL_BYTES, os.SEEK_END)
        tail = file.read().partition(b"\n")[2]
        file.seek(0)
        file.write(tail)
        file.truncate()
