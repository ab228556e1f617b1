"""Brings one source of a drill back: its scratch server, its files, its load. The same code as a restore for real."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import AxejError, DiskFull, DrillUnsafe, ProgramMissing, SourceRefused, SourceUnreachable
from axejournal.domain.facts.drill import DrillPoint, ScratchFetched, ScratchLoaded, ScratchReady
from axejournal.domain.facts.restore import DumpDamaged, DumpFetched, FilesFetched
from axejournal.domain.job import ONCE, USUAL, Attempt, RetryPolicy
from axejournal.domain.ports.journal import snapshots_of
from axejournal.domain.ports.restore import RestoreServer
from axejournal.domain.ports.scratch import Scratch, ScratchOrder
from axejournal.domain.run import Run
from axejournal.jobs.drill_plan import DrillKit, Round
from axejournal.jobs.restore_plan import RestoreKit
from axejournal.jobs.steps.drill_limit import Limit
from axejournal.jobs.steps.fetch_dump import FetchDump, truth_of
from axejournal.jobs.steps.fetch_files import FetchFiles
from axejournal.jobs.steps.load_database import LoadDatabase, RestoreRoles
from axejournal.jobs.steps.prepare_restore import DATABASE_PER_DUMP_BYTE, SPARE_BYTES

WAITS = RetryPolicy(attempts=5, first_wait_s=4.0, longest_wait_s=60.0)
"""A minute in all: Docker Desktop takes as long to start."""
REMOVAL_S = 4 * 3600.0
"""How long reading waits for a backup that removes snapshots and prunes."""


@dataclass(frozen=True)
class Place:
    """A scratch server that was let in, and what restores into it."""

    scratch: Scratch
    order: ScratchOrder
    server: RestoreServer


def place_of(kit: DrillKit, point: DrillPoint, ready: ScratchReady) -> Place:
    """The scratch server of a source, started again if need be, and looked at again. Raises DrillUnsafe, and what
    ScratchServers.up raises."""
    order = kit.order(point, int(ready.server_version.split(".")[0]), local=ready.kind == "local")
    scratch = kit.scratch.up(order)
    refuse_live(kit, scratch)
    return Place(scratch, order, kit.scratch.restorer(scratch, order))


def refuse_live(kit: DrillKit, scratch: Scratch) -> None:
    """Raises DrillUnsafe for a server that is, or could be, a source's: by its system identifier, its container, its volume,
    its socket. What a source's identifier is, the journal says: no live server is asked."""
    for name, source in kit.config.databases.items():
        last = kit.memory.last_dump(name)
        same: list[str] = []
        if last is not None and scratch.system_identifier == last.system_identifier:
            same.append(f"system identifier {scratch.system_identifier}")
        if source.container is not None and source.container in (scratch.container, scratch.place):
            same.append(f"container {source.container}")
        if source.volume is not None and source.volume in (scratch.volume, str(scratch.data)):
            same.append(f"volume {source.volume}")
        if source.socket is not None and source.socket.resolve() == scratch.socket.resolve():
            same.append(f"socket {source.socket}")
        if same:
            raise DrillUnsafe(
                f"the scratch server has the {same[0]} of source {name}: nothing was done in it",
                "Look at `state:`, `docker:` and the source's address in axej.yaml; two of them lead to one place.",
            )


@dataclass(frozen=True)
class StartScratch:
    """A server of the run alone."""

    kit: DrillKit
    round: Round
    point: DrillPoint
    policy: RetryPolicy = WAITS
    contained: bool = True

    @property
    def name(self) -> str:
        return self.round.step("scratch", self.point)

    def probe(self, run: Run) -> ScratchReady | None:
        """Asking for it again gives the one that is there."""
        return None

    def act(self, attempt: Attempt) -> ScratchReady:
        """Raises DrillUnsafe, and what ScratchServers.up raises. When Docker does not come, this machine's own programs of
        the same major version are taken."""
        kit, begin_us = self.kit, self.kit.clock.monotonic_us()
        major = self._major()
        self._check_room()
        instead = ""
        order = kit.order(self.point, major)
        try:
            scratch = kit.scratch.up(order)
        except (SourceUnreachable, ProgramMissing) as down:
            if order.container is None or (isinstance(down, SourceUnreachable) and attempt.number < self.policy.attempts):
                raise
            instead = down.message
            scratch = self._local(major, down)
        refuse_live(kit, scratch)
        took_s = round((kit.clock.monotonic_us() - begin_us) / 1e6, 3)
        who = (scratch.kind, scratch.place, scratch.version, scratch.system_identifier)
        return ScratchReady(self.round.tier, self.point.source, *who, instead, took_s)

    def _major(self) -> int:
        try:
            truth = truth_of(self.kit.restore_kit(self.round.tier, self.point))
        except (OSError, ValueError, KeyError, TypeError) as unknown:
            raise SourceRefused(
                f"the journal does not know run {self.point.run}, which dumped {self.point.source}",
                "Take a newer restore point.",
            ) from unknown
        return int(truth.server_version.split(".")[0])

    def _local(self, major: int, down: SourceUnreachable | ProgramMissing) -> Scratch:
        try:
            return self.kit.scratch.up(self.kit.order(self.point, major, local=True))
        except ProgramMissing as none:
            raise SourceRefused(f"{down.message}; and {none.message}", "Start Docker, or install PostgreSQL here.") from down

    def _check_room(self) -> None:
        needed = int(self.point.size_bytes * (1 + DATABASE_PER_DUMP_BYTE)) + SPARE_BYTES
        free = self.kit.disk.free_bytes(self.kit.folder)
        if free < needed:
            raise DiskFull(
                f"{self.kit.folder}: {free:,} bytes are free and the drill of {self.point.source} may need {needed:,}",
                "Free some space there, then run the drill again.",
            )


