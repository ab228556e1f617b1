"""What a message says: one short title, the facts, where to read on, what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from axejournal.domain.events import RunDegraded, RunFailed
from axejournal.domain.outbox import DONE, QUIET, RECOVERED, REPEATED, WAITS
from axejournal.domain.resting import AWAITING_PASSWORD, WAITS_FOR
from axejournal.domain.run import Run

if TYPE_CHECKING:
    from axejournal.domain.ports.outbox import Entry

MOST_LINES = 8
LONGEST_LINE = 300


@dataclass(frozen=True)
class Message:
    """Plain text, no markup. `good` is what an outside watch is told: a success, or not. `page`: of runbooks/."""

    kind: str
    good: bool
    title: str
    lines: tuple[str, ...] = ()
    next: str = ""
    page: str = ""
    customer: str = ""
    host: str = ""
    job: str = ""
    tier: str = ""
    run: str = ""
    at: str = ""

    def as_json(self) -> dict[str, Any]:
        """What the channel `command` gets on its stdin. Later versions add keys and change none."""
        return asdict(self)

    def text(self) -> str:
        """All of it as lines of text."""
        todo = [f"next: {self.next}"] if self.next else []
        return "\n".join([self.title, *(f"- {line}" for line in self.lines), *todo])


Facts = Callable[[Run], Sequence[str]]


def compose(entry: Entry, run: Run, zone: tzinfo, language: str, facts: Mapping[str, Facts] | None = None) -> Message:
    """The message of an entry. `facts`: what a job adds of its own, by the job's name."""
    suffix = ".ko" if language == "ko" else ""
    failure = run.outcome if isinstance(run.outcome, RunFailed) else None
    trouble = failure is not None or isinstance(run.outcome, RunDegraded)
    page = failure.runbook if failure else "failed-run" if trouble else ""
    more = (facts or {}).get(entry.job)
    return Message(
        kind=entry.kind,
        good=not trouble,
        title=_short(f"{run.requested.customer}: {_title(entry, run, zone)}"),
        lines=tuple(_short(line) for line in _few([*_reasons(run), *(more(run) if more else ()), *_about(run, zone)])),
        next=_short(_next(run, failure, trouble)),
        page=f"runbooks/{page}{suffix}.md" if page else "",
        customer=run.requested.customer,
        host=run.requested.host,
        job=entry.job,
        tier=entry.tier,
        run=entry.run,
        at=entry.at.astimezone(zone).isoformat(timespec="seconds"),
    )


def test_message(customer: str, host: str, at: datetime) -> Message:
    """What `axej notify test` sends."""
    lines = ("Nothing is wrong; someone wanted to see that messages arrive.",)
    moment = at.isoformat(timespec="seconds")
    return Message("test", True, f"{customer}: a test message of axej", lines, customer=customer, host=host, at=moment)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, … 11th, …"""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _title(entry: Entry, run: Run, zone: tzinfo) -> str:
    what = f"{entry.job} ({entry.tier})" if entry.tier and entry.tier not in entry.job else entry.job
    source = run.requested.options.get("source")
    what += f" of {source}" if isinstance(source, str) else ""
    since = f"{entry.since.astimezone(zone):%Y-%m-%d %H:%M}" if entry.since else "?"
    word = "night" if entry.nights == entry.count and entry.nights > 1 else "time"
    match entry.kind:
        case kind if kind == RECOVERED:
            times = f"{entry.count} times" if entry.count > 1 else "once"
            return f"{what} is well again (it went wrong {times} since {since})"
        case kind if kind in (DONE, QUIET):
            return f"{what} succeeded"
        case kind if kind == WAITS:
            return f"{what} waits for {WAITS_FOR.get(run.state, 'a person')}"
    head = _headline(run)
    if entry.kind == REPEATED:
        return f"{what} {head}, {ordinal(entry.count)} {word} in a row, since {since}"
    return f"{what} {head}"


def _headline(run: Run) -> str:
    if run.requested.job == "watch.overdue":
        return "found something overdue"
    return "is degraded" if isinstance(run.outcome, RunDegraded) else "FAILED"


def _reasons(run: Run) -> Sequence[str]:
    match run.outcome:
        case RunFailed(message=message):
            return message.splitlines()
        case RunDegraded(reasons=reasons):
            return reasons
        case None if run.waited is not None:
            return [run.waited.message]
    return ()


def _about(run: Run, zone: tzinfo) -> Sequence[str]:
    slot = f", slot {run.requested.slot}" if run.requested.slot else ""
    return [f"run {run.id} on {run.requested.host}{slot}"]


def _next(run: Run, failure: RunFailed | None, trouble: bool) -> str:
    if failure is not None and failure.hint:
        return failure.hint
    if run.outcome is None and run.state == AWAITING_PASSWORD:
        return 'Type "axej cold unlock" at that machine.'
    return f'"axej history {run.id}" tells what happened.' if trouble else ""


def _few(lines: Sequence[str]) -> Sequence[str]:
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[: MOST_LINES - 2], f"… and {len(lines) - MOST_LINES + 1} more", lines[-1]]


def _short(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
