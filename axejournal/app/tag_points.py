"""Restore points of a tier of which the journal knows none (it was lost, or is new): as the tags of its snapshots tell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from axejournal.app.parts import JOURNAL
from axejournal.domain.errors import AxejError, RestorePointMissing
from axejournal.domain.ports import Snapshot
from axejournal.jobs.restore_orders import Ask, Order, point_options
from axejournal.jobs.steps.staging import MANIFEST
from axejournal.jobs.tagged import TaggedPoint, is_backup, memory_folder, sized, tagged_points

if TYPE_CHECKING:
    from axejournal.app.app import App
    from axejournal.domain.facts import DatabaseDumped

SAID = "the journal knows no restore point of tier {tier}: these are as the tags of its repository's snapshots tell"
NO_PROOF = "the tags say nothing of proof"


@dataclass(frozen=True)
class ByTags:
    """The points of one tier's repository. `proven`: whether the newest snapshot's own copy of the journal could be asked how
    far they were shown good; it was written before that snapshot, so that it knows nothing of it."""

    app: App
    tier: str
    points: tuple[TaggedPoint, ...]
    proven: bool

    def of(self, source: str | None) -> tuple[TaggedPoint, ...]:
        """The points of a source, or all."""
        return tuple(point for point in self.points if source in (None, point.source))

    @property
    def note(self) -> str:
        """What a plan says of them."""
        told = "what is said of their proof is from the journal's copy in the newest one" if self.proven else NO_PROOF
        return f"{SAID.format(tier=self.tier)}; {told}"

    def orders(self, ask: Ask, made: Callable[[Ask], Sequence[Order]]) -> tuple[Order, ...]:
        """The orders, with what was counted in the snapshots. Raises RestorePointMissing, saying how the points are known."""
        if ask.table:
            return (self._of_table(ask, made),)
        return self._all(ask, made)

    def _of_table(self, ask: Ask, made: Callable[[Ask], Sequence[Order]]) -> Order:
        """What the journal would know of the dump, its manifest in the snapshot tells; it goes along with the order."""
        from axejournal.jobs.restore_table_plan import table_order
        from axejournal.jobs.steps.fetch_dump import dumped_by

        manifests: dict[str, dict[str, Any]] = {}

        def dump_of(order: Order) -> DatabaseDumped:
            manifests[order.source] = self._manifest(order.options["point"])
            return dumped_by(manifests[order.source])

        order = table_order(lambda one: self._all(one, made), self.app.config, ask, dump_of)
        return replace(order, options={**order.options, "manifest": manifests[order.source]})

    def _manifest(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """0.7 s. Raises what Repository.restore raises."""
        work, inside = self.app.state / "restore" / "manifest", f"{point['paths'][0]}/{MANIFEST}"
        try:
            self.app.repository(self.tier).restore(point["snapshot"], [inside], work, lambda progress: None)
            return dict(json.loads((work / inside.lstrip("/")).read_text(encoding="utf-8")))
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _all(self, ask: Ask, made: Callable[[Ask], Sequence[Order]]) -> tuple[Order, ...]:
        try:
            found = made(ask)
        except RestorePointMissing as missing:
            raise RestorePointMissing(f"{missing.message} ({self.note})", missing.hint) from None
        counted = [self._counted(order) for order in found]
        rest = [{name: order.options[name] for name in ("source", "kind", "point")} for order in counted]
        return tuple(replace(order, options={**order.options, "queue": rest[place + 1 :]}) for place, order in enumerate(counted))

    def _counted(self, order: Order) -> Order:
        from axejournal.domain.asof import AsOf

        point = order.options["point"]
        mine = next(one for one in self.points if (one.source, one.snapshot) == (order.source, point["snapshot"]))
        found = sized(self.app.repository(self.tier), mine)
        if found.kind == "volume":
            raise RestorePointMissing(
                f"{order.source}: snapshot {found.snapshot[:8]} holds its stopped server's volume, or no whole dump",
                "Take an older one with --as-of.",
            )
        counted = {**point_options(found, AsOf("")), "before_asked_s": point["before_asked_s"]}
        return replace(order, options={**order.options, "point": counted, "known_by": self.note})


def by_tags(app: App, tier: str, with_proof: bool) -> ByTags:
    """Looks into a tier's repository: 0.5 s, and with proof the journal's copy is fetched. Raises what Repository raises."""
    repository = app.repository(tier)
    backups = [one for one in repository.snapshots() if is_backup(one, app.config.customer)]
    proofs = _proofs(app, tier, backups) if with_proof and backups else None
    points = tagged_points(app.config, backups, repository.identity(known=True), proofs or {})
    return ByTags(app, tier, points, proofs is not None)


def _proofs(app: App, tier: str, backups: Sequence[Snapshot]) -> Mapping[tuple[str, str], str] | None:
    """What the journal's copy in the newest snapshot knows; None when there is none, or it is not whole."""
    from axejournal.app.recovering import proofs
    from axejournal.journal.verify import verify

    newest = max(backups, key=lambda one: one.time)
    inside = memory_folder(newest)
    work = app.state / "restore" / "journal"
    if inside is None:
        return None
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True, mode=0o700)
        app.repository(tier).restore(newest.id, [f"{inside}/{JOURNAL}"], work, lambda progress: None)
        copy = work / inside.lstrip("/") / JOURNAL
        return proofs(copy) if verify(copy).sound else None
    except AxejError:
        return None
    finally:
        shutil.rmtree(work, ignore_errors=True)
