"""How much of the disk a scratch server may take. A dump's size does not tell: a materialised view is dumped as a query."""

from __future__ import annotations

from dataclasses import dataclass, replace

from axejournal.domain.errors import DiskFull
from axejournal.domain.facts.drill import DrillPoint
from axejournal.domain.job import Attempt
from axejournal.domain.ports import Progress
from axejournal.domain.ports.scratch import Scratch, ScratchOrder
from axejournal.jobs.drill_plan import DrillKit

MIB = 1024 * 1024
SERVER_PER_DUMP_BYTE = 4
"""1.3 were measured at most, for the loaded database alone."""
SERVER_BYTES = 2048 * MIB
"""Of the cluster itself and of its log, which holds 1 GiB between two checkpoints."""


@dataclass(frozen=True)
class Limit:
    """Of one scratch server: by the configuration, else by its dump."""

    kit: DrillKit
    point: DrillPoint
    scratch: Scratch
    order: ScratchOrder

    @property
    def size_bytes(self) -> int:
        """The most that it may take."""
        configured = self.kit.database(self.point).drill.scratch_mib
        return configured * MIB if configured else self.point.size_bytes * SERVER_PER_DUMP_BYTE + SERVER_BYTES

    def look(self) -> None:
        """Raises DiskFull when it takes more, and what ScratchServers.size_bytes raises."""
        size = self.kit.scratch.size_bytes(self.scratch, self.order)
        if size > self.size_bytes:
            raise DiskFull(
                f"the scratch server of {self.point.source} takes {size:,} bytes and may take {self.size_bytes:,}: "
                "its load was ended",
                f"Look what makes it grow, or allow it more: scratch_mib, under drill: of {self.point.source}, in axej.yaml.",
            )

    def watching(self, attempt: Attempt) -> Attempt:
        """The same attempt; whoever tells how far it has come is stopped by DiskFull when the server has grown too large."""

        def told(progress: Progress) -> None:
            attempt.progress(progress)
            self.look()

        return replace(attempt, progress=told)
