"""A toy job and small real classes for the engine's ports: effects are files in a folder."""

from __future__ import annotations

import contextlib
import itertools
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from axejournal.domain import machine
from axejournal.domain.errors import AxejError, Busy, SourceUnreachable, StaleRunner, WrongPassword
from axejournal.domain.events import Event, Fact, RunDegraded, RunRequested, RunSucceeded
from axejournal.domain.job import Attempt, Job, Resource, RetryPolicy, Stage
from axejournal.engine.execute import Engine
from axejournal.engine.runner import Runner


@dataclass(frozen=True)
class Written(Fact):
    name: str


@dataclass(frozen=True)
class Begun(Fact):
    pass


@dataclass(frozen=True)
class AllWritten(Fact):
    pass


@dataclass(frozen=True)
class Sealed(Fact):
    found: bool = False


class MemoryStore:
    """The EventStore port in a list."""

    def __init__(self):
        self.events: list[Event] = []
        self.facts: dict[str, Fact] = {}
        self.guard = threading.Lock()

    def append(self, run, epoch, after, drafts):
        with self.guard:
            ids = {draft.event_id for draft in drafts}
            if already := tuple(event for event in self.events if event.event_id in ids):
                return already
            own = [event for event in self.events if event.run == run]
            if any(event.epoch > epoch for event in own) or (own[-1].number if own else 0) != after:
                raise StaleRunner(f"run {run} was taken over")
            for number, draft in enumerate(drafts, after + 1):
                self.facts[draft.event_id] = draft.fact
                self.events.append(
                    Event(len(self.events) + 1, draft.event_id, run, number, type(draft.fact).__name__, 1, draft.state,
                          draft.step, draft.attempt, epoch, "p", "b", 0, 0, {}, b"", b"")
                )  # fmt: skip
            return tuple(self.events[-len(drafts) :])

    def stream(self, run):
        return tuple(event for event in self.events if event.run == run)

    def fact(self, event):
        return self.facts[event.event_id]

    def open_runs(self):
        last = {event.run: event.state for event in self.events}
        return tuple(run for run, state in last.items() if state not in ("succeeded", "degraded", "failed", "cancelled"))

    def head(self):
        return "0" * 64

    def write_copy(self, into):
        into.write_text("copy")


class MemoryLeases:
    def __init__(self):
        self.held: dict[str, str] = {}

    @contextlib.contextmanager
    def take(self, resource, run, shared=False, wait_s=0.0):
        if resource in self.held:
            raise Busy(f"{resource} is held by run {self.held[resource]}")
        self.held[resource] = run
        try:
            yield
        finally:
            del self.held[resource]

    def holder(self, resource):
        return self.held.get(resource)


class NoChildren:
    def __init__(self):
        self.why = None
        self.swept = []

    def owned(self, run, record):
        return contextlib.nullcontext()

    def end_all(self, why):
        self.why = why

    def cancelled(self):
        return self.why

    def end_left_behind(self, run, recorded):
        self.swept.append(run)
        return ()


class StillClock:
    def __init__(self):
        self.slept = []

    def now(self):
        return datetime(2026, 5, 20, tzinfo=UTC)

    def monotonic_us(self):
        return 0

    def sleep(self, seconds):
        self.slept.append(seconds)


class Crash(BaseException):
    """The process dies here."""


@dataclass
class CrashAt:
    """Dies at one named instant, once."""

    point: str = ""
    step: str = ""
    seen: list = field(default_factory=list)

    def at(self, point, step):
        self.seen.append((point, step))
        if (point, step) == (self.point, self.step):
            self.point = ""
            raise Crash

    def progress(self, run, step, progress):
        pass


@dataclass(frozen=True)
class Write:
    """Appends a line to a file: doing it twice shows."""

    folder: Path
    what: str
    trouble: dict
    contained: bool = False
    policy: RetryPolicy = RetryPolicy(attempts=3)  # noqa: RUF009

    @property
    def name(self):
        return f"write:{self.what}"

    def act(self, attempt: Attempt) -> Fact:
        failures = self.trouble.get(self.what, [])
        if failures:
            raise failures.pop(0)
        with (self.folder / self.what).open("a") as file:
            file.write("done\n")
        return Written(self.what)

    def probe(self, run):
        return Written(self.what) if (self.folder / self.what).exists() else None


@dataclass(frozen=True)
class Toy:
    folder: Path
    names: tuple[str, ...] = ("a", "b", "c")
    trouble: dict = field(default_factory=dict)
    contained: bool = False


TABLE = machine.build(
    "toy",
    3,
    "requested",
    (
        ("requested", "Begun", "writing"),
        ("writing", "Written", "writing"),
        ("writing", "RunWaits", "waiting"),
        ("waiting", "Written", "writing"),
        ("waiting", "RunWaits", "waiting"),
        ("writing", "AllWritten", "ending"),
        ("ending", "RunSucceeded", "succeeded"),
        ("ending", "RunDegraded", "degraded"),
    ),
    ("succeeded", "degraded"),
    renamed={"scribbling": "writing"},
)


def _writes(run, kit):
    return tuple(Write(kit.folder, name, kit.trouble, kit.contained) for name in kit.names)


def job(at_once=1):
    return Job(
        name="toy",
        title="writes files",
        machine=TABLE,
        stages={
            "requested": Stage(lambda run, kit: (), lambda run: Begun()),
            "writing": Stage(_writes, lambda run: AllWritten(), lambda run: at_once),
            "waiting": Stage(_writes),
            "ending": Stage(
                lambda run, kit: (),
                lambda run: RunDegraded(tuple(step.name for step in run.given_up)) if run.given_up else RunSucceeded(),
            ),
        },
        resources=lambda run: (Resource("paper"),),
        kit=lambda hands, run: hands(),
        tidy=lambda run, kit: (kit.folder / "tidied").touch(),
    )


class Bench:
    """An engine around the toy job, and what it leaves."""

    def __init__(self, folder, at_once=1, **toy):
        self.toy = Toy(folder, **toy)
        self.store, self.leases, self.children = MemoryStore(), MemoryLeases(), NoChildren()
        self.clock, self.observer = StillClock(), CrashAt()
        self.ids = itertools.count()
        self.at_once = at_once
        self.missing = None

    def engine(self):
        return Engine(
            store=self.store,
            leases=self.leases,
            children=self.children,
            runner=Runner(self.children, self.clock, self.observer),
            jobs={"toy": job(self.at_once)},
            hands=self.hands,
            new_id=lambda: f"id{next(self.ids)}",
            heard=lambda event, run: None,
        )

    def hands(self):
        if self.missing:
            raise self.missing
        return self.toy

    def begin(self, run="r1"):
        requested = RunRequested("toy", "axe", None, "operator", 3, "0", "here", {"requested_at": "2026-05-20T03:00+09:00"})
        return self.engine().begin(run, requested)

    def crash(self, point, step):
        """Begins a run that dies there."""
        self.observer.point, self.observer.step = point, step
        with contextlib.suppress(Crash):
            self.begin()
        self.leases.held.clear()  # the kernel gives leases back

    def written(self):
        return {path.name: path.read_text().count("done") for path in self.toy.folder.iterdir() if path.name != "tidied"}

    def names(self):
        return [event.name for event in self.store.events]


def passing():
    return SourceUnreachable("server is down", "Start it.")


def hopeless() -> AxejError:
    return WrongPassword("wrong password", "Type it right.")
