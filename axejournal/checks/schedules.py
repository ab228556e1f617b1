"""Will it run by itself? What launchd or systemd has, how its last runs ended, and what it lacks that a terminal has."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from axejournal.checks.finding import Finding, Patient, ok, warn

if TYPE_CHECKING:
    from axejournal.app.app import App
    from axejournal.app.schedules import Plan

FINE = (0, 3)
"""Exit codes of a scheduled run that are no news: done, and degraded, which was told already."""


def schedules(patient: Patient) -> Iterable[Finding]:
    """Each schedule is installed, as this configuration wants it, and loaded."""
    from axejournal.app.schedules import standing

    plan = _plan(patient)
    found = standing(plan)
    missing = [each for each in found if not each.state.installed]
    if len(missing) == len(found):
        trouble = f" ({found[0].state.trouble})" if found and found[0].state.trouble else ""
        hint = 'Run "axej schedule install"; where neither launchd nor systemd runs: "axej schedule show --crontab".'
        yield warn("schedules", f"nothing starts by itself: none of {len(found)} is installed{trouble}", hint)
        return
    for each in found:
        if not each.sound:
            text = f"{each.task.label} is not installed" if each in missing else each.trouble
            yield warn("schedules", text, 'Run "axej schedule install".')
    good = [each.task.label for each in found if each.sound]
    if good:
        yield ok("schedules", f"{plan.scheduler.kind} ({plan.scheduler.scope}) has {', '.join(good)}")


def last_exits(patient: Patient) -> Iterable[Finding]:
    """How what the scheduler started ended the last time: a run that never began is in no journal."""
    from axejournal.app.schedules import standing

    found = [each for each in standing(_plan(patient)) if each.state.last_exit is not None]
    bad = [each for each in found if each.state.last_exit not in FINE]
    for each in bad:
        code = each.state.last_exit or 0
        text = f"{each.task.label} ended with {f'signal {-code}' if code < 0 else f'exit code {code}'} the last time"
        yield warn("last exits", text, f'See the end of {each.task.log}, then "axej history".')
    if found and not bad:
        yield ok("last exits", f"all {len(found)} that have run ended well")


def time_zone(patient: Patient) -> Iterable[Finding]:
    """launchd goes by the machine's zone, schedules by theirs."""
    from axejournal.app.schedules import standing

    plan = _plan(patient)
    zones = sorted({each.zone for each in standing(plan) if each.zone})
    told = f"schedules are in {', '.join(zones)}, this machine is in {plan.machine.zone}"
    if set(zones) <= {plan.machine.zone}:
        yield ok("time zone", told)
    elif plan.scheduler.kind == "systemd":
        yield ok("time zone", f"{told}: systemd is told the schedules' own")
    else:
        yield ok("time zone", f"{told}: the times are computed, and each hour a call makes up for what they miss")


def path(patient: Patient) -> Iterable[Finding]:
    """Programs are found with the bare PATH of a scheduler too."""
    from axejournal.programs.install import find_program
    from axejournal.programs.scheduler.tasks import SEARCHED

    app = _app(patient)
    names = ["ssh"] if any(app.config.peer(name) for name, _ in app.config.tiers.items()) else []
    names += ["docker"] if any(source.container for source in app.config.databases.values()) else []
    searched = ":".join(SEARCHED)
    for name in names:
        configured = app.config.docker.program if name == "docker" else None
        if configured is None and shutil.which(name, path=searched) is None:
            here = find_program(name)
            hint = f'Write "docker: {{program: {here}}}" in axej.yaml.' if here and name == "docker" else f"Install {name}."
            yield warn("path", f"{name} is in none of {searched}, which is all that a scheduled run has", hint)
            return
    yield ok("path", f"scheduled runs find {', '.join(names)}" if names else "scheduled runs need no program of PATH")


def _plan(patient: Patient) -> Plan:
    from axejournal.app.schedules import plan
    from axejournal.config.effective import dumps

    app = _app(patient)
    return plan(dumps(app.config), Path(app.config_path), app.clock.now())


def _app(patient: Patient) -> App:
    assert patient.app is not None
    return patient.app
