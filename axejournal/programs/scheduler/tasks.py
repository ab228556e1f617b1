"""What launchd and systemd have in common: tasks, what each writes for them, what it knows of them.

A task's name is its label (`com.axe.backup.local`), whose files carry it. Installing writes the files and loads them;
both are done only where something differs, so that doing it twice is doing it once.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from axejournal.domain.errors import AxejError, ProgramFailed
from axejournal.programs import process

Scope = Literal["user", "system"]
TIMEOUT_S = 30.0
"""A scheduler that does not answer within this time is a failure of its own."""
SEARCHED = ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")
"""PATH of what they start: neither launchd's nor systemd's own has Homebrew."""


@dataclass(frozen=True)
class Task:
    """One thing to start by itself. `intervals`: launchd's moments, `calendar`: systemd's; none of them: started at once
    and kept alive. `user`: whom a task of the system works for."""

    label: str
    title: str
    argv: tuple[str, ...]
    log: Path
    intervals: tuple[Mapping[str, int], ...] = ()
    calendar: tuple[str, ...] = ()
    user: str | None = None
    home: Path | None = None

    @property
    def keeps_alive(self) -> bool:
        """A daemon, started again whenever it ends."""
        return not self.intervals


@dataclass(frozen=True)
class State:
    """What the system's scheduler knows of a task. `installed`: its files are there; `current`: they are what would be
    written now; `loaded`: the scheduler has it; `stale`: it has an older copy of them; `last_exit`: None while it never
    ended; `trouble`: why it can't tell."""

    label: str
    installed: bool
    current: bool
    loaded: bool = False
    state: str = ""
    pid: int | None = None
    last_exit: int | None = None
    argv: tuple[str, ...] | None = None
    stale: bool = False
    trouble: str = ""


class Scheduler(Protocol):
    """launchd or systemd."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    @property
    def scope(self) -> Scope:
        """Whose session it is."""
        ...

    def files(self, task: Task) -> Mapping[Path, bytes]:
        """The files of a task, as they are written."""
        ...

    def labels(self, prefix: str) -> tuple[str, ...]:
        """Labels that begin so and have a file here."""
        ...

    def load(self, task: Task, state: State) -> None:
        """Makes the scheduler know what the files say. Raises ProgramMissing, ProgramFailed."""
        ...

    def unload(self, label: str) -> None:
        """Makes it forget a task; not knowing it is fine. Raises ProgramMissing, ProgramFailed."""
        ...

    def ask(self, label: str) -> State:
        """What it knows; `installed` and `current` are not filled in. Raises ProgramMissing, ProgramFailed."""
        ...

    def paths(self, label: str) -> tuple[Path, ...]:
        """Where the files of a label are."""
        ...

    def run_once(self, argv: tuple[str, ...], folder: Path, timeout_s: float) -> str:
        """Runs a command in the scheduler's own session; its stdout. Raises ProgramMissing, ProgramFailed."""
        ...


def look(scheduler: Scheduler, task: Task) -> State:
    """How a task stands; never raises: what the scheduler can't tell is told as `trouble`."""
    wanted = scheduler.files(task)
    there = {path: _content(path) for path in wanted}
    installed = any(content is not None for content in there.values())
    current = all(there[path] == content for path, content in wanted.items())
    try:
        told = scheduler.ask(task.label)
    except AxejError as fault:
        return State(task.label, installed, current, trouble=fault.message)
    stale = told.stale or (told.argv is not None and told.argv != task.argv)
    return replace(told, installed=installed, current=current, stale=told.loaded and stale)


def install(scheduler: Scheduler, task: Task) -> str:
    """Writes and loads a task: "installed", "replaced", "loaded" or "unchanged". Raises ProgramMissing, ProgramFailed."""
    scheduler.ask(task.label)  # where it does not answer, nothing is written
    before = look(scheduler, task)
    if before.installed and before.current and before.loaded and not before.stale:
        return "unchanged"
    if before.loaded and before.pid is not None and not task.keeps_alive:
        raise ProgramFailed(
            f"{task.label} is at work (pid {before.pid}); loading it anew would end it",
            'Wait until it has ended ("axej status" shows it), then run "axej schedule install" again.',
        )
    _write(task.log.parent, scheduler.files(task))
    scheduler.load(task, before)
    return "replaced" if before.installed and not before.current else "loaded" if before.installed else "installed"


def remove(scheduler: Scheduler, label: str) -> bool:
    """Unloads a task and removes its files; whether there was anything. Raises ProgramMissing, ProgramFailed."""
    there = [path for path in scheduler.paths(label) if path.exists()]
    known = scheduler.ask(label).loaded
    if known or there:
        scheduler.unload(label)
    for path in there:
        path.unlink(missing_ok=True)
    return bool(there) or known


def call(*argv: str, timeout_s: float = TIMEOUT_S) -> process.Completed:
    """Runs a scheduler's own program. Raises ProgramMissing, ProgramStalled."""
    kept = {name: os.environ[name] for name in ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS") if name in os.environ}
    return process.run(process.Command(argv, env=kept, timeout_s=timeout_s))


def said(done: process.Completed) -> str:
    """What it said, in a line."""
    return " ".join((done.stderr.strip() or done.text.strip() or f"exit {done.exit_code}").split())[-300:]


def _content(path: Path) -> bytes | None:
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return None


def _write(log_folder: Path, files: Mapping[Path, bytes]) -> None:
    try:
        log_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.new")
            beside.write_bytes(content)
            beside.chmod(0o644)  # launchd refuses what others can write
            beside.replace(path)
    except OSError as fault:
        raise ProgramFailed(
            f"{fault.filename} can't be written: {fault.strerror}",
            'Run it with sudo, or set "schedules: {scope: user}" in the configuration.',
        ) from fault
