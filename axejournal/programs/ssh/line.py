"""One ssh connection to a peer, over which our folder there is asked, and over which restic's own ssh goes too.

Each connection of its own costs about ten round trips and 0.15 s of both machines (measured, OpenSSH 9.2). So the one that a
run holds lets others in (ControlMaster); where that is not possible ssh connects for itself. It ends with us: its input is a
pipe of ours.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import weakref
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axejournal.domain.errors import AxejError, Interrupted
from axejournal.programs import process
from axejournal.programs.process import Command
from axejournal.programs.ssh import connection
from axejournal.programs.ssh.connection import Reached, Target
from axejournal.programs.ssh.sftp_client import Gone, Session, Talk

if TYPE_CHECKING:
    from subprocess import Popen

SOCKET_BYTES = 85
"""A socket's path has 103 bytes at most on a Mac, and ssh adds 17 of its own while it makes one."""


class Line:
    """A connection that is up. Raises what ssh's complaints mean, PeerUnreachable; Silent when nothing comes in time."""

    def __init__(self, target: Target, reached: Reached, limit_s: float, known_hosts: Path | None = None) -> None:
        self.reached = reached
        folder = Path(tempfile.mkdtemp(prefix="axej-ssh-"))
        self._control = None if known_hosts or len(str(folder)) > SOCKET_BYTES else folder / "s"
        words = connection.options(target, reached.address, known_hosts, self._control, master=True)
        self._child = process.start(Command(("ssh", *words, "-o", f"User={target.user}", "-s", target.alias, "sftp")))
        self._said: deque[bytes] = deque(maxlen=100)
        self._end = weakref.finalize(self, _end, self._child, folder)
        assert self._child.stdin and self._child.stdout and self._child.stderr
        self._listener = threading.Thread(target=self._said.extend, args=(self._child.stderr,), daemon=True)
        self._listener.start()
        try:
            self._session = Session(self._child.stdin, self._child.stdout, limit_s)
        except Gone as fault:
            raise self.explained(fault, target.name) from fault
        except BaseException:
            self.close()
            raise

    @property
    def control(self) -> Path | None:
        """Where another ssh is let in; None where it is not, or no longer."""
        return self._control if self._end.alive and self._child.poll() is None else None

    def together(self, *talks: Talk[Any]) -> list[Any]:
        """See Session."""
        return self._session.together(*talks)

    def explained(self, fault: Gone, who: str) -> AxejError:
        """Why it ended, when it is gone."""
        self.close()
        self._listener.join(timeout=5)
        if process.cancelled():
            return Interrupted("ssh was ended: the run is being cancelled")
        said = b"".join(self._said).decode("utf-8", "replace")
        return connection.unreachable(said or str(fault), who)

    def close(self) -> None:
        """May be called twice."""
        self._end()


def _end(child: Popen[bytes], folder: Path) -> None:
    with contextlib.suppress(OSError):
        if child.stdin:
            child.stdin.close()
    process.end(child, grace_s=1)
    shutil.rmtree(folder, ignore_errors=True)