@dataclass(frozen=True)
class FetchSource:
    """Out of the tier, every byte proven. What does not come back as it was is a fact too."""

    kit: DrillKit
    round: Round
    point: DrillPoint
    policy: RetryPolicy = USUAL
    contained: bool = True

    @property
    def name(self) -> str:
        return self.round.step("fetch", self.point)

    def probe(self, run: Run) -> ScratchFetched | None:
        """Every file of a dump is there, byte for byte."""
        if self.point.kind != "postgres":
            return None
        found = FetchDump(self.kit.restore_kit(self.round.tier, self.point)).probe(run)
        return self._fact(found, 0.0) if isinstance(found, DumpFetched) else None

    def act(self, attempt: Attempt) -> ScratchFetched:
        """Raises what Repository.restore raises. A backup that removes snapshots is waited for."""
        begin_us = self.kit.clock.monotonic_us()
        with reading(self.kit, self.round.tier):
            found = fetch(self.kit.restore_kit(self.round.tier, self.point), attempt)
        return self._fact(found, round((self.kit.clock.monotonic_us() - begin_us) / 1e6, 3))

    def _fact(self, found: DumpFetched | FilesFetched | DumpDamaged, took_s: float) -> ScratchFetched:
        tier, source = self.round.tier, self.point.source
        match found:
            case DumpFetched():
                return ScratchFetched(tier, source, found.size_bytes, found.files, found.sha256, duration_s=took_s)
            case FilesFetched():
                return ScratchFetched(tier, source, found.size_bytes, found.files, duration_s=took_s)
        return ScratchFetched(tier, source, 0, 0, "", found.what, found.message, took_s)


@contextlib.contextmanager
def reading(kit: DrillKit, tier: str) -> Iterator[None]:
    """Inside, nobody removes snapshots of the tier; others may read them, and a backup may take one. Raises Busy when a
    removal takes too long."""
    with kit.hands.leases.take(snapshots_of(tier), kit.run, shared=True, wait_s=REMOVAL_S):
        yield


def fetch(kit: RestoreKit, attempt: Attempt) -> DumpFetched | FilesFetched | DumpDamaged:
    """As a restore fetches."""
    step = FetchDump(kit) if kit.plan.database else FetchFiles(kit)
    found = step.act(attempt)
    assert isinstance(found, DumpFetched | FilesFetched | DumpDamaged)
    return found


@dataclass(frozen=True)
class LoadSource:
    """Roles, then the dump, under the database's own name."""

    kit: DrillKit
    round: Round
    point: DrillPoint
    policy: RetryPolicy = ONCE
    contained: bool = True

    @property
    def name(self) -> str:
        return self.round.step("load", self.point)

    def probe(self, run: Run) -> ScratchLoaded | None:
        """Loading begins anew, unless the database has its name: then `act` finds it so."""
        return None

    def act(self, attempt: Attempt) -> ScratchLoaded:
        """Raises SourceRefused (a role, an extension or a collation is missing), DiskFull, ProgramFailed."""
        ready = self.round.fact(ScratchReady, "scratch", self.point)
        place = place_of(self.kit, self.point, ready)
        begin_us = self.kit.clock.monotonic_us()
        made = ensure_loaded(self.kit, self.round.tier, self.point, place, attempt)
        took_s = round((self.kit.clock.monotonic_us() - begin_us) / 1e6, 3)
        found = place.server.live(made.plan.restored)
        roles = _roles_of(made)
        size = found.size_bytes if found else 0
        return ScratchLoaded(self.round.tier, self.point.source, made.plan.restored, size, roles, took_s)


def ensure_loaded(kit: DrillKit, tier: str, point: DrillPoint, place: Place, attempt: Attempt) -> RestoreKit:
    """The database is in the scratch server: it was, or it is loaded now (fetched again first, if its files are gone, as
    after a crash that took the scratch with it)."""
    made = kit.restore_kit(tier, point, place.server)
    if place.server.live(made.plan.restored) is not None:
        return made
    if not isinstance(FetchDump(made).probe(attempt.run), DumpFetched):
        with reading(kit, tier):
            found = fetch(made, attempt)
        if isinstance(found, DumpDamaged):
            raise SourceRefused(f"{point.source} did not come back whole: {found.message}", "Take another restore point.")
    extensions(kit, made, place)
    RestoreRoles(made).act(attempt)
    limit = Limit(kit, point, place.scratch, place.order)
    try:
        LoadDatabase(made).act(limit.watching(attempt))
        limit.look()
    except DiskFull:
        with contextlib.suppress(AxejError):  # the others need the room now, not when all is cleared
            for name in (made.plan.restoring, made.plan.restored):
                place.server.drop(name)
        raise
    return made


def extensions(kit: DrillKit, made: RestoreKit, place: Place) -> None:
    """Raises SourceRefused when the scratch server could not have an extension that the dump needs."""
    there = place.server.look().extensions
    missing = [one for one in truth_of(made).extensions if one.split()[0] not in there]
    if missing:
        raise SourceRefused(
            f"the scratch server ({place.scratch.kind}) has no extension {', '.join(missing)}, which {made.plan.source} needs",
            "Install the extension's package here, or let the drill use the source's own image (docker).",
        )


def _roles_of(made: RestoreKit) -> int:
    from axejournal.jobs.steps.dump_database import ROLES
    from axejournal.jobs.steps.fetch_dump import fetched_folder

    file: Path = fetched_folder(made) / ROLES
    return (
        sum(1 for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("CREATE ROLE "))
        if file.is_file()
        else 0
    )
