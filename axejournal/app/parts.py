"""The parts of the assembled program, each made when it is asked for, so that a command pays only for what it uses."""

from __future__ import annotations

import functools
import socket
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from axejournal.app.cold_disks import ColdDisk
    from axejournal.config.models import Config
    from axejournal.config.passwords import Secret
    from axejournal.domain.ports import Clock, Containers, Disk, Memory, RepositoryLock
    from axejournal.domain.ports.volumes import PasswordDesk, Volumes
    from axejournal.jobs.rotating_keys import Rotation
    from axejournal.journal.disks import DiskRow
    from axejournal.journal.leases import FileLeases
    from axejournal.journal.store import Store
    from axejournal.programs.children import RunChildren, Sweeper
    from axejournal.programs.commands import ConfiguredCommands
    from axejournal.programs.postgres.restore import PostgresRestorer
    from axejournal.programs.postgres.server import PostgresServer, ServerAddress
    from axejournal.programs.postgres.table import PostgresTables
    from axejournal.programs.restic.repository import ResticRepository
    from axejournal.programs.secrets.source import PasswordSource
    from axejournal.programs.ssh.connection import Target
    from axejournal.programs.ssh.peer import SshPeer
    from axejournal.programs.traces import Traces

JOURNAL = "journal.sqlite"


