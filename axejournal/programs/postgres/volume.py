"""The data volume of a server that is down, as one tar archive: a physical copy, for when no dump can be had.

A server that was stopped well left a clean data directory; one that crashed left `postmaster.pid`, and goes through crash
recovery when a restored copy starts, as the original would have. Both are whole, as long as nothing writes meanwhile.
"""

from __future__ import annotations

import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import DiskFull, DumpIncomplete, ProgramFailed, SourceRefused, SourceUnreachable
from axejournal.domain.ports import Container, Containers, Sidecar
from axejournal.programs import process
from axejournal.programs.postgres.files import make_durable
from axejournal.programs.postgres.reach import ServerAddress, find_container
from axejournal.programs.process import Command, Completed

ARCHIVE = "volume.tar"
NOTE = "README.txt"
INSIDE = "/axej/volume"
PACK = 'umask 077; tar -C "$1" -cf "$2" . && chown "$3" "$2"'


@dataclass(frozen=True)
class Found:
    """What an archive holds: `folder` is the data directory in it, `links` are tablespaces elsewhere."""

    folder: str
    version: str
    was_clean: bool
    links: tuple[str, ...]


def stage_volume(address: ServerAddress, run: str, volume: str, into: Path, containers: Containers | None) -> int:
    """Packs a volume (a name) or a folder (a path) into `into`, with a note of what it is and how it is restored; returns
    bytes. Raises SourceRefused while the server runs, SourceUnreachable without Docker, DumpIncomplete when there is no
    PostgreSQL data in it or it is cut, DiskFull, ProgramFailed."""
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    archive = into / ARCHIVE
    if address.container is not None:
        _pack_in_sidecar(address, run, volume, archive, containers)
    else:
        _pack_here(Path(volume), archive)
    found = _look(archive, volume)
    (into / NOTE).write_text(_note(address, volume, found), encoding="utf-8")
    make_durable(into)
    return archive.stat().st_size + (into / NOTE).stat().st_size


def _pack_in_sidecar(address: ServerAddress, run: str, volume: str, archive: Path, containers: Containers | None) -> None:
    container = find_container(address, containers)
    assert containers is not None
    if container.is_running:
        raise _refused(volume, f"container {container.name} runs")
    source = _source(container, volume)
    if others := containers.mounting(source):
        raise _refused(volume, f"container {others[0]} runs and has it mounted")
    owner = f"{os.getuid()}:{os.getgid()}"
    mounts = ((source, INSIDE, True), (str(archive.parent), str(archive.parent), False))
    with containers.lend(Sidecar(run, container, mounts, user="0:0", joined=False)) as prefix:
        _checked(process.run(Command((*prefix, "sh", "-c", PACK, "sh", INSIDE, str(archive), owner))), volume)
        now = containers.inspect(container.id)
        if now is None or now.is_running or containers.mounting(source):
            raise _refused(volume, f"container {container.name} was started while it was copied")


def _source(container: Container, volume: str) -> str:
    """What to mount: the volume's name or the folder. Docker would make a volume that does not exist, an empty one."""
    for mount in container.mounts:
        if volume in (mount.name, mount.source, mount.target):
            return mount.name or mount.source
    there = ", ".join(mount.name or mount.source for mount in container.mounts) or "nothing"
    hint = "Correct `volume:` of the source."
    raise SourceRefused(f"container {container.name} has not mounted {volume}, but {there}", hint)


def _pack_here(folder: Path, archive: Path) -> None:
    if not folder.is_dir():
        raise SourceUnreachable(f"folder {folder} with the server's data is not there", "Correct `volume:` of the source.")
    if pid := _living_server(folder):
        raise _refused(str(folder), f"process {pid} serves it")
    _checked(
        process.run(Command(("sh", "-c", PACK, "sh", str(folder), str(archive), f"{os.getuid()}:{os.getgid()}"))), str(folder)
    )
    if pid := _living_server(folder):
        raise _refused(str(folder), f"process {pid} was started on it while it was copied")


def _living_server(folder: Path) -> int | None:
    """The process that has a data directory in use: PostgreSQL writes its pid into the first line of postmaster.pid."""
    try:
        pid = int((folder / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if process.identify(pid, "postgres").started_at_s else None


def _look(archive: Path, volume: str) -> Found:
    """Reads the archive's headers to its end, so that a cut one is found."""
    folders: dict[str, str] = {}
    names, links = set(), []
    try:
        with tarfile.open(archive) as packed:
            for member in packed:
                names.add(member.name)
                parent, _, name = member.name.rpartition("/")
                if name == "PG_VERSION" and "/base/" not in member.name and "/pg_tblspc/" not in member.name:
                    content = packed.extractfile(member)
                    folders[parent] = content.read().decode().strip() if content else ""
                if member.issym() and parent.endswith("pg_tblspc"):
                    links.append(member.linkname)
    except tarfile.TarError as fault:
        raise DumpIncomplete(f"the copy of volume {volume} is cut: {fault}", "Look at the disk that holds `state:`.") from fault
    server = next((folder for folder in sorted(folders, key=len) if f"{folder}/global/pg_control" in names), None)
    if server is None:
        raise DumpIncomplete(f"volume {volume} holds no PostgreSQL data directory", "Correct `volume:` of the source.")
    if links:
        hint = "Move the tablespaces into the data directory; a copy without them can't be started."
        raise DumpIncomplete(f"volume {volume} lacks tablespaces, which lie at {', '.join(links)}", hint)
    return Found(server, folders[server], f"{server}/postmaster.pid" not in names, tuple(links))


def _note(address: ServerAddress, volume: str, found: Found) -> str:
    stop = "was stopped cleanly" if found.was_clean else "crashed or lost its power: it will run crash recovery when it starts"
    return f"""\
{ARCHIVE} is the data volume {volume} of the PostgreSQL {found.version} server at {address.place},
copied while the server was down. The server {stop}.
Its data directory is {found.folder} in the archive.

To bring it back, into an empty volume of a new container with PostgreSQL {found.version}:
    docker volume create restored
    docker run --rm -v restored:/volume -v "$PWD":/from:ro --entrypoint tar IMAGE -C /volume -xf /from/{ARCHIVE}
    docker run -d -v restored:PLACE IMAGE    (PLACE: where the old container had {volume} mounted)
Without Docker: unpack it as root, chown it to the user postgres, chmod 700, and start PostgreSQL {found.version} on it.
"""


def _refused(volume: str, why: str) -> SourceRefused:
    return SourceRefused(f"volume {volume} is in use: {why}", "Stop the server first, or back it up by a dump.")


def _checked(done: Completed, volume: str) -> None:
    if done.exit_code == 0:
        return
    said = " ".join(done.stderr.split())[:300] or f"exit {done.exit_code}"
    if "No space left on device" in said:
        raise DiskFull(f"the copy of volume {volume}: {said}", "Free some space on the disk that holds `state:`.")
    raise ProgramFailed(f"the copy of volume {volume} failed: {said}", "Look at that volume and its disk.")
