"""A restic repository on a disk that may be pulled out at any moment, and the keys of any repository."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from axejournal.domain.errors import ProgramFailed
from axejournal.domain.ports import Forgotten, Repository, RepositoryLock
from axejournal.programs import process
from axejournal.programs.process import Command
from axejournal.programs.process_hidden import Hidden
from axejournal.programs.restic import digests, output
from axejournal.programs.restic.repository import ResticRepository


@dataclass(frozen=True)
class DiskRepository(ResticRepository):
    """restic works from inside the disk, by a path that begins there: when the disk is pulled out, that path leads nowhere,
    and never into the folder below the mount point (restic makes missing folders by itself). `still` raises when the disk
    is gone, which ends restic."""

    mount: Path = Path("/")
    still: Callable[[], None] | None = None
    notes: Path | None = None
    """Beginning of the names of the files in which this machine keeps what it learned of the disk."""
    learned: list[str] = field(default_factory=list, compare=False, repr=False)

    def command(self, *words: str, env: Mapping[str, str] | None = None, json_output: bool = True) -> Command:
        """See ResticRepository."""
        made = super().command(*words, env=env, json_output=json_output)
        inside = str(Path(self.place).relative_to(self.mount))
        argv = tuple(inside if at == 2 else word for at, word in enumerate(made.argv))
        return replace(made, argv=argv, cwd=self.mount, watch=self.still)

    def identity(self, known: bool = False) -> str:
        """See the port. Asked once: the disk that this value belongs to is looked at in other ways."""
        if not self.learned:
            self.learned.append(super().identity(known))
        return self.learned[0]

    def forget_identity(self) -> None:
        """The next to ask tries the password."""
        self.learned.clear()
        if note := self._note():
            note.unlink(missing_ok=True)

    def initialise(self, like: Repository | None = None) -> str:
        """See the port."""
        identity = super().initialise(like)
        self._list(identity)
        return identity

    def check(self, part: int | None = None, of: int | None = None) -> tuple[str, ...]:
        """See the port. Of a part the files' bytes are held against their names first, 10 MB in 10 ms; whatever is odd there,
        and every last part, and all of it, is for restic's own check, which also looks whether all fits together."""
        if part and of and part < of and self._is_as_written(part, of):
            return ()
        found = super().check(part, of)
        if not found:
            self._list(self.identity())
        return found

    def prune(self) -> Forgotten:
        """See the port. restic removes and makes packs: what was listed says nothing any more."""
        self._unlist()
        return super().prune()

    def repair_index(self) -> None:
        """See the port."""
        self._unlist()
        super().repair_index()

    def _is_as_written(self, part: int, of: int) -> bool:
        place, file, identity = Path(self.place), self._file("files"), self.identity()
        listed = digests.read_list(file, identity) if file else None
        if file is None or listed is None:
            return False
        try:
            here = digests.present(place)
            if not listed <= here or any(True for _ in digests.differing(place, part, of)):
                return False
        except OSError:
            return False
        digests.write_list(file, identity, here)
        return True

    def _list(self, identity: str) -> None:
        if file := self._file("files"):
            with contextlib.suppress(OSError):
                digests.write_list(file, identity, digests.present(Path(self.place)))

    def _unlist(self) -> None:
        if file := self._file("files"):
            file.unlink(missing_ok=True)

    def _file(self, kind: str) -> Path | None:
        return self.notes.with_name(f"{self.notes.name}.{kind}") if self.notes else None

    def _note(self) -> Path | None:
        return self._file("identity")

    def _seen(self) -> str | None:
        """See ResticRepository; and which password it is: a disk's repository has several."""
        seen = super()._seen()
        which = sorted(self.password.environment().items())
        return hashlib.sha256(f"{seen} {which}".encode()).hexdigest() if seen else None

    def unlock_dead(self, is_dead: Callable[[RepositoryLock], bool]) -> tuple[RepositoryLock, ...]:
        """See the port. The disk is here, so that no process of another machine works on it, however young its lock."""
        present = self.locks()
        here = socket.gethostname()
        if not present or not all(lock.host != here or is_dead(lock) for lock in present):
            return ()
        self._run("unlock", "--remove-all")
        return present


def key_ids(repository: ResticRepository) -> tuple[str, ...]:
    """The repository's keys, by the names of their files, which need no password; of one elsewhere by asking it."""
    folder = None if output.is_remote(repository.place) else Path(repository.place) / "keys"
    if folder is not None:
        try:
            return tuple(sorted(path.name for path in folder.iterdir() if len(path.name) == 64))
        except OSError as fault:
            raise ProgramFailed(f"the keys of {repository.place} can't be listed: {fault.strerror}") from fault
    return tuple(sorted(done.split()[0] for done in _done(repository, "list", "keys", "--no-lock").splitlines() if done))


def own_key(repository: ResticRepository) -> str:
    """The id of the key that the repository's password opens, as far as restic shows it (its first letters)."""
    listed = json.loads(_done(repository, "key", "list"))
    return str(next(key["id"] for key in listed if key["current"]))


def full_key(repository: ResticRepository) -> str:
    """The id of the key that the repository's password opens. Raises WrongPassword and what reading raises."""
    own = own_key(repository)
    return next(key for key in key_ids(repository) if key.startswith(own))


def add_key(repository: ResticRepository, password: Hidden) -> str:
    """Adds a key with this password; its id. 1.5 s. Raises what Repository's methods raise."""
    before = set(key_ids(repository))
    _done(repository, "key", "add", "--new-password-file", password, json_output=False)
    made = set(key_ids(repository)) - before
    if len(made) != 1:
        raise ProgramFailed(f"restic added {len(made)} keys to {repository.place}, not one")
    return made.pop()


def remove_key(repository: ResticRepository, key: str) -> None:
    """Removes another key than the one in use."""
    _done(repository, "key", "remove", key, json_output=False)


def _done(repository: ResticRepository, *words: str, json_output: bool = True) -> str:
    done = process.run(repository.command(*words, json_output=json_output))
    if done.exit_code != 0:
        raise output.fault_of(done, repository.place, " ".join(words[:2]))
    return done.text
