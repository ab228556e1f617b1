"""launchd, through launchctl (man launchctl, launchd.plist; not run on a Mac by our tests: they replay recorded output)."""

from __future__ import annotations

import contextlib
import os
import plistlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axejournal.domain.errors import ProgramFailed
from axejournal.programs.scheduler.tasks import SEARCHED, Scope, State, Task, call, said

UNKNOWN = 113
"""launchctl's exit code for a service that it does not know."""
ONCE = "com.axe.once"
POLL_S = 0.2


@dataclass(frozen=True)
class Launchd:
    """`user`: LaunchAgents of who logged in; `system`: LaunchDaemons."""

    scope: Scope
    home: Path
    user_id: int
    root: Path = Path("/")
    program: str = "launchctl"
    kind: str = "launchd"

    @property
    def folder(self) -> Path:
        """Where its property lists are."""
        return (self.home if self.scope == "user" else self.root) / "Library" / self._folder_name

    @property
    def _folder_name(self) -> str:
        return "LaunchAgents" if self.scope == "user" else "LaunchDaemons"

    @property
    def domain(self) -> str:
        """What launchctl calls the session."""
        return f"gui/{self.user_id}" if self.scope == "user" else "system"

    def paths(self, label: str) -> tuple[Path, ...]:
        """See Scheduler."""
        return (self.folder / f"{label}.plist",)

    def labels(self, prefix: str) -> tuple[str, ...]:
        """See Scheduler."""
        return tuple(sorted(path.stem for path in self.folder.glob(f"{prefix}.*.plist")))

    def files(self, task: Task) -> Mapping[Path, bytes]:
        """See Scheduler."""
        return {self.paths(task.label)[0]: property_list(task, self.scope)}

    def load(self, task: Task, state: State) -> None:
        """See Scheduler."""
        if state.loaded:
            self.unload(task.label)
        call(self.program, "enable", f"{self.domain}/{task.label}")  # a label that was once disabled is refused
        done = call(self.program, "bootstrap", self.domain, str(self.paths(task.label)[0]))
        if done.exit_code != 0:
            raise ProgramFailed(f"launchctl refused {task.label}: {said(done)}", self._hint(done.exit_code))

    def unload(self, label: str) -> None:
        """See Scheduler."""
        done = call(self.program, "bootout", f"{self.domain}/{label}")
        if done.exit_code not in (0, 3, UNKNOWN):  # 3: no such process
            raise ProgramFailed(f"launchctl could not unload {label}: {said(done)}", self._hint(done.exit_code))

    def ask(self, label: str) -> State:
        """See Scheduler."""
        done = call(self.program, "print", f"{self.domain}/{label}")
        if done.exit_code == UNKNOWN or "Could not find service" in done.stderr + done.text:
            return State(label, installed=False, current=False)
        if done.exit_code != 0:
            raise ProgramFailed(f"launchctl can't tell what it has: {said(done)}", self._hint(done.exit_code))
        return parse_print(label, done.text)

    def run_once(self, argv: tuple[str, ...], folder: Path, timeout_s: float) -> str:
        """See Scheduler. launchd starts it in the session that scheduled runs have, with their privacy permissions."""
        output, plist = folder / "once.out", folder / f"{ONCE}.plist"
        output.unlink(missing_ok=True)
        content = {"Label": ONCE, "ProgramArguments": [*argv], "RunAtLoad": True, "StandardOutPath": str(output)}
        plist.write_bytes(plistlib.dumps({**content, "EnvironmentVariables": {"PATH": ":".join(SEARCHED)}}, sort_keys=False))
        self.unload(ONCE)
        done = call(self.program, "bootstrap", self.domain, str(plist))
        try:
            if done.exit_code != 0:
                raise ProgramFailed(f"launchctl refused {ONCE}: {said(done)}", self._hint(done.exit_code))
            self._wait(timeout_s)
        finally:
            with contextlib.suppress(ProgramFailed):
                self.unload(ONCE)
            plist.unlink(missing_ok=True)
        return output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""

    def _wait(self, timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            state = self.ask(ONCE)
            if state.last_exit is not None and state.pid is None:
                return
            time.sleep(POLL_S)
        raise ProgramFailed(
            f"what launchd started did not end within {timeout_s:g} s",
            "A question for a permission may wait on the screen: allow it under System Settings, Privacy & Security.",
        )

    def _hint(self, exit_code: int) -> str:
        if exit_code == 125 and self.scope == "user":
            return (
                "There is no graphical session of this user: log in on the screen (automatic login for a Mac without one), "
                'or set "schedules: {scope: system}".'
            )
        if self.scope == "system" and os.geteuid() != 0:
            return 'A LaunchDaemon belongs to the system: run "sudo axej schedule install".'
        return f'"launchctl print {self.domain}" shows what launchd has; "axej schedule install" may be run again.'


def property_list(task: Task, scope: Scope) -> bytes:
    """The property list of a task (man launchd.plist)."""
    content: dict[str, Any] = {"Label": task.label, "ProgramArguments": [*task.argv]}
    if task.keeps_alive:
        content |= {"KeepAlive": True, "ThrottleInterval": 30}
    else:
        content["StartCalendarInterval"] = [dict(interval) for interval in task.intervals]
    content |= {
        "RunAtLoad": True,  # a moment that was missed while the power was off is made up for by nobody else
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "ExitTimeOut": 60,  # axej ends its children and records that; launchd kills what is left of the group
        "StandardOutPath": str(task.log),
        "StandardErrorPath": str(task.log),
    }
    environment = {"PATH": ":".join(SEARCHED)}
    if scope == "system":
        content["UserName"] = task.user
        environment["HOME"] = str(task.home)
    content["EnvironmentVariables"] = environment
    return plistlib.dumps(content, sort_keys=False)


def parse_print(label: str, text: str) -> State:
    """What `launchctl print` says of a service: the lines of its first level only (deeper ones repeat the same keys).
    Apple calls the format no interface; unknown lines are skipped."""
    first = dict(re.findall(r"^(?:\t| {4})([a-z][a-z ]*) = (.+)$", text, re.MULTILINE))
    block = re.search(r"^(?:\t| {4})arguments = {\n(.*?)\n(?:\t| {4})}", text, re.MULTILINE | re.DOTALL)
    code = re.match(r"-?\d+", first.get("last exit code", ""))
    ended_by = re.search(r": (\d+)$", first.get("last terminating signal", ""))
    return State(
        label=label,
        installed=True,
        current=False,
        loaded=True,
        state=first.get("state", "unknown"),
        pid=int(first["pid"]) if first.get("pid", "").isdigit() else None,
        last_exit=int(code[0]) if code else -int(ended_by[1]) if ended_by else None,
        argv=tuple(line.strip() for line in block[1].splitlines()) if block else None,
    )
