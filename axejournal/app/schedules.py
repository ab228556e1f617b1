"""From the configuration to what launchd or systemd has to start: one task for each schedule, one for the disks' watch."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from axejournal.app.due import job_of, names, next_slot, wanted
from axejournal.engine.calendar import crontab_line, on_calendar, start_calendar_intervals
from axejournal.engine.schedule import Schedule
from axejournal.programs.scheduler.tasks import Scheduler, Scope, State, Task

LABELS = {
    "backup.local": "backup.local",
    "ring.push": "ring.push",
    "cold.sync": "cold.watch",
    "restore.drill": "restore-drill",
    "repository.check": "repository.check",
}
"""What follows the prefix in a label, by job: the names of the operator's page."""
TITLES = {
    "backup.local": "nightly backup",
    "ring.push": "copies to the peer",
    "cold.sync": "watch for cold disks",
    "restore.drill": "restore drill",
    "repository.check": "check of the repositories",
}
CATCH_UP_MINUTES = {"backup.local": 17, "ring.push": 37, "restore.drill": 47, "repository.check": 57}
"""The minute of every hour at which each is called to make up for what was missed: none beside another."""
PLAIN = {"local": "backup.local", "ring": "ring.push", "cold": "cold.sync"}
"""Tiers whose label needs no name of theirs."""


@dataclass(frozen=True)
class Machine:
    """On what the tasks will run. `axej`: the words that start axej; `zone`: the machine's own, which launchd goes by."""

    axej: tuple[str, ...]
    zone: str
    user: str
    home: Path


def this_machine(program: Path | None) -> Machine:
    """The one that this process runs on. `program`: the axej that the configuration names."""
    from axejournal.programs.clock import machine_zone

    user = os.environ.get("SUDO_USER") if os.geteuid() == 0 else None
    return Machine(_axej(program), machine_zone(), user or getpass.getuser(), Path(f"~{user or ''}").expanduser())


def _axej(program: Path | None) -> tuple[str, ...]:
    """Absolute, as it was installed: `axej` beside this Python, not what a link to it leads to, so that an upgrade counts."""
    if program is not None:
        return (str(program),)
    beside = Path(sys.executable).parent / "axej"
    return (str(beside),) if beside.exists() else (sys.executable, "-m", "axejournal")


def scheduler(settings: Mapping[str, Any], machine: Machine, platform: str = sys.platform) -> Scheduler:
    """This system's own."""
    scope: Scope = settings["scope"]
    if platform == "darwin":
        from axejournal.programs.scheduler.launchd import Launchd

        return Launchd(scope, machine.home, int(os.environ.get("SUDO_UID", os.getuid())))
    from axejournal.programs.scheduler.systemd import Systemd

    return Systemd(scope, machine.home)


@dataclass(frozen=True)
class Plan:
    """What is to be started, and by which scheduler. `names`: of the schedules, as the tasks stand."""

    scheduler: Scheduler
    machine: Machine
    names: tuple[str, ...]
    tasks: tuple[Task, ...]
    effective: Mapping[str, Any]
    now: datetime

    @property
    def prefix(self) -> str:
        """How the labels begin."""
        return str(self.effective["schedules"]["labels"])


@dataclass(frozen=True)
class Standing:
    """How one schedule stands. `trouble`: what is wrong with it and what to type, or ""."""

    name: str
    task: Task
    next_run: datetime | None
    zone: str | None
    state: State

    @property
    def sound(self) -> bool:
        """Whether it will be started."""
        return self.state.installed and self.state.current and self.state.loaded and not self.state.stale

    @property
    def word(self) -> str:
        """Its state in a word or two."""
        if not self.state.installed:
            return "not installed"
        if not self.state.current:
            return "changed since"
        if not self.state.loaded:
            return "not loaded"
        return "old copy" if self.state.stale else self.state.state or "loaded"

    @property
    def trouble(self) -> str:
        """See the class."""
        if self.state.trouble:
            return self.state.trouble
        if not self.state.installed:
            return 'nothing starts by itself yet: "axej schedule install" sees to that'
        again = 'run "axej schedule install" again'
        if not self.state.current:
            return (
                f"{self.task.label}: what is installed is not what this configuration asks for (it was changed or moved): {again}"
            )
        if not self.state.loaded:
            return f"{self.task.label}: its files are there, but it is not loaded: {again}"
        return f"{self.task.label}: an old copy is loaded: {again}" if self.state.stale else ""


def plan(effective: Mapping[str, Any], config_path: Path, now: datetime) -> Plan:
    """What this machine is to start."""
    settings = effective["schedules"]
    machine = this_machine(Path(settings["program"]) if settings["program"] else None)
    cold = [name for name, tier in effective["tiers"].items() if tier.get("kind", name) == "cold"]
    return Plan(
        scheduler(settings, machine),
        machine,
        (*names(effective), *cold[:1]),
        tasks(effective, config_path, machine, now),
        effective,
        now,
    )


