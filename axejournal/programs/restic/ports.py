"""What a restic repository asks of others: its password, and the way to another machine."""

from __future__ import annotations

from typing import Protocol

from axejournal.domain.errors import AxejError


class Way(Protocol):
    """How a repository on another machine is reached."""

    def restic_options(self) -> tuple[str, ...]:
        """restic's extended options for this moment. Raises PeerUnreachable, HostKeyChanged, KeyRefused."""
        ...

    def fault_of(self, stderr: str) -> AxejError | None:
        """What it complains of in restic's stderr; None when it is not the way that failed."""
        ...

    def config(self) -> bytes | None:
        """restic's file of that name, as it lies there; None where that can't be told without restic."""
        ...

    def sweep(self) -> None:
        """Removes packs that were half written when a restic died there. Only while nobody writes there."""
        ...

    def names(self) -> frozenset[str] | None:
        """See Repository.names."""
        ...


class Password(Protocol):
    """Where a repository's password comes from."""

    def environment(self, prefix: str = "RESTIC_") -> dict[str, str]:
        """The variables, named with this prefix, that let restic fetch it."""
        ...
