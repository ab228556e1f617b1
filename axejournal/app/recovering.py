"""A lost machine out of a repository: what is found there, what would come back, and the beginning of the run that does it.

Up to the moment in which the journal gets its place everything is looked at or fetched beside it, and may be begun again
from the start; from that moment on the run `recover` is in that journal, and is resumed as any other.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axejournal.app.parts import JOURNAL
from axejournal.domain import asof
from axejournal.domain.errors import JournalDamaged, RestorePointMissing, UsageFault
from axejournal.domain.ports import Repository, Snapshot
from axejournal.jobs.tagged import TaggedPoint, is_backup, memory_folder, sized, tagged_points, time_of

if TYPE_CHECKING:
    from axejournal.config.models import Config
    from axejournal.journal.verify import Verdict

CONFIGURATION = "axej.yaml"
NO_HEAD = "0" * 64
OPENED_AS = "recovery"
"""The name of the tier, in the configuration of its restores, that is the repository that was named."""


@dataclass(frozen=True)
class Origin:
    """Where a machine comes back from. `password`: where restic finds it, as the configuration would say it; {} when a person
    types it. `place` None: the tier of the configuration that is there. `credentials`: the file with the place's own login."""

    tier: str
    place: str
    password: Mapping[str, Any]
    identity: Path | None = None
    credentials: Path | None = None
    customer: str | None = None
    as_of: str | None = None


@dataclass(frozen=True)
class Memory:
    """What a snapshot holds for a new machine, fetched into `folder` and verified. `files`: of the configuration."""

    folder: Path
    snapshot: Snapshot
    config: Config
    files: tuple[Path, ...]
    verdict: Verdict

    @property
    def journal(self) -> Path:
        """The copy of the journal."""
        return self.folder / JOURNAL


@dataclass(frozen=True)
class Plan:
    """What would come back: each source with its restore point. `left_out`: sources without one, and why."""

    origin: Origin
    repository: str
    memory: Memory
    points: tuple[TaggedPoint, ...]
    left_out: Mapping[str, str]
    heads: tuple[int, int]  # of the journal that snapshots hold: how many are in this one, of how many
    versions: tuple[str, ...] = ()  # of the servers that were dumped


