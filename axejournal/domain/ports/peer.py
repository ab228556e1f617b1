"""The partner's machine, as a ring reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

LETTER = "axej-ring.json"
"""The file that each side leaves beside its repository at the other's: see domain/letter."""


@dataclass(frozen=True)
class PeerLook:
    """What one look at our folder on the peer's machine shows. `address`: the one that answered; `tried`: why others did
    not; `config`: restic's file of that name as it lies there, None without a repository; `snapshots`: their names."""

    address: str
    tried: tuple[str, ...] = ()
    folder: bool = True
    free_bytes: int | None = None
    config: bytes | None = None
    snapshots: tuple[str, ...] = ()
    locks: int = 0
    letter: bytes | None = None


@dataclass(frozen=True)
class HostKey:
    """A host key as known_hosts has it, without the host: "ssh-ed25519 AAAA…"; and its fingerprint, as ssh-keygen -l."""

    key: str
    fingerprint: str


class Peer(Protocol):
    """One partner's machine. Every method but `pinned` may raise PeerUnreachable, HostKeyChanged (or none pinned yet),
    KeyRefused, ProgramMissing, Interrupted."""

    @property
    def name(self) -> str:
        """The partner's name in customers.yaml."""
        ...

    @property
    def pinned(self) -> HostKey | None:
        """The host key that is insisted on."""
        ...

    def begin(self) -> None:
        """Goes to it beside what the caller does meanwhile; what fails is raised by what is asked first. Never raises."""
        ...

    def leave(self) -> None:
        """Ends the connection; what is asked later makes another."""
        ...

    def meet(self) -> HostKey:
        """The host key of whoever answers now, after our key was taken there; nothing is pinned by this."""
        ...

    def pin(self, key: HostKey) -> None:
        """From here on only this host key is right."""
        ...

    def look(self) -> PeerLook:
        """Four round trips, the first time with a connection: 0.2 s. Nothing is changed there."""
        ...

    def seen(self) -> PeerLook:
        """The last look while it is new and nothing was begun there since; else another."""
        ...

    def put(self, name: str, content: bytes) -> None:
        """A small file into our folder there, whole or not at all. Raises DiskFull."""
        ...

    def get(self, name: str) -> bytes | None:
        """A small file out of our folder there; None when it is not there."""
        ...
