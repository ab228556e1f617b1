"""restic's sftp to a place that the operator wrote out (`sftp:user@host:/folder`): ssh as this user has it set up, which asks
nothing and does not hang."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import AxejError
from axejournal.programs.ssh import connection

OPTIONS = ("BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=15", "ServerAliveCountMax=4")


@dataclass(frozen=True)
class PlainSsh:
    """The `Way` of such a place. `identity`: the key, where there is one; else ssh takes what it finds."""

    identity: Path | None

    def restic_options(self) -> tuple[str, ...]:
        """See the port. restic reads the option as one field of CSV and splits it as a shell would."""
        key = ("-i", str(self.identity)) if self.identity and self.identity.exists() else ()
        line = shlex.join([*key, *(word for option in OPTIONS for word in ("-o", option))])
        return ('"' + f"sftp.args={line}".replace('"', '""') + '"',)

    def fault_of(self, stderr: str) -> AxejError | None:
        """See the port: what ssh complains of, in ssh's words."""
        return connection.fault_of(stderr, "the repository's machine")

    def leave(self) -> None:
        """restic's own ends with it."""
        return

    def config(self) -> None:
        """Only restic tells."""
        return

    def half_written(self) -> tuple[str, ...]:
        """Left to whoever keeps that place."""
        return ()

    def lock_names(self) -> None:
        """Only restic tells."""
        return

    def remove(self, paths: Sequence[str]) -> None:
        """Never asked for: nothing is seen there."""
        return

    def names(self) -> None:
        """Only restic tells."""
        return


def way_to(place: str, identity: Path | None) -> PlainSsh | None:
    """For an sftp: place; None for any other."""
    return PlainSsh(identity) if place.startswith("sftp:") else None
