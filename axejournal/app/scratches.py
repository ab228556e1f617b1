"""Scratch servers of drills: in a container of the source's own image, or of this machine's own PostgreSQL.

Before anything is made, a note with the deadline lies in the run's folder, so that any later run finds what a dead one
left, without asking Docker when there is nothing.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from axejournal.domain.errors import AxejError, Interrupted, SourceUnreachable
from axejournal.domain.ports import Clock
from axejournal.domain.ports.scratch import Audit, Scratch, ScratchOrder
from axejournal.programs import process
from axejournal.programs.disk import taken_bytes
from axejournal.programs.docker.containers import Docker
from axejournal.programs.docker.scratch import SOCKET_INSIDE, START_S, DockerScratch
from axejournal.programs.docker.sidecars import DockerContainers
from axejournal.programs.postgres.reach import Find, open_way
from axejournal.programs.postgres.restore import PostgresRestorer
from axejournal.programs.postgres.scratch import SETTINGS, LocalScratch, address_of, audit, label, own_folder, short_folder
from axejournal.programs.postgres.session import Session

NOTE = "scratch.json"
_noting = threading.Lock()
INSIDE = {"listen_addresses": "127.0.0.1", "unix_socket_directories": SOCKET_INSIDE, "unix_socket_permissions": "0777"}
"""Of a server in a container: its loopback is its own; the folder around its socket is closed to others on this machine."""


SIZE = """
SELECT (SELECT sum(pg_catalog.pg_database_size(oid)) FROM pg_catalog.pg_database)
       + (SELECT coalesce(sum(size), 0) FROM pg_catalog.pg_ls_waldir())
       + (SELECT coalesce(sum(size), 0) FROM pg_catalog.pg_ls_tmpdir()) AS size
"""


class Seen(NamedTuple):
    """A local server that this process has looked at. `restorer`: with a session that is used again."""

    scratch: Scratch
    pid: int
    restorer: PostgresRestorer


@dataclass(frozen=True)
class Scratches:
    """The `ScratchServers` port. `base`: the folder of all drills; `containers`: the engine, asked for when needed."""

    base: Path
    find: Find
    containers: Callable[[], DockerContainers]
    clock: Clock
    _seen: dict[tuple[str, str], Seen] = field(default_factory=dict)

    def up(self, order: ScratchOrder) -> Scratch:
        """See the port. A local server that this process has looked at is not looked at again while it is the same process."""
        seen = self._seen.get((order.run, order.source))
        if seen is not None and order.container is None and self._local.pid(seen.scratch) == seen.pid:
            return seen.scratch
        self._note(order, containers=False)
        made = self._in_container(order) if order.container else self._local.up(order)
        facts = self.restorer(made, order).look().facts
        made = replace(made, version=facts.version, system_identifier=facts.system_identifier)
        if order.container is None and (pid := self._local.pid(made)) is not None:
            self._seen[order.run, order.source] = Seen(made, pid, self._restorer(made, order, keeps=True))
        return made

    def restorer(self, scratch: Scratch, order: ScratchOrder) -> PostgresRestorer:
        """See the port."""
        seen = self._seen.get((order.run, order.source))
        return seen.restorer if seen is not None and seen.scratch == scratch else self._restorer(scratch, order)

    def _restorer(self, scratch: Scratch, order: ScratchOrder, keeps: bool = False) -> PostgresRestorer:
        containers = self.containers() if scratch.container else None
        return PostgresRestorer(address_of(scratch), order.run, self.base, self.find, containers, keeps)

    @property
    def _local(self) -> LocalScratch:
        return LocalScratch(self.base, self.find)

    def audit(self, scratch: Scratch, order: ScratchOrder, database: str) -> Audit:
        """See the port."""
        containers = self.containers() if scratch.container else None
        with open_way(address_of(scratch), order.run, self.base, self.find, containers) as way:
            return audit(way, database)

    def rows(self, scratch: Scratch, order: ScratchOrder, database: str, query: str) -> Sequence[Mapping[str, Any]]:
        """See the port."""
        containers = self.containers() if scratch.container else None
        with (
            open_way(address_of(scratch), order.run, self.base, self.find, containers) as way,
            Session(way, database) as session,
        ):
            session.set({"search_path": "public"})
            return session.rows(query)

    def size_bytes(self, scratch: Scratch, order: ScratchOrder) -> int:
        """See the port. Of a container it is what its server says of its files: its volume lies in the engine's machine."""
        if scratch.data is not None:
            return taken_bytes(scratch.data)
        (found,) = self.rows(scratch, order, "postgres", SIZE)
        return int(found["size"])

    def down(self, run: str) -> tuple[str, ...]:
        """See the port."""
        note = self.base / run / NOTE
        if not note.parent.exists() and not short_folder(run).exists():
            return ()
        for key in [key for key in self._seen if key[0] == run]:
            self._seen.pop(key).restorer.close()
        ended = self._local.down(run)
        try:
            in_containers = bool(json.loads(note.read_text(encoding="utf-8"))["containers"])
        except (OSError, ValueError, KeyError):
            in_containers = False
        if in_containers:
            containers = self.containers()
            containers.end_idle(run)
            with process.clearing():  # a run that is cancelled leaves no server behind
                ended += DockerScratch(containers.docker).down(run)
        shutil.rmtree(short_folder(run), ignore_errors=True)
        shutil.rmtree(note.parent, ignore_errors=True)
        return ended

    def sweep(self, is_wanted: Callable[[str, datetime | None], bool]) -> tuple[str, ...]:
        """Ends what runs left for which `is_wanted(run, deadline)` is false. What can't be ended now is left to a later run."""
        swept: tuple[str, ...] = ()
        for folder in sorted(self.base.iterdir()) if self.base.is_dir() else ():
            if is_wanted(folder.name, self._deadline(folder / NOTE)):
                continue
            try:
                swept += self.down(folder.name) or (f"folder {folder.name}",)
            except Interrupted:
                raise
            except AxejError:
                continue
        return swept

    def _note(self, order: ScratchOrder, containers: bool) -> None:
        with _noting:
            self._write_note(order, containers)

    def _write_note(self, order: ScratchOrder, containers: bool) -> None:
        folder = self.base / order.run
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        path = folder / NOTE
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if known and (known["containers"] or not containers):
            return
        made = folder / f"{NOTE}.{label(order.source)}"
        made.write_text(json.dumps({"until": order.until.isoformat(), "containers": containers}), encoding="utf-8")
        made.replace(path)

    def _deadline(self, note: Path) -> datetime | None:
        try:
            return datetime.fromisoformat(json.loads(note.read_text(encoding="utf-8"))["until"])
        except (OSError, ValueError, KeyError):
            return None

    def _in_container(self, order: ScratchOrder) -> Scratch:
        engine = DockerScratch(Docker(self.containers().docker.program))
        gate = own_folder(own_folder(short_folder(order.run), None) / f"{label(order.source)}-c", None)
        socket = gate / "s"
        socket.mkdir(exist_ok=True)
        socket.chmod(0o777)
        now_s, noted = self.clock.now().timestamp(), lambda: self._note(order, containers=True)
        name = engine.up(order, label(order.source), socket, {**SETTINGS, **INSIDE}, now_s, noted)
        made = Scratch("container", f"container {name}", socket, order.user, "", "", name, name)
        end_us = self.clock.monotonic_us() + int(START_S * 1e6)
        while True:
            try:
                self.restorer(made, order).look()
                return made
            except SourceUnreachable as still:
                if (why := engine.fault(name)) is not None:
                    raise why from still
                if self.clock.monotonic_us() > end_us:
                    raise
                self.clock.sleep(0.3)
