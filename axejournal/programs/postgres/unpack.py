"""Unpacks a server's data directory beside the live one: into a folder, or into a new volume of the container's engine.

`volume.tar` is a stopped server's volume; `base.tar` and `pg_wal.tar` are a physical copy, proven against its own manifest.
Nothing is started: the commands that do it are told.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import DiskFull, ProgramFailed, SourceRefused
from axejournal.domain.ports import Containers, Sidecar
from axejournal.domain.ports.restore import Unpacked
from axejournal.programs import process
from axejournal.programs.postgres.files import size_of
from axejournal.programs.postgres.physical import BASE, WAL, faults_of_copy
from axejournal.programs.postgres.reach import ServerAddress, find_container
from axejournal.programs.postgres.volume import ARCHIVE
from axejournal.programs.process import Command, Completed

INSIDE, FROM = "/axej/volume", "/axej/from"
EMPTY = 'test -z "$(ls -A "$1")"'
FILL = 'find "$1" -mindepth 1 -delete && tar -C "$1" -xf "$2"'
FILL_MORE = 'mkdir -p "$1" && tar -C "$1" -xf "$2"'
VERSION = 'cat "$(find "$1" -maxdepth 3 -name PG_VERSION -not -path "*/base/*" | head -1)"; du -sk "$1"'
IS_PATH = re.compile(r"^[./~]")
VOLUME_NAME = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9_.-]+$")
SPARE_PORT = 54321


@dataclass(frozen=True)
class Place:
    """Where a data directory is unpacked to: a folder, or a volume of the engine that the source's container runs on."""

    address: ServerAddress
    run: str
    into: str
    containers: Containers | None

    @property
    def folder(self) -> Path | None:
        """None for a volume."""
        return Path(self.into).expanduser() if IS_PATH.match(self.into) or self.address.container is None else None

    def check(self) -> None:
        """Raises SourceRefused when something is there, or when it can be no volume's name."""
        if self.folder is not None:
            if os.path.lexists(self.folder):
                raise _taken(str(self.folder))
            return
        if not VOLUME_NAME.match(self.into):
            hint = "Write --into with a name, or with a path that begins with /."
            raise SourceRefused(f"{self.into} is no name of a volume", hint)
        assert self.containers is not None
        with self.containers.lend(self._sidecar(())) as prefix:
            if process.run(Command((*prefix, "sh", "-c", EMPTY, "sh", INSIDE))).exit_code != 0:
                raise _taken(f"volume {self.into}")

    def unpack(self, fetched: Path) -> Unpacked:
        """Unpacks what was fetched; begun a second time, it begins anew. Raises ProgramFailed, DiskFull, SourceUnreachable."""
        return self._into_folder(fetched, self.folder) if self.folder is not None else self._into_volume(fetched)

    def _into_folder(self, fetched: Path, folder: Path) -> Unpacked:
        partial = folder.with_name(f"{folder.name}.restoring-{self.run}")
        if not os.path.lexists(folder):
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True, mode=0o700)
            for archive, place in _archives(fetched, partial):
                place.mkdir(exist_ok=True, mode=0o700)
                _checked(process.run(Command(("tar", "-C", str(place), "-xf", str(archive)))), str(folder))
            _map_tablespaces(partial, folder)
            partial.rename(folder)
        found = min(
            (path for path in folder.rglob("PG_VERSION") if "base" not in path.relative_to(folder).parts),
            key=lambda path: len(path.parts),
        )
        version, data = found.read_text().strip(), found.parent
        start = f"postgres -D {data} -p {SPARE_PORT}"
        commands = (f"chmod 700 {data}", f"chown -R postgres {data}", f"sudo -u postgres {start}    # PostgreSQL {version}")
        return Unpacked(version, size_of(folder), commands)

    def _into_volume(self, fetched: Path) -> Unpacked:
        assert self.containers is not None
        archives = _archives(fetched, Path(INSIDE))
        with self.containers.lend(self._sidecar(((str(fetched), FROM, True),))) as prefix:
            for number, (archive, place) in enumerate(archives):
                words = ("sh", "-c", FILL_MORE if number else FILL, "sh", str(place), f"{FROM}/{archive.name}")
                _checked(process.run(Command((*prefix, *words))), self.into)
            said = process.run(Command((*prefix, "sh", "-c", VERSION, "sh", INSIDE))).text.split()
        container = find_container(self.address, self.containers)
        mounted = [one.target for one in container.mounts if self.address.volume in (one.name, one.source, one.target)]
        target = mounted[0] if mounted else "/var/lib/postgresql/data"
        name = f"{container.name}-restored"
        start = f"docker run -d --name {name} -v {self.into}:{target} {container.image_name}"
        look = f"docker exec {name} psql -U {self.address.user} -l"
        return Unpacked(said[0] if said else "", int(said[1]) * 1024 if len(said) > 1 else 0, (start, look))

    def _sidecar(self, more: tuple[tuple[str, str, bool], ...]) -> Sidecar:
        container = find_container(self.address, self.containers)
        return Sidecar(self.run, container, ((self.into, INSIDE, False), *more), user="0:0", joined=False)


def check_archives(fetched: Path) -> int:
    """Bytes of the archives. Raises ProgramFailed when they are not whole."""
    if (fetched / BASE).is_file():
        faults = faults_of_copy(fetched)
    else:
        faults = [] if (fetched / ARCHIVE).is_file() else [f"{ARCHIVE} is not in the snapshot"]
    if faults:
        raise ProgramFailed(f"what came back is not whole: {faults[0]}", "Take an older restore point, or another tier.")
    return size_of(fetched)


def _archives(fetched: Path, data: Path) -> list[tuple[Path, Path]]:
    """Each archive and where it is unpacked, the data directory first."""
    if not (fetched / BASE).is_file():
        return [(fetched / ARCHIVE, data)]
    spaces = sorted(path for path in fetched.glob("*.tar") if path.stem.isdigit())
    wal = [(fetched / WAL, data / "pg_wal")] if (fetched / WAL).is_file() else []
    return [(fetched / BASE, data), *wal, *((path, data / f"axej_tablespace_{path.stem}") for path in spaces)]


def _map_tablespaces(partial: Path, folder: Path) -> None:
    """A server makes its links to tablespaces by this file when it starts on a physical copy."""
    mapped = partial / "tablespace_map"
    if mapped.is_file():
        numbers = [line.split(" ", 1)[0] for line in mapped.read_text().splitlines() if line.strip()]
        mapped.write_text("".join(f"{number} {folder}/axej_tablespace_{number}\n" for number in numbers))


def _taken(what: str) -> SourceRefused:
    return SourceRefused(f"{what} is already there, and not empty", "Name another place with --into, or move that one away.")


def _checked(done: Completed, into: str) -> None:
    if done.exit_code == 0:
        return
    said = " ".join(done.stderr.split())[:300] or f"exit {done.exit_code}"
    if "No space left on device" in said:
        raise DiskFull(f"unpacking into {into}: {said}", "Free some space there, then resume or restore again.")
    raise ProgramFailed(f"unpacking into {into} failed: {said}", "Look at that place and its disk.")
