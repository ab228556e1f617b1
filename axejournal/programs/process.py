"""The one place that starts outside programs (the only `import subprocess`).

Every child gets its own session, a cleaned environment and the mark of the run that it works for, so that a resume
can find and end what a killed parent left behind. A child is told to `record` hooks before its work counts.
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from axejournal.domain.errors import Interrupted, ProgramMissing, ProgramStalled
from axejournal.domain.ports import Child
from axejournal.programs.process_hidden import handed
from axejournal.programs.process_pipes import keep_end, read_lines, take_line

MARK = "AXEJ_RUN"
GRACE_S = 10.0  # restic removes its own locks on SIGTERM (measured); SIGKILL leaves one behind
KEPT_BYTES = 64 * 1024  # of stderr: the end is what explains a failure
STRIPPED = ("RESTIC_", "PG", "AXEJ_", "LC_", "LANG")  # inherited settings that would change what a child does


@dataclass(frozen=True)
class Command:
    """What to start. `env` is added to a cleaned copy of ours and must hold no secret but a Hidden one (argv neither)."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None  # for the whole run
    silence_s: float | None = None  # longest time without a byte of output
    stdin: bytes | None = None
    cwd: Path | None = None
    grace_s: float = GRACE_S  # between SIGTERM and SIGKILL, when it has to be ended
    user: str | None = None  # start as this user (root only): PostgreSQL's servers refuse root
    bare: bool = False  # nothing of our environment: only `env`, and the run's mark
    watch: Callable[[], None] | None = None  # called about four times a second; what it raises ends the child


@dataclass(frozen=True)
class Completed:
    """How it ended. A negative exit code is the signal that ended it."""

    exit_code: int
    stdout: bytes
    stderr: str
    duration_s: float

    @property
    def text(self) -> str:
        """stdout as text."""
        return self.stdout.decode("utf-8", "replace")


@dataclass(frozen=True)
class Owner:
    """Whose children these are: the run's id marks them, `record` is called with each before it works, `keep` with
    program, exit code and the end of stderr of each that ended."""

    run: str
    record: Callable[[Child], None]
    keep: Callable[[str, int, str], None] = lambda *_: None


_owner: contextvars.ContextVar[Owner | None] = contextvars.ContextVar("owner", default=None)
_is_clearing: contextvars.ContextVar[bool] = contextvars.ContextVar("is_clearing", default=False)
_live: set[subprocess.Popen[bytes]] = set()
_live_guard = threading.Lock()
_cancelled_by: list[str] = []  # the first reason; empty while nothing is being cancelled


@contextlib.contextmanager
def clearing() -> Iterator[None]:
    """Inside (in this thread), programs that clear away can be started although all is being cancelled. Asked a second time
    (`end_all`), they are ended too, and none is started."""
    token = _is_clearing.set(True)
    try:
        yield
    finally:
        _is_clearing.reset(token)


@contextlib.contextmanager
def owned(owner: Owner) -> Iterator[None]:
    """All children started inside (in this thread) belong to `owner`."""
    token = _owner.set(owner)
    try:
        yield
    finally:
        _owner.reset(token)


def run(command: Command, on_line: Callable[[str], None] | None = None) -> Completed:
    """Runs to the end and returns how it ended, whatever the exit code.

    With `on_line`, stdout is handed over line by line and not kept, so that memory stays flat.
    Raises ProgramMissing, ProgramStalled (timeout or silence; the child's group was ended), Interrupted (`end_all`).
    """
    begin = time.monotonic()
    process = start(command)
    heard = [begin]
    stdout = bytearray()
    stderr = bytearray()
    readers = [
        read_lines(process.stdout, lambda line: take_line(line, stdout, on_line), heard),
        read_lines(process.stderr, lambda line: keep_end(line, stderr, KEPT_BYTES), heard),
    ]
    try:
        _feed(process, command.stdin)
        _wait(process, command, begin, heard, stderr)
        if process.returncode < 0:  # what was killed leaves its own children: restic an ssh, pg_basebackup a WAL receiver
            end(process)
    except BaseException:
        end(process, command.grace_s)
        raise
    finally:
        for reader in readers:
            reader.join(timeout=5)
        with _live_guard:
            _live.discard(process)
    if _is_ended():
        raise Interrupted(f"{Path(command.argv[0]).name} was ended: the run is being cancelled")
    duration_s = time.monotonic() - begin
    completed = Completed(process.returncode, bytes(stdout), stderr.decode("utf-8", "replace"), duration_s)
    owner = _owner.get()
    if owner is not None:
        owner.keep(Path(command.argv[0]).name, completed.exit_code, completed.stderr)
    return completed


