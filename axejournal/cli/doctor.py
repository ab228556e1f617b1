"""`axej doctor`: is this machine fit to back up?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Command
from axejournal.cli.pages import see
from axejournal.domain.errors import AxejError, ConfigurationFault

if TYPE_CHECKING:
    from axejournal.checks.finding import Finding, Patient

STYLES = {"OK": "green", "WARN": "yellow", "FAIL": "bold red"}


@click.command(cls=Command, short_help="Check programs, configuration, repository, journal.")
@click.option("--install", is_flag=True, help="Get the programs that are missing, and check only those.")
@click.option("--full", is_flag=True, help="Check every event of the journal, not only the last ones.")
@click.option("--fix", is_flag=True, help="First mend what is safe to mend: permissions, leftovers, logs, schedules.")
@click.option("--as-scheduled", is_flag=True, help="Look from inside launchd or systemd, as a scheduled run does.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(install: bool, full: bool, fix: bool, as_scheduled: bool, as_json: bool) -> int:
    """Check everything that backups depend on: one line each, with what to type.

    \b
    Example:
      axej doctor
      axej doctor --install
      axej doctor --as-scheduled

    Works without a configuration; then it checks the programs only. The exit code is that of the first check that
    failed (40 for a program, 4 for the configuration, 12 for the password, …); warnings alone end with 0.
    """
    from axejournal import checks
    from axejournal.cli.output import print_json

    patient = _patient(context(), full)
    if install:
        _install(patient)
    if fix:
        _fix(patient)
    found: list[Finding] = []
    for findings in _inside(patient) if as_scheduled else checks.examine(patient, checks.PROGRAMS if install else checks.CHECKS):
        found.extend(findings)
        if not as_json:
            for finding in findings:
                _print(finding)
    if as_json:
        print_json([_as_json(finding) for finding in found])
    else:
        _print_sum(found)
    return next((finding.exit_code for finding in found if finding.level == "FAIL"), 0)


def _patient(here: Context, full: bool) -> Patient:
    """With the assembled program when the configuration is sound, else with its fault."""
    from axejournal.checks.finding import Patient

    try:
        return Patient(here.app, here.config_path, full=full)
    except ConfigurationFault as fault:
        return Patient(None, here.config_path, fault, full)


def _install(patient: Patient) -> None:
    from axejournal.checks.programs import install_missing

    install_missing(patient, lambda line: click.echo(line, err=True))


def _fix(patient: Patient) -> None:
    from axejournal.checks.mend import mend

    for done in mend(patient):
        click.echo(f"mended: {done}", err=True)


def _inside(patient: Patient) -> Iterable[tuple[Finding, ...]]:
    """From inside the scheduler's session; where it can't be asked, from here, and it says so."""
    from axejournal import checks
    from axejournal.checks.inside import examine_inside, not_inside

    try:
        found = examine_inside(patient)
    except AxejError as fault:
        return ((not_inside(fault),), *checks.examine(patient))
    return checks.examine(patient) if found is None else (found,)


def _print(finding: Finding) -> None:
    from axejournal.cli.output import Styled, plain, say

    lines = plain(finding.text).split("\n")
    say(Styled(f"{finding.level:<5}", STYLES[finding.level]), f"{finding.name:<17}{lines[0]}")
    for line in lines[1:]:
        say(f"{'':<22}{line}")
    if finding.hint:
        page = f" {see(finding.runbook)}" if finding.runbook else ""
        say(f"{'':<22}{plain(finding.hint)}{page}")


def _print_sum(found: list[Finding]) -> None:
    counts = {level: sum(finding.level == level for finding in found) for level in STYLES}
    told = [f"{counts['OK']} OK"]
    told += [f"{counts['WARN']} warnings"] if counts["WARN"] else []
    told += [f"{counts['FAIL']} failed"] if counts["FAIL"] else []
    click.echo(f"\n{', '.join(told)}")


def _as_json(finding: Finding) -> dict[str, object]:
    """Later versions add keys and change none."""
    return {
        "check": finding.name,
        "level": finding.level,
        "text": finding.text,
        "hint": finding.hint or None,
        "exit_code": finding.exit_code,
        "runbook": finding.runbook or None,
    }
