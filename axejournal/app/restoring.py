"""Restores of one configuration: which runs answer a question, what they would do, one after another, and back."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from axejournal.app.parts import JOURNAL
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.app.app import App, View
    from axejournal.app.tag_points import ByTags
    from axejournal.jobs.restore_orders import Ask, Order, Point
    from axejournal.jobs.restore_preview import RestorePreview

SEQUENCE = "restore:sequence"  # the lease of a process that restores several sources


@dataclass(frozen=True)
class Restoring:
    """What an assembled program does to bring data back."""

    app: App

    def orders(self, ask: Ask) -> tuple[Order, ...]:
        """The runs that answer what was asked for, each with its restore point. Raises UsageFault, RestorePointMissing."""
        from axejournal.config.effective import dumps
        from axejournal.jobs.restore_orders import orders
        from axejournal.journal.physical import snapshots_with_copy
        from axejournal.journal.reader import points

        zone = ZoneInfo(self.app.config.timezone)
        tags = self._by_tags(ask)

        def of(source: str | None) -> Sequence[Point]:
            if tags is not None:
                return tags.of(source)
            found = points(self.app.state / JOURNAL, source, ask.tier, self.app.config.customer)
            if ask.physical and source is not None:
                held = snapshots_with_copy(self.app.state / JOURNAL, self.app.config.customer, source)
                found = tuple(point for point in found if point.snapshot in held)
            found = self.app.cold.within_reach(ask.tier, found)
            return tuple(replace(point, at=point.at.astimezone(zone)) for point in found)

        def made(one: Ask) -> tuple[Order, ...]:
            made = orders(self.app.config, dumps(self.app.config), one, of, self.app.clock.now(), self.app.now_text())
            return tuple(replace(each, options=self.app.cold.on_its_disk(ask.tier, each.options)) for each in made)

        if tags is not None:
            return tags.orders(ask, made)
        if ask.table:
            from axejournal.jobs.restore_table_plan import journalled_dump, table_order

            return (table_order(made, self.app.config, ask, lambda order: journalled_dump(order, self.app.store)),)
        return made(ask)

    def _by_tags(self, ask: Ask) -> ByTags | None:
        """The tier's points by its repository's tags, when the journal knows none at all of that tier."""
        from axejournal.app.tag_points import by_tags
        from axejournal.domain.asof import LAST_VALID
        from axejournal.journal.reader import points

        known = points(self.app.state / JOURNAL, None, ask.tier, self.app.config.customer, limit=1, removed=True)
        return None if known else by_tags(self.app, ask.tier, ask.as_of == LAST_VALID)

    def previews(self, orders: Sequence[Order]) -> list[RestorePreview]:
        """The plan of each. Most of it is waiting for servers: two at once."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            works = [pool.submit(copy_context().run, self.preview, order) for order in orders]
            return [work.result() for work in works]

    def preview(self, order: Order) -> RestorePreview:
        """What `begin` would do; touches nothing."""
        from axejournal.jobs.restore_preview import About

        module = _restoring(order.job)
        asked = Run("preview", self.app.requested(module.JOB, None, order.options), module.JOB.machine.initial, 1, 0)
        about = About(
            self._last_duration_s(order),
            _page_of(order, self.app.config.language),
            self.app.clock.now().astimezone(ZoneInfo(self.app.config.timezone)),
        )
        preview: RestorePreview = module.preview(self.app, asked, about)
        known_by = order.options.get("known_by")
        return replace(preview, warnings=(str(known_by), *preview.warnings)) if known_by else preview

    def begin(self, order: Order, view: View | None = None, backup_first: bool = True) -> Run:
        """Restores and drives the run to its end. What is the only copy of its data is backed up first (a recovery has
        nothing to back up into). Raises Busy, SourceRefused when that backup did not work."""
        options = dict(order.options)
        if backup_first and self.app.config.sources[order.source].only_copy and not options["into"]:
            options["backed_up_by"] = self._back_up_first(order, view)
        return self.app.engine(view).begin(self.app.new_run_id(), self.app.requested(_restoring(order.job).JOB, None, options))

    def begin_all(self, orders: Sequence[Order], view: View | None = None) -> Iterator[Run]:
        """Restores one after another, and gives each run when it has ended. One that fails does not stop the next; one that
        was cancelled does."""
        if len(orders) == 1:
            yield self.begin(orders[0], view)
            return
        with self.app.leases.take(SEQUENCE, "restore"):
            for order in orders:
                run = self.begin(order, view)
                yield run
                if run.state == "cancelled":
                    return

    def resume_all(self, view: View | None = None) -> Iterator[Run]:
        """Goes on with a sequence of restores whose process died: what was to come after the newest restore that ended."""
        from axejournal.domain.errors import Busy
        from axejournal.jobs.restore_orders import DATABASE, FILES, following
        from axejournal.journal import reader

        path = self.app.state / JOURNAL
        newest = [
            row for job in (DATABASE, FILES) for row in reader.runs(path, job=job, customer=self.app.config.customer, limit=1)
        ]
        last = max(newest, key=lambda row: row.first_position, default=None)
        if last is None or last.outcome in ("open", "cancelled", "abandoned"):
            return
        order = following(reader.run_events(path, last.run, limit=1)[0].data["options"])
        try:
            with self.app.leases.take(SEQUENCE, "restore"):
                while order is not None:
                    run = self.begin(order, view)
                    yield run
                    order = following(order.options) if run.state != "cancelled" else None
        except Busy:
            return  # its process lives, and does it itself

    def undo(self, run: str, view: View | None = None) -> Run:
        """Takes a restore back. Raises RunUnknown, UsageFault for what is no restore, RestorePointMissing when there is
        nothing to go back to, Busy."""
        from axejournal.config.effective import dumps
        from axejournal.domain.run import fold
        from axejournal.jobs import restore_table, restore_undo

        undone = fold(self.app.store.stream(self.app.find_run(run)), self.app.store.fact)
        assert undone is not None
        kind = restore_table if undone.requested.job == restore_table.NAME else restore_undo
        options = kind.undo_options(undone, dumps(self.app.config), self.app.now_text())
        return self.app.engine(view).begin(self.app.new_run_id(), self.app.requested(kind.JOB, None, options))

    def _back_up_first(self, order: Order, view: View | None) -> str | None:
        from axejournal.domain.errors import SourceRefused
        from axejournal.domain.facts import SnapshotVerified

        if not _restoring(order.job).is_there(self.app, self.app.config.sources[order.source]):
            return None
        with self.app.paging.linking():
            run = self.app.begin_backup("local", [order.source], None, view)
        verified = run.find(SnapshotVerified)
        if verified is None or order.source not in {point.source for point in verified.points}:
            raise SourceRefused(
                f"{order.source} is the only copy of its data, and its present state could not be backed up (run {run.id})",
                "Nothing was restored. Set that right first, or restore beside it with --into NAME.",
            )
        return run.id

    def _last_duration_s(self, order: Order) -> float | None:
        from axejournal.journal import reader

        path = self.app.state / JOURNAL
        for row in reader.runs(path, job=order.job, customer=self.app.config.customer, outcome="succeeded", limit=20):
            options = reader.run_events(path, row.run, limit=1)[0].data["options"]
            if options.get("source") == order.source and row.finished_at and row.started_at:
                return (row.finished_at - row.started_at).total_seconds()
        return None


def _restoring(job: str) -> Any:
    """The module of a job that restores: it has JOB, `preview` and `is_there`."""
    return importlib.import_module(f"axejournal.jobs.{job.replace('.', '_')}")


def _page_of(order: Order, language: str) -> str:
    """The page of runbooks/ that goes with a restore: the source's own when there is one."""
    from axejournal.shipped import page_path

    own = "silent-corruption" if order.options["table"] else f"{order.source}-damaged"
    path = page_path(own, language) or page_path("failed-run", language)
    return path.name.removesuffix(".md") if path else own
