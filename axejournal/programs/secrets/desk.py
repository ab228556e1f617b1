"""The private way on which a person hands a password to a run that waits: a socket that only this user can reach.

The folder is this user's (0700), the socket too (0600), and each side asks the kernel who the other is. The password is
one line; the answer is one line: `ok`, `wrong N` (tries that are left), `no WHY`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import AxejError, PersonNeeded, ProgramFailed, WrongPassword
from axejournal.domain.ports.volumes import Try

TRIES = 3
LONGEST_PATH = 100
"""A socket's path: 104 bytes on a Mac, 108 on Linux."""
LONGEST_LINE = 4096
LOOK_S = 1.0
ANSWER_S = 60.0
SOL_LOCAL, LOCAL_PEERCRED = 0, 1


def socket_path(state: Path, tier: str) -> Path:
    """Where a tier's waiting run listens: below the state's folder, or where that is too long in the temporary one."""
    path = state / "cold" / f"{tier}.unlock"
    if len(os.fsencode(path)) <= LONGEST_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"axej-{os.getuid()}-{digest}" / "unlock"


@dataclass(frozen=True)
class SocketDesk:
    """The desk of a process that nobody sits at: the password comes from `axej cold unlock`."""

    path: Path
    told: Callable[[str], None]
    longest_s: float = 14 * 86_400.0

    def choose(self, what: str, told: str = "") -> str:
        """See PasswordDesk."""
        raise PersonNeeded(f"{what} needs a password that somebody types", "Do it on a terminal.")

    def receive(self, run: str, what: str, attempt: Try, still: Callable[[], bool]) -> None:
        """See PasswordDesk."""
        self.told(f'run {run} waits: {what} needs its password, which is on paper; type "axej cold unlock"')
        waited_s, left = 0.0, TRIES
        with _listening(self.path) as listener:
            while still() and waited_s < self.longest_s:
                waited_s += LOOK_S
                with contextlib.suppress(TimeoutError), listener.accept()[0] as caller:
                    if not _is_ours(caller):
                        continue
                    said = _read(caller)
                    if said is None:
                        continue
                    left -= 1
                    if _answered(caller, attempt, said, left):
                        return
                    if not left:
                        raise WrongPassword(f"{what}: {TRIES} wrong passwords", 'Look at the paper again, then "axej cold sync".')
        raise PersonNeeded(f"{what} waits for its password, which is on paper", 'Type "axej cold unlock" on a terminal.')


def hand_over(path: Path, password: str) -> str:
    """Hands a password to the run that waits; its answer. Raises PersonNeeded when none listens, ProgramFailed."""
    _check_folder(path.parent)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(ANSWER_S)
        try:
            caller.connect(str(path))
            if not _is_ours(caller):
                raise ProgramFailed(f"{path} is listened on by another user", "Look at who made it; nothing was sent.")
            caller.sendall(password.encode() + b"\n")
            return (_read(caller) or "").strip()
        except (FileNotFoundError, ConnectionRefusedError) as fault:
            raise PersonNeeded("no run waits for a password here") from fault
        except OSError as fault:
            raise ProgramFailed(f"the run that waits does not answer: {fault}") from fault


def _answered(caller: socket.socket, attempt: Try, said: str, left: int) -> bool:
    try:
        attempt(said)
    except WrongPassword:
        _say(caller, f"wrong {left}")
        return False
    except AxejError as fault:
        _say(caller, f"no {fault.message.splitlines()[0]}")
        raise
    _say(caller, "ok")
    return True


@contextlib.contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_folder(path.parent)
    path.unlink(missing_ok=True)  # of a run that was killed: the lease says that no other lives
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    try:
        listener.listen(1)
        listener.settimeout(LOOK_S)
        yield listener
    finally:
        listener.close()
        path.unlink(missing_ok=True)


def _check_folder(folder: Path) -> None:
    """Raises ProgramFailed when another user may change what is in it."""
    try:
        found = folder.lstat()
    except FileNotFoundError as fault:
        raise PersonNeeded("no run waits for a password here") from fault
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ProgramFailed(f"{folder} is not this user's alone", f'Run "chmod 700 {folder}", and look at who owns it.')


def _is_ours(other: socket.socket) -> bool:
    """Whether the process at the other end is this user's: the kernel tells (unix(7), SO_PEERCRED; macOS: LOCAL_PEERCRED)."""
    if sys.platform == "darwin":
        found = other.getsockopt(SOL_LOCAL, LOCAL_PEERCRED, struct.calcsize("IIh16I"))
        return bool(struct.unpack_from("II", found)[1] == os.getuid())
    return bool(struct.unpack("3i", other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1] == os.getuid())


def _read(other: socket.socket) -> str | None:
    """One line; None when none comes."""
    other.settimeout(ANSWER_S)
    line = b""
    with contextlib.suppress(OSError):
        while not line.endswith(b"\n") and len(line) < LONGEST_LINE:
            more = other.recv(LONGEST_LINE)
            if not more:
                break
            line += more
    return line[:-1].decode("utf-8", "replace") if line.endswith(b"\n") else None


def _say(other: socket.socket, text: str) -> None:
    with contextlib.suppress(OSError):
        other.sendall(text.encode() + b"\n")
