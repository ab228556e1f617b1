"""Scratch servers out of this machine's own PostgreSQL: data in a folder of the run, a Unix socket only, no TCP.

As root they run as an unprivileged user, since PostgreSQL refuses to be root; what that user can't reach in the state's
folder lies in the run's folder of /tmp then. A socket's path has 103 bytes at most (macOS), so that sockets are always
there.

Nothing in them is made durable: a drill proves that what a tier gave back loads and is, row for row, what was dumped, and
for that it does not matter whether the pages lie on the disk or in the system's cache, from which every query reads them
either way. What durability is for, a machine that goes down, ends a scratch server for good: one that was made in an earlier
boot, or that did not end cleanly, is thrown away and made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import stat
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import DiskFull, ProgramFailed, SourceRefused
from axejournal.domain.ports.scratch import Audit, Scratch, ScratchOrder
from axejournal.programs.postgres.reach import Find, ServerAddress, Way
from axejournal.programs.postgres.session import Session
from axejournal.programs.process import Command, Completed, boot_id, identify, run

SHORT = Path("/tmp")
PREFIX = "axej-drill-"
READY = "axej-ready"
PORT = 5432
START_S = 120.0
SAME_START_S = 5.0
OWNERS = ("postgres", "nobody")
_making = threading.Lock()
SETTINGS = {  # a server for one load and one look: no replicas, no cleaning in the background, nothing durable
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "30min",
    "autovacuum": "off",
    "shared_buffers": "128MB",
    "max_connections": "40",
    "jit": "off",
}
AUDIT = """
SELECT (SELECT json_agg(rolname) FROM pg_roles) AS roles,
       (SELECT json_agg(json_build_array(extname, extversion)) FROM pg_extension) AS extensions,
       (SELECT count(*) FROM pg_constraint WHERE connamespace <> 'pg_catalog'::regnamespace) AS constraints,
       (SELECT json_agg(conname ORDER BY conname) FROM pg_constraint WHERE NOT convalidated) AS not_validated,
       (SELECT json_agg(indexrelid::regclass::text) FROM pg_index WHERE NOT indisvalid) AS invalid_indexes
"""


def label(source: str) -> str:
    """A source's name as a folder's: short, plain, its own."""
    return hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def short_folder(run: str) -> Path:
    """The run's folder for sockets."""
    return SHORT / f"{PREFIX}{run}"


@dataclass(frozen=True)
class LocalScratch:
    """Makes them below `base`, the folder of all drills; `find`: this machine's programs by major version."""

    base: Path
    find: Find

    def up(self, order: ScratchOrder) -> Scratch:
        """See ScratchServers."""
        owner = _owner()
        short = own_folder(short_folder(order.run), owner)
        bin_dir = reachable(self.find("initdb", order.major).parent, short, owner)
        home = self._home(order, short, owner)
        socket = own_folder(short / label(order.source), owner, mine=True)
        data = home / "data"
        server = _Server(bin_dir, data, socket, owner)
        if not server.is_running():
            if not server.is_sound():
                server.make_from(self._blank(order, bin_dir, home.parent, owner))
            server.start()
        return Scratch("local", f"socket {socket}", socket, order.user, str(order.major), "", data=data)

    def pid(self, scratch: Scratch) -> int | None:
        """The process of a server that runs."""
        assert scratch.data is not None
        return _Server(scratch.data, scratch.data, scratch.socket, None).pid()

    def down(self, run: str) -> tuple[str, ...]:
        """Ends the servers of a run and removes its folders. Raises ProgramFailed for one that does not end."""
        ended = []
        for folder in (self.base / run / "servers", short_folder(run) / "servers"):
            for home in sorted(folder.iterdir()) if folder.is_dir() else ():
                if _Server(home, home / "data", home, None).stop():
                    ended.append(f"scratch server {home.name}")
                shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(short_folder(run), ignore_errors=True)
        return tuple(ended)

    def _blank(self, order: ScratchOrder, bin_dir: Path, servers: Path, owner: str | None) -> Path:
        """A cluster without anything, which all servers of a run are copies of: initdb takes a second of a core each time."""
        with _making:
            home = own_folder(servers / f"blank-{order.major}-{label(order.user)}", owner, mine=True)
            whole = home / READY
            if not whole.exists():
                _Server(bin_dir, home / "data", home, owner).initialise(order.user)
                whole.touch()
        return home / "data"

    def _home(self, order: ScratchOrder, short: Path, owner: str | None) -> Path:
        folder = self.base / order.run / "servers"
        if owner is not None and not _may_enter(self.base, owner):
            folder = short / "servers"
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        return own_folder(folder / label(order.source), owner, mine=True)


