"""The one place where the parts meet: a configuration becomes a program.

Everything is made when it is asked for, so that a command pays only for what it uses.
"""

from __future__ import annotations

import functools
import secrets
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from axejournal import __version__
from axejournal.domain.events import Event, Fact, RunRequested
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.config.models import Config
    from axejournal.domain.ports import Clock, DatabaseServer, Memory, Progress
    from axejournal.engine.execute import Engine
    from axejournal.engine.runner import Observer
    from axejournal.jobs.plan import BackupKit
    from axejournal.jobs.preview import Preview
    from axejournal.journal.leases import FileLeases
    from axejournal.journal.store import Store
    from axejournal.programs.children import RunChildren, Sweeper
    from axejournal.programs.crash import CrashPoint
    from axejournal.programs.restic import ResticRepository
    from axejournal.programs.traces import Traces

JOURNAL = "journal.sqlite"
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what is read wrongly from paper
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class View(Protocol):
    """Whoever watches runs."""

    def heard(self, event: Event, run: Run) -> None:
        """An event is durable."""
        ...

    def progress(self, run: str, step: str, progress: Progress) -> None:
        """How far a step has come; called often, from any thread."""
        ...


class Unwatched:
    """The view of nobody."""

    def heard(self, event: Event, run: Run) -> None:
        """See View."""

    def progress(self, run: str, step: str, progress: Progress) -> None:
        """See View."""


