"""One ssh connection to a peer, over which our folder there is asked.

Each connection costs about ten round trips and 0.15 s of both machines (measured, OpenSSH 9.2): a run holds one. It ends with
us: its input is a pipe of ours. restic's ssh has one of its own: let in through ours (ControlMaster) it would save these
round trips, but what it sends then costs a tenth more of both processors (measured on 180 MB).
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from axejournal.domain.errors import AxejError, Interrupted
from axejournal.programs import process
from axejournal.programs.process import Command
from axejournal.programs.ssh import connection
from axejournal.programs.ssh.connection import Reached, Target
from axejournal.programs.ssh.sftp_client import Gone, Session, Talk

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import Popen


class Line:
    """A connection that is up. Raises what ssh's complaints mean, PeerUnreachable; Silent when nothing comes in time."""

    def __init__(self, target: Target, reached: Reached, limit_s: float, known_hosts: Path | None = None) -> None:
        self.reached = reached
        words = connection.options(target, reached.address, known_hosts)
        self._child = process.start(Command(("ssh", *words, "-o", f"User={target.user}", "-s", target.alias, "sftp")))
        self._said: deque[bytes] = deque(maxlen=100)
        self._end = weakref.finalize(self, _end, self._child)
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


def _end(child: Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if child.stdin:
            child.stdin.close()
    process.end(child, grace_s=1)
