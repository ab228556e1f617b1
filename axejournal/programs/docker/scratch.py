"""Scratch servers out of a source's own image: a container of ours without any network, its data in a volume of ours.

`--network none`: no port is published, and there is no way out of it or into it but its own loopback, which our sidecars
join, and its socket in a folder of this machine. Of the source's container there is only the image: neither its volumes
nor its environment. It ends itself at its deadline; the volume bears the run's label and goes with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import ProgramFailed, SourceUnreachable
from axejournal.domain.ports import Container
from axejournal.domain.ports.scratch import ScratchOrder
from axejournal.programs import process
from axejournal.programs.docker.containers import LABEL, Docker
from axejournal.programs.process import Command

UNTIL = "axej.until"
SOCKET_INSIDE = "/axej-socket"
DATA_INSIDE = "/axej-data"
MEMORY = "2g"
START_S = 120.0
SCRIPT = """
set -eu
seconds=$1 user=$2 as= cluster=/axej-data/cluster
(sleep "$seconds"; kill -INT 1) >/dev/null 2>&1 &
if [ "$(id -u)" = 0 ]; then
    chown postgres /axej-data && chmod 0700 /axej-data
    if command -v gosu >/dev/null; then as="gosu postgres"
    elif command -v su-exec >/dev/null; then as="su-exec postgres"
    else as="setpriv --reuid=postgres --regid=postgres --init-groups --"; fi
fi
if [ ! -f $cluster/axej-ready ]; then
    rm -rf $cluster
    $as initdb -D $cluster -U "$user" --auth=trust -E UTF8 --locale=C --no-sync >/dev/null
    $as touch $cluster/axej-ready
fi
exec $as postgres -D $cluster $AXEJ_SETTINGS
"""


@dataclass(frozen=True)
class DockerScratch:
    """Makes them on one engine."""

    docker: Docker

    def name(self, order: ScratchOrder, label: str) -> str:
        """Of the container and of its volume."""
        return f"axej-drill-{order.run}-{label}"

    def up(
        self, order: ScratchOrder, label: str, socket: Path, settings: dict[str, str], now_s: float, first: Callable[[], None]
    ) -> str:
        """The name of the container, which runs; one that has ended is made anew, with an empty volume. `first` is called
        when Docker answers and before anything is made. Raises what Docker raises; SourceUnreachable when the source's
        container, whose image it needs, is not there."""
        assert order.container is not None
        name = self.name(order, label)
        there = self.docker.inspect(name)
        if there is not None and there.is_running:
            return name
        if there is not None:
            self.docker.remove([there.id])
        source = self.docker.inspect(order.container)
        if source is None:
            hint = 'Run "docker ps --all" to see what it is called.'
            raise SourceUnreachable(f"container {order.container}, whose image the drill needs, does not exist", hint)
        first()
        self._check("volume", "rm", "--force", "--", name)  # of a server that did not end in good order: nothing is durable
        self._check("volume", "create", "--label", f"{LABEL}={order.run}", "--", name)
        self._start(order, name, source, socket, settings, max(60, int(order.until.timestamp() - now_s)))
        return name

    def _start(
        self, order: ScratchOrder, name: str, source: Container, socket: Path, settings: dict[str, str], seconds: int
    ) -> None:
        options = " ".join(f"-c {key}={value}" for key, value in settings.items())
        fixed = ("run", "--detach", "--name", name, "--network", "none", "--user", "0:0", "--log-driver", "none")
        labels = ("--label", f"{LABEL}={order.run}", "--label", f"{UNTIL}={order.until.isoformat(timespec='seconds')}")
        limits = ("--memory", MEMORY, "--memory-swap", MEMORY, "--pids-limit", "512", "--shm-size", "256m")
        mounts = ("--mount", f"type=volume,source={name},target={DATA_INSIDE}", "--mount", _bind(socket))
        words = ("--env", f"AXEJ_SETTINGS={options}", "--entrypoint", "sh", source.image, "-c", SCRIPT, "sh")
        self._check(*fixed, *labels, *limits, *mounts, *words, str(seconds), order.user)

    def fault(self, name: str) -> ProgramFailed | None:
        """Why a container has ended; None while it runs."""
        there = self.docker.inspect(name)
        if there is not None and there.is_running:
            return None
        hint = "See that its image has initdb, and that Docker has memory and disk for one more server."
        return ProgramFailed(f"the scratch container {name} has ended ({there.status if there else 'it is gone'})", hint)

    def down(self, run: str) -> tuple[str, ...]:
        """Ends and removes containers and volumes of a run. Raises what Docker raises."""
        containers = self.docker.containers(f"label={LABEL}={run}")
        self.docker.remove([one.id for one in containers])
        listed = self._check("volume", "ls", "--quiet", "--filter", f"label={LABEL}={run}").split()
        if listed:
            self._check("volume", "rm", "--force", "--", *listed)
        return (*(f"container {one.name}" for one in containers), *(f"volume {name}" for name in listed))

    def _check(self, *words: str) -> str:
        done = process.run(Command((str(self.docker.program), *words), timeout_s=START_S))
        if done.exit_code != 0:
            raise self.docker.fault(done, f"docker {words[0]}")
        return done.text


def _bind(socket: Path) -> str:
    return f"type=bind,source={socket},target={SOCKET_INSIDE}"
