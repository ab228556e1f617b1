"""What a restic repository asks of others: its password, and the way to another machine."""

from __future__ import annotations

from collections.abc import Sequence
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

    def leave(self) -> None:
        """What was seen and held there is not trusted any more: the next question makes another connection."""
        ...

    def config(self) -> bytes | None:
        """restic's file of that name, as it lies there; None where that can't be told without restic."""
        ...

    def half_written(self) -> tuple[str, ...]:
        """Packs that are being written there, or were when their restic died: paths from the repository."""
        ...

    def lock_names(self) -> tuple[str, ...] | None:
        """restic's locks that lie there; None where only restic tells."""
        ...

    def remove(self, paths: Sequence[str]) -> None:
        """Removes exactly these files, named from the repository; those that are gone are fine."""
        ...

    def names(self) -> frozenset[str] | None:
        """See Repository.names."""
        ...


class Password(Protocol):
    """Where a repository's password comes from."""

    def environment(self, prefix: str = "RESTIC_") -> dict[str, str]:
        """The variables, named with this prefix, that let restic fetch it."""
        ...
