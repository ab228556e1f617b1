"""The sources: does each answer, can it be dumped, and is any database of this machine in none of them?"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from axejournal.checks.discovery import FoundServer, servers_here, servers_in_containers
from axejournal.checks.finding import Finding, Patient, failed, ok, warn
from axejournal.domain.errors import AxejError, SourceUnreachable

if TYPE_CHECKING:
    from axejournal.app.app import App
    from axejournal.config.sources import FilesSource, PostgresSource

AT_ONCE = 4
LOCAL = ("127.0.0.1", "localhost", "::1")
MIB = 2**20


def sources(patient: Patient) -> Iterable[Finding]:
    """Each source by itself: one that is down says nothing of the others."""
    assert patient.app is not None
    app = patient.app
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        yield from pool.map(lambda source: _database(app, source), app.config.databases.values())
    yield from map(_folder, app.config.folders.values())


def _database(app: App, source: PostgresSource) -> Finding:
    """The server answers, the database is there, and a client of the server's own major is on this machine."""
    from axejournal.programs.install import require_postgres_program

    try:
        server = app.server(source.name, "doctor")
        facts = server.facts()
        if source.container is None:
            require_postgres_program("pg_dump", facts.major)
        size = server.database_size_bytes(source.database)
    except AxejError as fault:
        return Finding("FAIL", "sources", f"{source.name}: {fault.message}", fault.hint, fault.exit_code, fault.runbook)
    return ok(
        "sources", f"{source.name}: PostgreSQL {facts.version} at {source.address}, {size / MIB:.0f} MiB in {source.database}"
    )


def _folder(source: FilesSource) -> Finding:
    if not source.path.is_dir():
        gone = SourceUnreachable(
            f"{source.name}: {source.path} is not there", "Connect its disk, or correct its path in axej.yaml."
        )
        return failed("sources", gone)
    if not os.access(source.path, os.R_OK | os.X_OK):
        closed = SourceUnreachable(f"{source.name}: {source.path} can't be read by this user", "Let the user of axej read it.")
        return failed("sources", closed)
    return ok("sources", f"{source.name}: {source.path}")


def uncovered(patient: Patient) -> Iterable[Finding]:
    """Databases of servers that run here and that no source backs up."""
    assert patient.app is not None
    config = patient.app.config
    found = (*servers_in_containers(config.docker.program), *servers_here())
    covered = 0
    for server in found:
        names = {source.database for source in config.databases.values() if _reaches(source, server)}
        covered += bool(names)
        yield from _missed(server, names)
    if not found:
        yield ok("uncovered", "no PostgreSQL server was found running here")
    elif covered:
        yield ok("uncovered", f"{covered} of {len(found)} PostgreSQL servers that run here are backed up")


def _missed(server: FoundServer, covered: set[str]) -> Iterable[Finding]:
    hint = 'Add a source for it to axej.yaml; "axej init" shows how one is written.'
    if not covered:
        what = ", ".join(server.databases) or server.trouble
        yield warn("uncovered", f"PostgreSQL in {server.where} is in no source ({what})", hint)
        return
    for name in server.databases:
        if name not in covered:
            yield warn("uncovered", f"database {name} in {server.where} is in no source", hint)


def _reaches(source: PostgresSource, server: FoundServer) -> bool:
    if server.container is not None or source.container is not None:
        return source.container == server.container
    if source.port != server.port:
        return False
    return source.host in LOCAL or (
        source.socket is not None and server.socket is not None and source.socket.samefile(server.socket)
    )


def dump_only(patient: Patient) -> Iterable[Finding]:
    """A dead container gives no dump: its volume has to be known, to be backed up instead."""
    assert patient.app is not None
    in_containers = [source for source in patient.app.config.databases.values() if source.container]
    without = [source for source in in_containers if source.volume is None]
    for source in without:
        text = f"{source.name}: container {source.container} is only dumped; when it is dead, nothing of it is backed up"
        hint = f'"docker inspect {source.container}" names its volume: add it to the source as "volume: NAME".'
        yield warn("dump only", text, hint)
    if in_containers and not without:
        yield ok("dump only", f"the volumes of all {len(in_containers)} containers are known")
