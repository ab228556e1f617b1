"""Outside programs: are they there, and new enough to be trusted?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from axejournal.checks.finding import Finding, Patient, ok, warn
from axejournal.domain.errors import ProgramTooOld

CLIENT_MAJORS = range(12, 31)
"""Majors of PostgreSQL that are looked for when no source says which."""


def restic(patient: Patient) -> Iterable[Finding]:
    """Raises ProgramMissing, ProgramTooOld."""
    from axejournal.programs.install import require_restic

    settings = patient.app.config.restic if patient.app else None
    path, version = require_restic(settings.program if settings else None)
    said = ".".join(map(str, version))
    if settings and version < tuple(map(int, settings.minimum.split("."))):
        raise ProgramTooOld(
            f"program {path} is {said}; restic.minimum in {patient.config_path} asks for {settings.minimum}",
            'Run "axej doctor --install", or lower "minimum:" in the configuration.',
        )
    yield ok("restic", f"{said} at {path}")


def clients(patient: Patient) -> Iterable[Finding]:
    """PostgreSQL's client programs. Each source's own major is looked for when the source is reached; without a
    configuration: which there are at all."""
    from axejournal.programs.install import find_postgres_program

    if patient.app and not any(source.container is None for source in patient.app.config.databases.values()):
        return
    found = {major: path for major in CLIENT_MAJORS if (path := find_postgres_program("pg_dump", major))}
    if found:
        yield ok("postgres clients", "; ".join(f"{major} at {path.parent}" for major, path in found.items()))
    else:
        text = "no pg_dump on this machine: only servers in containers can be dumped"
        yield warn("postgres clients", text, "Install the clients of your servers' major version, unless all run in containers.")


def docker_program(patient: Patient) -> Path | None:
    """The docker to use: the configured one, or one that is found."""
    from axejournal.programs.install import find_program

    return find_program("docker", patient.app.config.docker.program if patient.app else None)


def install_missing(patient: Patient, say: Callable[[str], None]) -> None:
    """Gets what is missing or too old; says each thing it does. Raises ProgramMissing, ProgramFailed."""
    from axejournal.programs.install import install_missing as get

    get(say, patient.app.config.restic.program if patient.app else None)


def docker(patient: Patient) -> Iterable[Finding]:
    """Only where a source is in a container. Raises ProgramMissing, SourceUnreachable."""
    from axejournal.programs.docker.containers import Docker

    named = [source for source in patient.app.config.databases.values() if source.container] if patient.app else []
    if not named:
        return
    client = Docker(docker_program(patient) or Path("docker"))
    running = client.containers(running_only=True)
    yield ok("docker", f"{client.program} answers, {len(running)} containers run; {len(named)} sources are in containers")
