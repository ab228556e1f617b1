"""Sidecars: containers of ours beside a PostgreSQL container, in its network, from its own image.

A sidecar ends with its standard input, which this process holds: whatever ends this process, SIGKILL too, ends the
sidecar and all that runs in it, and the engine removes it (measured: 0.1 to 0.3 s later). Starting one costs 0.3 s, so
one that did its work well is kept for a while for the next who asks for the same.
"""

from __future__ import annotations

import atexit
import contextlib
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axejournal.domain.errors import AxejError, Interrupted, SourceUnreachable
from axejournal.domain.ports import Container, Sidecar
from axejournal.programs import process
from axejournal.programs.docker.containers import ANSWER_S, Docker
from axejournal.programs.process import Command, Completed

if TYPE_CHECKING:
    import subprocess

IDLE_S = 30.0
END_S = 5.0
READY = b"ready\n"
SCRIPT = 'trap "exit 0" TERM INT; echo ready; while read -r _; do :; done'
"""PID 1 ignores SIGTERM unless it has a trap; `docker run` hands its own SIGTERM on."""


@dataclass(eq=False)
class Running:
    """A running sidecar. Lent to one at a time: who fails with it ends it, and with it what still runs inside."""

    name: str
    kind: Sidecar
    client: subprocess.Popen[bytes]
    idle: threading.Timer | None = None

    @property
    def is_alive(self) -> bool:
        """Whether its client still holds it."""
        return self.client.poll() is None


class DockerContainers:
    """The `Containers` port: one engine, and the sidecars that this process has on it."""

    def __init__(self, docker: Docker) -> None:
        self.docker = docker
        self._idle: list[Running] = []
        self._guard = threading.Lock()
        self._is_registered = False

    def inspect(self, name: str) -> Container | None:
        """See the port."""
        return self.docker.inspect(name)

    def mounting(self, volume: str) -> tuple[str, ...]:
        """See the port."""
        return self.docker.mounting(volume)

    @contextlib.contextmanager
    def lend(self, sidecar: Sidecar) -> Iterator[tuple[str, ...]]:
        """See the port."""
        running = self._taken(sidecar) or self._started(sidecar)
        try:
            yield self.docker.inside(running.name)
        except BaseException:
            self._end(running)
            raise
        self._give_back(running)

    def end_idle(self, run: str | None = None) -> None:
        """Ends those that nobody uses: of a run, or all. Also done when this process exits."""
        with self._guard:
            chosen = [one for one in self._idle if run in (None, one.kind.run)]
            self._idle = [one for one in self._idle if one not in chosen]
        for running in chosen:
            _close(running)  # all of them first: each takes 0.2 s to go
        for running in chosen:
            self._end(running)

    def end_left_behind(self, run: str) -> tuple[str, ...]:
        """See the port."""
        self.end_idle(run)
        return self.docker.end_sidecars(run)

    def _taken(self, sidecar: Sidecar) -> Running | None:
        with self._guard:
            found = next((one for one in self._idle if one.kind == sidecar and one.is_alive), None)
            if found is not None:
                self._idle.remove(found)
        if found is not None and found.idle is not None:
            found.idle.cancel()
        return found

    def _give_back(self, running: Running) -> None:
        if process.cancelled() or not running.is_alive:
            self._end(running)
            return
        running.idle = threading.Timer(IDLE_S, self._end_if_idle, (running,))
        running.idle.daemon = True
        with self._guard:
            self._idle.append(running)
            if not self._is_registered:
                atexit.register(self.end_idle)
                self._is_registered = True
        running.idle.start()

    def _end_if_idle(self, running: Running) -> None:
        with self._guard:
            if running not in self._idle:
                return
            self._idle.remove(running)
        self._end(running)

    def _started(self, sidecar: Sidecar) -> Running:
        name = re.sub(r"[^a-zA-Z0-9_.-]", "-", f"axej-{sidecar.run}-{secrets.token_hex(3)}")
        running = Running(name, sidecar, process.start(Command(self.docker.start_words(sidecar, name, SCRIPT))))
        try:
            self._wait_until_ready(running)
        except BaseException:
            self._end(running)
            raise
        return running

    def _wait_until_ready(self, running: Running) -> None:
        out, err = running.client.stdout, running.client.stderr
        assert out is not None and err is not None
        heard: list[bytes] = []
        listener = threading.Thread(target=lambda: heard.append(out.readline()), daemon=True)
        listener.start()
        listener.join(ANSWER_S)
        if heard == [READY]:
            return
        if process.cancelled():
            raise Interrupted("the run is being cancelled")
        if not heard:
            raise SourceUnreachable(f"Docker did not start a container within {ANSWER_S:g} s", "Restart Docker.")
        said = err.read().decode("utf-8", "replace")
        process.end(running.client)
        done = Completed(running.client.returncode, b"", said, 0.0)
        raise self.docker.fault(done, f"docker run of a sidecar of container {running.kind.beside.name}")

    def _end(self, running: Running) -> None:
        """Closes its input and waits until the engine has removed it."""
        _close(running)
        process.end(running.client, grace_s=END_S)
        if running.client.returncode < 0:  # the client had to be killed: it has removed nothing
            with contextlib.suppress(AxejError):
                self.docker.remove((running.name,))


def _close(running: Running) -> None:
    with contextlib.suppress(OSError):
        running.client.stdin.close()  # type: ignore[union-attr]  # process.start makes all three pipes
