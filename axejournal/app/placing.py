"""Gives a recovered configuration and journal their places. What is there is moved aside, never overwritten.

The journal comes last, by one rename, with the run `recover` begun in it: before that everything may be begun again from the
start, after it the run is resumed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axejournal.app.parts import JOURNAL
from axejournal.domain.errors import RunStranded
from axejournal.domain.events import Fact, OperatorDecided, RunFailed
from axejournal.domain.facts import PointMade, SnapshotTaken, SnapshotVerified
from axejournal.domain.facts.recover import JournalRecovered
from axejournal.domain.machine import FAILED
from axejournal.domain.ports import Draft, EventStore

if TYPE_CHECKING:
    from axejournal.app.app import App
    from axejournal.app.recovering import Plan
    from axejournal.config.models import Config

COMPANIONS = ("", "-wal", "-shm")
"""What belongs to a journal's file, by its name's ending."""
ANOTHER_LIFE = "it belongs to another machine's life, which ended: this journal came out of a repository"


@dataclass
class Placing:
    """One recovery's beginning. `at` is told of instants, for tests that kill there. `part_of`: the step of a page for which
    it is begun; see naked."""

    plan: Plan
    config_path: Path
    at: Callable[[str, str], None]
    part_of: tuple[str, str] | None = None
    aside: list[str] = field(default_factory=list)

    def begin(self) -> tuple[App, str]:
        """The assembled program of the recovered configuration, and the run to resume. Raises ConfigurationFault,
        JournalDamaged."""
        from axejournal.app.app import App
        from axejournal.config.load import load

        run = App(self.plan.memory.config, self.config_path).new_run_id()
        self._place_configuration(run)
        self.at("effect", "place:configuration")
        app = App(load(self.config_path), self.config_path)
        app.paging.link = self.part_of
        self._place_journal(app, run)
        self.at("effect", "place:journal")
        app.paging.link = None
        return app, run

    def _place_configuration(self, run: str) -> None:
        self.config_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for source, target in configuration_places(self.plan, self.config_path):
            if target.is_file() and target.read_bytes() == source.read_bytes():
                continue  # an earlier beginning of this recovery put it there
            self._move_aside(target, run)
            made = target.with_name(f"{target.name}.recovered")
            shutil.copyfile(source, made)
            made.chmod(0o600)
            _put_in_place(made, target)

    def _place_journal(self, app: App, run: str) -> None:
        from axejournal.journal import database, place
        from axejournal.journal.locks import WriterLock

        target = app.state / JOURNAL
        place.check_folder(target)
        staged = target.with_name(f"{JOURNAL}.recovered")
        for ending in (*COMPANIONS, ".lock"):
            staged.with_name(staged.name + ending).unlink(missing_ok=True)
        shutil.copyfile(self.plan.memory.journal, staged)
        staged.chmod(0o600)
        found = [f"{target} -> {_aside(target, run)}"] if target.exists() else []
        self._begin_in(app, staged, run, (*self.aside, *found))
        self.at("effect", "begin:journal")
        with WriterLock(database.lock_path(target)).held():
            self._keep_journal(target, run)
            place.put_in_place(staged, target)
        staged.with_name(staged.name + ".lock").unlink(missing_ok=True)

    def _begin_in(self, app: App, staged: Path, run: str, aside: tuple[str, ...]) -> None:
        from axejournal.app.naked import take_over
        from axejournal.domain.facts.known import KNOWN_FACTS
        from axejournal.jobs.recover import JOB
        from axejournal.journal.store import Store
        from axejournal.programs import process

        me, boot = process.own_name(), process.boot_id()
        store = Store(staged, KNOWN_FACTS, clock=app.clock, process_name=me, boot_id=boot)
        try:
            old = store.open_runs()
            requested = app.requested(JOB, None, recover_options(app, self.plan))
            facts = ((requested, JOB.machine.initial), (self._recovered(store, old, aside), "restoring"))
            take_over(self.config_path, app, store)
            store.append(run, 1, 0, [_draft(app, fact, state) for fact, state in facts])
            self._finish_backup(app, store, old)
            for one in old:
                self._abandon(app, store, one)
        finally:
            store.close()

    def _finish_backup(self, app: App, store: EventStore, old: tuple[str, ...]) -> None:
        """The journal's copy was made before its own snapshot, whose backup never learned here that it was taken and looked
        into. We have looked into it: what comes back from it is a restore point, of this repository."""
        snapshot = self.plan.memory.snapshot
        run = snapshot.tag("run") or ""
        points = [point for point in self.plan.points if (point.run, point.snapshot) == (run, snapshot.id)]
        if run not in old or not points:
            return
        last, tier = store.stream(run)[-1], self.plan.origin.tier
        taken = SnapshotTaken(
            snapshot=snapshot.id,
            repository=self.plan.repository,
            size_bytes=snapshot.size_bytes or 0,
            added_bytes=snapshot.added_bytes or 0,
            stored_bytes=snapshot.stored_bytes or 0,
            files=snapshot.files or 0,
            journal_head=snapshot.tag("head") or "",
        )
        made = tuple(PointMade(one.source, one.kind, one.paths, one.size_bytes, one.files) for one in points)
        looked = SnapshotVerified(snapshot.id, self.plan.repository, tier, points[0].at.isoformat(), made)
        drafts = [_draft(app, taken, "verifying", "snapshot"), _draft(app, looked, "retaining", "verify")]
        store.append(run, last.epoch + 1, last.number, drafts)

    def _abandon(self, app: App, store: EventStore, run: str) -> None:
        """Nothing that the lost machine had begun is gone on with here."""
        last = store.stream(run)[-1]
        failure = RunStranded(f"run {run} is ended: {ANOTHER_LIFE}")
        ended = RunFailed.of(failure)
        drafts = [_draft(app, OperatorDecided("abandon", ANOTHER_LIFE), last.state), _draft(app, ended, FAILED)]
        store.append(run, last.epoch + 1, last.number, drafts)

    def _recovered(self, store: EventStore, old: tuple[str, ...], aside: tuple[str, ...]) -> JournalRecovered:
        plan, snapshot = self.plan, self.plan.memory.snapshot
        return JournalRecovered(
            tier=plan.origin.tier,
            place=plan.origin.place,
            repository=plan.repository,
            snapshot=snapshot.id,
            backup=snapshot.tag("run") or "",
            host=snapshot.host,
            events=plan.memory.verdict.events,
            head=store.head(),
            heads=plan.heads[0],
            abandoned=old,
            aside=aside,
        )

    def _keep_journal(self, target: Path, run: str) -> None:
        """A whole copy first: the file alone lacks what is in its log, and the log must not meet the new file."""
        from axejournal.domain.errors import AxejError
        from axejournal.journal import database, readonly

        if target.exists():
            try:
                with readonly.opened(target) as connection:
                    database.copy_into(connection, _aside(target, run))
                for ending in reversed(COMPANIONS):
                    target.with_name(target.name + ending).unlink(missing_ok=True)
            except AxejError:  # it can't be read: it is kept as it is
                pass
        for ending in COMPANIONS:
            part = target.with_name(target.name + ending)
            if part.exists():
                part.rename(_aside(target, run).with_name(_aside(target, run).name + ending))

    def _move_aside(self, target: Path, run: str) -> None:
        if target.exists():
            target.rename(_aside(target, run))
            self.aside.append(f"{target} -> {_aside(target, run)}")


def configuration_places(plan: Plan, config_path: Path) -> list[tuple[Path, Path]]:
    """Each file of the configuration and where it belongs: axej.yaml where this axej looks for it, customers.yaml where
    that one says, axej.yaml last."""
    from axejournal.app.recovering import CONFIGURATION
    from axejournal.config import tree

    files = {path.name: path for path in plan.memory.files}
    main = files.pop(CONFIGURATION, None) or files.pop(next(iter(files)))
    values = tree.read(main).values
    named = values.get("customers") if isinstance(values, dict) else None
    places = []
    for name, path in files.items():
        told = Path(named).expanduser() if isinstance(named, str) and Path(named).name == name else Path(name)
        places.append((path, config_path.parent / told))
    return [*places, (main, config_path)]


def work_folder(config_path: Path) -> Path:
    """Where a recovery fetches what it looks at, until that has its place."""
    return config_path.parent / ".axej-recovery"


def recover_options(app: App, plan: Plan) -> dict[str, Any]:
    """What a recovery records: the restores to come, each with its restore point."""
    from axejournal.config.effective import dumps
    from axejournal.domain.asof import AsOf
    from axejournal.jobs.restore_orders import point_options

    origin, asked = plan.origin, AsOf("the newest")
    each = [{"source": one.source, "kind": one.kind, "point": point_options(one, asked)} for one in plan.points]
    restore = {
        "requested_at": app.now_text(),
        "tier": origin.tier,
        "as_of": origin.as_of or "the newest",
        "into": None,
        "path": None,
        "table": None,
        "only_missing": False,
        "opened_as": opened_as(origin.place),
        "config": with_repository(app.config, dumps(app.config), plan),
    }
    return {
        "requested_at": app.now_text(),
        "tier": origin.tier,
        "typed": not origin.password,
        "work": str(work_folder(app.config_path)),
        "restore": restore,
        "each": each,
        "left_out": dict(plan.left_out),
    }


def opened_as(place: str) -> str:
    """The name, in the configuration of the restores, of the tier that the repository is."""
    from axejournal.app.recovering import OPENED_AS

    return OPENED_AS if place else ""


def with_repository(config: Config, effective: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """The configuration of the restores: with the repository that was named as a tier of its own, whatever the configured
    tiers need (a Keychain that this machine does not have)."""
    from axejournal.programs.secrets.typed import pipe_path

    origin = plan.origin
    password = dict(origin.password) or {"file": str(pipe_path(config.state))}
    tier = {"kind": "ring", "repository": origin.place, "password": password, "schedule": "0 0 * * *"}
    if origin.identity:
        tier["identity"] = str(origin.identity)
    if origin.credentials:
        tier["credentials"] = str(origin.credentials)
    return {**effective, "tiers": {**effective["tiers"], opened_as(origin.place): tier}}


def _draft(app: App, fact: Fact, state: str, step: str | None = None) -> Draft:
    from axejournal.journal.ids import event_id

    return Draft(event_id(app.clock.now()), fact, state, step, None)


def _aside(target: Path, run: str) -> Path:
    return target.with_name(f"{target.name}.before-{run}")


def _put_in_place(made: Path, target: Path) -> None:
    from axejournal.journal import place

    place.put_in_place(made, target)