def standing(plan: Plan) -> tuple[Standing, ...]:
    """How each of them stands; what the system can't tell is told as trouble."""
    from axejournal.programs.scheduler.tasks import look

    found = []
    for name, task in zip(plan.names, plan.tasks, strict=True):
        settings = wanted(name, plan.effective)
        state = look(plan.scheduler, task)
        zone = settings["timezone"] if settings else None
        found.append(Standing(name, task, next_slot(name, plan.effective, plan.now), zone, state))
    return tuple(found)


def install(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Installs all, and removes what was installed of schedules that are gone; label and what was done of each. Raises
    ProgramMissing, ProgramFailed."""
    from axejournal.programs.scheduler.tasks import install as put
    from axejournal.programs.scheduler.tasks import remove as take

    done = [(task.label, put(plan.scheduler, task)) for task in plan.tasks]
    wanted_labels = {task.label for task in plan.tasks}
    for label in plan.scheduler.labels(plan.prefix):
        if label not in wanted_labels and _ours(plan, label):
            take(plan.scheduler, label)
            done.append((label, "removed"))
    return tuple(done)


def remove(plan: Plan) -> tuple[str, ...]:
    """Takes all of them away; the labels that were there. Raises ProgramMissing, ProgramFailed."""
    from axejournal.programs.scheduler.tasks import remove as take

    there = [label for label in plan.scheduler.labels(plan.prefix) if _ours(plan, label)]
    labels = dict.fromkeys([*(task.label for task in plan.tasks), *there])
    return tuple(label for label in labels if take(plan.scheduler, label))


def written(plan: Plan) -> dict[Path, bytes]:
    """The files that `install` writes."""
    return {path: content for task in plan.tasks for path, content in plan.scheduler.files(task).items()}


def _ours(plan: Plan, label: str) -> bool:
    """Another program's label may begin like ours."""
    return label.removeprefix(f"{plan.prefix}.").startswith(tuple(LABELS.values()))


def tasks(effective: Mapping[str, Any], config_path: Path, machine: Machine, now: datetime) -> tuple[Task, ...]:
    """Everything that is to be started by itself, in the order of the tiers. `effective`: the configuration as values."""
    cold = [name for name, tier in effective["tiers"].items() if tier.get("kind", name) == "cold"]
    scheduled = [_scheduled(name, effective, config_path, machine, now) for name in names(effective)]
    return (*scheduled, *(_task(effective, cold[0], ("cold", "watch"), config_path, machine) for _ in cold[:1]))


def crontab(all_tasks: tuple[Task, ...]) -> tuple[str, ...]:
    """The same for cron, for a machine that has neither launchd nor systemd."""
    from shlex import join

    lines = []
    for task in all_tasks:
        made = f"umask 077; mkdir -p {join([str(task.log.parent)])}"  # without it the shell would start nothing
        command = f"{made}; {join(task.argv)} >> {join([str(task.log)])} 2>&1".replace("%", "\\%")
        lines.append(f"@reboot {command}" if task.keeps_alive else crontab_line(command, task.intervals[-1]["Minute"]))
    return tuple(lines)


def _scheduled(name: str, effective: Mapping[str, Any], config_path: Path, machine: Machine, now: datetime) -> Task:
    settings = wanted(name, effective)
    assert settings is not None
    schedule = Schedule(settings["cron"], settings["timezone"])
    words = (*_words(name, effective), "--scheduled")
    minute = CATCH_UP_MINUTES[job_of(name, effective) or ""]
    return _task(
        effective,
        name,
        words,
        config_path,
        machine,
        intervals=start_calendar_intervals(schedule, machine.zone, now, minute),
        calendar=on_calendar(schedule, minute),
    )


def _words(name: str, effective: Mapping[str, Any]) -> tuple[str, ...]:
    match job_of(name, effective):
        case "backup.local":
            return ("backup", "--local")
        case "ring.push":
            return ("ring", "push") if name == "ring" else ("ring", "push", name)
        case "restore.drill":
            return ("drill",)
    return ("check",)


def _task(
    effective: Mapping[str, Any], name: str, words: tuple[str, ...], config_path: Path, machine: Machine, **moments: Any
) -> Task:
    job = job_of(name, effective) or ""
    settings = effective["schedules"]
    label = f"{settings['labels']}.{LABELS[job]}" + ("" if name in PLAIN or name not in effective["tiers"] else f".{name}")
    return Task(
        label=label,
        title=TITLES[job] + ("" if name in PLAIN or name not in effective["tiers"] else f" ({name})"),
        argv=(*machine.axej, "--config", str(config_path), *words),
        log=Path(effective["state"]) / "logs" / f"{label}.log",
        user=machine.user,
        home=machine.home,
        **moments,
    )
