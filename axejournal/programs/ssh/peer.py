"""Our folder on a peer's machine, through sftp's batch mode: the `Peer` port."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from axejournal.domain.errors import AxejError, DiskFull, HostKeyChanged, KeyRefused, PeerUnreachable, ProgramStalled
from axejournal.domain.ports.peer import LETTER, HostKey, PeerLook
from axejournal.programs import process
from axejournal.programs.process import Command, Completed
from axejournal.programs.ssh import connection
from axejournal.programs.ssh.connection import Reached, Target

BATCH_S = 60.0
FRESH_S = 20.0
"""A look is not taken again within this time, unless restic or a file went there since."""
SMALL_BYTES = 64 * 1024
SNAPSHOT = re.compile(r"[0-9a-f]{64}")


@dataclass
class SshPeer:
    """`folder`: ours on that machine. The address that answered is used until it no longer does."""

    target: Target
    folder: str
    _reached: Reached | None = field(default=None, repr=False)
    _last: tuple[float, PeerLook] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """See Peer."""
        return self.target.name

    @property
    def pinned(self) -> HostKey | None:
        """See Peer."""
        file = self.target.known_hosts
        return _read_key(file) if file.is_file() else None

    def reach(self, again: bool = False) -> Reached:
        """The address that answers. Raises PeerUnreachable, KeyRefused when our key is not there."""
        if not self.target.identity.is_file():
            hint = f"Make one with \"ssh-keygen -t ed25519 -N '' -f {self.target.identity}\", or correct identity: in axej.yaml."
            raise KeyRefused(f"the SSH key {self.target.identity} is not there", hint)
        if self._reached is None or again:
            self._reached = None
            self._reached = connection.reach(self.target)
        return self._reached

    def restic_options(self) -> tuple[str, ...]:
        """restic's options for this moment. Raises PeerUnreachable, HostKeyChanged while no key is pinned."""
        self._insist()
        self._last = None
        return (connection.restic_option(self.target, self.reach().address),)

    def fault_of(self, stderr: str) -> AxejError | None:
        """What ssh complains of."""
        return connection.fault_of(stderr, self.name)

    def meet(self) -> HostKey:
        """See Peer."""
        reached = self.reach(again=True)
        with tempfile.TemporaryDirectory(prefix="axej-ring-") as folder:
            file = Path(folder) / "known"
            done = self._sftp(reached, "pwd\n", file)
            if done.exit_code != 0:
                raise connection.unreachable(done.stderr, self.name)
            return _read_key(file)

    def pin(self, key: HostKey) -> None:
        """See Peer."""
        file = self.target.known_hosts
        line = f"{self.target.alias} {key.key}\n"
        if not file.is_file() or file.read_text(encoding="utf-8") != line:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside = file.with_name(f"{file.name}.new")
            beside.write_text(line, encoding="utf-8")
            beside.replace(file)

    def look(self) -> PeerLook:
        """See Peer."""
        found = self._look()
        self._last = time.monotonic(), found
        return found

    def _look(self) -> PeerLook:
        with tempfile.TemporaryDirectory(prefix="axej-ring-") as folder:
            there = Path(folder)
            gets = "".join(f"-get {name} {quoted(str(there / name))}\n" for name in ("config", LETTER))
            done = self._batch(f"-cd {quoted(self.folder)}\n-pwd\n-df .\n-ls -1 snapshots\n-ls -1 locks\n{gets}")
            reached = self.reach()
            if _no_folder(done):
                return PeerLook(reached.address, reached.tried, folder=False)
            said = _answers(done.text)
            names = tuple(line.rpartition("/")[2] for line in said.get("ls -1 snapshots", ()))
            return PeerLook(
                address=reached.address,
                tried=reached.tried,
                free_bytes=_free(said.get("df .", ())),
                config=_content(there / "config"),
                snapshots=tuple(sorted(name for name in names if SNAPSHOT.fullmatch(name))),
                locks=sum(1 for line in said.get("ls -1 locks", ()) if SNAPSHOT.fullmatch(line.rpartition("/")[2])),
                letter=_content(there / LETTER),
            )

    def names(self) -> frozenset[str] | None:
        """The snapshots that lie there; None without a repository."""
        found = self.seen()
        return frozenset(found.snapshots) if found.config is not None else None

    def config(self) -> bytes | None:
        """What was seen last, if that is new."""
        return self.seen().config

    def seen(self) -> PeerLook:
        """See Peer."""
        if self._last is None or time.monotonic() - self._last[0] > FRESH_S:
            self.look()
        assert self._last is not None
        return self._last[1]

    def sweep(self) -> None:
        """Removes packs that were half written: restic writes NAME-restic-temp-NUMBER and renames it (backend/sftp, 0.19)."""
        self._batch(f"cd {quoted(self.folder)}\n-rm data/*/*-restic-temp-*\n", 600)

    def put(self, name: str, content: bytes) -> None:
        """See Peer."""
        self._last = None
        with tempfile.TemporaryDirectory(prefix="axej-ring-") as folder:
            file = Path(folder) / name
            file.write_bytes(content)
            done = self._batch(f"cd {quoted(self.folder)}\nput {quoted(str(file))} {name}.new\nrename {name}.new {name}\n")
        if done.exit_code == 0:
            return
        if _no_folder(done):
            raise PeerUnreachable(f"peer {self.name} has no folder {self.folder}", _FOLDER_HINT)
        if "failure" in done.stderr.lower() or "no space left" in done.stderr.lower():  # most servers say only "Failure"
            why = f"peer {self.name} does not take a file into {self.folder}: {done.stderr.strip().splitlines()[-1]}"
            raise DiskFull(why, "The partner looks whether the disk there is full; then run it again.")
        raise PeerUnreachable(f"peer {self.name} does not take a file into {self.folder}: {_said(done)}", _FOLDER_HINT)

    def get(self, name: str) -> bytes | None:
        """See Peer."""
        with tempfile.TemporaryDirectory(prefix="axej-ring-") as folder:
            file = Path(folder) / name
            self._batch(f"-cd {quoted(self.folder)}\n-get {name} {quoted(str(file))}\n")
            return _content(file)

    def _batch(self, lines: str, limit_s: float = BATCH_S) -> Completed:
        """Raises when there was no connection; what the lines came to is in the result."""
        self._insist()
        done = self._sftp(self.reach(again=True), lines, limit_s=limit_s)
        if done.exit_code != 0 and "sftp>" not in done.text:
            raise connection.unreachable(done.stderr, self.name)
        return done

    def _sftp(self, reached: Reached, lines: str, known_hosts: Path | None = None, limit_s: float = BATCH_S) -> Completed:
        words = (*connection.options(self.target, reached.address, known_hosts), "-o", f"User={self.target.user}")
        command = Command(("sftp", *words, "-b", "-", self.target.alias), stdin=lines.encode(), timeout_s=limit_s, grace_s=1)
        try:
            return process.run(command)
        except ProgramStalled as fault:
            hint = "Its ssh answers and then nothing comes: the partner looks at that machine's load and disk."
            raise PeerUnreachable(f"peer {self.name} stalls: {fault.message}", hint) from fault

    def _insist(self) -> None:
        if self.pinned is None:
            raise HostKeyChanged(
                f"peer {self.name}: no host key is pinned yet",
                'Run "axej ring verify": it shows the fingerprint, which you compare with the partner by voice.',
            )