@dataclass(frozen=True)
class Finding:
    """Looks into a repository, and fetches below `work`, which is emptied first."""

    origin: Origin
    repository: Repository
    work: Path
    at: Callable[[str, str], None] = field(default=lambda point, step: None)

    def plan(self) -> Plan:
        """Raises RepositoryMissing, WrongPassword, RestorePointMissing, JournalDamaged, JournalNewer, ConfigurationFault,
        UsageFault when a repository holds several customers and none was named."""
        from axejournal.journal.links import heads_in

        identity = self.repository.identity()
        backups = self._backups()
        newest = backups[-1]
        memory = self._memory(newest, backups)
        points, left_out = self._points(memory, identity, backups)
        heads = {head for one in backups if (head := one.tag("head"))}
        met = heads_in(memory.journal, heads)
        return Plan(self.origin, identity, memory, points, left_out, (met, len(heads)), _versions(memory, points))

    def _backups(self) -> tuple[Snapshot, ...]:
        """The customer's backups up to the moment asked for, oldest first; at least one."""
        found = [one for one in self.repository.snapshots() if is_backup(one, self.origin.customer) and memory_folder(one)]
        customers = sorted({str(one.tag("customer")) for one in found})
        where = f"repository {self.repository.place}"
        if not found:
            whose = f" of customer {self.origin.customer}" if self.origin.customer else ""
            raise RestorePointMissing(f"{where} holds no backup of axej's{whose}", "Look at its snapshots: restic snapshots.")
        if len(customers) > 1:
            raise UsageFault(f"{where} holds backups of {', '.join(customers)}", 'Name one of them: "--customer NAME".')
        dated = sorted(found, key=lambda one: time_of(one) or datetime.max.replace(tzinfo=UTC))
        if not self.origin.as_of:
            return tuple(dated)
        return tuple(one for one in dated if _is_until(one, self.origin.as_of)) or _none_until(dated, self.origin.as_of)

    def _memory(self, snapshot: Snapshot, backups: Sequence[Snapshot]) -> Memory:
        from axejournal.config.load import load
        from axejournal.journal.verify import Anchor, verify

        inside = memory_folder(snapshot)
        assert inside is not None
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True, mode=0o700)
        self.at("intent", "fetch:memory")
        self.repository.restore(snapshot.id, [inside], self.work, lambda progress: None)
        self.at("effect", "fetch:memory")
        folder = self.work / inside.lstrip("/")
        anchor = Anchor(snapshot.tag("head") or NO_HEAD, None, f"snapshot {snapshot.id[:8]}")
        verdict = verify(folder / JOURNAL, [anchor])
        if not verdict.sound:
            raise JournalDamaged(
                f"the journal's copy in snapshot {snapshot.id[:8]} is not what was written: {verdict.faults[0].what}",
                "Nothing was touched. Take the copy in an older snapshot: --as-of WHEN.",
            )
        self.at("effect", "verify:journal")
        files = tuple(sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml")))
        return Memory(folder, snapshot, load(_readable(folder, files)), files, verdict)

    def _points(
        self, memory: Memory, identity: str, backups: Sequence[Snapshot]
    ) -> tuple[tuple[TaggedPoint, ...], dict[str, str]]:
        """For each source the newest that holds it, in the order of the configuration."""
        known = tagged_points(memory.config, backups, identity, proofs(memory.journal))
        chosen, left_out = [], {}
        for name in memory.config.sources:
            mine = [point for point in known if point.source == name]
            point = sized(self.repository, mine[-1]) if mine else None
            if point is None:
                left_out[name] = "no snapshot in this repository holds it"
            elif point.kind == "volume":
                hint = f'"axej restore --target {name} --tier {self.origin.tier}" puts it beside'
                left_out[name] = f"snapshot {point.snapshot[:8]} holds its stopped server's volume, no dump; {hint}"
            else:
                chosen.append(point)
        return tuple(chosen), left_out


def proofs(journal: Path) -> dict[tuple[str, str], str]:
    """(snapshot, source) -> how far it was shown good, as a journal knows. Raises JournalDamaged, JournalNewer."""
    from axejournal.journal.reader import points

    return {(point.snapshot, point.source): point.proof for point in points(journal, removed=True)}


def _is_until(snapshot: Snapshot, text: str) -> bool:
    moment = time_of(snapshot)
    assert moment is not None
    asked = asof.parse(text, "UTC", datetime.max.replace(tzinfo=UTC) - timedelta(days=2))
    if asked.run is not None:
        return bool((snapshot.tag("run") or "").startswith(asked.run))
    if asked.until is None:
        raise UsageFault("--as-of last-valid needs a journal, and that is what comes back", asof.FORMS)
    wall = moment.replace(tzinfo=UTC) if "+" not in text and not text.endswith("Z") else moment
    return wall <= asked.until


def _none_until(dated: Sequence[Snapshot], text: str) -> tuple[Snapshot, ...]:
    first = dated[0]
    raise RestorePointMissing(
        f"no backup is at or before {text}; the oldest is {first.tag('slot')}", f"Take that one: --as-of {first.tag('run')}"
    )


def _readable(folder: Path, files: tuple[Path, ...]) -> Path:
    """The configuration as it can be loaded from here: customers.yaml beside it, whatever path it names."""
    from axejournal.config import tree

    main = next((path for path in files if path.name == CONFIGURATION), files[0] if len(files) == 1 else None)
    if main is None:
        raise RestorePointMissing(f"the snapshot holds no {CONFIGURATION}", "Take an older one: --as-of RUN.")
    values = tree.read(main).values
    if isinstance(values, dict) and isinstance(values.get("customers"), str):
        values["customers"] = Path(values["customers"]).name
        (folder / "read").mkdir(exist_ok=True)
        for path in files:
            shutil.copyfile(path, folder / "read" / path.name)
        main = folder / "read" / main.name
        main.write_text(tree.write(values), encoding="utf-8")
    return main


def _versions(memory: Memory, points: Sequence[TaggedPoint]) -> tuple[str, ...]:
    """The servers' versions, as the journal knows of these dumps."""
    from axejournal.journal import reader

    found = set()
    for run in {point.run for point in points}:
        for event in reader.run_events(memory.journal, run):
            if event.name == "DatabaseDumped":
                found.add(str(event.data["server_version"]).split(".")[0])
    return tuple(sorted(found))


@contextmanager
def look(origin: Origin, work: Path, typed: str | None) -> Iterator[tuple[Plan, Callable[[str, str], None]]]:
    """What a repository holds for this machine, fetched below `work`. `typed`: its password, when a person typed it. Raises
    what Finding.plan raises, ProgramMissing."""
    from axejournal.programs.crash import CrashPoint
    from axejournal.programs.install import require_restic
    from axejournal.programs.restic.place import opened
    from axejournal.programs.secrets.source import PasswordSource
    from axejournal.programs.secrets.typed import held, pipe_path
    from axejournal.programs.ssh.plain import way_to

    program, _ = require_restic(None)
    at = CrashPoint.from_environment().at
    with ExitStack() as stack:
        reference = dict(origin.password)
        if typed is not None:
            stack.enter_context(held(pipe_path(work.parent), typed))
            reference = {"file": str(pipe_path(work.parent))}
        password, way = PasswordSource.of(reference), way_to(origin.place, origin.identity)
        repository = opened(origin.credentials, program, origin.place, password, way=way)
        yield Finding(origin, repository, work, at).plan(), at
