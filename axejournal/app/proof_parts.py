"""The parts of the assembled program that prove copies: what checks and drills ask for."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from axejournal.app.parts import JOURNAL, Parts

if TYPE_CHECKING:
    from axejournal.app.scratches import Scratches
    from axejournal.config.models import Config
    from axejournal.domain.reading import PartRead
    from axejournal.journal.rows import PointRow
    from axejournal.programs.children import Sweeper
    from axejournal.programs.commands_scratch import BareCommands


class ProofParts(Parts):
    """To the jobs, their Hands; see CheckHands and DrillHands."""

    def points_of(self, tier: str) -> tuple[PointRow, ...]:
        """The restore points of a tier that were not removed, newest first."""
        from axejournal.journal.reader import points

        several = tier in self.config.tiers and self.config.tiers[tier].kind == "cold"  # a repository on each disk
        return points(self.state / JOURNAL, tier=tier, customer=self.config.customer, current=not several)

    def backup_at_work(self) -> str | None:
        """The run of the local backup whose process lives, if any."""
        from axejournal.journal.reader import runs

        rows = runs(self.state / JOURNAL, job="backup.local", customer=self.config.customer, outcome="open")
        return next((row.run for row in rows if self.leases.holder(f"run:{row.run}") is not None), None)

    def outcome_of(self, run: str) -> str:
        """How a run ended, or `open`. Raises RunUnknown."""
        from axejournal.journal.reader import find_run

        return str(find_run(self.state / JOURNAL, run).outcome)

    def parts_read(self, tier: str, repository: str | None = None) -> tuple[PartRead, ...]:
        """What was read of a tier's repository so far."""
        from axejournal.journal.data_reads import parts_read

        return parts_read(self.state / JOURNAL, self.config.customer, tier, repository)

    def read_since(self, tier: str) -> datetime | None:
        """Since when all data of a tier's repository were read; None while that was never so."""
        from axejournal.domain.reading import all_read_since

        return all_read_since(self.parts_read(tier), self.config.check.parts)

    def holders(self, tier: str, config: Config, packs: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Which paths of which snapshots need these packs. Raises what Repository's methods raise."""
        from axejournal.programs.restic.damage import holders

        repository = self.repository(tier, config)
        return holders(repository.command, repository.place, packs)

    def part_bytes(self, tier: str, config: Config, part: int, of: int) -> int | None:
        """How much data a part of a tier's repository is; None where that can't be told."""
        from axejournal.programs.restic.damage import part_bytes

        return part_bytes(self.repository(tier, config).place, part, of)

    @functools.cached_property
    def scratch(self) -> Scratches:
        """Servers of a drill alone."""
        from axejournal.app.scratches import Scratches
        from axejournal.programs.docker.sidecars import DockerContainers
        from axejournal.programs.install import require_postgres_program

        def engine() -> DockerContainers:
            found = self.containers
            assert isinstance(found, DockerContainers)
            return found

        return Scratches(self.state / "drill", require_postgres_program, engine, self.clock)

    def scratch_commands(self, run: str) -> BareCommands:
        """Commands of a drill."""
        from axejournal.programs.commands_scratch import BareCommands

        return BareCommands(lambda program, code, said: self.traces.keep(run, program, code, said))

    def sweep_scratch(self) -> tuple[str, ...]:
        """Ends what drills left whose run has ended, or whose deadline is over; says what it was. Free when there is nothing."""
        base = self.state / "drill"
        if not base.is_dir() or not any(base.iterdir()):
            return ()
        open_runs, now = set(self.store.open_runs()), self.clock.now()

        def is_wanted(run: str, until: datetime | None) -> bool:
            if self.leases.holder(f"run:{run}") is not None:
                return True
            return run in open_runs and until is not None and until > now

        return self.scratch.sweep(is_wanted)

    def _sweepers(self, run: str) -> tuple[Sweeper, ...]:
        """Of a drill: what it left is no session of a live server, and none is asked."""
        begun = self.store.stream(run)
        if not begun or begun[0].data.get("job") != "restore.drill":
            return super()._sweepers(run)
        has_containers = any(source.container for source in self.config.databases.values())
        return (self.containers.end_left_behind,) if has_containers else ()
