"""A physical copy of a running server by pg_basebackup: tar archives, proven whole against the server's own manifest.

`base.tar` is the data directory, `pg_wal.tar` what it needs to become consistent, `OID.tar` a tablespace; for each file
`backup_manifest` names size and SHA-256 (manual 77, since version 13). Seen with PostgreSQL 15 and 18.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from axejournal.domain.errors import AxejError, DumpIncomplete, ProgramStalled, SourceRefused
from axejournal.domain.ports import Progress
from axejournal.programs import process
from axejournal.programs.postgres.faults import fault_of_program, first_line
from axejournal.programs.postgres.files import CHUNK_BYTES, make_durable, size_of
from axejournal.programs.postgres.session import Session

BASE = "base.tar"
WAL = "pg_wal.tar"
MANIFEST = "backup_manifest"
NOTE = "README.txt"
OUTSIDE_SIZE = "SELECT sum(pg_database_size(oid))::bigint AS size FROM pg_database"
REFUSALS = (  # (what the server says, what it takes); {role} is quoted as SQL writes it
    (
        "replication role|permission denied to start WAL sender|REPLICATION attribute",
        "Run 'ALTER ROLE {role} REPLICATION' in the server, or write `physical: never`.",
    ),
    (
        "no pg_hba.conf entry for replication",
        "Add a line for `replication` and the role {role} to the server's pg_hba.conf and reload it, or write `physical: never`.",
    ),
    (
        "max_wal_senders|max_replication_slots|replication slots are in use",
        "Set max_wal_senders and max_replication_slots of the server to 2 more than it uses, or write `physical: never`.",
    ),
)


def copy_server(session: Session, into: Path, stall_s: float, progress: Callable[[Progress], None]) -> int:
    """Copies the session's whole server into a missing or empty folder (0700) and proves the copy; returns bytes. Raises
    SourceRefused with what to grant, SourceUnreachable, DumpIncomplete, DiskFull, ProgramStalled, ProgramKilled,
    ProgramFailed; what is in the folder is then worth nothing."""
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    expected = int(session.row(OUTSIDE_SIZE)["size"])
    words = (
        f"--dbname={session.way.conninfo(session.database)}",
        f"--pgdata={into}",
        "--format=tar",
        "--wal-method=stream",
        "--checkpoint=fast",
        "--manifest-checksums=SHA256",
        "--label=axej",
        "--no-password",
        "--no-sync",
    )
    command = session.way.command("pg_basebackup", session.facts.major, *words)
    done = process.run(replace(command, watch=_Growth(session, into, expected, stall_s, progress).look))
    if done.exit_code != 0:
        session.rows("SELECT 1 AS answer")  # a server that went away is the cause, whatever pg_basebackup said
        raise _fault(session, done.stderr, session.way.killed_by(done), done.exit_code)
    if faults := faults_of_copy(into):
        more = f"; and {len(faults) - 1} more" if len(faults) > 1 else ""
        hint = "It is not kept. Look at the disk that holds `state:` and at the server's log, then back up again."
        raise DumpIncomplete(f"the physical copy of {session.way.place} is not whole: {faults[0]}{more}", hint)
    (into / NOTE).write_text(_note(session), encoding="utf-8")
    make_durable(into)
    return size_of(into)


@dataclass
class _Growth:
    """Tells how a copy grows, and gives up on one that does not."""

    session: Session
    into: Path
    expected_bytes: int
    stall_s: float
    progress: Callable[[Progress], None]
    size_bytes: int = -1
    grown_at_s: float = field(default_factory=time.monotonic)

    def look(self) -> None:
        size, now = size_of(self.into), time.monotonic()
        if size != self.size_bytes:
            self.size_bytes, self.grown_at_s = size, now
        elif now - self.grown_at_s > self.stall_s:
            what = f"the physical copy of {self.session.way.place} did not grow for {self.stall_s:g} s"
            raise ProgramStalled(f"{what}; it was ended", "Look at what the server does, and at its disk.")
        self.progress(Progress(size, max(size, self.expected_bytes), "copying the server"))


def _fault(session: Session, said: str, killed_by: int | None, exit_code: int) -> AxejError:
    what = "pg_basebackup"
    role = '"' + session.way.user.replace('"', '""') + '"'
    for pattern, hint in REFUSALS:
        if re.search(pattern, said):
            return SourceRefused(f"{what} at {session.way.place}: {first_line(said)}", hint.format(role=role))
    return fault_of_program(session.way.place, session.way.user, what, said, killed_by, exit_code)


# --- proving ---------------------------------------------------------------------------------------------------


def faults_of_copy(folder: Path) -> list[str]:
    """What the archives in a folder lack against its manifest; empty when the copy is whole."""
    if not (folder / MANIFEST).is_file() or not (folder / BASE).is_file():
        return [f"{MANIFEST if (folder / BASE).is_file() else BASE} is missing"]
    try:
        wanted = {_path(entry): entry for entry in json.loads((folder / MANIFEST).read_bytes())["Files"]}
        for archive in sorted(folder.glob("*.tar")):
            prefix = f"pg_tblspc/{archive.stem}/" if archive.stem.isdigit() else ""
            for name, size, digest in _members(archive):
                entry = wanted.pop(prefix + name, None)
                if entry is not None and (entry["Size"], entry["Checksum"]) != (size, digest):
                    return [f"file {prefix}{name} is not the one that the server sent"]
    except (ValueError, KeyError, tarfile.TarError) as fault:
        return [f"it is cut: {fault}"]
    return [f"file {name} is missing" for name in wanted]


def _path(entry: dict[str, str]) -> str:
    if "Path" in entry:
        return entry["Path"]
    return bytes.fromhex(entry["Encoded-Path"]).decode("utf-8", "surrogateescape")


def _members(archive: Path) -> Iterator[tuple[str, int, str]]:
    """Name, size and SHA-256 of each file in an archive, which is read to its end once. Raises TarError when it is cut."""
    with tarfile.open(archive, mode="r|") as packed:
        for member in packed:
            content = packed.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            digest = hashlib.sha256()
            while chunk := content.read(CHUNK_BYTES):
                digest.update(chunk)
            yield member.name.removeprefix("./"), member.size, digest.hexdigest()


def _note(session: Session) -> str:
    major = session.facts.major
    return f"""\
A physical copy of the whole PostgreSQL {session.facts.version} server at {session.way.place}, made by pg_basebackup while it ran.

To start a server on it (PostgreSQL {major}, same architecture; as the user postgres):
    mkdir -m 700 NEW && tar -C NEW -xf {BASE} && tar -C NEW/pg_wal -xf {WAL}
    postgres -D NEW -p A_FREE_PORT
An archive NUMBER.tar is a tablespace: unpack it where NEW/tablespace_map says, or change that file first.
In a container: unpack into an empty volume as root, chown it to the image's user postgres, mount it where PGDATA is.
"""