_FOLDER_HINT = 'The partner makes it, with the rights to it, by "axej ring authorize".'


def quoted(path: str) -> str:
    """A path as sftp's command lines read it."""
    return '"' + re.sub(r'(["\\])', r"\\\1", path) + '"'


def _answers(text: str) -> Mapping[str, list[str]]:
    """What each line of a batch was answered, by the line."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("sftp> "):
            found[last := line.removeprefix("sftp> ").lstrip("-")] = []
        elif found:
            found[last].append(line.strip())
    return found


def _free(lines: list[str] | tuple[()]) -> int | None:
    """`df`: size, used, available, for root, in KiB."""
    rows = [line.split() for line in lines if line[:1].isdigit()]
    return int(rows[0][2]) * 1024 if rows and len(rows[0]) > 2 else None


def _no_folder(done: Completed) -> bool:
    """Whether the `cd` failed: "stat remote: No such file or directory", "realpath …: …", "Can't change directory"."""
    lines = done.stderr.lower().splitlines()
    return any(line.startswith(("stat remote", "realpath", "remote realpath", "can't change", "couldn't stat")) for line in lines)


def _said(done: Completed) -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"sftp ended with {done.exit_code}"


def _content(file: Path) -> bytes | None:
    if not file.is_file() or file.is_symlink():
        return None
    with file.open("rb") as opened:
        return opened.read(SMALL_BYTES)


def _read_key(file: Path) -> HostKey:
    import base64
    import hashlib

    _, kind, key = file.read_text(encoding="utf-8").splitlines()[0].split()[:3]
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(key)).digest()).decode().rstrip("=")
    return HostKey(f"{kind} {key}", f"SHA256:{digest}")
