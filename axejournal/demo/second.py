"""The demo's second machine: an sshd of its own on loopback, which lets one key into one folder; where none can run, a folder."""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import AxejError
from axejournal.programs.process import Command, run
from axejournal.programs.ssh.receive_folder import key_line

FOLDER = "second-machine"
PEER = "realchoice"
PASSWORD = "ring-password"


@dataclass(frozen=True)
class SecondMachine:
    """`port`: where its sshd answers, None when there is none; `kept`: where it keeps axe's copies."""

    directory: Path
    port: int | None

    @property
    def kept(self) -> Path:
        """On its disk."""
        return self.directory / FOLDER / "peer-backups" / "axe"

    @property
    def key(self) -> Path:
        """The key that it lets in."""
        return self.directory / FOLDER / "id_ed25519"

    def tier(self) -> str:
        """What axej.yaml says of it."""
        place = f"peer: {PEER}\n    identity: {FOLDER}/{self.key.name}" if self.port else f'repository: "{self.kept}"'
        lines = (
            "  ring:                     # copies on the partner's machine",
            f"    {place}",
            f"    password: {{file: {PASSWORD}}}",
            '    schedule: "30 3 * * *"',
            "    rpo: 28h",
            "    retention: {last: 10, daily: 14, weekly: 8}",
        )
        return "\n".join((*lines, ""))

    def customers(self) -> str:
        """What customers.yaml says of it."""
        return (
            '# The partners of the ring. What is claimed here is measured by "axej ring verify".\n'
            f"{PEER}:\n"
            "  ring_backup:\n"
            f'    ssh_user: "{getpass.getuser()}"\n'
            '    ssh_fqdn: "realchoice-macmini.invalid"  # a name that does not resolve: the address is tried then\n'
            '    ssh_ip: "127.0.0.1"\n'
            f"    ssh_port: {self.port or 22}\n"
            f'    receive_dir_at_peer: "{self.kept}/"\n'
            '    receive_dir_at_self: "peer/realchoice/"\n'
        )


def start(directory: Path) -> SecondMachine:
    """Makes it, and starts its sshd where there is one."""
    stop(directory)
    home = directory / FOLDER
    (home / "peer-backups" / "axe").mkdir(parents=True, exist_ok=True)
    password = directory / PASSWORD
    if not password.exists():
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{secrets.token_urlsafe(24)}\n")
    try:
        return SecondMachine(directory, _start_sshd(home))
    except (AxejError, OSError):
        return SecondMachine(directory, None)


def stop(directory: Path) -> None:
    """Ends its sshd. May be called twice."""
    record = directory / FOLDER / "sshd.pid"
    with contextlib.suppress(OSError, ValueError):
        pid = int(record.read_text())
        if str(directory / FOLDER) in run(Command(("ps", "-ww", "-o", "command=", "-p", str(pid)), timeout_s=10)).text:
            os.kill(pid, signal.SIGTERM)
        record.unlink()


def _start_sshd(home: Path) -> int | None:
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if sshd is None or " " in str(home) or (os.geteuid() == 0 and sys.platform == "linux" and not Path("/run/sshd").is_dir()):
        return None
    for name in ("host_key", "id_ed25519"):
        if not (home / name).exists():
            _checked("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / name))
    axej = (sys.executable, "-m", "axejournal")
    line = key_line("axe", axej, home / "peer-backups" / "axe", (home / "id_ed25519.pub").read_text(encoding="utf-8"))
    (home / "authorized_keys").write_text(f"{line}\n", encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": home / "host_key",
        "PidFile": home / "sshd.pid",
        "AuthorizedKeysFile": home / "authorized_keys",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "Subsystem": "sftp internal-sftp",
    }
    config = home / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()), encoding="utf-8")
    _checked(sshd, "-f", str(config), "-E", str(home / "sshd.log"))
    return port


def _checked(*words: str) -> None:
    done = run(Command(words, timeout_s=30))
    if done.exit_code != 0:
        raise AxejError(f"{words[0]}: {done.stderr.strip()[-200:]}")
