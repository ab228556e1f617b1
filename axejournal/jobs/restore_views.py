"""The plan of a restore, as it is printed before anything is done. Looks, and touches nothing."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from axejournal.config.units import duration_text
from axejournal.domain.errors import AxejError
from axejournal.jobs.restore_plan import CommandPlan, RestoreKit
from axejournal.jobs.restore_preview import About, RestorePreview
from axejournal.jobs.steps.fetch_dump import truth_of
from axejournal.jobs.steps.prepare_restore import described, faults
from axejournal.jobs.steps.swap_files import aside, fetch_folder, place_of


def preview_database(kit: RestoreKit, about: About) -> RestorePreview:
    """The plan of one database. A server that does not answer is a fault, not an error."""
    plan = kit.plan
    lines = [("restore point", point_text(kit, about)), ("fetch", fetch_text(kit))]
    found: list[str] = []
    try:
        look, live = kit.database.look(), kit.database.live(plan.target)
    except AxejError as failure:
        found.append(failure.message)
        lines.append(("replaces", f"database {plan.target} at {plan.place} (it does not answer)"))
        live = None
    else:
        found += [fault.message for fault in faults(kit, look, live)]
        if live is not None and plan.into is not None:
            found.append(f"a database {plan.into} is already at {plan.place}")
        lines.append(("replaces", _replaces(kit, live is not None, live.sessions if live else ())))
    if live is not None and plan.into is None:
        until = (about.now + plan.keep_old).isoformat(timespec="minutes")
        lines.append(("keeps", f'the old one as {plan.before[: -len(plan.run)]}RUN until {until}, for "axej undo RUN"'))
    steps = ["fetch", "roles", "load", "compare", "swap" if plan.into is None else f"name it {plan.into}"]
    lines += closing_lines(kit, about, steps)
    warnings = [only_copy_text(kit)] if plan.only_copy and live is not None and plan.into is None else []
    return RestorePreview(plan.source, tuple(lines), tuple(warnings), tuple(found))


def preview_files(kit: RestoreKit, about: About) -> RestorePreview:
    """The plan of a folder."""
    plan, place = kit.plan, place_of(kit.plan)
    is_there = os.path.lexists(place)
    found = [f"{place} is already there"] if plan.into is not None and is_there else []
    free, needed = kit.disk.free_bytes(fetch_folder(plan).parent), plan.point.size_bytes
    if free < needed and plan.part is None:
        found.append(f"{fetch_folder(plan).parent}: {free:,} bytes are free and the restore may need {needed:,}")
    fetch = fetch_text(kit) + (f", of these only {plan.part}" if plan.part else "")
    lines = [("restore point", point_text(kit, about)), ("fetch", fetch)]
    if plan.into is not None or not is_there:
        lines.append(("replaces", f"nothing: {place} is made"))
    else:
        until = (about.now + plan.keep_old).isoformat(timespec="minutes")
        lines.append(("replaces", str(place)))
        lines.append(("keeps", f'the old one as {aside(plan, "RUN")} until {until}, for "axej undo RUN"'))
    lines += closing_lines(kit, about, ["fetch", "compare", "swap" if plan.into is None else f"put it at {place}"])
    warnings = [only_copy_text(kit)] if plan.only_copy and is_there and plan.into is None else []
    if is_there and plan.into is None and not plan.part:
        warnings.append("what backups exclude is not in a restore point: it will be found in the old folder only")
    return RestorePreview(plan.source, tuple(lines), tuple(warnings), tuple(found))


def point_text(kit: RestoreKit, about: About) -> str:
    """Source, tier, slot, proof, age, and how far it is from what was asked for."""
    plan, point = kit.plan, kit.plan.point
    taken = datetime.fromisoformat(point.time)
    age = _span(about.now - taken)
    away = f", {_span(timedelta(seconds=point.before_asked_s))} before its end" if point.before_asked_s else ""
    asked = f"asked for: {plan.as_of}{away if plan.as_of != 'the newest' else ''}"
    return f"{plan.source}, {plan.tier}, {point.time.replace('T', ' ', 1)}, {point.proof}, {age} old ({asked})"


def fetch_text(kit: RestoreKit) -> str:
    """Bytes, snapshot, and what is in it."""
    point = kit.plan.point
    text = f"{point.size_bytes:,} bytes in {point.files} files of snapshot {point.snapshot[:8]} (run {point.run})"
    try:
        return f"{text}: {described(truth_of(kit))}"
    except (OSError, ValueError, KeyError, TypeError):
        return text


def closing_lines(kit: RestoreKit, about: About, steps: list[str]) -> list[tuple[str, str]]:
    """Steps, restarts, checks, the time it took last, the page."""
    plan = kit.plan
    if plan.into is None:
        steps = [*steps, *(["restart"] if plan.restart else []), *(["check"] if plan.check else [])]
    lines = [("steps", " -> ".join(steps))]
    if plan.into is None:
        lines += [("restarts", _commands(plan.restart)), ("checks", _commands(plan.check))]
    lines.append(("last time", f"{about.last_s:.0f} s" if about.last_s is not None else "never done on this machine"))
    lines.append(("runbook", f"runbooks/{about.runbook}.md"))
    return lines


def only_copy_text(kit: RestoreKit) -> str:
    """What is done first for a source that has no other copy."""
    return f"{kit.plan.source} is the only copy of its data: its present state is backed up first"


def _replaces(kit: RestoreKit, is_there: bool, sessions: tuple[str, ...]) -> str:
    plan = kit.plan
    if plan.into is not None:
        return f"nothing: {plan.into} is made beside {plan.database} at {plan.place}"
    if not is_there:
        return f"nothing: there is no database {plan.database} at {plan.place}, it is made"
    who = f"connected now: {', '.join(sessions)}" if sessions else "nobody is connected now"
    return f"database {plan.database} at {plan.place}; {who}"


def _commands(commands: tuple[CommandPlan, ...]) -> str:
    return "; ".join(command.text for command in commands) or "nothing"


def _span(span: timedelta) -> str:
    """Whole minutes at most: `3h`, `2d`, `0m`."""
    minutes = max(0, int(span.total_seconds()) // 60)
    if minutes >= 2 * 1440:
        return f"{minutes // 1440}d {minutes % 1440 // 60}h"
    return duration_text(timedelta(minutes=minutes)) if minutes else "0m"
