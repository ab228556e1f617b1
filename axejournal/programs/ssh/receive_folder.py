"""The folder that is kept for a peer, and the line of ~/.ssh/authorized_keys that lets the peer's key into it.

Nothing in that folder is trusted: it is the partner's. No symlink is followed, nothing but the letter is read, and of that
the first 64 KiB. Times are the file system's change times, which sftp can't set.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from axejournal.domain.errors import UsageFault
from axejournal.domain.ports.peer import LETTER
from axejournal.domain.ports.ring import KeyLines, Received
from axejournal.programs import process
from axejournal.programs.process import Command

MARK = "axej-ring:"
"""How the comment of a partner's key line begins; the partner's name follows."""
PARTS = ("config", "data", "index", "keys", "locks", "snapshots", LETTER, f"{LETTER}.new")
SNAPSHOT = re.compile(r"[0-9a-f]{64}")
KEY = re.compile(r"(?:^|\s)((?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp\d+|sk-[\w@.-]+) AAAA[A-Za-z0-9+/=]+)")
TRY = "axej-ring.try"
MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class PeerFolder:
    """The `ReceiveFolder` port. `keys`: the file authorized_keys."""

    peer: str
    folder: Path
    keys: Path

    def look(self) -> Received:
        """See the port."""
        if self.folder.is_symlink() or not self.folder.is_dir():
            return Received(there=False, arrived={})
        arrived = {
            name: datetime.fromtimestamp(min(found.st_mtime, found.st_ctime), UTC)
            for name, found in _entries(self.folder / "snapshots")
            if SNAPSHOT.fullmatch(name) and stat.S_ISREG(found.st_mode)
        }
        letter, letter_at = self._letter()
        size, odd = _walk(self.folder)
        return Received(True, arrived, size, letter, letter_at, tuple(odd))

    def _letter(self) -> tuple[bytes | None, datetime | None]:
        with contextlib.suppress(OSError):
            descriptor = os.open(self.folder / LETTER, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                if stat.S_ISREG(found.st_mode):
                    return file.read(MOST_BYTES), datetime.fromtimestamp(min(found.st_mtime, found.st_ctime), UTC)
        return None, None

    def key_lines(self) -> KeyLines:
        """See the port."""
        lines = [line for line in self._lines() if not line.lstrip().startswith("#")]
        mine = [line for line in lines if line.split()[-1:] == [f"{MARK}{self.peer}"]]
        if not mine:
            why = f"no line of axej's in {self.keys} lets the key of {self.peer} in: what it may do here is not known"
            return KeyLines(doubts=(f'{why}; "axej ring authorize {self.peer} --key FILE --write"',))
        key = KEY.search(mine[0])
        free = [line for line in lines if key and key[1] in line and line not in mine]
        doubts = [f"the key of {self.peer} is let in by another line of {self.keys} too, without limits"] if free else []
        confined = _confined(mine[0])
        if Path(confined or "/").resolve() != self.folder.resolve():
            doubts.append(
                f"the key line of {self.peer} does not hold it in {self.folder}: it says {confined or 'nothing of a folder'}"
            )
        elif why := self._try(mine[0]):
            doubts.append(f"the key line of {self.peer} was tried: {why}")
        return KeyLines(confined, tuple(doubts))

    def _try(self, line: str) -> str:
        """Runs the line's command as sshd would: a file goes into the folder and none goes beside it. Why not, or ""."""
        with tempfile.TemporaryDirectory(prefix="axej-ring-") as folder:
            file, outside, stolen = (Path(folder) / name for name in ("probe", "outside", "stolen"))
            file.write_text("a try of axej's\n")
            inside = f"put {file} {TRY}\nget {TRY} {file}.back\nrm {TRY}\n"
            beyond = f"-put {file} {outside}\n-put {file} ../{TRY}\n-symlink / {TRY}\n-get {file} {stolen}\n"
            words = ("sftp", "-F", "none", "-b", "-", "-D", _command(line))
            done = process.run(Command(words, stdin=(inside + beyond).encode(), timeout_s=30))
            reached = [one for one in (outside, self.folder.parent / TRY, self.folder / TRY, stolen) if os.path.lexists(one)]
            if reached:
                return f"it reaches beyond its folder ({reached[0]})"
            back = Path(f"{file}.back")
            good = back.is_file() and back.read_text() == file.read_text()
            return "" if good else f"no file goes in: {done.stderr.strip()[-200:]}"

    def authorize(self, line: str) -> bool:
        """Makes the folder and puts the line into authorized_keys, in place of an older one for this peer; False when all was
        so already. Raises UsageFault."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        before = self._lines()
        after = [one for one in before if one.split()[-1:] != [f"{MARK}{self.peer}"]]
        if line in before and len(after) == len(before) - 1:
            return False
        self.keys.parent.mkdir(mode=0o700, exist_ok=True)
        beside = self.keys.with_name(f"{self.keys.name}.axej")
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write("".join(f"{one}\n" for one in (*after, line)))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.keys)
        return True

    def _lines(self) -> list[str]:
        try:
            return [line for line in self.keys.read_text(encoding="utf-8").splitlines() if line.strip()]
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as fault:
            raise UsageFault(
                f"{self.keys} can't be read: {fault}", "Look at that file; axej changes nothing in it now."
            ) from fault


def key_line(peer: str, axej: tuple[str, ...], folder: Path, key: str) -> str:
    """The line: this key gets sftp into this folder, and nothing else. Raises UsageFault for what is no public key."""
    found = KEY.search(key.strip())
    if not found or "PRIVATE" in key:
        raise UsageFault("that is no public SSH key", "Give the one line of the partner's .pub file: ssh-ed25519 AAAA… name")
    command = shlex.join([*axej, "ring", "serve", str(folder)]).replace("\\", "\\\\").replace('"', '\\"')
    return f'restrict,command="{command}" {found[1]} {MARK}{peer}'


def _command(line: str) -> str:
    found = re.match(r'restrict,command="((?:[^"\\]|\\.)*)" ', line)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""


def _confined(line: str) -> str:
    """The folder of a line as key_line makes it; "" for any other."""
    words = shlex.split(_command(line))
    return words[-1] if words[-3:-1] == ["ring", "serve"] else ""


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    if folder.is_symlink():
        return
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            with contextlib.suppress(OSError):
                yield entry.name, entry.stat(follow_symlinks=False)


def _walk(folder: Path) -> tuple[int, list[str]]:
    """Bytes of plain files, and what is neither a file nor a folder, or of no repository."""
    total, odd, pending = 0, [name for name, _ in _entries(folder) if name not in PARTS], [folder]
    while pending:
        place = pending.pop()
        for name, found in _entries(place):
            if stat.S_ISDIR(found.st_mode):
                pending.append(place / name)
            elif stat.S_ISREG(found.st_mode):
                total += found.st_size
            else:
                odd.append(str((place / name).relative_to(folder)))
    return total, sorted(dict.fromkeys("".join(each if each.isprintable() else "?" for each in name) for name in odd))
