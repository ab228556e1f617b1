"""Compares what came back with what was recorded when it was backed up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from axejournal.config.sources import FilesSource
from axejournal.domain.facts import DatabaseDumped
from axejournal.domain.facts.drill import CheckResult, DrillPoint, ScratchCompared, ScratchReady
from axejournal.domain.facts.restore import DatabaseCompared
from axejournal.domain.job import USUAL, Attempt, RetryPolicy
from axejournal.domain.patterns import compiled
from axejournal.domain.ports.scratch import Audit
from axejournal.domain.run import Run
from axejournal.jobs.drill_plan import DrillKit, Round
from axejournal.jobs.steps.compare_database import CompareDatabase
from axejournal.jobs.steps.drill_restore import ensure_loaded, place_of, reading
from axejournal.jobs.steps.dump_database import DATA, ROLES
from axejournal.jobs.steps.fetch_dump import fetched_folder, truth_of
from axejournal.jobs.steps.swap_files import fetched_files, wanted_path

SHOWN = 5
ROLE = re.compile(r'^CREATE ROLE (?:"((?:[^"]|"")*)"|([^\s";,]+));$', re.MULTILINE)


@dataclass(frozen=True)
class CompareSource:
    """Tables by rows and fingerprints; sequences, large objects, roles, extensions, constraints, indexes. Files by the
    snapshot's listing and by what must be in it."""

    kit: DrillKit
    round: Round
    point: DrillPoint
    policy: RetryPolicy = USUAL
    contained: bool = True

    @property
    def name(self) -> str:
        return self.round.step("compare", self.point)

    def probe(self, run: Run) -> ScratchCompared | None:
        """Looking is done again."""
        return None

    def act(self, attempt: Attempt) -> ScratchCompared:
        """Raises SourceUnreachable, SourceRefused, ProgramFailed, and what listing a snapshot raises."""
        return self._database(attempt) if self.point.kind == "postgres" else self._files()

    def _database(self, attempt: Attempt) -> ScratchCompared:
        ready = self.round.fact(ScratchReady, "scratch", self.point)
        place = place_of(self.kit, self.point, ready)
        made = ensure_loaded(self.kit, self.round.tier, self.point, place, attempt)
        drill = self.kit.database(self.point).drill
        compared = CompareDatabase(made, statistics=bool(drill.checks or drill.export)).act(attempt)
        audit = self.kit.scratch.audit(place.scratch, place.order, made.plan.restored)
        folder = fetched_folder(made)
        results = (
            _contents(compared),
            *_catalog(truth_of(made), audit, _text(folder / ROLES), not_valid_in(folder / DATA / "toc.dat")),
        )
        return ScratchCompared(
            self.round.tier,
            self.point.source,
            results,
            compared.tables,
            compared.rows,
            0,
            compared.unproven,
            compared.duration_s,
            self.kit.clock.monotonic_us(),
        )

    def _files(self) -> ScratchCompared:
        begin_us = self.kit.clock.monotonic_us()
        made = self.kit.restore_kit(self.round.tier, self.point)
        source = self.kit.source(self.point)
        assert isinstance(source, FilesSource)
        root = wanted_path(made.plan)
        here = fetched_files(made.plan)
        with reading(self.kit, self.round.tier):
            nodes = made.repository.listing(self.point.snapshot, str(Path(root).parent))
            listed = {
                node.path[len(root) :].lstrip("/"): node.size_bytes
                for node in nodes
                if node.kind == "file" and (node.path == root or node.path.startswith(f"{root}/"))
            }
        found = dict(_sizes(here))
        results = (_listed(listed, found), *_required(source, found))
        end_us = self.kit.clock.monotonic_us()
        took_s = round((end_us - begin_us) / 1e6, 3)
        return ScratchCompared(self.round.tier, self.point.source, results, files=len(found), duration_s=took_s, at_us=end_us)


