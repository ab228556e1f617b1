"""Is this machine fit to back up? One question a file; `axej doctor` asks them all, `axej init` uses discovery.

A new check is one function here or in a file of its own, and one line in CHECKS.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from axejournal.checks import (
    clock,
    configuration,
    copies,
    disk,
    journal,
    keys,
    messages,
    programs,
    repository,
    schedules,
    session,
    sources,
)
from axejournal.checks.finding import Check, Finding, Patient, failed
from axejournal.domain.errors import AxejError

AT_ONCE = 4
"""Most checks wait for a program of half a second."""

PROGRAMS: tuple[Check, ...] = (
    Check("restic", programs.restic, needs_configuration=False),
    Check("postgres clients", programs.clients, needs_configuration=False),
)
CHECKS: tuple[Check, ...] = (
    Check("configuration", configuration.configuration, needs_configuration=False),
    *PROGRAMS,
    Check("docker", programs.docker),
    Check("docker at boot", session.docker_at_boot),
    Check("password", repository.password),
    Check("repository", repository.repository),
    Check("snapshots", repository.snapshots),
    Check("locks", repository.locks),
    Check("sources", sources.sources),
    Check("dump only", sources.dump_only),
    Check("uncovered", sources.uncovered),
    Check("excludes", copies.excludes),
    Check("disk access", session.disk_access),
    Check("network", session.network),
    Check("both ways", copies.both_ways),
    Check("peer's restic", copies.peer_restic),
    Check("two tiers", copies.held_twice),
    Check("proof", copies.proof),
    Check("paper password", copies.paper_password),
    Check("cold password", copies.cold_password),
    Check("key circles", keys.circles),
    Check("schedules", schedules.schedules),
    Check("last exits", schedules.last_exits),
    Check("time zone", schedules.time_zone),
    Check(clock.NAME, clock.clock),
    Check("path", schedules.path),
    Check(messages.NAME, messages.messages),
    Check("journal", journal.journal),
    Check("journal's place", journal.place_of_it),
    Check("sqlite", journal.sqlite),
    Check("open runs", journal.open_runs),
    Check("leftovers", disk.leftovers),
    Check("disk", disk.space),
)
"""In the order in which they are told: the first that fails gives the exit code."""


def examine(patient: Patient, checks: tuple[Check, ...] = CHECKS) -> Iterable[tuple[Finding, ...]]:
    """The findings of each check that can be made, in their order, as soon as they are there."""
    asked = [check for check in checks if patient.app is not None or not check.needs_configuration]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        yield from pool.map(lambda check: _looked(check, patient), asked)


def _looked(check: Check, patient: Patient) -> tuple[Finding, ...]:
    """What it found; a failure that it raises is a finding too."""
    findings: list[Finding] = []
    try:
        findings.extend(check.look(patient))
    except AxejError as fault:
        findings.append(failed(check.name, fault))
    return tuple(findings)
