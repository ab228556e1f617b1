"""How ssh and restic's sftp reach a peer: the words, and what their complaints mean.

Nothing of the user's own ssh configuration counts (`-F none`), no agent, no other key: what `axej ring verify` shows at a
terminal is what a push at night does. The host key is pinned under a name of ours (HostKeyAlias), so that it is the same one
by name and by IP address. Sources: ssh(1), ssh_config(5), sftp(1), OpenSSH 9.2 and 10; restic manual, SFTP.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import AxejError, HostKeyChanged, KeyRefused, PeerUnreachable

CONNECT_S = 5.0
ALIVE_S, ALIVE_COUNT = 15, 4
"""A connection over which nothing comes back for a minute is given up by ssh."""
CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
"""Before the usual ones: processors of this century do AES by themselves, which leaves restic more of them."""
CHANGED = re.compile(r"host key verification failed|remote host identification has changed|host key for \S+ has changed", re.I)
UNKNOWN = re.compile(r"no \S+ host key is known for", re.IGNORECASE)
REFUSED = re.compile(r"permission denied \((?:publickey|[\w,-]+)\)|too many authentication failures", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """Where a peer is. `addresses`: in the order in which they are tried; `alias`: its name in `known_hosts`."""

    name: str
    user: str
    addresses: tuple[str, ...]
    port: int
    identity: Path
    known_hosts: Path

    @property
    def alias(self) -> str:
        """What its host key is kept under."""
        return f"axej-ring-{self.name}"


@dataclass(frozen=True)
class Reached:
    """An address that answers as an ssh server does, and why those before it did not."""

    address: str
    tried: tuple[str, ...] = ()


def reach(target: Target, timeout_s: float = CONNECT_S) -> Reached:
    """The first address at which an ssh server answers; a name that does not resolve is no end. Raises PeerUnreachable with
    what was tried."""
    tried: list[str] = []
    for address in target.addresses:
        why = _refusal(address, target.port, timeout_s)
        if not why:
            return Reached(address, tuple(tried))
        tried.append(f"{address}: {why}")
    hint = "See that the machine is on and in the network (ping, tailscale status), then run the command again."
    raise PeerUnreachable(f"peer {target.name} does not answer: {'; '.join(tried)}", hint)


def _refusal(address: str, port: int, timeout_s: float) -> str:
    try:
        with socket.create_connection((address, port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            banner = connection.recv(4)
    except socket.gaierror:
        return "the name does not resolve"
    except TimeoutError:
        return f"no answer on port {port} within {timeout_s:g} s"
    except OSError as fault:
        return f"port {port}: {(fault.strerror or str(fault)).lower()}"
    return "" if banner == b"SSH-" else f"what answers on port {port} is no ssh server"


def options(target: Target, address: str, known_hosts: Path | None = None) -> tuple[str, ...]:
    """ssh's words, without user and host. `known_hosts`: another file, into which whoever answers is written."""
    settings = {
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "ServerAliveInterval": str(ALIVE_S),
        "ServerAliveCountMax": str(ALIVE_COUNT),
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PreferredAuthentications": "publickey",
        "GlobalKnownHostsFile": "/dev/null",
        "UserKnownHostsFile": f'"{_percent(known_hosts or target.known_hosts)}"',
        "StrictHostKeyChecking": "accept-new" if known_hosts else "yes",
        "UpdateHostKeys": "no",
        "CheckHostIP": "no",
        "HostKeyAlias": target.alias,
        "HostName": address.replace("%", "%%"),
        "Port": str(target.port),
        "ClearAllForwardings": "yes",
        "ControlPath": "none",
        "Compression": "no",
        "Ciphers": CIPHERS,
    }
    words = (word for name, value in settings.items() for word in ("-o", f"{name}={value}"))
    return ("-F", "none", "-i", _percent(target.identity), *words)


def restic_option(target: Target, address: str) -> str:
    """restic's extended option. Each word is quoted for restic, which splits as a shell does, and the whole as one field of
    CSV, which the option is: so blanks and commas in paths do no harm."""
    line = " ".join("'" + word.replace("'", "'\"'\"'") + "'" for word in options(target, address))
    return '"' + f"sftp.args={line}".replace('"', '""') + '"'


def fault_of(stderr: str, who: str) -> AxejError | None:
    """What ssh complains of, as an error; None when these are no words of ssh's that we know."""
    said = _last_line(stderr)
    if UNKNOWN.search(stderr):
        return HostKeyChanged(
            f"peer {who}: no host key is pinned yet for the machine that answers",
            'Run "axej ring verify": it shows the fingerprint, which you compare with the partner by voice.',
        )
    if CHANGED.search(stderr):
        return HostKeyChanged(
            f"peer {who}: the machine that answers shows another host key than the pinned one; nothing was sent",
            "Call the partner and compare the fingerprint by voice, before anything else.",
        )
    if REFUSED.search(stderr):
        return KeyRefused(
            f"peer {who} does not take our SSH key: {said}",
            'The partner adds it there with "axej ring authorize". A key with a passphrase can\'t be used at night.',
        )
    return None


def unreachable(stderr: str, who: str) -> AxejError:
    """The same, where there must be an error."""
    hint = "See that the machine is on and that its ssh offers sftp, then run the command again."
    return fault_of(stderr, who) or PeerUnreachable(f"peer {who} can't be reached: {_last_line(stderr)}", hint)


def _last_line(stderr: str) -> str:
    lines = [line.removeprefix("subprocess ssh:").strip() for line in stderr.splitlines()]
    said = [line for line in lines if line and not line.startswith(("@@@", "Connection closed", "Warning: Permanently"))]
    return said[-1] if said else "the connection was closed"


def _percent(path: Path) -> str:
    return str(path).replace("%", "%%")
