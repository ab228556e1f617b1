"""The repository: its password, its id, what lies about in it."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from axejournal.checks.finding import Finding, Patient, failed, ok, warn
from axejournal.domain.errors import AxejError, RepositoryForeign

if TYPE_CHECKING:
    from axejournal.app.app import App

READABLE_BY_OTHERS = 0o077
PROBE_S = 15.0


def password(patient: Patient) -> Iterable[Finding]:
    """The source of each tier yields something; what it yields is not kept. A Keychain that is locked hangs: it is given
    up after a while. Raises WrongPassword."""
    from axejournal.programs.secrets.source import PasswordSource, file_of, probe

    for tier, reference in stored(_app(patient)):
        source = PasswordSource.of(reference)
        try:
            probe(source, PROBE_S)
        except AxejError as fault:
            yield failed("password", fault)
            continue
        path = file_of(source)
        if path is not None and path.stat().st_mode & READABLE_BY_OTHERS:
            yield warn("password", f"{source} can be read by other users", f'Run "chmod 600 {path}".')
            continue
        yield ok("password", f"tier {tier}: {source} yields one")


def stored(app: App) -> Iterable[tuple[str, Mapping[str, object]]]:
    """Tiers whose password is kept somewhere, and where."""
    for name, tier in app.config.tiers.items():
        secret = tier.machine_key if tier.kind == "cold" else tier.password
        if secret is not None:
            yield name, secret.reference


def repository(patient: Patient) -> Iterable[Finding]:
    """It opens with the password, and it is the recorded one. Raises RepositoryMissing, RepositoryForeign, …"""
    from axejournal.journal.reader import recorded_repository

    app = _app(patient)
    found = app.repository("local")
    identity = found.identity()
    recorded = recorded_repository(app.state / "journal.sqlite", app.config.customer, "local")
    if recorded is None:
        text = f"tier local at {found.place} has the id {identity[:8]}, which the journal doesn't know yet"
        yield warn("repository", text, 'Run "axej init --adopt local" to record it.')
    elif recorded != identity:
        raise RepositoryForeign(
            f"repository local at {found.place} has the id {identity[:8]}, not the recorded {recorded[:8]}",
            'Put the right repository back in its place, or accept this one with "axej init --adopt local".',
        )
    else:
        yield ok("repository", f"tier local at {found.place} has the recorded id {identity[:8]}")


def snapshots(patient: Patient) -> Iterable[Finding]:
    """Every snapshot of a run that the journal knows. Those of others can be restored, and nothing of axej's offers them."""
    from axejournal.domain.errors import RunUnknown
    from axejournal.journal.reader import find_run

    app = _app(patient)
    held = app.repository("local").snapshots()
    unknown = []
    for snapshot in held:
        run = snapshot.tag("run")
        try:
            if run is not None:
                find_run(app.state / "journal.sqlite", run)
        except RunUnknown:
            unknown.append(snapshot)
    if unknown:
        text = f"{len(unknown)} of {len(held)} snapshots in tier local are of runs that the journal does not know"
        newest = f"the newest is {unknown[-1].id[:8]} of {unknown[-1].time:%Y-%m-%d %H:%M %Z}"
        hint = "The journal is an older copy, or another machine's. Each snapshot holds one: see runbooks/journal-damaged.md."
        yield warn("snapshots", f"{text}; {newest}", hint)
    else:
        yield ok("snapshots", f"the journal knows the runs of all {len(held)} snapshots in tier local")


def locks(patient: Patient) -> Iterable[Finding]:
    """Locks of dead processes of this machine go at the next run; another host's never by themselves."""
    from axejournal.programs.restic.locks import lock_is_dead

    found = _app(patient).repository("local")
    here = socket.gethostname()
    present = found.locks()
    for lock in present:
        what = f"{lock.id[:8]} of {lock.user}@{lock.host}, pid {lock.pid}, since {lock.time:%Y-%m-%d %H:%M %Z}"
        if lock_is_dead(lock, here):
            yield warn("locks", f"stale lock {what}: its process is dead", "The next run removes it by itself.")
        elif lock.host != here:
            hint = f'Look on {lock.host} whether that restic still works; if not, run "restic unlock" there.'
            yield warn("locks", f"lock {what} of another host", hint)
        else:
            yield ok("locks", f"lock {what} is at work")
    if not present:
        yield ok("locks", "no restic lock in tier local")


def _app(patient: Patient) -> App:
    assert patient.app is not None
    return patient.app
