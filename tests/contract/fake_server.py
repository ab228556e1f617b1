"""A small real server for the `DatabaseServer` port: databases of tables of lines, kept in memory, dumped into real files.

tests/contract/test_small_server.py holds it and PostgreSQL to one law.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from axejournal.domain.errors import AxejError, SourceRefused, SourceUnreachable
from axejournal.domain.ports import Dump, Progress, ServerFacts, Table

END = "\\.\n\n\n"
FIRST_DUMP_ID = 3000


@dataclass
class SmallServer:
    """`databases`: name -> table -> lines. `failures`: raised one after another by the next dumps or copies, in the middle
    of them, with half a file written."""

    databases: dict[str, dict[str, list[str]]]
    is_up: bool = True
    failures: list[AxejError] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def facts(self) -> ServerFacts:
        self._up("facts")
        return ServerFacts("15.18", 15, "7000000000000000001", datetime(2026, 5, 1, tzinfo=UTC))

    def database_size_bytes(self, database: str) -> int:
        self._up("database_size_bytes")
        return 7_000_000 + sum(len(line) for lines in self._tables(database).values() for line in lines)

    def dump(self, database: str, into: Path, known: Iterable[Table], progress: Callable[[Progress], None]) -> Dump:
        self._up("dump")
        tables = self._tables(database)
        _empty_folder(into)
        self._fail_in(into / "toc.dat")
        seen = {(one.schema, one.name): one for one in known}
        made = [_write_table(into, number, name, lines) for number, (name, lines) in enumerate(sorted(tables.items()))]
        (into / "toc.dat").write_text("".join(f"{one.dump_id} {one.name}\n" for one in made) + "toc\n")
        files = sorted(into.iterdir())
        size = sum(path.stat().st_size for path in files)
        progress(Progress(size, size))
        digests = sorted(f"{path.name} {_sha256(path.read_bytes())}\n" for path in files)
        return Dump(
            tables=tuple(made),
            size_bytes=size,
            sha256=_sha256("".join(digests).encode()),
            server=self.facts(),
            encoding="UTF8",
            collation="C",
            extensions=("plpgsql",),
            fingerprints_reused=sum(1 for one in made if (old := seen.get((one.schema, one.name))) and old.sha256 == one.sha256),
        )

    def dump_roles(self, into: Path) -> int:
        self._up("dump_roles")
        into.touch(mode=0o600)
        into.write_text("CREATE ROLE axe;\n")
        return into.stat().st_size

    def copy_physical(self, into: Path, progress: Callable[[Progress], None]) -> int:
        self._up("copy_physical")
        _empty_folder(into)
        self._fail_in(into / "base.tar")
        (into / "base.tar").write_bytes(repr(self.databases).encode())
        (into / "backup_manifest").write_text("{}")
        size = sum(path.stat().st_size for path in into.iterdir())
        progress(Progress(size, size))
        return size

    def is_running(self) -> bool:
        return self.is_up

    def stage_volume(self, volume: str, into: Path) -> int:
        self.calls.append("stage_volume")
        if self.is_up:
            raise SourceRefused(f"volume {volume} is in use: the server runs")
        (into / "volume.tar").write_bytes(repr(self.databases).encode())
        return (into / "volume.tar").stat().st_size

    def _up(self, call: str) -> None:
        self.calls.append(call)
        if not self.is_up:
            raise SourceUnreachable("the server does not answer", "Start the server.")

    def _tables(self, database: str) -> dict[str, list[str]]:
        if database not in self.databases:
            raise SourceRefused(f'database "{database}" does not exist', "Correct `database:` of the source.")
        return self.databases[database]

    def _fail_in(self, path: Path) -> None:
        if self.failures:
            path.write_text("half a fi")
            raise self.failures.pop(0)


def _empty_folder(into: Path) -> None:
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise ValueError(f"{into} is not empty")


def _write_table(into: Path, number: int, name: str, lines: list[str]) -> Table:
    dump_id = FIRST_DUMP_ID + number
    path = into / f"{dump_id}.dat"
    path.write_text("".join(f"{line}\n" for line in lines) + END)
    digest = _sha256(path.read_bytes())
    return Table("public", name, len(lines), f"{len(lines)}:1", path.name, path.stat().st_size, digest, dump_id, "columns")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
