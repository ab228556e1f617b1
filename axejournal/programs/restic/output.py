"""What restic says, as axej's values and errors.

Source: restic manual, Scripting (exit codes, JSON output), 0.18 and 0.19, and its own sources where the manual is silent
(copy, forget and prune of named snapshots print plain text even with --json). New codes and fields may come at any time:
an unknown code is a failure, an unknown field is passed over.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from axejournal.domain.errors import (
    AxejError,
    DiskFull,
    PeerUnreachable,
    ProgramFailed,
    ProgramKilled,
    RepositoryLocked,
    RepositoryMissing,
    RestorePointMissing,
    UsageFault,
    WrongPassword,
)
from axejournal.domain.ports import Node, Progress, RepositoryLock, Snapshot, Stored
from axejournal.programs.process import Completed

REMOTE = ("sftp:", "rest:", "s3:", "b2:", "azure:", "gs:", "swift:", "rclone:")
FULL = ("no space left on device", "disk quota exceeded")
UNREACHABLE = re.compile(
    r"unable to open repository|unable to start the sftp session|connection (refused|reset|lost|timed out)|no route to host"
    r"|broken pipe|ssh command exited|subprocess ssh|host key verification failed|no such host|network is unreachable",
    re.IGNORECASE,
)
UNKNOWN = re.compile(r"no matching id found|multiple ids with prefix|failed to load snapshot .*(no such file|not exist)")
LOCKED = re.compile(r"already locked (exclusively )?by PID (\d+) on (\S+) by (\S+)[^\n]*\nlock was created at ([^(\n]+?) \(")
ADVICE = ("The repository contains damaged", "The repository is damaged", "restic repair ", "Damaged ")
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def is_remote(place: str) -> bool:
    """Whether a repository is somewhere else than in a folder of this machine."""
    return place.startswith(REMOTE)


def objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects among the lines of a text; other lines are passed over."""
    for line in text.splitlines():
        if (found := parse(line)) is not None:
            yield found


def parse(line: str) -> dict[str, Any] | None:
    """The JSON object on a line, if it is one."""
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def fault_of(done: Completed, place: str, action: str) -> AxejError:
    """The error that an exit code other than 0 means. `action`: restic's command, "backup"."""
    said = explain(done.stderr)
    match done.exit_code:
        case 10:
            hint = 'If it lies on a disk or share, connect that first; to make a new repository there, run "axej init".'
            return RepositoryMissing(f"no repository is at {place}", hint)
        case 11:
            return _locked(done.stderr, place)
        case 12:
            hint = "Check `password:` of this repository in axej.yaml: what it yields opens none of the repository's keys."
            return WrongPassword(f"wrong password for repository {place}", hint)
        case 130:
            return ProgramKilled(f"restic {action} on {place} was told to end by somebody else", "It will be tried again.")
        case code if code < 0:
            name = signal.Signals(-code).name
            return ProgramKilled(f"restic {action} on {place} was ended by {name}", "It will be tried again.")
    return _fault_by_text(done, place, action, said)


def _fault_by_text(done: Completed, place: str, action: str, said: str) -> AxejError:
    text = done.stderr.lower()
    if any(word in text for word in FULL):
        hint = "Free some space there (`restic prune` needs some itself), then run the command again."
        return DiskFull(f"no space is left for restic {action} on {place}: {said}", hint)
    if "resolving password failed" in text or "an empty password is not allowed" in text:
        hint = "Check `password:` of this repository in axej.yaml; `axej doctor` tries each source."
        return WrongPassword(f"the password source of repository {place} yields nothing: {said}", hint)
    if UNKNOWN.search(text):
        hint = 'Run "axej points" to see which restore points there are.'
        return RestorePointMissing(f"repository {place} has no such snapshot: {said}", hint)
    if action == "init" and "already exists" in text:
        return UsageFault(f"a repository is at {place} already", "Use it as it is, or name another folder.")
    if is_remote(place) and UNREACHABLE.search(done.stderr):
        hint = "Check that the machine is on and that ssh gets in without asking, then run the command again."
        return PeerUnreachable(f"repository {place} can't be reached: {_cause(done.stderr) or said}", hint)
    hint = 'Read all that restic said with "axej history RUN".'
    return ProgramFailed(f"restic {action} on {place} failed with exit code {done.exit_code}: {said}", hint)


def explain(stderr: str) -> str:
    """The one line of stderr that says why, without restic's decoration, stack traces and passwords in addresses."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    exits = [found for found in map(parse, lines) if found and found.get("message_type") == "exit_error"]
    errors = [found for found in map(parse, lines) if found and found.get("message_type") == "error"]
    plain = [line for line in lines if line.startswith(("Fatal:", "panic:", "unknown ", "Error:"))]
    if exits:
        said = str(exits[-1].get("message", ""))
    elif plain:
        said = plain[0]
    else:
        said = lines[-1] if lines else "it said nothing"
    said = re.sub(r"^(Fatal: )+", "", said.strip())
    if errors and "errors" in said:  # "There were 3 errors" explains less than the first of them
        said = f"{unreadable(errors[0])} ({said})"
    return _without_password(said.splitlines()[0] if said else "it said nothing")


def unreadable(found: Mapping[str, Any]) -> str:
    """An error object as one line: what, and why."""
    error = found.get("error")
    why = error.get("message", "") if isinstance(error, dict) else found.get("message", "")
    item = found.get("item", "")
    return f"{item}: {why}" if item and item not in why else str(why).strip()


def unread_lines(stderr: str) -> tuple[str, ...]:
    """What a backup with exit 3 could not read, as restic words it. Missing paths are plain text even with --json."""
    found = []
    for line in stderr.splitlines():
        if (said := parse(line)) is None:
            found += [line] if line.endswith("does not exist, skipping") else []
        elif said.get("message_type") == "error":
            found.append(unreadable(said))
    return tuple(found) or ("restic did not say what it could not read",)


def faults_found(stderr: str) -> tuple[str, ...]:
    """The faults that a check found, without restic's general advice."""
    said = (unreadable(found) for found in objects(stderr) if found.get("message_type") == "error")
    return tuple(line for line in said if line and not line.startswith(ADVICE))


