"""systemd, through systemctl: a service and, for what has moments, a persistent timer (systemd.timer(5), 252)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import ProgramFailed
from axejournal.programs.process import Completed
from axejournal.programs.scheduler.tasks import SEARCHED, Scope, State, Task, call, said

SHOWN = "Id,LoadState,ActiveState,SubState,Result,MainPID,ExecMainStatus,ExecMainExitTimestampMonotonic,NeedDaemonReload"
BOOTED = Path("/run/systemd/system")
"""There is one where systemd is the system's own: sd_booted(3)."""


@dataclass(frozen=True)
class Systemd:
    """`user`: units of this user (they want lingering to run without a login); `system`: units of the machine."""

    scope: Scope
    home: Path
    root: Path = Path("/")
    program: str = "systemctl"
    runner: str = "systemd-run"
    kind: str = "systemd"

    @property
    def folder(self) -> Path:
        """Where its units are."""
        return self.home / ".config/systemd/user" if self.scope == "user" else self.root / "etc/systemd/system"

    def paths(self, label: str) -> tuple[Path, ...]:
        """See Scheduler."""
        return (self.folder / f"{label}.service", self.folder / f"{label}.timer")

    def labels(self, prefix: str) -> tuple[str, ...]:
        """See Scheduler."""
        return tuple(sorted(path.stem for path in self.folder.glob(f"{prefix}.*.service")))

    def files(self, task: Task) -> Mapping[Path, bytes]:
        """See Scheduler."""
        service, timer = self.paths(task.label)
        made = {service: service_unit(task, self.scope).encode()}
        return made if task.keeps_alive else {**made, timer: timer_unit(task).encode()}

    def load(self, task: Task, state: State) -> None:
        """See Scheduler."""
        unit = f"{task.label}.{'service' if task.keeps_alive else 'timer'}"
        self._do("daemon-reload")
        self._do("enable", unit)
        self._do("restart", unit)  # starts it too; a running one takes up what was written

    def unload(self, label: str) -> None:
        """See Scheduler."""
        for unit in (f"{label}.timer", f"{label}.service"):
            if any(path.name == unit and path.exists() for path in self.paths(label)):
                self._do("disable", "--now", unit)
        for path in self.paths(label):
            path.unlink(missing_ok=True)
        self._do("daemon-reload")

    def ask(self, label: str) -> State:
        """See Scheduler."""
        done = self._call("show", f"{label}.service", f"{label}.timer", f"--property={SHOWN}")
        if done.exit_code != 0:
            raise ProgramFailed(f"systemctl can't tell what it has: {said(done)}", self._hint(said(done)))
        return parse_show(label, done.text)

    def run_once(self, argv: tuple[str, ...], folder: Path, timeout_s: float) -> str:
        """See Scheduler."""
        path = f"--setenv=PATH={':'.join(SEARCHED)}"
        words = ("--quiet", "--wait", "--pipe", "--collect", "--service-type=oneshot", path, "--", *argv)
        done = call(self.runner, *self._scope_words, *words, timeout_s=timeout_s)
        if not done.text.strip():
            raise ProgramFailed(f"systemd-run could not start {argv[0]}: {said(done)}", self._hint(said(done)))
        return done.text

    @property
    def _scope_words(self) -> tuple[str, ...]:
        return ("--user",) if self.scope == "user" else ()

    def _call(self, *words: str) -> Completed:
        return call(self.program, *self._scope_words, *words)

    def _do(self, *words: str) -> None:
        done = self._call(*words)
        if done.exit_code != 0:
            raise ProgramFailed(f"systemctl {' '.join(words)}: {said(done)}", self._hint(said(done)))

    def _hint(self, what: str) -> str:
        if "not been booted with systemd" in what or not BOOTED.is_dir():
            return 'systemd does not run here: "axej schedule show --crontab | crontab -" gives the schedules to cron.'
        if self.scope == "user" and "bus" in what:
            return 'This user has no session: run "sudo loginctl enable-linger $USER", or set "schedules: {scope: system}".'
        if self.scope == "system" and os.geteuid() != 0:
            return 'Units of the system belong to root: run "sudo axej schedule install".'
        return 'Look at it with "systemctl status"; "axej schedule install" may be run again.'


def service_unit(task: Task, scope: Scope) -> str:
    """A service (systemd.service(5), systemd.exec(5))."""
    lines = [
        "[Unit]",
        f"Description=axej: {task.title}",
    ]
    lines += ["After=network-online.target docker.service"] if scope == "system" else []
    lines += ["", "[Service]", f"Type={'simple' if task.keeps_alive else 'oneshot'}", f"ExecStart={_exec(task.argv)}"]
    if task.keeps_alive:
        lines += ["Restart=always", "RestartSec=30"]
    if scope == "system":
        lines += [f"User={task.user}", f"Environment=HOME={task.home}"]
    lines += [
        f"Environment=PATH={':'.join(SEARCHED)}",
        f"StandardOutput=append:{task.log}",
        f"StandardError=append:{task.log}",
        "Nice=10",
        "IOSchedulingClass=best-effort",
        "IOSchedulingPriority=7",
        "KillMode=mixed",  # axej ends its children itself; what is left after the grace is killed
        "TimeoutStopSec=60",
    ]
    if task.keeps_alive:
        lines += ["", "[Install]", f"WantedBy={'default' if scope == 'user' else 'multi-user'}.target"]
    return "\n".join(lines) + "\n"


def timer_unit(task: Task) -> str:
    """A timer. `Persistent`: a moment that was missed while the machine was off is made up for at boot."""
    lines = ["[Unit]", f"Description=axej: {task.title}", "", "[Timer]"]
    lines += [f"OnCalendar={moment}" for moment in task.calendar]
    lines += ["Persistent=true", "AccuracySec=1min", "", "[Install]", "WantedBy=timers.target"]
    return "\n".join(lines) + "\n"


def parse_show(label: str, text: str) -> State:
    """What `systemctl show` says of a service and its timer: one block each."""
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    by_kind = {block["Id"].rpartition(".")[2]: block for block in blocks if block.get("Id")}
    service, timer = by_kind.get("service", {}), by_kind.get("timer", {})
    shown = timer if timer.get("LoadState") == "loaded" else service
    ended = service.get("ExecMainExitTimestampMonotonic", "0") not in ("", "0")
    pid = int(service.get("MainPID") or 0)
    return State(
        label=label,
        installed=service.get("LoadState") == "loaded",
        current=False,
        loaded=shown.get("LoadState") == "loaded" and shown.get("ActiveState") in ("active", "activating", "reloading"),
        state=f"{shown.get('ActiveState', '')} ({shown.get('SubState', '')})" if shown else "",
        pid=pid or None,
        last_exit=int(service.get("ExecMainStatus") or 0) if ended else None,
        stale="yes" in (service.get("NeedDaemonReload"), timer.get("NeedDaemonReload")),
    )


def _exec(argv: tuple[str, ...]) -> str:
    """Words of ExecStart (systemd.service(5), Command lines): `%` and `$` mean something to systemd."""
    return " ".join(_quoted(word) for word in argv)


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if re.fullmatch(r"[\w@+=:,./%$-]+", escaped) else f'"{escaped}"'
