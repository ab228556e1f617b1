"""The passwords of one configuration's repositories: where each is kept, what backs that up, whether it opens anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axejournal.domain.errors import UsageFault, WrongPassword
from axejournal.domain.facts.cold import MACHINE, KeyEnrolled
from axejournal.domain.key_loops import PAPER, circles, dead_ends
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.app.app import App, View
    from axejournal.jobs.keeping_keys import Way
    from axejournal.journal.disks import DiskRow
    from axejournal.programs.restic.repository import Password, ResticRepository

JOURNAL = "journal.sqlite"


@dataclass(frozen=True)
class KeyRow:
    """One password of one repository. `proven_at`: when it opened it the last time; `kind`: as KeyProven has it; `behind`:
    since when other disks have another one on paper."""

    tier: str
    disk: str
    kind: str
    kept: str
    proven_at: datetime | None
    behind: datetime | None = None


@dataclass(frozen=True)
class KeyStanding:
    """All passwords, the circles among them, and the tiers whose password is in one place only."""

    rows: tuple[KeyRow, ...]
    circles: tuple[tuple[str, ...], ...]
    single: tuple[str, ...]


@dataclass(frozen=True)
class Turn:
    """One repository that is to get another password. `disk`, `as_of`: of a cold disk; see KeysRenewed."""

    tier: str
    disk: str = ""
    as_of: str = ""


@dataclass(frozen=True)
class StoredWay:
    """A password that is stored somewhere: restic fetches it."""

    app: App
    tier: str
    kind: str
    disk: str = ""

    def open(self, run: str) -> str:
        """See Way."""
        if not self.disk:
            return self.app.repository(self.tier).identity()
        found = self.app.cold_disk(self.tier, self.disk)
        found.look()
        found.open_by_machine()
        return found.repository.identity()


@dataclass(frozen=True)
class PaperWay:
    """A password on paper: a person types it."""

    app: App
    tier: str
    disk: str = ""
    kind: str = PAPER

    def open(self, run: str) -> str:
        """See Way."""
        opened: list[str] = []
        if self.disk:
            found = self.app.cold_disk(self.tier, self.disk)
            found.look()
            row = found.recorded()
            self.app.password_desk.receive(run, row.asked if row else f"disk {self.disk}", found.open_by, lambda: True)
            return found.repository.identity()

        def attempt(typed: str) -> None:
            from axejournal.programs.process_hidden import HeldPassword, Hidden

            opened.append(_with(self.app.repository(self.tier), HeldPassword(Hidden(typed))).identity())

        self.app.password_desk.receive(run, f"tier {self.tier}", attempt, lambda: True)
        return opened[-1]


@dataclass(frozen=True)
class Keys:
    """What an assembled program does with passwords."""

    app: App

    def standing(self) -> KeyStanding:
        """Told from the configuration and the journal; opens nothing. Raises JournalDamaged, JournalNewer."""
        from axejournal.app.key_ways import key_ways
        from axejournal.journal.disks import disks, key_proofs
        from axejournal.journal.reader import standing as points_of_each
        from axejournal.programs.secrets.source import PasswordSource

        config, path = self.app.config, self.app.state / JOURNAL
        proven = {(one.tier, one.disk, one.kind): one.proven_at for one in key_proofs(path, config.customer)}
        recorded = disks(path, config.customer)
        rows = []
        for name, tier in config.tiers.items():
            if tier.kind == "cold":
                for row in recorded:
                    if row.tier != name:
                        continue
                    last = proven.get((name, row.disk, PAPER), row.recorded_at)
                    rows.append(KeyRow(name, row.disk, PAPER, "paper", last, row.behind))
                    if row.machine_key is not None and tier.machine_key is not None:
                        kept = str(PasswordSource.of(tier.machine_key.reference))
                        rows.append(KeyRow(name, row.disk, MACHINE, kept, proven.get((name, row.disk, MACHINE))))
                continue
            kept = str(PasswordSource.of(tier.password.reference))
            rows.append(KeyRow(name, "", kept, kept, proven.get((name, "", kept))))
            if (on_paper := proven.get((name, "", PAPER))) is not None:
                rows.append(KeyRow(name, "", PAPER, "paper", on_paper))
        held = {(point.tier, point.source) for point, _ in points_of_each(path, config.customer)}
        ways = key_ways(config, {row.tier for row in rows if row.kind == PAPER}, held)
        tiers = [name for name, _ in config.tiers.items()]
        return KeyStanding(tuple(rows), circles(ways), dead_ends(ways, tiers))

    def verify(self, paper: bool, tier: str | None, view: View | None = None) -> Run:
        """Tries each password that is stored, or those on paper. Raises UsageFault, Busy."""
        from axejournal.jobs.keeping_keys import VERIFY_JOB

        options = {"paper": paper, "tier": tier, "requested_at": self.app.now_text()}
        tiers = [name for name, _ in self.app.config.tiers.items()]
        if tier not in (None, *tiers):
            raise UsageFault(f"no tier is called {tier}", f"Write one of {', '.join(tiers)}.")
        if not self.ways(options):
            raise UsageFault("there is no password to try", "Connect a cold disk, or name another tier.")
        return self.app.engine(view).begin(self.app.new_run_id(), self.app.requested(VERIFY_JOB, None, options))

    def ways(self, options: Mapping[str, Any]) -> Sequence[Way]:
        """What is to be tried: of cold disks those that are connected."""
        from axejournal.programs.secrets.source import PasswordSource

        config, paper = self.app.config, bool(options["paper"])
        found: list[Way] = []
        for name, tier in config.tiers.items():
            if options["tier"] not in (None, name):
                continue
            if tier.kind != "cold":
                kept = str(PasswordSource.of(tier.password.reference))
                found.append(PaperWay(self.app, name) if paper else StoredWay(self.app, name, kept))
                continue
            for row in self.app.disk_rows(name):
                if not self._is_connected(row):
                    continue
                if paper:
                    found.append(PaperWay(self.app, name, row.disk))
                elif row.machine_key is not None and tier.machine_key is not None:
                    found.append(StoredWay(self.app, name, MACHINE, row.disk))
        return found

    def turns(self, tier: str) -> tuple[Turn, ...]:
        """What is to be rotated now: a tier's repository; of cold disks those that are connected and lack the newest password
        on paper, or, where none lacks it, all that are connected: there is one password for all disks. Raises UsageFault,
        DiskMissing."""
        from axejournal.app.key_rotation import rotation_of
        from axejournal.domain.errors import DiskMissing

        rotation_of(self.app, {"tier": tier})
        if dict(self.app.config.tiers.items())[tier].kind != "cold":
            return (Turn(tier),)
        rows = [row for row in self.app.disk_rows(tier) if self._is_connected(row)]
        if not rows:
            raise DiskMissing(f"no recorded disk of tier {tier} is connected", "Connect one; the others get their turn later.")
        begun = [turn.as_of for turn in self._begun() if turn.tier == tier]
        newest = [row.behind.isoformat() for row in rows if row.behind]
        as_of = (*begun, *newest, self.app.clock.now().isoformat())[0]
        return tuple(Turn(tier, row.disk, as_of) for row in rows if row.paper_since < datetime.fromisoformat(as_of))

    def is_typed(self, turn: Turn) -> bool:
        """Whether a person types the new password: not in the middle of a rotation, which may go on without."""
        from axejournal.app.key_rotation import FileRotation, rotation_of

        begun = any((one.tier, one.disk) == (turn.tier, turn.disk) for one in self._begun())
        return not begun and not isinstance(rotation_of(self.app, {"tier": turn.tier, "disk": turn.disk}), FileRotation)

    def rotate(self, turn: Turn, view: View | None = None) -> Run:
        """Gives a repository another password; a rotation that was interrupted is gone on with. Raises UsageFault, Busy."""
        from axejournal.jobs.rotating_keys import JOB

        for begun, run in self._begun().items():
            if (begun.tier, begun.disk) == (turn.tier, turn.disk):
                return self.app.resume(run, "the rotation was asked for again", view=view)
        options = {"tier": turn.tier, "disk": turn.disk, "as_of": turn.as_of, "requested_at": self.app.now_text()}
        return self.app.engine(view).begin(self.app.new_run_id(), self.app.requested(JOB, None, options))

    def _begun(self) -> dict[Turn, str]:
        """Rotations that have not ended, and their runs."""
        from axejournal.jobs.rotating_keys import NAME
        from axejournal.journal import reader

        found, path = {}, self.app.state / JOURNAL
        for row in reader.runs(path, job=NAME, customer=self.app.config.customer, outcome="open", limit=None):
            options = reader.run_events(path, row.run, limit=1)[0].data["options"]
            found[Turn(*(str(options.get(name) or "") for name in ("tier", "disk", "as_of")))] = row.run
        return found

    def _is_connected(self, row: DiskRow) -> bool:
        tier = dict(self.app.config.tiers.items())[row.tier]
        return tier.kind == "cold" and row.disk in tier.disks and self.app.volumes.mark(tier.disks[row.disk]) is not None

    def begin_enroll(self, tier: str, disk: str, view: View | None = None) -> Run:
        """Adds the machine's key to the connected disk. Raises UsageFault, Busy."""
        from axejournal.app.cold_disks import cold_tier
        from axejournal.jobs.keeping_keys import ENROLL, ENROLL_JOB

        if cold_tier(self.app.config, tier).machine_key is None:
            hint = "Write machine_key: {keychain: axe.backup.restic.cold} there, or {file: PATH}."
            raise UsageFault(f"axej.yaml names no machine_key for tier {tier}", hint)
        self.app.cold_disk(tier, disk)
        if (run := self.app.cold.open_run(ENROLL, tier, disk)) is not None:
            return self.app.resume(run, "the key was to be added again", view=view)
        options = {"tier": tier, "disk": disk, "requested_at": self.app.now_text()}
        return self.app.engine(view).begin(self.app.new_run_id(), self.app.requested(ENROLL_JOB, None, options))

    def enroll(self, run: str, options: Mapping[str, Any]) -> KeyEnrolled:
        """See KeyHands."""
        from axejournal.programs.process_hidden import Hidden
        from axejournal.programs.restic.disk import add_key, full_key, remove_key
        from axejournal.programs.secrets.reading import read
        from axejournal.programs.secrets.source import PasswordSource

        tier, disk = str(options["tier"]), str(options["disk"])
        found = self.app.cold_disk(tier, disk)
        found.look()
        assert found.settings.machine_key is not None
        source, row = PasswordSource.of(found.settings.machine_key.reference), found.recorded()
        _make_file(source.kind, source.value)
        secret = Hidden(read(source, 30))
        try:
            found.open_by_machine()
            key = full_key(found.repository)
        except WrongPassword:
            self.app.password_desk.receive(run, row.asked if row else f"disk {disk}", found.open_by, found.is_there)
            key = add_key(found.repository, secret)
            found.open_by_machine()  # tried now, and remembered for the next sync
        there, before = found.keys(), row.machine_key if row else None
        if before is not None and before != key and before in there:
            remove_key(found.repository, before)  # of the secret that was in its place: nobody has it any more
        return KeyEnrolled(tier, disk, found.repository.identity(), key, found.keys())


def _make_file(kind: str, value: str | tuple[str, ...]) -> None:
    """A random password, where a file is named for it that is not there yet."""
    import secrets

    from axejournal.programs.disk import write_durable

    path = Path(value if isinstance(value, str) else value[0]).expanduser()
    if kind != "file" or path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durable(path, (secrets.token_urlsafe(30) + "\n").encode())


def _with(repository: ResticRepository, password: Password) -> ResticRepository:
    from dataclasses import replace

    return replace(repository, password=password, cache_dir=None, answered={})
