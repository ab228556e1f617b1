"""Writes the demo's configuration: axej.yaml, customers.yaml, restic-excludes and the repository's password, all in one
directory. Paths are relative to axej.yaml, so that the directory says everything; only the server's socket is outside."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from axejournal.demo.data import DATABASES
from axejournal.demo.drawer import Drawer
from axejournal.demo.files import FOLDER, REQUIRED
from axejournal.demo.second import SecondMachine
from axejournal.demo.server import DemoServer

FILE = "axej.yaml"
PASSWORD = "restic-password"

HEAD = """\
# The demo's configuration; its form is that of a real one. "axej config show" prints it with all that is left out.
customer: axe
host: demo-macmini          # the name in snapshots; it never changes, whatever the network calls this machine
timezone: Asia/Seoul
state: state                # journal, leases, staging; relative to this file, as all paths here
customers: customers.yaml

tiers:
  local:
    repository: backups/local
    password: {file: restic-password}   # on a Mac: {keychain: axe.backup.restic.local}
    schedule: "0 3 * * *"
    rpo: 26h
    excludes: restic-excludes
    retention: {last: 10, daily: 7, weekly: 5, monthly: 12}
"""
SOURCES = "\nsources:                    # in the order in which a lost machine gets them back\n"

CUSTOMERS = """\
# The partners of the ring. What is claimed here is measured by "axej ring verify".
realchoice:
  ring_backup:
    ssh_user: "realchoice"
    ssh_fqdn: "realchoice-macmini.example"
    receive_dir_at_peer: "/Users/realchoice/peer-backups/axe/"
    receive_dir_at_self: "peer/realchoice/"
    restic_version: "0.18.1"
    bidirectional_ssh: false
"""

EXCLUDES = """\
# restic's patterns, one a line. A pattern without "/" matches at any depth.
*.tmp
.DS_Store
"""

LEDGER = "SELECT sum(found) FROM integrity_check('axec')"


def write_configuration(directory: Path, server: DemoServer, second: SecondMachine | None = None) -> Path:
    """Writes the four files and returns the path of axej.yaml. A password that is there is kept: it belongs to the
    repository that may be there too. `second`: the machine of the ring, when there is one."""
    path = directory / FILE
    databases = "".join(_database(name, server, only_copy=second is not None and name == "index") for name in DATABASES)
    ring = second.tier() if second else ""
    cold = Drawer(directory).tier()
    path.write_text(f"{HEAD}{ring}{cold}{SOURCES}{databases}{_files()}", encoding="utf-8")
    (directory / "customers.yaml").write_text(second.customers() if second else CUSTOMERS, encoding="utf-8")
    (directory / "restic-excludes").write_text(EXCLUDES, encoding="utf-8")
    _write_password(directory / PASSWORD)
    return path


def _database(name: str, server: DemoServer, only_copy: bool) -> str:
    """A JSON text is a YAML text: that quotes what must be quoted."""
    lines = [
        f"  {name}:",
        "    kind: postgres",
        f"    socket: {json.dumps(str(server.socket_dir))}",
        f"    port: {server.port}",
        f"    user: {server.user}",
        f"    database: {name}",
        f"    aliases: [{name}-postgres]",
        *(["    only_copy: true         # its originals are gone: it must be in two tiers"] if only_copy else []),
    ]
    if name == "frame":
        psql = [str(server.bin_dir / "psql"), "-XAt"]
        here = ["-h", str(server.socket_dir), "-p", str(server.port), "-U", server.user, "-d", name]
        lines += ["    after_restore:", "      check:", *_check([*psql, *here])]
        lines += ["    drill:", "      checks:", *_check(psql)]
    return "\n".join((*lines, ""))


def _check(psql: list[str]) -> tuple[str, str]:
    """Every debit has its credit. A drill's check finds its scratch server in PGHOST, PGPORT and so on."""
    return f"        - run: {json.dumps([*psql, '-c', LEDGER])}", "          expect: '^0$'"


def _files() -> str:
    head = f"  files:\n    kind: files\n    path: {FOLDER}\n    require:                # what a wrong exclude file would hide\n"
    required = (f"      - {{pattern: {json.dumps(pattern)}, at_least: {least}}}\n" for pattern, least in REQUIRED.items())
    return head + "".join(required)


def _write_password(path: Path) -> None:
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{secrets.token_urlsafe(24)}\n")
