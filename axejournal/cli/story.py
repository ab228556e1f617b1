"""What an event means to a person, in one line, and how long a step took. Knows the facts that need words of their
own; of any other it shows the plain values, so that a new fact needs nothing here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from axejournal.cli import proof_story
from axejournal.cli.output import duration, size
from axejournal.journal.rows import EventRow

Data = Mapping[str, Any]
FOLDED = "ChildStarted"
LONGEST = 160


@dataclass
class Line:
    """One event as it is shown. `children`: programs that the attempt had started, folded into its first line."""

    event: EventRow
    took_s: float | None = None
    children: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """What happened, with the programs that it took."""
        programs = f" [{', '.join(_counted(self.children))}]" if self.children else ""
        return f"{about(self.event)}{programs}".strip()


def lines(events: Sequence[EventRow]) -> list[Line]:
    """The events, child processes folded into the intent that they belong to, with the durations of attempts."""
    shown: list[Line] = []
    open_steps: dict[str, Line] = {}
    for event in events:
        begun = open_steps.get(event.step or "")
        if event.name == FOLDED and begun is not None:
            begun.children.append(str(event.data.get("program", "?")))
            continue
        line = Line(event)
        if event.name == "StepStarted":
            open_steps[event.step or ""] = line
        elif event.step and begun is not None and event.name != FOLDED:
            line.took_s = seconds_between(begun.event, event)
            if event.name != "StepProbed":
                del open_steps[event.step]
        shown.append(line)
    return shown


def seconds_between(begin: EventRow, end: EventRow) -> float | None:
    """By the monotonic clock when one process saw both; None across a crash: nobody knows how long the work took."""
    if (begin.process, begin.boot_id) != (end.process, end.boot_id):
        return None
    return (end.monotonic_us - begin.monotonic_us) / 1e6


def about(event: EventRow) -> str:
    """The event's content in one line."""
    words = WORDS.get(event.name)
    try:
        text = words(event.data) if words else _plain(event.data)
    except (KeyError, TypeError, ValueError):  # an older shape: the values say what there is
        text = _plain(event.data)
    return " ".join(text.split())


def _counted(names: Iterable[str]) -> list[str]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return [name if count == 1 else f"{count} x {name}" for name, count in counts.items()]


def _plain(data: Data) -> str:
    return _short(", ".join(f"{name} {_value(name, value)}" for name, value in data.items() if value not in (None, "", [], {})))


def _value(name: str, value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int() if name.endswith("_bytes"):
            return size(value)
        case float() | int() if name.endswith("_s"):
            return duration(value)
        case list() | dict():
            return f"({len(value)})" if any(isinstance(each, list | dict) for each in value) else ", ".join(map(str, value))
    return str(value)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _requested(data: Data) -> str:
    who = {"schedule": "by the schedule", "operator": "by hand"}.get(data["trigger"], f"by {data['trigger']}")
    return f"{who}, axej {data['program_version']} on {data['host']}"


def _resumed(data: Data) -> str:
    return f"{data['reason']}{'; ended first: ' + ', '.join(data['ended']) if data.get('ended') else ''}"


def _failure(data: Data) -> str:
    wait = data.get("retry_in_s")
    if wait is not None:
        return f"{data['error']}: {data['message']}; tried again after {duration(wait)}"
    return f"{data['error']}: {data['message']}" + (f" HINT: {data['hint']}" if data.get("hint") else "")


def _dumped(data: Data) -> str:
    tables = data["tables"]
    rows = sum(table["rows"] for table in tables)
    known = data.get("fingerprints_reused", 0)
    reused = f", {known} fingerprints known" if known else ""
    return f"{size(data['size_bytes'])}, {len(tables)} tables, {rows:,} rows{reused}, PostgreSQL {data['server_version']}"


def _snapshot(data: Data) -> str:
    unreadable = f", {len(data['unreadable'])} unreadable" if data.get("unreadable") else ""
    new = f", {size(data['stored_bytes'])} new" if data.get("files") else ""
    return f"{data['snapshot'][:8]}: {size(data['size_bytes'])}{new}{unreadable}"


def _verified(data: Data) -> str:
    points = ", ".join(point["source"] for point in data["points"])
    troubles = [*data.get("missing", ()), *data.get("warnings", ())]
    return f"restore points: {points}{'; ' + '; '.join(troubles) if troubles else ''}"


WORDS: Mapping[str, Callable[[Data], str]] = {
    **proof_story.WORDS,
    "RunRequested": _requested,
    "RunStarted": lambda data: "",
    "RunResumed": _resumed,
    "StepStarted": lambda data: "",
    "StepProbed": lambda data: "looked: it had happened" if data["happened"] else "looked: it had not happened",
    "StepFailed": _failure,
    "StepGivenUp": lambda data: f"the run goes on without it: {data['message']}. {data.get('hint', '')}",
    "OperatorDecided": lambda data: f"{data['decision']}{': ' + data['reason'] if data.get('reason') else ''}",
    "RunSucceeded": lambda data: "",
    "RunDegraded": lambda data: "; ".join(data["reasons"]),
    "RunFailed": lambda data: f"{data['error']}: {data['message']}",
    "RunCancelled": lambda data: data["signal"],
    "RunWaits": lambda data: f"{data['message']} {data['hint']}",
    "StepWorked": lambda data: data["answer"],
    "ValueGiven": lambda data: f"{data['name']} is {data['value']}",
    "CommandPerformed": lambda data: (
        f"`{data['command']}` ended with exit {data['exit_code']}"
        + (f": run {data['run']} {data['outcome']}" if data.get("run") else "")
        + ("; the page goes on without it" if data.get("skipped") else "")
    ),
    "JournalRecovered": lambda data: (
        f"a new life: {data['events']:,} events of {data['host']}, whole, out of snapshot {data['snapshot'][:8]} (backup "
        f"{data['backup']}) of {data['place']}"
        + (f"; ended, since they belong to that life: {', '.join(data['abandoned'])}" if data.get("abandoned") else "")
        + (f"; moved aside: {', '.join(data['aside'])}" if data.get("aside") else "")
    ),
    "SourceRecovered": lambda data: f"{data['source']}: run {data['run']} {data['outcome']}",
    "PreflightPassed": lambda data: (
        f"restic {data['restic']}, repository {data['repository'][:8]}, {size(data['free_bytes'])} free, "
        f"{size(data['needed_bytes'])} needed"
        + "".join(f"; {source}: {why}" for source, why in data.get("unreachable", {}).items())
        + (f"; cleared away: {', '.join(data['leftovers'])}" if data.get("leftovers") else "")
    ),
    "DatabaseDumped": _dumped,
    "VolumeStaged": lambda data: f"volume {data['volume']}, {size(data['size_bytes'])}, because {data['why']}",
    "PhysicalCopied": lambda data: f"the whole server, {size(data['size_bytes'])}",
    "DumpsFinished": lambda data: (
        f"{len(data['dumped'])} sources" + (f"; missing: {', '.join(data['missing'])}" if data.get("missing") else "")
    ),
    "SnapshotTaken": _snapshot,
    "SnapshotVerified": _verified,
    "SnapshotsForgotten": lambda data: (
        f"{len(data['removed'])} removed, {data['kept']} kept"
        + (", pruned" if data.get("pruned") else "")
        + (f", repository {size(data['repository_bytes'])}" if data.get("repository_bytes") else "")
    ),
    "StagingCleared": lambda data: size(data["size_bytes"]),
    "RepositoryRecorded": lambda data: f"tier {data['tier']} at {data['place']} has the id {data['repository'][:8]}",
}
