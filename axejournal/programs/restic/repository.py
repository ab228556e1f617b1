"""One restic repository, through the restic program.

A call costs 0.5 s for the key and 0.2 s for a lock before any work (measured, 0.19): reads take no lock. Nothing of
the caller's environment reaches restic but what is set here; the password goes from its source to restic directly.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from axejournal.domain.errors import AxejError, PeerUnreachable, ProgramFailed, ProgramStalled, RestorePointMissing, WrongPassword
from axejournal.domain.ports import BackupOrder, Copied, Forgotten, Node, Progress, Repository, RepositoryLock, Snapshot, Stored
from axejournal.programs import process
from axejournal.programs.process import Command, Completed
from axejournal.programs.restic import leftovers, notes, output, stream, words
from axejournal.programs.restic.locks import is_taken
from axejournal.programs.restic.locks import lock_is_dead as lock_is_dead  # asked for with the repository
from axejournal.programs.restic.ports import Password as Password
from axejournal.programs.restic.ports import Way
from axejournal.programs.restic.stall import StallWatch

PROGRESS_PER_S = "2"  # restic's own default is 10 lines a second, for nobody
GARBAGE = {"GOGC": "200"}  # restic's own 50 collects its garbage four times as often: 5 % of a copy's work (measured)
Asked = tuple[tuple[str, ...], frozenset[str] | None]  # tags, and the snapshots that were there


@dataclass(frozen=True)
class ResticRepository:
    """The `Repository` port. `way`: there, when it is on another machine; `stall_s`: restic is ended when nothing moves for
    so long. Without `cache_dir` restic keeps no cache, which for a folder on this machine is as fast."""

    program: Path
    place: str
    password: Password
    cache_dir: Path | None = None
    way: Way | None = None
    stall_s: float | None = None
    answered: dict[Asked, tuple[Snapshot, ...]] = field(default_factory=dict, compare=False, repr=False)

    # --- reading: no lock ------------------------------------------------------------------------------------------

    def identity(self, known: bool = False) -> str:
        """See the port. 0.5 s; known: nothing. What is known is kept beside the cache."""
        note, seen = self._note(), self._seen()
        if known and note and seen and (answer := notes.read(note, seen)):
            return answer
        return self._noted(str(json.loads(self._run("cat", "config", "--no-lock").text)["id"]))

    def _noted(self, identity: str) -> str:
        note, seen = self._note(), self._seen()
        if note and seen:
            notes.write(note, seen, identity)
        return identity

    def snapshots(self, tags: Sequence[str] = ()) -> tuple[Snapshot, ...]:
        """See the port. 0.5 s; asked again of a folder of this machine that holds the same snapshots: nothing."""
        folder = self._folder()
        asked = (tuple(tags), notes.snapshot_names(folder))
        if asked[1] is not None and asked in self.answered:
            return self.answered[asked]
        found = json.loads(self._run(*words.snapshots(tags)).text)
        answer = tuple(sorted(map(output.snapshot_from, found), key=lambda snapshot: snapshot.time))
        if asked[1] == notes.snapshot_names(folder):  # none came or went meanwhile
            self.answered[asked] = answer
        return answer

    def names(self) -> frozenset[str] | None:
        """See the port. Of a folder of this machine: nothing; at a peer's: one connection, 0.2 s."""
        return notes.snapshot_names(self._folder()) if self._folder() else self.way.names() if self.way else None

    def file_bytes(self) -> int | None:
        """See the port."""
        return notes.file_bytes(self._folder())

    def listing(self, snapshot: str, folder: str = "/") -> Iterator[Node]:
        """See the port. Sorted as restic walks; a folder that isn't there has no entries. RestorePointMissing when
        there is no such snapshot. Closing the iterator early ends restic."""
        inside = folder.rstrip("/") + "/"
        listing = words.listing(snapshot, folder)
        yield from (node for node in self._nodes(listing) if node.path.startswith(inside))

    def size_bytes(self) -> int:
        """See the port: what the snapshots need, as packed. 0.5 s, and all folders of all snapshots are walked."""
        return int(json.loads(self._run("stats", "--mode", "raw-data", "--no-lock").text)["total_size"])

    def restore(self, snapshot: str, include: Sequence[str], target: Path, progress: Callable[[Progress], None]) -> None:
        """See the port; nothing in `include` means all. RestorePointMissing when the snapshot lacks one of the paths
        (restic itself ends with 0 then). restic authenticates and hashes each blob before it writes it; `--verify` would read
        all of it once more, from the page cache mostly: +20 % on a dump of 512 MB, +60 % on 100,000 small files."""
        paths = [path.rstrip("/") or "/" for path in include]
        before = {path for path in paths if os.path.lexists(words.below(target, path))}
        self._stream(output.status_reader(progress), *words.restore(snapshot, paths, target))
        absent = [path for path in paths if path not in before and not os.path.lexists(words.below(target, path))]
        absent += [path for path in sorted(before - {"/"}) if not any(self._nodes(words.entry(snapshot, path)))]
        if absent:
            hint = "The paths of a snapshot are absolute, as they were when it was taken."
            raise RestorePointMissing(f"snapshot {snapshot[:8]} of {self.place} does not hold {', '.join(absent)}", hint)

    def _note(self) -> Path | None:
        return self.cache_dir.with_name(f"{self.cache_dir.name}.identity") if self.cache_dir else None

    def _seen(self) -> str | None:
        if (folder := self._folder()) is not None:
            return notes.look(folder, self.password.environment())
        config = self.way.config() if self.way else None
        return notes.look_at(config, self.password.environment()) if config else None

    def _folder(self) -> Path | None:
        """Where the repository lies, if on this machine."""
        return None if output.is_remote(self.place) else Path(self.place.removeprefix("local:"))

    # --- writing ---------------------------------------------------------------------------------------------------

    def initialise(self, like: Repository | None = None) -> str:
        """See the port. 3 s: restic measures how much work a key shall cost. UsageFault when one is there already."""
        words, more = self._from(like, "--copy-chunker-params") if like else ((), {})
        return self._noted(str(json.loads(self._run("init", *words, env=more).text)["id"]))

    def backup(self, order: BackupOrder, progress: Callable[[Progress], None]) -> Stored:
        """See the port. 0.8 s and the work. The parent is the newest snapshot of the same host and paths, unless one is named."""
        told = output.status_reader(progress)
        summary: list[Mapping[str, Any]] = []

        def read(line: str) -> None:
            told(line)
            found = output.parse(line) or {}
            summary.extend([found] if found.get("message_type") == "summary" else [])

        done = self._stream(read, *words.backup(order), fine=(0, 3))
        if not summary or not summary[-1].get("snapshot_id"):
            raise ProgramFailed(f"restic backup on {self.place} made no snapshot: {output.explain(done.stderr)}")
        return output.stored_from(summary[-1], done)

    def copy_from(self, source: Repository, snapshot: str, progress: Callable[[Progress], None]) -> Copied:
        """See the port. 1.2 s and the work. RestorePointMissing when `source` has no such snapshot (restic itself ends with 0
        then). `source` (a folder here) gets no lock, so that its own backup and retention go on meanwhile."""
        copy, watch = output.CopyProgress(), StallWatch(self.stall_s) if self.stall_s else None

        def read(line: str) -> None:
            if (step := copy.read(line)) is not None:
                progress(step)
                if watch:
                    watch.heard(step)

        words, more = self._from(source)
        try:
            self._stream(read, "copy", "-v", "--no-lock", *words, "--", snapshot, env={**GARBAGE, **more}, watch=watch)
        except WrongPassword as fault:
            self._run("cat", "config", "--no-lock")  # raises when it is this repository's password that is wrong
            raise WrongPassword(f"wrong password for repository {source.place}", fault.hint) from fault
        if not copy.copied:
            raise RestorePointMissing(f"repository {source.place} has no snapshot {snapshot}")
        return Copied(copy.short, copy.time)

    def forget(self, snapshots: Sequence[str]) -> Forgotten:
        """See the port. 0.8 s. Snapshots that are gone already are not in `removed`."""
        if not snapshots:
            return Forgotten(())
        done = self._run("forget", "-vv", "--", *snapshots, json_output=False)
        return Forgotten(tuple(re.findall(r"^removed snapshot/([0-9a-f]{64})", done.text, re.MULTILINE)))

    def prune(self) -> Forgotten:
        """See the port. 0.8 s and the work; needs the repository for itself. `freed_bytes` as restic rounds it."""
        done = self._run("prune", json_output=False)
        found = re.search(r"^total prune: .*/ (.+)$", done.text, re.MULTILINE)
        return Forgotten((), output.size_from(found[1]) if found else None)

    def check(self, part: int | None = None, of: int | None = None) -> tuple[str, ...]:
        """See the port. Needs the repository for itself; reads everything in `of` calls with part = 1 … of."""
        done = self._go(self.command(*words.check(part, of)))
        if done.exit_code == 1 and "repository contains errors" in done.stderr:
            return output.faults_found(done.stderr) or (output.explain(done.stderr),)
        if done.exit_code != 0:
            raise self._fault(done, "check")
        return ()

    def repair_index(self) -> None:
        """See the port. 0.8 s; needs the repository for itself: so what lay there half written is of a dead restic, and goes."""
        here, there = leftovers.half_written(self._folder()), self.way.half_written() if self.way else ()
        self._run("repair", "index")
        leftovers.remove(here)
        if self.way and there:
            self.way.remove(there)

    # --- locks -----------------------------------------------------------------------------------------------------

    def locks(self) -> tuple[RepositoryLock, ...]:
        """See the port. Free when there are none in a folder of this machine or at a peer's; 0.5 s for each."""
        found = (self._lock(name) for name in self._lock_names())
        return tuple(sorted((lock for lock in found if lock), key=lambda lock: lock.time))

    def unlock_dead(self, is_dead: Callable[[RepositoryLock], bool]) -> tuple[RepositoryLock, ...]:
        """See the port. At a peer's exactly the dead ones' files are removed. Elsewhere restic does it, whose own rule has to
        agree (same host and no such process, or older than 30 minutes), unless another process has the dead one's pid by now:
        restic would send that one SIGHUP and keep the lock."""
        present = self.locks()
        if not present or not all(map(is_dead, present)):
            return ()
        names = tuple(lock.id for lock in present)
        if self.way and self.way.lock_names() is not None:
            self.way.remove([f"locks/{name}" for name in names])
            return present
        taken = any(is_taken(lock.pid) for lock in present)
        if taken and set(self._lock_names()) != set(names):
            return ()
        self._run("unlock", *(("--remove-all",) if taken else ()))
        left = set(self._lock_names())
        return tuple(lock for lock in present if lock.id not in left)

    def _lock_names(self) -> tuple[str, ...]:
        folder = self._folder()
        if folder and (folder / "config").is_file():
            with contextlib.suppress(OSError):  # an empty or half-written (-tmp-) file is no lock to restic either
                files = [path for path in (folder / "locks").iterdir() if re.fullmatch("[0-9a-f]{64}", path.name)]
                return tuple(path.name for path in files if path.stat().st_size)
        seen = self.way.lock_names() if self.way else None
        return seen if seen is not None else tuple(self._run("list", "locks", "--no-lock").text.split())

    def _lock(self, name: str) -> RepositoryLock | None:
        """None when the lock has gone while we looked."""
        try:
            return output.lock_from(name, json.loads(self._run("cat", "lock", name, "--no-lock").text))
        except ProgramFailed as fault:
            if name not in self._lock_names():
                return None
            message = f"lock {name[:8]} of repository {self.place} is damaged: {fault.message}"
            raise ProgramFailed(message, f"If no restic works there, remove the file locks/{name} of the repository.") from fault

    # --- running ---------------------------------------------------------------------------------------------------

    def command(self, *words: str, env: Mapping[str, str] | None = None, json_output: bool = True) -> Command:
        cache = ("--cache-dir", str(self.cache_dir)) if self.cache_dir else ("--no-cache",)
        options = (word for option in (self.way.restic_options() if self.way else ()) for word in ("-o", option))
        argv = (str(self.program), "-r", self.place, *cache, *options, *(("--json",) if json_output else ()), *words)
        environment = {"RESTIC_PROGRESS_FPS": PROGRESS_PER_S, **self.password.environment(), **(env or {})}
        return Command(argv, environment, silence_s=self.stall_s, grace_s=min(process.GRACE_S, self.stall_s or process.GRACE_S))

    def _run(self, *words: str, env: Mapping[str, str] | None = None, json_output: bool = True) -> Completed:
        done = self._go(self.command(*words, env=env, json_output=json_output))
        if done.exit_code != 0:
            raise self._fault(done, words[0])
        return done

    def _go(self, command: Command, on_line: Callable[[str], None] | None = None) -> Completed:
        try:
            return process.run(command, on_line)
        except ProgramStalled as fault:
            if not self.way:
                raise
            self.way.leave()
            hint = "The machine there answers and does not work on: the partner looks at its load and its disk."
            raise PeerUnreachable(f"repository {self.place} stalls: {fault.message}", hint) from fault

    def _fault(self, done: Completed, action: str) -> AxejError:
        return (self.way.fault_of(done.stderr) if self.way else None) or output.fault_of(done, self.place, action)

    def _stream(
        self,
        read: Callable[[str], None],
        *words: str,
        env: Mapping[str, str] | None = None,
        fine: tuple[int, ...] = (0,),
        watch: Callable[[], None] | None = None,
    ) -> Completed:
        """Runs, and hands each line to `read`. What `read` raises is raised when restic has ended: a reader that stops
        reading would leave restic hanging on a full pipe."""
        raised: list[BaseException] = []

        def guarded(line: str) -> None:
            if not raised:
                try:
                    read(line)
                except BaseException as fault:
                    raised.append(fault)

        done = self._go(replace(self.command(*words, env=env), watch=watch), guarded)
        if raised:
            raise raised[0]
        if done.exit_code not in fine:
            raise self._fault(done, words[0])
        return done

    def _nodes(self, words: tuple[str, ...]) -> Iterator[Node]:
        """`restic ls`, line by line as it comes: memory stays flat however many entries there are."""
        for found in stream.objects(self.command(*words), lambda done: self._fault(done, "ls")):
            if found.get("message_type") == "node":
                yield output.node_from(found)

    def _from(self, source: Repository, *words: str) -> tuple[tuple[str, ...], dict[str, str]]:
        """The words and the environment that name a second repository."""
        if not isinstance(source, ResticRepository):
            raise TypeError(f"{source.place} is no restic repository")
        return ("--from-repo", source.place, *words), source.password.environment("RESTIC_FROM_")