def snapshot_from(found: Mapping[str, Any]) -> Snapshot:
    """One element of `snapshots --json`."""
    summary = found.get("summary") or {}
    return Snapshot(
        id=found["id"],
        time=datetime.fromisoformat(found["time"]),
        host=found.get("hostname", ""),
        tags=tuple(found.get("tags") or ()),
        paths=tuple(found.get("paths") or ()),
        tree=found.get("tree", ""),
        original=found.get("original"),
        size_bytes=summary.get("total_bytes_processed"),
        files=summary.get("total_files_processed"),
        added_bytes=summary.get("data_added"),
        stored_bytes=summary.get("data_added_packed"),
    )


def node_from(found: Mapping[str, Any]) -> Node:
    """One line of `ls --json`. A name that is no UTF-8 comes with U+FFFD in it: JSON can't say it better."""
    return Node(found["path"], found["type"], found.get("size", 0), _time(found.get("mtime")))


def lock_from(name: str, found: Mapping[str, Any]) -> RepositoryLock:
    """What `cat lock` prints."""
    return RepositoryLock(
        id=name,
        host=found.get("hostname", ""),
        pid=found.get("pid", 0),
        user=found.get("username", ""),
        time=datetime.fromisoformat(found["time"]),
        exclusive=bool(found.get("exclusive")),
    )


def stored_from(found: Mapping[str, Any], done: Completed) -> Stored:
    """The summary of a backup that ended with 0 or 3."""
    return Stored(
        snapshot=found["snapshot_id"],
        files=found.get("total_files_processed", 0),
        size_bytes=found.get("total_bytes_processed", 0),
        added_bytes=found.get("data_added", 0),
        stored_bytes=found.get("data_added_packed", 0),
        unreadable=unread_lines(done.stderr) if done.exit_code == 3 else (),
    )


def progress_from(found: Mapping[str, Any]) -> Progress:
    """A `status` object of backup or restore. The total grows while restic still looks around."""
    files = found.get("current_files") or ()
    done = found.get("bytes_done", found.get("bytes_restored", 0))
    return Progress(done, found.get("total_bytes"), str(files[0]) if files else "")


def status_reader(progress: Callable[[Progress], None]) -> Callable[[str], None]:
    """Takes lines, and tells of each `status` object among them."""

    def read(line: str) -> None:
        found = parse(line)
        if found and found.get("message_type") == "status":
            progress(progress_from(found))

    return read


class CopyProgress:
    """Reads the lines of `restic copy -v`, which are plain text and count packs."""

    def __init__(self) -> None:
        self.copied = False  # whether the snapshot is at the target, now or already
        self.short = ""  # of the copy's id
        self.time = ""
        self._size_bytes: int | None = None

    def read(self, line: str) -> Progress | None:
        """What a line says of the progress, if it says anything."""
        if re.match(r"snapshot [0-9a-f]+ saved|skipping source snapshot ", line):
            self.copied = True
        if found := re.match(r"snapshot ([0-9a-f]+) saved", line):
            self.short = found[1]
        if found := re.match(r"snapshot [0-9a-f]+ of .* at (\S+) (\S+) (\S+) (?:\S+ )?by ", line):
            self.time = _moment(*found.groups())
        if found := re.search(r"copy \d+ blobs with disk size (.+) in \d+ packfiles", line):
            self._size_bytes = size_from(found[1])
        found = re.search(r"(\d+) / (\d+) packs copied", line)
        if not found:
            return None
        done, total = int(found[1]), int(found[2])
        share = (self._size_bytes or 0) * done // max(total, 1)
        return Progress(share, self._size_bytes, f"{done} of {total} packs")


def size_from(text: str) -> int | None:
    """Bytes of restic's "8.585 MiB"; restic rounds to three places."""
    found = re.match(r"([\d.]+) ([KMGT]?i?B)", text.strip())
    return round(float(found[1]) * UNITS[found[2]]) if found and found[2] in UNITS else None


def _moment(day: str, clock: str, offset: str) -> str:
    """ISO 8601 of Go's "2026-11-25 16:58:40.615382054 +0000"; "" for what is none."""
    try:
        return datetime.strptime(f"{day} {clock[:15]} {offset}", "%Y-%m-%d %H:%M:%S.%f %z").isoformat()
    except ValueError:
        return ""


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:  # before the year 1
        return None


def _locked(stderr: str, place: str) -> RepositoryLocked:
    hint = f'Wait until it has ended; if that process is dead for certain, run "restic -r {place} unlock".'
    said = "\n".join(str(found.get("message", "")) for found in objects(stderr)) or stderr
    found = LOCKED.search(said)
    if not found:
        return RepositoryLocked(f"repository {place} is locked: {explain(stderr)}", hint)
    exclusively, pid, host, user, since = found.groups()
    how = "exclusively " if exclusively else ""
    return RepositoryLocked(f"repository {place} is locked {how}by process {pid} of {user} on {host} since {since}", hint)


def _cause(stderr: str) -> str:
    said = [line.removeprefix("subprocess ssh:").strip() for line in stderr.splitlines() if line.startswith("subprocess ssh:")]
    return _without_password(said[-1]) if said else ""


def _without_password(text: str) -> str:
    return re.sub(r"(://[^:/@\s]*):[^@/\s]*@", r"\1:***@", text)
