"""Is this machine's clock right? Everything is dated by it: slots, restore points, what retention removes."""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from axejournal.checks.finding import Finding, Patient, ok, warn
from axejournal.domain.errors import AxejError

if TYPE_CHECKING:
    from axejournal.app.app import App

DRIFT = timedelta(minutes=5)
"""A letter may be a minute on its way, and a clock a little off."""
LOOK_S = 10.0
NAME = "clock"
SET = "Set the clock by the network on both machines."
REMEDIES = {
    "Darwin": 'System Settings, General, Date & Time: set it automatically; or "sudo sntp -sS time.apple.com".',
    "Linux": 'Run "sudo timedatectl set-ntp true" (it needs systemd-timesyncd, chrony or ntpd).',
}


def clock(patient: Patient) -> Iterable[Finding]:
    """This clock against the journal, the newest snapshot, the peers' clocks, and by what the system itself says."""
    app = _app(patient)
    now = app.clock.now()
    system, doubt = _by_the_system(platform.system())
    findings = [*_in_the_future(app, now), *_against_peers(app), *([doubt] if doubt else [])]
    yield from findings
    if not findings:
        yield ok(NAME, f"{now.isoformat(timespec='seconds')}; nothing that is known here lies in the future; {system}")


def _in_the_future(app: App, now: datetime) -> Iterator[Finding]:
    for what, moment in _known(app):
        if moment > now + DRIFT:
            minutes = (moment - now).total_seconds() / 60
            text = f"{what} is {minutes:,.0f} minutes in the future: this clock is behind, or that one was ahead"
            yield warn(NAME, text, SET)


def _known(app: App) -> Iterator[tuple[str, datetime]]:
    """What was dated by this clock, or by another's, and when."""
    from axejournal.journal.reader import began, run_events, runs
    from axejournal.journal.ring import ring_facts

    journal = app.state / "journal.sqlite"
    newest = runs(journal, limit=1)
    if last := run_events(journal, newest[0].run)[-1].recorded_at if newest else began(journal):
        yield "the newest event of the journal", last
    try:
        snapshots = app.repository("local").snapshots()
    except AxejError:
        snapshots = ()  # another check says why
    if snapshots:
        yield f"snapshot {snapshots[-1].id[:8]} of {snapshots[-1].host}, the newest in tier local,", snapshots[-1].time
    for name, _ in app.config.tiers.items():
        watched = ring_facts(journal, app.config.customer, name).get("PeerWatched")
        if watched and watched.data.get("newest_at"):
            yield f"the newest snapshot of {watched.data['peer']}", datetime.fromisoformat(watched.data["newest_at"])


def _against_peers(app: App) -> Iterator[Finding]:
    """A peer's letter is dated by its clock, and came at a moment of ours: ring verify has measured both."""
    from axejournal.journal.ring import ring_facts

    for name, _ in app.config.tiers.items():
        seen = ring_facts(app.state / "journal.sqlite", app.config.customer, name).get("WayBackSeen")
        ahead = seen.data.get("ahead_s") if seen else None
        if seen is None or ahead is None or abs(ahead) <= DRIFT.total_seconds():
            continue
        which = "ahead of" if ahead > 0 else "behind"
        text = f"the clock of {seen.data['peer']} was {abs(ahead) / 60:,.0f} minutes {which} this one, by its letter"
        yield warn(NAME, f"{text} ({seen.at:%Y-%m-%d})", f'{SET} Then "axej ring verify" there and here.')


def _by_the_system(kind: str) -> tuple[str, Finding | None]:
    """What the system says of its own clock, and what is wrong with it. Linux: `timedatectl show` (systemd), NTPSynchronized;
    macOS: `sntp SERVER`, which prints "+0.021 +/- 0.012 …" and sets nothing."""
    remedy = REMEDIES.get(kind, SET)
    if kind == "Darwin":
        offset = re.search(r"^([+-]\d+\.\d+) \+/-", _said("sntp", "time.apple.com"), re.MULTILINE)
        if offset is None:
            return "time.apple.com does not answer", None
        told = f"time.apple.com says that it is off by {abs(float(offset[1])):.1f} s"
        return told, warn(NAME, told, remedy) if abs(float(offset[1])) > DRIFT.total_seconds() else None
    said = dict(line.split("=", 1) for line in _said("timedatectl", "show").splitlines() if "=" in line)
    if said.get("NTPSynchronized") == "yes":
        return "it is set by the network", None
    if "NTPSynchronized" not in said:
        return "whether it is set by the network can't be told here", None
    service = "is on and has not reached a server" if said.get("NTP") == "yes" else "is off"
    return "", warn(NAME, f"this clock is not set by the network: its time service {service}", remedy)


def _said(program: str, *words: str) -> str:
    """What a program prints; nothing when it is not there, fails, or hangs."""
    from axejournal.programs.process import Command, run

    found = shutil.which(program)
    try:
        done = run(Command((found, *words), timeout_s=LOOK_S)) if found else None
    except AxejError:
        return ""
    return done.text if done is not None and done.exit_code == 0 else ""


def _app(patient: Patient) -> App:
    assert patient.app is not None
    return patient.app
