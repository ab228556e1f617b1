"""The one place where the parts meet: a configuration becomes a program that runs jobs."""

from __future__ import annotations

import functools
import secrets
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from axejournal import __version__
from axejournal.app.parts import JOURNAL
from axejournal.app.proof_parts import ProofParts
from axejournal.app.ring_parts import RingParts
from axejournal.domain.events import Event, RunRequested
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.app.cold import Cold
    from axejournal.app.copying import Copying
    from axejournal.app.keys import Keys
    from axejournal.app.paging import Paging
    from axejournal.app.proving import Proving
    from axejournal.app.restoring import Restoring
    from axejournal.app.telling import Telling
    from axejournal.domain.facts.cold import KeyEnrolled
    from axejournal.domain.job import Job
    from axejournal.domain.ports import Progress
    from axejournal.engine.execute import Engine
    from axejournal.engine.runner import Observer
    from axejournal.jobs.keeping_keys import Way
    from axejournal.jobs.preview import Preview
    from axejournal.programs.crash import CrashPoint
    from axejournal.programs.traces import Traces

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


class App(RingParts, ProofParts):
    """The assembled program of one configuration: begins, resumes and previews runs."""

    def engine(self, view: View | None = None) -> Engine:
        """The engine with every job that this axej knows."""
        from axejournal.engine.execute import Engine
        from axejournal.engine.runner import Runner
        from axejournal.jobs import JOBS
        from axejournal.journal.ids import event_id

        shown = view or Unwatched()
        self.sweep_scratch()  # what a dead drill left is ended by whoever works next
        return Engine(
            store=self.store,
            leases=self.leases,
            children=self.children,
            runner=Runner(self.children, self.clock, self._observer(shown)),
            jobs=JOBS,
            hands=self,
            new_id=lambda: event_id(self.clock.now()),
            heard=lambda event, run: self._heard(shown, event, run),
            ended=self.telling.after,
        )

    def begin_backup(self, tier: str, sources: Sequence[str], slot: datetime | None, view: View | None = None) -> Run:
        """Starts a backup of these sources (none named: all) and drives it to its end; without a slot a person asked
        for it. Raises Busy, UsageFault."""
        return self.engine(view).begin(self.new_run_id(), self._request(tier, sources, slot))

    def init_repository(self, tier: str, adopt: bool = False, view: View | None = None) -> Run:
        """Makes a tier's repository (or takes the one that is there) and records its id."""
        from axejournal.config.effective import dumps
        from axejournal.jobs.init_repository import JOB

        options = {"tier": tier, "adopt": adopt, "config": dumps(self.config), "requested_at": self.now_text()}
        return self.engine(view).begin(self.new_run_id(), self.requested(JOB, None, options))

    def due_slot(self, name: str, tier: str | None = None) -> datetime | None:
        """The slot of a schedule (a tier's, drill, check) that is to be run now, or None; see due.due_slot."""
        from axejournal.app.due import due_slot
        from axejournal.config.effective import dumps

        return due_slot(name, dumps(self.config), self.state / JOURNAL, self.config_path, self.clock.now(), tier)

    def resume(self, run: str, reason: str, decision: str | None = None, view: View | None = None) -> Run:
        """Takes up a run whose process died; see Engine.resume. Raises RunStranded for one that another machine began."""
        from axejournal.domain.errors import RunStranded

        if decision != "abandon" and not self._began_here(run):
            raise RunStranded(
                f"run {run} was begun on another machine: this journal is a copy of that one's",
                f'Go on with it there, or end it here with "axej resume {run} --abandon".',
            )
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

        self.traces.sweep(self.store.open_runs)
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

    def open_runs(self, waiting: bool = False) -> tuple[str, ...]:
        """Runs that have not ended and whose process is dead, oldest first; see Engine.open_runs. Those that a recovery had
        begun are gone on with by it, which has the repository's password."""
        found = self.engine().open_runs(waiting)
        return tuple(run for run in found if self._began_here(run) and not self.paging.is_led(run))

    def _began_here(self, run: str) -> bool:
        """By its lease, which no copy of a journal brings along; by the host's name for what never held one."""
        if self.leases.met(f"run:{run}"):
            return True
        stream = self.store.stream(run)
        return not stream or stream[0].data.get("host") in (None, socket.gethostname())

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

        asked = Run("preview", self._request(tier, sources, None), JOB.machine.initial, 1, 0)
        return preview(JOB, JOB.kit(self, asked))

    @functools.cached_property
    def paging(self) -> Paging:
        """Pages of runbooks/, and runs that belong to a step of another."""
        from axejournal.app.paging import Paging

        return Paging(self)

    @functools.cached_property
    def proving(self) -> Proving:
        """Checks of repositories, and drills."""
        from axejournal.app.proving import Proving

        return Proving(self)

    @functools.cached_property
    def restoring(self) -> Restoring:
        """Restores, and takes them back."""
        from axejournal.app.restoring import Restoring

        return Restoring(self)

    @functools.cached_property
    def copies(self) -> Copying:
        """Copies in the other tiers."""
        from axejournal.app.copying import Copying

        return Copying(self)

    @functools.cached_property
    def cold(self) -> Cold:
        """Cold disks."""
        from axejournal.app.cold import Cold

        return Cold(self)

    @functools.cached_property
    def keys(self) -> Keys:
        """Passwords, and where they are kept."""
        from axejournal.app.keys import Keys

        return Keys(self)

    def key_ways(self, options: Mapping[str, Any]) -> Sequence[Way]:
        """See KeyHands."""
        return self.keys.ways(options)

    def enroll(self, run: str, options: Mapping[str, Any]) -> KeyEnrolled:
        """See KeyHands."""
        return self.keys.enroll(run, options)

    @functools.cached_property
    def telling(self) -> Telling:
        """Telling people and outside watches how runs ended."""
        from axejournal.app.telling import Telling

        return Telling(self)

    def _request(self, tier: str, sources: Sequence[str], slot: datetime | None) -> RunRequested:
        from axejournal.config.effective import dumps
        from axejournal.jobs.local_backup import JOB
        from axejournal.jobs.planning import backup_options

        options = backup_options(self.config, dumps(self.config), tier, sources, self.now_text(), self.config_path)
        return self.requested(JOB, slot, options)

    def requested(self, job: Job[Any], slot: datetime | None, options: Mapping[str, Any]) -> RunRequested:
        """The first fact of a run to come."""
        from axejournal.engine.schedule import text

        return RunRequested(
            job=job.name,
            customer=self.config.customer,
            slot=text(slot) if slot else None,
            trigger="schedule" if slot else "operator",
            machine_version=job.machine.version,
            program_version=__version__,
            host=socket.gethostname(),
            options=self.paging.marked(options),
        )

    def now_text(self) -> str:
        """The present moment in the customer's zone, ISO 8601."""
        return self.clock.now().astimezone(ZoneInfo(self.config.timezone)).isoformat(timespec="seconds")

    def _observer(self, view: View) -> Observer:
        from axejournal.programs.crash import CrashPoint

        return Watching(self.traces, view, CrashPoint.from_environment())

    def _heard(self, view: View, event: Event, run: Run) -> None:
        if run.outcome is not None:
            self.traces.forget(run.id)
        view.heard(event, run)
        if event.name == "RunStarted":
            self.telling.started(run)
        if event.name in ("RunWaits", "PasswordNeeded"):
            self.telling.after(run)

    def new_run_id(self) -> str:
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
