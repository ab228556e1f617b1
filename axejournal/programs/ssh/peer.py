"""Our folder on a peer's machine, through sftp: the `Peer` port."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from axejournal.domain.errors import AxejError, DiskFull, HostKeyChanged, Interrupted, KeyRefused, PeerUnreachable
from axejournal.domain.ports.peer import LETTER, HostKey, PeerLook
from axejournal.programs import process
from axejournal.programs.ssh import connection
from axejournal.programs.ssh import sftp_client as sftp
from axejournal.programs.ssh.connection import Reached, Target
from axejournal.programs.ssh.line import Line
from axejournal.programs.ssh.sftp_client import Gone, Refused, Silent, Talk

ANSWER_S = 60.0
"""A machine that says nothing for so long stalls."""
FRESH_S = 20.0
"""A look is not taken again within this time, unless restic went there since."""
SMALL_BYTES = 64 * 1024
HALF_WRITTEN = "-restic-temp-"
NAME = re.compile(r"[0-9a-f]{64}")


@dataclass
class SshPeer:
    """`folder`: ours on that machine. One connection serves all questions of a run; the address that answered is used until
    it no longer does."""

    target: Target
    folder: str
    _line: Line | None = field(default=None, repr=False)
    _failed: AxejError | None = field(default=None, repr=False)
    _last: tuple[float, PeerLook] | None = field(default=None, repr=False)
    _listed: tuple[float, frozenset[str] | None] | None = field(default=None, repr=False)
    _guard: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def name(self) -> str:
        """See Peer."""
        return self.target.name

    @property
    def pinned(self) -> HostKey | None:
        """See Peer."""
        file = self.target.known_hosts
        return _read_key(file) if file.is_file() else None

    def begin(self) -> None:
        """Connects beside what the caller does meanwhile. What goes wrong is told to whoever asks first."""
        if self.pinned is not None:
            held = threading.Event()
            threading.Thread(target=self._begin, args=(held,), daemon=True).start()
            held.wait()

    def _begin(self, held: threading.Event) -> None:
        with self._guard:
            held.set()
            try:
                self._connected()
            except AxejError as failure:
                self._failed = failure

    def restic_options(self) -> tuple[str, ...]:
        """restic's options for this moment. Raises PeerUnreachable, HostKeyChanged while no key is pinned."""
        self._insist()
        with self._guard:
            self._last = self._listed = None
            address = self._line.reached.address if self._line else self._reach().address
            return (connection.restic_option(self.target, address),)

    def fault_of(self, stderr: str) -> AxejError | None:
        """What ssh complains of. The connection is not trusted any more: the next question makes another."""
        self.leave()
        return connection.fault_of(stderr, self.name)

    def leave(self) -> None:
        """Ends the connection, if there is one."""
        with self._guard:
            if self._line is not None:
                self._line.close()
            self._line = self._last = self._listed = None

    def meet(self) -> HostKey:
        """See Peer."""
        self.leave()
        reached = self._reach()
        with tempfile.TemporaryDirectory(prefix="axej-ring-") as folder:
            file = Path(folder) / "known"
            try:
                Line(self.target, reached, ANSWER_S, file).close()
            except Silent as fault:
                raise self._stalls(fault) from fault
            return _read_key(file)

    def pin(self, key: HostKey) -> None:
        """See Peer."""
        file = self.target.known_hosts
        line = f"{self.target.alias} {key.key}\n"
        if not file.is_file() or file.read_text(encoding="utf-8") != line:
            self.leave()
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside = file.with_name(f"{file.name}.new")
            beside.write_text(line, encoding="utf-8")
            beside.replace(file)

    def look(self) -> PeerLook:
        """See Peer."""
        with self._guard:
            found = self._look()
            self._last = time.monotonic(), found
            return found

    def _look(self) -> PeerLook:
        there, space, snapshots, locks, config, letter = self._ask(
            lambda: (
                sftp.is_there(self.folder),
                sftp.free_bytes(self.folder),
                sftp.names(self._at("snapshots")),
                sftp.names(self._at("locks")),
                sftp.content(self._at("config"), SMALL_BYTES),
                sftp.content(self._at(LETTER), SMALL_BYTES),
            )
        )
        assert self._line is not None
        reached = self._line.reached
        if not there:
            return PeerLook(reached.address, reached.tried, folder=False)
        return PeerLook(
            address=reached.address,
            tried=reached.tried,
            free_bytes=space,
            config=config,
            snapshots=_named(snapshots),
            locks=len(_named(locks)),
            letter=letter,
        )

    def names(self) -> frozenset[str] | None:
        """The snapshots that lie there; None without a repository."""
        if self._is_fresh():
            found = self.seen()
            return frozenset(found.snapshots) if found.config is not None else None
        with self._guard:
            if self._listed is None or time.monotonic() - self._listed[0] > FRESH_S:
                snapshots = self._ask(lambda: (sftp.names(self._at("snapshots")),))[0]
                self._listed = time.monotonic(), None if snapshots is None else frozenset(_named(snapshots))
            return self._listed[1]

    def lock_names(self) -> tuple[str, ...]:
        """restic's locks that lie there."""
        return _named(self._ask(lambda: (sftp.names(self._at("locks")),))[0])

    def remove(self, paths: Sequence[str]) -> None:
        """Removes exactly these files, named from our folder."""
        self._ask(lambda: tuple(sftp.remove(self._at(path)) for path in paths))

    def config(self) -> bytes | None:
        """What was seen last, if that is new."""
        return self.seen().config

    def seen(self) -> PeerLook:
        """See Peer."""
        with self._guard:
            if not self._is_fresh():
                self.look()
            assert self._last is not None
            return self._last[1]

    def _is_fresh(self) -> bool:
        return self._last is not None and time.monotonic() - self._last[0] <= FRESH_S

    def half_written(self) -> tuple[str, ...]:
        """Packs of a dead restic: it writes NAME-restic-temp-NUMBER and renames it (backend/sftp, 0.19)."""
        folders = [f"data/{number:02x}" for number in range(256)]
        found = self._ask(lambda: tuple(sftp.names(self._at(folder)) for folder in folders))
        listed = zip(folders, found, strict=True)
        return tuple(f"{folder}/{name}" for folder, names in listed for name in names or () if HALF_WRITTEN in name)

    def put(self, name: str, content: bytes) -> None:
        """See Peer."""
        try:
            self._ask(lambda: (sftp.store(self._at(name), content),))
        except PeerRefuses as refused:
            if not self._ask(lambda: (sftp.is_there(self.folder),))[0]:
                raise PeerUnreachable(f"peer {self.name} has no folder {self.folder}", _FOLDER_HINT) from refused
            why = f"peer {self.name} does not take a file into {self.folder}: {refused.said}"
            if refused.is_right:
                raise PeerUnreachable(why, _FOLDER_HINT) from refused
            # most servers say only "Failure"
            raise DiskFull(why, "The partner looks whether the disk there is full; then run it again.") from refused
        with self._guard:
            if self._last and name == LETTER:
                self._last = self._last[0], replace(self._last[1], letter=content)

    def get(self, name: str) -> bytes | None:
        """See Peer."""
        found: bytes | None = self._ask(lambda: (sftp.content(self._at(name), SMALL_BYTES),))[0]
        return found

    # --- the connection ----------------------------------------------------------------------------------------------

    def _ask(self, talks: Callable[[], Sequence[Talk[Any]]]) -> list[Any]:
        """Asks, over a connection of before if that still is one. Raises what a connection's failures mean, PeerRefuses."""
        self._insist()
        with self._guard:
            if (failure := self._failed) is not None:
                self._failed = None
                raise failure
            if self._line is not None:
                try:
                    return self._line.together(*talks())
                except (Gone, Silent):  # it was cut while nobody used it
                    self.leave()
                except Refused as refused:
                    raise PeerRefuses(self.name, refused) from refused
            line = self._connected()
            try:
                return line.together(*talks())
            except Gone as fault:
                self.leave()
                raise line.explained(fault, self.name) from fault
            except Silent as fault:
                self.leave()
                raise self._stalls(fault) from fault
            except Refused as refused:
                raise PeerRefuses(self.name, refused) from refused

    def _connected(self) -> Line:
        try:
            self._line = Line(self.target, self._reach(), ANSWER_S)
        except Silent as fault:
            raise self._stalls(fault) from fault
        return self._line

    def _reach(self) -> Reached:
        """The address that answers. Raises PeerUnreachable, KeyRefused when our key is not there."""
        if not self.target.identity.is_file():
            hint = f"Make one with \"ssh-keygen -t ed25519 -N '' -f {self.target.identity}\", or correct identity: in axej.yaml."
            raise KeyRefused(f"the SSH key {self.target.identity} is not there", hint)
        return connection.reach(self.target)

    def _at(self, *parts: str) -> str:
        return sftp.joined(self.folder, *parts)

    def _stalls(self, fault: Exception) -> AxejError:
        if process.cancelled():
            return Interrupted("ssh was ended: the run is being cancelled")
        hint = "Its ssh answers and then nothing comes: the partner looks at that machine's load and disk."
        return PeerUnreachable(f"peer {self.name} stalls: {fault}", hint)

    def _insist(self) -> None:
        if self.pinned is None:
            raise HostKeyChanged(
                f"peer {self.name}: no host key is pinned yet",
                'Run "axej ring verify": it shows the fingerprint, which you compare with the partner by voice.',
            )


class PeerRefuses(PeerUnreachable):
    """It answers, and says that this can't be done there."""

    def __init__(self, who: str, refused: Refused) -> None:
        super().__init__(f"peer {who} refuses: {refused}", _FOLDER_HINT)
        self.said, self.is_right = str(refused), refused.is_right


_FOLDER_HINT = 'The partner makes it, with the rights to it, by "axej ring authorize".'


def _named(found: list[str] | None) -> tuple[str, ...]:
    """Of the names in a folder, those that restic gives."""
    return tuple(sorted(name for name in found or () if NAME.fullmatch(name)))


def _read_key(file: Path) -> HostKey:
    import base64
    import hashlib

    _, kind, key = file.read_text(encoding="utf-8").splitlines()[0].split()[:3]
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(key)).digest()).decode().rstrip("=")
    return HostKey(f"{kind} {key}", f"SHA256:{digest}")