class App:
    """The assembled program of one configuration."""

    def __init__(self, config: Config, config_path: Path) -> None:
        self.config = config
        self.config_path = config_path
        self.state = config.state

    # --- parts -----------------------------------------------------------------------------------------------------

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
        from axejournal.journal.store import Store
        from axejournal.programs import process

        me, boot = process.own_name(), process.boot_id()
        return Store(self.state / JOURNAL, all_facts(), clock=self.clock, process_name=me, boot_id=boot)

    @functools.cached_property
    def leases(self) -> FileLeases:
        """The leases of this machine."""
        from axejournal.journal.leases import FileLeases

        return FileLeases(self.state / "leases", self.clock)

    @functools.cached_property
    def memory(self) -> Memory:
        """What steps ask the journal."""
        from axejournal.journal.memory import JournalMemory

        return JournalMemory(self.state / JOURNAL, self.store, self.config.customer, ZoneInfo(self.config.timezone))

    @functools.cached_property
    def children(self) -> RunChildren:
        """The children of runs."""
        from axejournal.programs.children import RunChildren

        return RunChildren(self.traces.keep, self._sweepers)

    def repository(self, tier: str, config: Config | None = None) -> ResticRepository:
        """A tier's repository. Raises ProgramMissing."""
        from axejournal.programs.install import require_restic
        from axejournal.programs.restic import ResticRepository
        from axejournal.programs.secrets import PasswordSource

        chosen = config or self.config
        settings = chosen.tiers.local
        program, _ = require_restic(chosen.restic.program)
        password = PasswordSource.of(settings.password.reference)
        return ResticRepository(program, str(settings.repository), password, cache_dir=self.state / "cache" / tier)

    def server(self, source: str, run: str, config: Config | None = None) -> DatabaseServer:
        """A source's database server, as a run reaches it."""
        from axejournal.programs.postgres import PostgresServer, ServerAddress

        chosen = config or self.config
        settings = chosen.databases[source]
        address = ServerAddress(
            container=settings.container,
            host=settings.host,
            socket=settings.socket,
            port=settings.port,
            user=settings.user,
            passfile=settings.passfile,
            volume=settings.volume,
            lock_wait_timeout_s=settings.lock_wait_timeout_s,
        )
        return PostgresServer(address, run, self.state / "staging", docker=self.config.docker.program)

    def _sweepers(self, run: str) -> tuple[Sweeper, ...]:
        return ()

    # --- runs ------------------------------------------------------------------------------------------------------

    def engine(self, view: View | None = None) -> Engine:
        """The engine with every job that this axej knows."""
        from axejournal.engine.execute import Engine
        from axejournal.engine.runner import Runner
        from axejournal.jobs import all_jobs
        from axejournal.journal.ids import event_id

        shown = view or Unwatched()
        return Engine(
            store=self.store,
            leases=self.leases,
            children=self.children,
            runner=Runner(self.children, self.clock, self._observer(shown)),
            jobs={job.name: job for job in all_jobs()},
            kit_for=self._kit,
            new_id=lambda: event_id(self.clock.now()),
            heard=lambda event, run: self._heard(shown, event, run),
        )

    def begin_backup(self, tier: str, sources: Sequence[str], slot: datetime | None, view: View | None = None) -> Run:
        """Starts a backup of these sources (none named: all) and drives it to its end; without a slot a person asked
        for it. Raises Busy, UsageFault."""
        return self.engine(view).begin(self._new_run_id(), self._request(tier, sources, slot))

    def due_slot(self, tier: str) -> datetime | None:
        """The slot of a tier's schedule that is to be run now, or None."""
        from axejournal.config.effective import dumps
        from axejournal.due import due_slot

        return due_slot(tier, dumps(self.config), self.state / JOURNAL, self.config_path, self.clock.now())

    def resume(self, run: str, reason: str, decision: str | None = None, view: View | None = None) -> Run:
        """Takes up a run whose process died; see Engine.resume."""
        return self.engine(view).resume(run, reason, decision)

    def find_run(self, prefix: str) -> str:
        """The one run whose id begins so. Raises RunUnknown, UsageFault when there are several."""
        from axejournal.journal.reader import find_run

        return find_run(self.state / JOURNAL, prefix).run

    def sweep(self) -> tuple[str, ...]:
        """Empties the staging folder when no run works in it; returns what was there. A run that ended while its
        process was killed leaves its dumps."""
        from axejournal.domain.errors import Busy
        from axejournal.jobs.steps.clear_staging import clear

        staging = self.state / "staging"
        found = tuple(sorted(path.name for path in staging.iterdir())) if staging.is_dir() else ()
        if not found or self.store.open_runs():
            return ()
        try:
            with self.leases.take("staging", "sweep"):
                clear(staging)
        except Busy:
            return ()
        return found

    def open_runs(self) -> tuple[str, ...]:
        """Runs that have not ended and whose process is dead, oldest first."""
        return self.engine().open_runs()

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Inside, Ctrl-C, SIGTERM and a closed terminal cancel the run: its children are ended, then it records that."""
        before = {number: signal.signal(number, self._cancel) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _cancel(self, number: int, _: object) -> None:
        self.children.end_all(signal.Signals(number).name)

    def preview_backup(self, tier: str, sources: Sequence[str]) -> Preview:
        """What `begin_backup` would do; touches nothing."""
        from axejournal.jobs.local_backup import JOB
        from axejournal.jobs.preview import preview

        return preview(JOB, self._kit(Run("preview", self._request(tier, sources, None), "requested", 1, 0)))

    def _request(self, tier: str, sources: Sequence[str], slot: datetime | None) -> RunRequested:
        from axejournal.config.effective import dumps
        from axejournal.engine.schedule import text
        from axejournal.jobs.local_backup import JOB
        from axejournal.jobs.planning import backup_options

        requested_at = self.clock.now().astimezone(ZoneInfo(self.config.timezone))
        return RunRequested(
            job=JOB.name,
            customer=self.config.customer,
            slot=text(slot) if slot else None,
            trigger="schedule" if slot else "operator",
            machine_version=JOB.machine.version,
            program_version=__version__,
            host=socket.gethostname(),
            options=backup_options(self.config, dumps(self.config), tier, sources, requested_at, self.config_path),
        )

    def _kit(self, run: Run) -> BackupKit:
        from axejournal.config.effective import restore
        from axejournal.jobs.plan import BackupKit
        from axejournal.jobs.planning import backup_plan
        from axejournal.programs.disk import SystemDisk
        from axejournal.programs.install import restic_version
        from axejournal.programs.restic_locks import lock_is_dead

        config = restore(run.requested.options["config"])
        plan = backup_plan(config, run.requested.options, self.state)
        repository = self.repository(plan.tier, config)
        return BackupKit(
            plan=plan,
            repository=repository,
            server=lambda source: self.server(source, run.id, config),
            is_dead_lock=lambda lock: lock_is_dead(lock, socket.gethostname()),
            memory=self.memory,
            store=self.store,
            disk=SystemDisk(),
            clock=self.clock,
            restic_version=lambda: ".".join(map(str, restic_version(repository.program))),
        )

    def _observer(self, view: View) -> Observer:
        from axejournal.programs.crash import CrashPoint

        return Watching(self.traces, view, CrashPoint.from_environment())

    def _heard(self, view: View, event: Event, run: Run) -> None:
        if run.outcome is not None:
            self.traces.forget(run.id)
        view.heard(event, run)

    def _new_run_id(self) -> str:
        """Short enough to type, sorted by time: `260520-0300-k3f9` (the customer's wall clock and four characters)."""
        local = self.clock.now().astimezone(ZoneInfo(self.config.timezone))
        return f"{local:%y%m%d-%H%M}-" + "".join(secrets.choice(ALPHABET) for _ in range(4))


class Watching:
    """The engine's observer: keeps traces, shows the view, and dies where a test wants it to."""

    def __init__(self, traces: Traces, view: View, crash: CrashPoint) -> None:
        self._traces = traces
        self._view = view
        self._crash = crash

    def at(self, point: str, step: str) -> None:
        """See Observer."""
        self._crash.at(point, step)

    def progress(self, run: str, step: str, progress: Progress) -> None:
        """See Observer."""
        self._traces.progress(run, step, progress)
        self._view.progress(run, step, progress)


def all_facts() -> tuple[type[Fact], ...]:
    """Every fact that a journal of this axej may hold."""
    from axejournal.domain.events import ENGINE_FACTS
    from axejournal.domain.facts import SHARED_FACTS
    from axejournal.jobs import all_jobs

    return (*ENGINE_FACTS, *SHARED_FACTS, *(fact for job in all_jobs() for fact in job.facts))