def start(command: Command) -> subprocess.Popen[bytes]:
    """Starts a child with pipes for stdin, stdout, stderr; the caller ends it. Recorded before this returns."""
    if _is_ended():
        raise Interrupted("the run is being cancelled")
    owner = _owner.get()
    environment = clean_environment(command.env, owner.run if owner else None, command.bare)
    try:
        with handed(command.argv, environment) as given:
            process = subprocess.Popen(
                given.argv,
                env=given.environment,
                cwd=command.cwd,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                user=command.user,
                pass_fds=given.descriptors,
            )
    except (FileNotFoundError, PermissionError) as fault:
        if command.cwd is not None and not command.cwd.is_dir():
            raise ProgramMissing(f"{command.argv[0]}: its working directory {command.cwd} is missing") from fault
        hint = 'Run "axej doctor --install" to get the missing programs.'
        raise ProgramMissing(f"program {command.argv[0]} can't be started: {fault.strerror}", hint) from fault
    with _live_guard:
        _live.add(process)
    if owner is not None:
        try:
            owner.record(identify(process.pid, Path(command.argv[0]).name))
        except BaseException:
            end(process)
            raise
    return process


def spawn(argv: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Starts a program of our own that outlives us, with our environment; what it says is added to the file `log`."""
    with log.open("ab") as said:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)


def end(process: subprocess.Popen[bytes], grace_s: float = GRACE_S) -> None:
    """Ends the child and its whole session: SIGTERM, a grace, SIGKILL. May be called twice."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=grace_s)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()
    with _live_guard:
        _live.discard(process)


def end_all(why: str) -> None:
    """Cancels: every child of this process is told to end, and none can be started any more. Asked again: by SIGKILL.

    Called from a signal handler: takes no lock.
    """
    number = signal.SIGKILL if _cancelled_by else signal.SIGTERM
    _cancelled_by.append(why)
    for process in tuple(_live):
        _signal_group(process.pid, number)


def cancelled() -> str | None:
    """Why `end_all` was called, or None."""
    return _cancelled_by[0] if _cancelled_by else None


def _is_ended() -> bool:
    return len(_cancelled_by) > (1 if _is_clearing.get() else 0)


def clean_environment(added: Mapping[str, str], run_id: str | None, bare: bool = False) -> dict[str, str]:
    """Ours without what would change a child's behaviour, English messages, plus `added` and the run's mark; bare: only
    these two."""
    if bare:
        return {**added, **({MARK: run_id} if run_id else {})}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(STRIPPED)}
    marks = {MARK: run_id} if run_id else {}
    return {**kept, "LC_ALL": "C", "PGCLIENTENCODING": "UTF8", **marks, **added}


def boot_id() -> str:
    """This boot's id: a pid of another boot says nothing. Linux: random; elsewhere: the boot's second."""
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.exists():
        return linux.read_text().strip()
    import psutil

    return f"boot-{int(psutil.boot_time())}"


def own_name() -> str:
    """This process for the journal: `host:pid:start time`."""
    own = identify(os.getpid(), "axej")
    return f"{socket.gethostname()}:{own.pid}:{own.started_at_s:.2f}"


def identify(pid: int, program: str) -> Child:
    """Who a process is: pids are reused (pid_max is 32768 on small machines), start times are not. A process that has
    ended counts as none, also while it waits to be reaped (an orphan's new parent may take a second for that)."""
    import psutil

    try:
        process = psutil.Process(pid)
        started = 0.0 if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        started = 0.0
    return Child(program=program, pid=pid, started_at_s=started, boot_id=boot_id())


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _feed(process: subprocess.Popen[bytes], data: bytes | None) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        if data:
            process.stdin.write(data)
        process.stdin.close()


def _wait(process: subprocess.Popen[bytes], command: Command, begin: float, heard: list[float], stderr: bytearray) -> None:
    while True:
        try:
            process.wait(timeout=0.25 if command.timeout_s or command.silence_s or command.watch else None)
            return
        except subprocess.TimeoutExpired:
            if command.watch:
                command.watch()
            now, why = time.monotonic(), ""
            if command.timeout_s and now - begin > command.timeout_s:
                why = f"did not end within {command.timeout_s:g} s"
            elif command.silence_s and now - heard[0] > command.silence_s:
                why = f"was silent for {command.silence_s:g} s"
            if why:
                last = stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
                said = f"; it had said: {last}" if last else ""
                raise ProgramStalled(f"{Path(command.argv[0]).name} {why}; it was ended{said}") from None
