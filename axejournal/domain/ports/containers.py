"""Containers, and the values that pass."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Mount:
    """What a container has mounted. `name`: of a named volume, else empty; `source`: on the engine's machine."""

    name: str
    source: str
    target: str


@dataclass(frozen=True)
class Container:
    """A container as its engine knows it. `image` is the image's id, whatever its name means by now; of the environment
    there is only what is no secret."""

    id: str
    name: str
    image: str
    image_name: str
    is_running: bool
    status: str  # created, running, paused, restarting, exited, dead
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sidecar:
    """A container of ours, of the same image as another. `mounts`: (folder or volume, where inside, read only);
    `user`: "uid:gid"; `joined`: whether it shares the other's network; else it has none."""

    run: str
    beside: Container
    mounts: tuple[tuple[str, str, bool], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    user: str = "0:0"
    joined: bool = True


class Containers(Protocol):
    """An engine. Every method raises ProgramMissing without its client, SourceUnreachable when no engine answers."""

    def inspect(self, name: str) -> Container | None:
        """The container of that name or id, or None when there is none."""
        ...

    def mounting(self, volume: str) -> tuple[str, ...]:
        """Names of the running containers, ours aside, that have a volume or a folder mounted."""
        ...

    def lend(self, sidecar: Sidecar) -> AbstractContextManager[tuple[str, ...]]:
        """Inside, the first words of commands that run in such a sidecar, for the caller alone. It ends when something
        raises inside, when this process ends however that happens, and some time after it was used last."""
        ...

    def end_left_behind(self, run: str) -> tuple[str, ...]:
        """Ends the sidecars that a dead process left of a run; says which there were. May be called twice."""
        ...