@dataclass(frozen=True)
class _Server:
    bin_dir: Path
    data: Path
    socket: Path
    owner: str | None

    def initialise(self, user: str) -> None:
        """A new cluster; a half-made one is removed first."""
        shutil.rmtree(self.data, ignore_errors=True)
        words = ("-D", str(self.data), "-U", user, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
        _checked(self._run("initdb", *words), "initdb")

    def make_from(self, blank: Path) -> None:
        """A copy of a cluster, with our settings; what was there is removed first. Its last file tells that it is whole, and
        in which boot it was made."""
        shutil.rmtree(self.data, ignore_errors=True)
        copy = Command(("cp", "-Rp", str(blank), str(self.data)), user=self.owner, cwd=Path("/"), timeout_s=START_S)
        _checked(run(copy), "copying the files")
        settings = {**SETTINGS, "port": str(PORT), "unix_socket_directories": str(self.socket)}
        lines = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(lines)
        (self.data / READY).write_text(boot_id(), encoding="ascii")

    def is_sound(self) -> bool:
        """Whether a server that does not run can be started again: made whole in this boot, and shut down in good order."""
        try:
            made_in = (self.data / READY).read_text(encoding="ascii")
        except OSError:
            return False
        return made_in == boot_id() and not (self.data / "postmaster.pid").exists()

    def start(self) -> None:
        """Returns when it answers."""
        log = self.data / "server.log"
        done = self._run("pg_ctl", "-s", "-D", str(self.data), "-w", "-t", str(int(START_S) - 10), "-l", str(log), "start")
        if done.exit_code != 0:
            said = log.read_text(encoding="utf-8", errors="replace")[-600:] if log.exists() else done.stderr
            raise ProgramFailed(f"the scratch server did not start: {' '.join(said.split())}", "Look at the server's log.")

    def stop(self) -> bool:
        """Whether it ran. At once: nobody needs its data any more. By signals, so that it can be done while everything is
        being cancelled."""
        pid = self.pid()
        if pid is None:
            return False
        for number, wait_s in ((signal.SIGQUIT, 15.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            end_s = time.monotonic() + wait_s
            while self.pid() is not None and time.monotonic() < end_s:
                time.sleep(0.05)
            if self.pid() is None:
                return True
        raise ProgramFailed(f"the scratch server in {self.data} did not end", f"End the process {pid} by hand.")

    def is_running(self) -> bool:
        """By the process that its own file names."""
        return self.pid() is not None

    def pid(self) -> int | None:
        """Of the process that its own file names, while it lives. Pids are used again: the start time in the file must be
        that process's own."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            pid, started_s = int(lines[0]), int(lines[2])
        except (OSError, ValueError, IndexError):
            return None
        found = identify(pid, "postgres")
        return pid if abs(found.started_at_s - started_s) < SAME_START_S else None

    def _run(self, name: str, *words: str) -> Completed:
        return run(Command((str(self.bin_dir / name), *words), user=self.owner, cwd=Path("/"), timeout_s=START_S))


def audit(way: Way, database: str) -> Audit:
    """See ScratchServers."""
    with Session(way, database) as session:
        found = session.row(AUDIT)
    return Audit(
        roles=frozenset(found["roles"] or ()),
        extensions=dict(found["extensions"] or ()),
        constraints=int(found["constraints"]),
        not_validated=tuple(found["not_validated"] or ()),
        invalid_indexes=tuple(found["invalid_indexes"] or ()),
    )


def address_of(scratch: Scratch) -> ServerAddress:
    """Where a scratch server is, as a restore reaches it."""
    if scratch.container is not None:
        return ServerAddress(container=scratch.container, user=scratch.user, port=scratch.port)
    return ServerAddress(socket=scratch.socket, user=scratch.user, port=scratch.port)


def own_folder(folder: Path, owner: str | None, mine: bool = False) -> Path:
    """A folder of ours: made, or there and nobody else's. `mine`: it belongs to the servers' user. Raises SourceRefused for
    a link, and for one of another user's, who could put a server of his into our way."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o711 if owner and not mine else 0o700)
    found = folder.lstat()
    allowed = {os.geteuid(), *([pwd.getpwnam(owner).pw_uid] if owner else [])}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in allowed:
        raise SourceRefused(f"{folder} is somebody else's", "Look who made it, and remove it.")
    if owner and mine:
        shutil.chown(folder, owner)
    elif owner:
        folder.chmod(0o711)
    return folder


def _owner() -> str | None:
    if os.geteuid() != 0:
        return None
    for name in OWNERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise SourceRefused("PostgreSQL refuses to run as root and there is no user nobody here", "Run axej as another user.")


def _may_enter(folder: Path, user: str) -> bool:
    """Only that user can tell."""
    return run(Command(("ls", "-d", f"{folder.resolve()}/."), user=user, cwd=Path("/"), timeout_s=10)).exit_code == 0


def reachable(bin_dir: Path, short: Path, owner: str | None) -> Path:
    """The programs, or a copy that `owner` can start: a virtual environment in root's home is closed to others. The embedded
    server's libraries go along: its programs look for them beside their package ($ORIGIN/../../../NAME.libs)."""
    if owner is None or _may_enter(bin_dir, owner):
        return bin_dir
    package, made = bin_dir.parent.parent, short / "programs"
    with _making:
        if not made.exists():
            fresh = short / "programs.part"
            shutil.rmtree(fresh, ignore_errors=True)
            for part in ("bin", "lib", "share"):
                shutil.copytree(bin_dir.parent / part, fresh / package.name / bin_dir.parent.name / part, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, fresh / libraries.name)
            fresh.rename(made)
    return made / package.name / bin_dir.parent.name / "bin"


def _checked(done: Completed, what: str) -> None:
    if done.exit_code != 0:
        said = " ".join((done.stderr or done.text).split())[-400:]
        if "No space left" in said:
            raise DiskFull(f"{what} of a scratch server: {said}", "Free some space there, then run the drill again.")
        raise ProgramFailed(f"{what} of a scratch server ended with exit {done.exit_code}: {said}", "Mend what it says.")