def counted(number: int, what: str) -> str:
    """`1 table`, `2,050 rows`."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _contents(compared: DatabaseCompared) -> CheckResult:
    parts = (counted(compared.tables, "table"), counted(compared.rows, "row"), counted(compared.sequences, "sequence"))
    same = f"{', '.join(parts[:2])} and {parts[2]} as they were dumped"
    wrong = "; ".join(compared.differences[:SHOWN])
    more = f" and {len(compared.differences) - SHOWN} more" if len(compared.differences) > SHOWN else ""
    return CheckResult("contents", not compared.differences, f"{wrong}{more}" if wrong else same, compared.duration_s)


def _catalog(truth: DatabaseDumped, audit: Audit, roles: str, not_valid: frozenset[str]) -> Iterator[CheckResult]:
    wanted = [(quoted or plain).replace('""', '"') for quoted, plain in ROLE.findall(roles)]
    lacking = [role for role in wanted if role not in audit.roles]
    yield CheckResult("roles", not lacking, f"missing: {', '.join(lacking)}" if lacking else f"{len(wanted)} roles")
    names = [one.split()[0] for one in truth.extensions]
    gone = [name for name in names if name not in audit.extensions]
    others = [f"{one} is {audit.extensions[one.split()[0]]} here" for one in truth.extensions if _other(one, audit)]
    detail = f"missing: {', '.join(gone)}" if gone else "; ".join([f"{len(names)} extensions", *others])
    yield CheckResult("extensions", not gone, detail)
    bad = [name for name in audit.not_validated if name not in not_valid]
    detail = f"not validated: {', '.join(bad[:SHOWN])}" if bad else f"{audit.constraints} constraints, all validated"
    if not bad and audit.not_validated:
        detail = f"{audit.constraints} constraints; not validated, as in the source: {', '.join(audit.not_validated[:SHOWN])}"
    yield CheckResult("constraints", not bad, detail)
    broken = audit.invalid_indexes
    yield CheckResult("indexes", not broken, f"not valid: {', '.join(broken[:SHOWN])}" if broken else "all valid")


def _other(extension: str, audit: Audit) -> bool:
    name, _, version = extension.partition(" ")
    return name in audit.extensions and audit.extensions[name] != version


def not_valid_in(table_of_contents: Path) -> frozenset[str]:
    """Names of constraints that the source itself had not validated: the dump says so in their statements."""
    try:
        content = table_of_contents.read_bytes().decode("utf-8", "replace")
    except OSError:
        return frozenset()
    found = re.findall(r'ADD CONSTRAINT (?:"((?:[^"]|"")*)"|(\w+)) [^;]* NOT VALID;', content)
    return frozenset((quoted or plain).replace('""', '"') for quoted, plain in found)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _sizes(root: Path) -> Iterator[tuple[str, int]]:
    for path in root.rglob("*") if root.is_dir() and not root.is_symlink() else [root]:
        if path.is_file() and not path.is_symlink():
            yield ("" if path == root else str(path.relative_to(root))), path.stat().st_size


def _listed(listed: dict[str, int], found: dict[str, int]) -> CheckResult:
    gone = sorted(listed.keys() - found.keys())
    other = sorted(name for name in listed.keys() & found.keys() if listed[name] != found[name])
    if not gone and not other:
        return CheckResult("contents", True, f"{len(found)} files, {sum(found.values()):,} bytes as the snapshot lists them")
    parts = [f"{len(gone)} files are missing: {', '.join(gone[:SHOWN])}"] if gone else []
    parts += [f"{len(other)} files have another size: {', '.join(other[:SHOWN])}"] if other else []
    return CheckResult("contents", False, "; ".join(parts))


def _required(source: FilesSource, found: dict[str, int]) -> Iterator[CheckResult]:
    for one in source.require:
        count = sum(1 for name in found if compiled(one.pattern).fullmatch(name))
        detail = f"{count} files match {one.pattern}, {one.at_least} are required"
        yield CheckResult(f"require {one.pattern}", count >= one.at_least, detail)