class Parts:
    """The parts of one configuration's program; to the jobs, their Hands."""

    def __init__(self, config: Config, config_path: Path) -> None:
        self.config = config
        self.config_path = config_path
        self.state = config.state

    @functools.cached_property
    def clock(self) -> Clock:
        """The only way to know the time."""
        from axejournal.programs.clock import SystemClock

        return SystemClock()

    @functools.cached_property
    def traces(self) -> Traces:
        """Progress files and logs of runs."""
        from axejournal.programs.traces import Traces

        return Traces(self.state)

    @functools.cached_property
    def store(self) -> Store:
        """The journal; it is made, or brought up to date, when it is opened."""
        from axejournal.domain.facts.known import KNOWN_FACTS
        from axejournal.journal.store import Store
        from axejournal.programs import process

        me, boot = process.own_name(), process.boot_id()
        return Store(self.state / JOURNAL, KNOWN_FACTS, clock=self.clock, process_name=me, boot_id=boot)

    @functools.cached_property
    def leases(self) -> FileLeases:
        """The leases of this machine."""
        from axejournal.journal.leases import FileLeases

        return FileLeases(self.state / "leases", self.clock)

    @functools.cached_property
    def memory(self) -> Memory:
        """What steps ask the journal."""
        from axejournal.journal.memory import JournalMemory

        return JournalMemory(
            self.state / JOURNAL, self.store, self.config.customer, ZoneInfo(self.config.timezone), None, self.leases
        )

    @functools.cached_property
    def children(self) -> RunChildren:
        """The children of runs."""
        from axejournal.programs.children import RunChildren
        from axejournal.programs.left_behind import end_left_behind

        return RunChildren(self.traces.keep, end_left_behind, self._sweepers)

    @functools.cached_property
    def containers(self) -> Containers:
        """The Docker engine of this machine."""
        from axejournal.programs.docker.containers import Docker
        from axejournal.programs.docker.sidecars import DockerContainers
        from axejournal.programs.install import find_program

        configured = self.config.docker.program
        return DockerContainers(Docker(find_program("docker", configured) or configured or Path("docker")))

    @functools.cached_property
    def disk(self) -> Disk:
        """Free space."""
        from axejournal.programs.disk import SystemDisk

        return SystemDisk()

    def awake(self) -> AbstractContextManager[None]:
        """Inside, the machine does not go to sleep by itself."""
        from axejournal.programs.awake import awake

        return awake()

    def is_dead_lock(self, lock: RepositoryLock) -> bool:
        """Whether the process that left a restic lock is dead for certain."""
        from axejournal.programs.restic.locks import lock_is_dead

        return lock_is_dead(lock, socket.gethostname())

    def restic_version(self) -> str:
        """restic's version. Raises ProgramMissing, ProgramTooOld."""
        from axejournal.programs.install import require_restic

        return ".".join(map(str, require_restic(self.config.restic.program)[1]))

    def repository(self, tier: str, config: Config | None = None) -> ResticRepository:
        """A tier's repository. Raises ProgramMissing, and WrongPassword when the password's source yields nothing in time:
        restic itself would wait for ever for a Keychain that is locked."""
        from axejournal.programs.install import require_restic
        from axejournal.programs.restic.place import opened
        from axejournal.programs.secrets.source import PasswordSource
        from axejournal.programs.ssh.plain import way_to

        chosen = config or self.config
        program, _ = require_restic(chosen.restic.program)
        if tier not in chosen.tiers or chosen.tiers[tier].kind == "cold":
            from axejournal.app.cold_open import open_disk

            return open_disk(self, tier, chosen).repository
        place, secret = _where(chosen, tier)
        way = self.peer(tier, chosen) or way_to(place, getattr(chosen.tiers[tier], "identity", None))
        stall = getattr(chosen.tiers[tier], "stall", None)
        stall_s = stall.total_seconds() if stall else None
        password = PasswordSource.of(secret.reference)
        self._look_for(password)
        login = getattr(chosen.tiers[tier], "credentials", None)
        return opened(login, program, place, password, self.state / "cache" / tier, way, stall_s)

    def _look_for(self, password: PasswordSource) -> None:
        """Once a process, and only at what may hang: a program that fetches it."""
        from axejournal.programs.secrets.source import probe

        if password.kind in ("keychain", "secret-tool", "command") and password not in self._yielding:
            probe(password)
            self._yielding.add(password)

    @functools.cached_property
    def _yielding(self) -> set[PasswordSource]:
        return set()

    def peer(self, tier: str, config: Config | None = None) -> SshPeer | None:
        """The partner's machine, for a tier whose copies lie there."""
        from axejournal.config.tiers import RingTier
        from axejournal.programs.ssh.connection import Target
        from axejournal.programs.ssh.peer import SshPeer

        chosen = config or self.config
        settings, known = chosen.tiers[tier], chosen.peer(tier)
        if not isinstance(settings, RingTier) or settings.repository is not None or known is None:
            return None
        pinned = self.state / "ssh" / f"known-hosts-{settings.peer}"
        target = Target(str(settings.peer), known.ssh_user, known.addresses, known.ssh_port, settings.identity, pinned)
        return self._peers.setdefault((target, known.receive_dir_at_peer), SshPeer(target, known.receive_dir_at_peer))

    @functools.cached_property
    def _peers(self) -> dict[tuple[Target, str], SshPeer]:
        """One for each, so that what one part of a run has just seen there is not asked again by another."""
        return {}

    @functools.cached_property
    def volumes(self) -> Volumes:
        """The disks of this machine."""
        from axejournal.programs.volumes.mounts import SystemVolumes

        return SystemVolumes()

    @functools.cached_property
    def password_desk(self) -> PasswordDesk:
        """Who can be asked for a password on paper; whoever sits there puts himself here."""
        from axejournal.domain.ports.volumes import NobodysDesk

        return NobodysDesk()

    def disk_rows(self, tier: str) -> tuple[DiskRow, ...]:
        """The recorded cold disks of a tier."""
        from axejournal.journal.disks import disks

        return disks(self.state / JOURNAL, self.config.customer, tier)

    def cold_disk(self, tier: str, disk: str, config: Config | None = None) -> ColdDisk:
        """A cold disk by its number. Raises UsageFault."""
        from axejournal.app.cold_disks import ColdDisk

        return ColdDisk(self, tier, disk, config or self.config)

    def key_rotation(self, options: Mapping[str, Any]) -> Rotation:
        """See RotationHands. Raises UsageFault."""
        from axejournal.app.key_rotation import rotation_of

        return rotation_of(self, options)

    @functools.cached_property
    def opened_disks(self) -> dict[str, ColdDisk]:
        """Cold disks that this process has opened, by `TIER:DISK`."""
        return {}

    def server(self, source: str, run: str, config: Config | None = None) -> PostgresServer:
        """A source's database server, as a run reaches it."""
        from axejournal.programs.install import require_postgres_program
        from axejournal.programs.postgres.server import PostgresServer

        chosen = config or self.config
        containers = self.containers if chosen.databases[source].container else None
        return PostgresServer(self._address(source, chosen), run, self.state / "staging", require_postgres_program, containers)

    def restorer(self, source: str, run: str, config: Config | None = None) -> PostgresRestorer:
        """A source's database server, as a restore reaches it."""
        from axejournal.programs.install import require_postgres_program
        from axejournal.programs.postgres.restore import PostgresRestorer

        chosen = config or self.config
        containers = self.containers if chosen.databases[source].container else None
        folder = self.state / "restore"
        return PostgresRestorer(self._address(source, chosen), run, folder, require_postgres_program, containers, keeps=True)

    def tables(self, source: str, run: str, config: Config | None = None) -> PostgresTables:
        """A source's database server, as a restore of one table reaches it."""
        from axejournal.programs.install import require_postgres_program
        from axejournal.programs.postgres.table import PostgresTables

        chosen = config or self.config
        containers = self.containers if chosen.databases[source].container else None
        folder = self.state / "restore"
        return PostgresTables(self._address(source, chosen), run, folder, require_postgres_program, containers)

    def _address(self, source: str, config: Config) -> ServerAddress:
        from axejournal.programs.postgres.server import ServerAddress

        settings = config.databases[source]
        return ServerAddress(
            container=settings.container,
            host=settings.host,
            socket=settings.socket,
            port=settings.port,
            user=settings.user,
            passfile=settings.passfile,
            volume=settings.volume,
            lock_wait_timeout_s=settings.lock_wait_timeout_s,
        )

    def commands(self, run: str) -> ConfiguredCommands:
        """The commands of `after_restore`."""
        from axejournal.programs.commands import ConfiguredCommands

        return ConfiguredCommands(lambda program, code, said: self.traces.keep(run, program, code, said))

    def _sweepers(self, run: str) -> tuple[Sweeper, ...]:
        databases = self.config.databases.values()
        sidecars = (self.containers.end_left_behind,) if any(source.container for source in databases) else ()
        servers = {source.address: name for name, source in self.config.databases.items()}
        return (*sidecars, *(self.server(name, run).terminate_sessions for name in servers.values()))


def _where(config: Config, tier: str) -> tuple[str, Secret]:
    """restic's name of a tier's repository, and where its password is kept."""
    from axejournal.config.tiers import LocalTier, RingTier
    from axejournal.domain.errors import UsageFault

    settings = config.tiers[tier]
    if isinstance(settings, LocalTier):
        return str(settings.repository), settings.password
    if isinstance(settings, RingTier):
        peer = config.peer(tier)
        if settings.repository is not None:
            return settings.repository, settings.password
        if peer is None:
            raise UsageFault(f"tier {tier}: customers.yaml does not know {settings.peer}", "Add it there, under ring_backup.")
        return peer.repository(peer.addresses[0]), settings.password
    raise UsageFault(f"tier {tier} can't be opened here", "Name another tier.")
