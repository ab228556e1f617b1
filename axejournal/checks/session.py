"""What depends on the session that axej runs in: privacy permissions, the network, Docker before anybody logs in.

Each look has a time limit: on a Mac a refusal can hang for ever. `axej doctor --as-scheduled` asks the same from inside
launchd or systemd.
"""

from __future__ import annotations

import json
import platform
import shutil
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from axejournal.checks.finding import Finding, Patient, failed, ok, warn
from axejournal.domain.errors import AxejError, PeerUnreachable, ProgramStalled, SourceUnreachable

if TYPE_CHECKING:
    from axejournal.app.app import App

CANARIES = (Path("~/Library/Mail"), Path("/Library/Application Support/com.apple.TCC"))
"""Folders that macOS shows to those with Full Disk Access only."""
LOOK_S = 10.0
CONNECT_S = 5.0
PRIVACY = "System Settings, Privacy & Security, Full Disk Access: add the program, and once more after an upgrade of it."


def disk_access(patient: Patient) -> Iterable[Finding]:
    """Folders that are backed up can be listed, and on a Mac a canary that only Full Disk Access shows. Raises
    SourceUnreachable."""
    app = _app(patient)
    folders = [source.path for source in app.config.folders.values() if source.path.is_dir()]
    canaries = [path.expanduser() for path in CANARIES if path.expanduser().exists()] if platform.system() == "Darwin" else []
    for folder in canaries:
        if trouble := _unlisted(folder):
            yield warn("disk access", f"this session has no Full Disk Access: {folder}: {trouble}", PRIVACY)
            break
    closed = [(folder, trouble) for folder in folders if (trouble := _unlisted(folder))]
    for folder, trouble in closed:
        yield failed("disk access", SourceUnreachable(f"{folder} can't be listed from this session: {trouble}", PRIVACY))
    if folders and not closed:
        yield ok("disk access", f"{len(folders)} folders can be listed from this session within {LOOK_S:g} s")


def _unlisted(folder: Path) -> str:
    """Why not; by a child, which the system treats like us and which can be ended when it hangs."""
    from axejournal.programs.process import Command, run

    try:
        done = run(Command(("/bin/ls", str(folder)), timeout_s=LOOK_S))
    except ProgramStalled:
        return f"no answer within {LOOK_S:g} s"
    return "" if done.exit_code == 0 else " ".join(done.stderr.split())[-120:]


def network(patient: Patient) -> Iterable[Finding]:
    """The ssh of each peer answers, by name or by address."""
    app = _app(patient)
    for name, tier in app.config.tiers.items():
        peer = app.config.peer(name)
        if peer is None:
            continue
        tried = {address: _answers(address, peer.ssh_port) for address in peer.addresses}
        reached = [address for address, trouble in tried.items() if not trouble]
        if reached:
            yield ok("network", f"tier {name}: {reached[0]}, port {peer.ssh_port} answers")
            continue
        why = "; ".join(f"{address}: {trouble}" for address, trouble in tried.items())
        hint = f'Look whether {tier.peer if tier.kind == "ring" else name} is on, then "axej ring verify"'
        mac = "; on a Mac also at Privacy & Security, Local Network" if platform.system() == "Darwin" else ""
        yield failed("network", PeerUnreachable(f"tier {name}: no ssh at port {peer.ssh_port} ({why})", f"{hint}{mac}."))


def _answers(address: str, port: int) -> str:
    try:
        with socket.create_connection((address, port), CONNECT_S) as connection:
            connection.settimeout(CONNECT_S)
            return "" if connection.recv(4) == b"SSH-" else "what answers is no ssh"
    except OSError as fault:
        return fault.strerror or str(fault) or type(fault).__name__


def docker_at_boot(patient: Patient) -> Iterable[Finding]:
    """Containers can be reached at 03:00 after a power cut, when nobody has logged in."""
    if not any(source.container for source in _app(patient).config.databases.values()):
        return
    if platform.system() == "Darwin":
        yield _docker_on_a_mac()
        return
    from axejournal.programs.process import Command, run

    systemctl = shutil.which("systemctl")
    try:
        said = run(Command((systemctl, "is-enabled", "docker.service"), timeout_s=LOOK_S)).text.strip() if systemctl else ""
    except AxejError:
        said = ""
    if said == "enabled":
        yield ok("docker at boot", "docker.service is enabled: it is up without a login")
    elif said in ("disabled", "masked", "static", "indirect"):
        yield warn("docker at boot", f"docker.service is {said}", 'Run "sudo systemctl enable docker.service".')
    else:
        yield warn("docker at boot", "it can't be told whether Docker starts at boot", "See to it that it does.")


def _docker_on_a_mac(home: Path | None = None) -> Finding:
    """Docker Desktop starts in a user's session only: somebody must be logged in automatically."""
    folder = (home or Path.home()) / "Library/Group Containers/group.com.docker"
    for name in ("settings-store.json", "settings.json"):
        try:
            kept = json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        starts = kept.get("AutoStart", kept.get("autoStart"))
        if starts:
            return ok("docker at boot", "Docker Desktop starts at login; with automatic login it is up after a power cut")
        hint = "Docker Desktop, Settings, General: Start Docker Desktop when you sign in; and turn on automatic login."
        return warn("docker at boot", "Docker Desktop does not start by itself", hint)
    return warn("docker at boot", "no settings of Docker Desktop here", "See to it that Docker is up without a login.")


def _app(patient: Patient) -> App:
    assert patient.app is not None
    return patient.app
