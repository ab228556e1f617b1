"""A real sshd of its own on loopback: own host key, own port, own authorized_keys. Whoever logs in is this very user."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.world.needs import need
from tests.world.place import Place, wait_until


@dataclass
class Sshd:
    """`folder` is what the peer's operator sees as home; `keys` its authorized_keys."""

    folder: Path
    port: int
    place: Place
    address: str = "127.0.0.1"
    prefix: tuple[str, ...] = ()  # words before the program: ip netns exec NAME
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def keys(self) -> Path:
        """authorized_keys."""
        return self.folder / "authorized_keys"

    @property
    def user(self) -> str:
        """Who logs in."""
        return getpass.getuser()

    def new_host_key(self) -> None:
        """Another machine, or the same one set up anew."""
        key = self.folder / "host_key"
        for file in (key, key.with_suffix(".pub")):
            file.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)

    def start(self) -> None:
        """Starts it and returns when it answers."""
        config = self.folder / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress {self.address}\nHostKey {self.folder}/host_key\nPidFile none\n"
            f"AuthorizedKeysFile {self.keys}\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"
            "UseDNS no\nMaxStartups 100\n"
        )
        sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        assert sshd
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True, mode=0o755)  # it insists on that
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self.prefix, sshd, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.place.remember(self._process.pid)
        wait_until(lambda: b"Server listening" in (self.folder / "log").read_bytes(), "sshd")

    def sessions(self) -> list[psutil.Process]:
        """What serves connections now, all of it."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self._process.pid).children(recursive=True) if self._process else []
        return []

    def cut(self) -> None:
        """All connections are gone at once."""
        for process in self.sessions():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def freeze(self) -> None:
        """What serves connections stops, without a word."""
        for process in self.sessions():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        """As if it were off. May be called twice."""
        if self._process is not None:
            self.cut()
            self._process.kill()
            self._process.wait()
            self._process = None
            (self.folder / "log").write_bytes(b"")


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(folder: Path, name: str = "id_ed25519") -> Path:
    """A new SSH key without a passphrase; its public half beside it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)], check=True)
    return folder / name


def ring_of(sshd: Sshd, peer: str, receive_there: Path, receive_here: Path, **more: Any) -> Mapping[str, Any]:
    """What customers.yaml says of a peer behind this sshd."""
    there = {"ssh_user": sshd.user, "ssh_ip": sshd.address, "ssh_port": sshd.port}
    folders = {"receive_dir_at_peer": f"{receive_there}/", "receive_dir_at_self": f"{receive_here}/"}
    return {peer: {"ring_backup": {**there, **folders, **more}}}


@pytest.fixture
def make_sshd(place: Place) -> Iterator[Callable[..., Sshd]]:
    """Makes sshds that run until the test ends."""
    made: list[Sshd] = []

    def make(**more: Any) -> Sshd:
        need("sshd")
        server = Sshd(place.folder("sshd"), free_port(), place, **more)
        server.keys.touch(mode=0o600)
        server.new_host_key()
        server.start()
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)
