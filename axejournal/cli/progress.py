"""A run watched live: a line for each step, on a terminal only. In a pipe: a plain line for what begins and ends."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from axejournal.domain.events import Event
from axejournal.domain.ports import Progress
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.app.app import App


@contextmanager
def watched(app: App) -> Iterator[LiveView]:
    """Inside, runs are shown as they go, and Ctrl-C or SIGTERM cancels them cleanly."""
    with LiveView(app.config.timezone) as view, app.signals():
        try:
            yield view
        finally:
            app.telling.after()


QUIET = frozenset({"RunRequested", "RunStarted", "ChildStarted", "StepProbed"})


class LiveView:
    """Shows runs on stderr: the `View` of the app."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._terminal = sys.stderr.isatty()
        self._tasks: dict[str, Any] = {}
        self._bars: Any = None
        self._guard = threading.Lock()

    def __enter__(self) -> LiveView:
        if self._terminal:
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            from axejournal.cli.output import console

            self._bars = Progress(
                SpinnerColumn(finished_text="✓"),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[size]}", markup=False, justify="right"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[note]}", markup=False, style="dim"),
                console=console(stderr=True),
                transient=False,
            )
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bars is not None:
            self._bars.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Inside, the terminal is free for a question."""
        if self._bars is not None:
            self._bars.stop()
        try:
            yield
        finally:
            if self._bars is not None:
                self._bars.start()

    def progress(self, run: str, step: str, progress: Progress) -> None:
        """Moves a step's bar."""
        if self._bars is not None and (task := self._tasks.get(step)) is not None:
            from axejournal.cli.output import size

            far = f"{size(progress.done_bytes)} of {size(progress.of_bytes)}" if progress.of_bytes else size(progress.done_bytes)
            self._bars.update(task, completed=progress.done_bytes, total=progress.of_bytes, size=far, note=progress.note[:40])

    def heard(self, event: Event, run: Run) -> None:
        """An event is durable."""
        with self._guard:
            if self._bars is not None:
                self._move(event)
            elif event.name not in QUIET:
                time = event.recorded_at.astimezone(self._zone)
                sys.stderr.write(f"{time:%H:%M:%S} {event.state:<13} {event.name}{_about(event)}\n")

    def _move(self, event: Event) -> None:
        if event.step is None:
            return
        if event.name == "StepStarted":
            if event.step not in self._tasks:
                self._tasks[event.step] = self._bars.add_task(event.step, total=None, size="", note="")
            elif event.attempt and event.attempt > 1:
                self._bars.update(self._tasks[event.step], note=f"attempt {event.attempt}")
        elif event.name in ("StepFailed", "StepGivenUp"):
            self._bars.update(self._tasks[event.step], note=str(event.data.get("message", ""))[:60])
        elif event.name not in QUIET and event.step in self._tasks:
            task = self._tasks[event.step]
            from axejournal.cli.output import size

            size_bytes = event.data.get("size_bytes")
            self._bars.update(task, total=1, completed=1, size=size(size_bytes), note=event.name)
            self._bars.stop_task(task)


def _about(event: Event) -> str:
    parts = [event.step or "", f"attempt {event.attempt}" if event.attempt and event.attempt > 1 else ""]
    parts.append(str(event.data.get("message", "")))
    return "".join(f" {part}" for part in parts if part)
