"""Runs a source's own checks against its scratch server, with an environment that names that server and nothing else."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from axejournal.config.commands import Command
from axejournal.domain.facts.drill import CheckResult, DrillPoint, ScratchChecked, ScratchReady
from axejournal.domain.job import ONCE, Attempt, RetryPolicy
from axejournal.domain.run import Run
from axejournal.jobs.drill_plan import DrillKit, Round
from axejournal.jobs.steps.drill_restore import Place, ensure_loaded, place_of
from axejournal.jobs.steps.staging import NOT_PLAIN

LAST_WORDS = 200
KEPT_OUTPUT = 2000  # of a check that did not pass, in the journal


@dataclass(frozen=True)
class CheckSource:
    """One command of `drill.checks`, numbered from 1. Its verdict is a fact, whatever it is."""

    kit: DrillKit
    round: Round
    point: DrillPoint
    number: int
    policy: RetryPolicy = ONCE
    contained: bool = True

    @property
    def name(self) -> str:
        return self.round.step("check", self.point, f":{self.number}")

    def probe(self, run: Run) -> ScratchChecked | None:
        """Checking may be done twice."""
        return None

    def act(self, attempt: Attempt) -> ScratchChecked:
        """Raises what reaching the scratch server raises."""
        command = self.kit.database(self.point).drill.checks[self.number - 1]
        place, database = reached(self.kit, self.round, self.point, attempt)
        result, output = judged(self.kit, command, environment(self.kit, place, database))
        return ScratchChecked(self.round.tier, self.point.source, result, output)


@dataclass(frozen=True)
class ExportSource:
    """`drill.export`: what is exported is, byte for byte, what the database holds."""

    kit: DrillKit
    round: Round
    point: DrillPoint
    policy: RetryPolicy = ONCE
    contained: bool = True

    @property
    def name(self) -> str:
        return self.round.step("export", self.point)

    def probe(self, run: Run) -> ScratchChecked | None:
        """Exporting is done again, into an empty folder."""
        return None

    def act(self, attempt: Attempt) -> ScratchChecked:
        """Raises what reaching the scratch server raises."""
        export = self.kit.database(self.point).drill.export
        assert export is not None
        place, database = reached(self.kit, self.round, self.point, attempt)
        folder = self.kit.folder / "export" / self.point.source.translate(NOT_PLAIN)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        begin_us = self.kit.clock.monotonic_us()
        variables = environment(self.kit, place, database) | {"AXEJ_EXPORT": str(folder)}
        result, output = judged(self.kit, export.run, variables)
        if result.passed:
            rows = self.kit.scratch.rows(place.scratch, place.order, database, export.hashes)
            wanted = Counter(str(row.get("sha256")) for row in rows)
            result = compare_export(wanted, hashes_of(folder))
        shutil.rmtree(folder, ignore_errors=True)
        took_s = round((self.kit.clock.monotonic_us() - begin_us) / 1e6, 3)
        return ScratchChecked(
            self.round.tier, self.point.source, CheckResult("export", result.passed, result.detail, took_s), output
        )


def reached(kit: DrillKit, round_: Round, point: DrillPoint, attempt: Attempt) -> tuple[Place, str]:
    """The scratch server with the source's database in it, and that database's name."""
    place = place_of(kit, point, round_.fact(ScratchReady, "scratch", point))
    return place, ensure_loaded(kit, round_.tier, point, place, attempt).plan.restored


def environment(kit: DrillKit, place: Place, database: str) -> dict[str, str]:
    """All that a command is told: where the scratch server is. No password, no password file, no service file, a home that
    is empty: there are no credentials of a live server to be found in it."""
    home = kit.folder / "home"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("pgpass", "pg_service.conf"):
        (home / name).touch(mode=0o600)
    scratch = place.scratch
    named = {"AXEJ_SCRATCH_CONTAINER": scratch.container} if scratch.container else {}
    return {
        "HOME": str(home),
        "PGHOST": str(scratch.socket),
        "PGPORT": str(scratch.port),
        "PGUSER": scratch.user,
        "PGDATABASE": database,
        "PGPASSFILE": str(home / "pgpass"),
        "PGSERVICEFILE": str(home / "pg_service.conf"),
        "PGSYSCONFDIR": str(home),
        "PGAPPNAME": f"axej:{kit.run}",
        "PGCONNECT_TIMEOUT": "10",
        **named,
    }


def judged(kit: DrillKit, command: Command, variables: Mapping[str, str]) -> tuple[CheckResult, str]:
    """The verdict on a command, and what it printed where it did not pass: exit 0 and what `expect` asks for. Raises
    ProgramStalled and ProgramMissing: a command that gave no answer says nothing of the restore point."""
    text, begin_us = " ".join(command.argv), kit.clock.monotonic_us()
    timeout_s = command.timeout.total_seconds()
    runner = kit.hands.scratch_commands(kit.run)
    code, output, size = runner.run(command.argv, command.folder, timeout_s, variables)
    took_s = round((kit.clock.monotonic_us() - begin_us) / 1e6, 3)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    last = lines[-1][:LAST_WORDS] if lines else ""
    why = f"exit {code}: {last}" if code != 0 else ""
    if not why and command.expect is not None and re.search(command.expect, output) is None:
        why = f"it did not say {command.expect!r} but: {last}"
    if why:
        return CheckResult(text, False, why, took_s), output[-KEPT_OUTPUT:]
    long = f" ({size:,} bytes printed)" if size > KEPT_OUTPUT else ""
    return CheckResult(text, True, f"{last}{long}", took_s), ""


def hashes_of(folder: Path) -> Counter[str]:
    """SHA-256 of every file below a folder."""
    found: Counter[str] = Counter()
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                found[hashlib.file_digest(file, "sha256").hexdigest()] += 1
    return found


def compare_export(wanted: Counter[str], found: Counter[str]) -> CheckResult:
    """Every hash of the database is that of a file, as often as it stands there; files besides are counted."""
    lacking = wanted - found
    if lacking:
        names = ", ".join(sorted(lacking)[:3])
        return CheckResult("export", False, f"{lacking.total()} of {wanted.total()} were not exported as they are: {names}")
    if not wanted:
        return CheckResult("export", True, "there is nothing to export")
    more = f", {(found - wanted).total()} files besides" if found - wanted else ""
    return CheckResult("export", True, f"{wanted.total()} exported, each with its hash{more}")
