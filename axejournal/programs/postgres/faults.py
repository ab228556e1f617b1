"""What PostgreSQL's programs and servers say, as axej's errors.

SQLSTATEs: manual, appendix A. A server may speak any language (`lc_messages`), so its words decide nothing but the
hint: whether a server that lets nobody in is down or refuses is asked of pg_isready (exit 0 accepts, 1 rejects, 2 no
answer), and a query's error is known by its SQLSTATE. What the programs themselves say is English (LC_ALL=C).
"""

from __future__ import annotations

import re

from axejournal.domain.errors import (
    AxejError,
    DiskFull,
    DumpIncomplete,
    ProgramFailed,
    ProgramKilled,
    ProgramMissing,
    ProgramStalled,
    SourceRefused,
    SourceUnreachable,
)

READ_ALL = 'Run "GRANT pg_read_all_data TO {user}" in the server, or name a role in `user:` that may read everything.'
REFUSALS = (  # (what the server says, the hint)
    (r'database ".*" does not exist', "Correct `database:` of the source, or create the database."),
    (r'role ".*" does not exist', "Correct `user:` of the source, or create the role."),
    (
        "password|no pg_hba.conf entry|authentication failed",
        "Put the role's password into the file that `passfile:` names (host:port:database:user:password, chmod 600).",
    ),
    ("permission denied for database", 'Run "GRANT CONNECT ON DATABASE … TO {user}" in the server.'),
    ("not currently accepting connections", 'Run "ALTER DATABASE … ALLOW_CONNECTIONS true" in the server.'),
)
CROWDED = re.compile("too many clients|too many connections|remaining connection slots")
STATES: dict[str, tuple[type[AxejError], str]] = {
    "42501": (SourceRefused, READ_ALL),
    "55P03": (ProgramStalled, 'Look for the long transaction that holds the lock in "pg_stat_activity".'),
    "57014": (ProgramKilled, "Somebody cancelled the query of the backup in the server."),
    "53100": (DiskFull, "Free some space on the disk of the server itself."),
    "53300": (SourceUnreachable, "Raise max_connections of the server, or end sessions that nobody needs."),
    "42P01": (DumpIncomplete, "A table was dropped while the backup looked at it; it is tried again."),
    "57P05": (SourceUnreachable, "Set idle_session_timeout of the role to 0."),
}
DAMAGED = re.compile(r"^XX00[12]$")
LOST = re.compile(r"^(08...|57P0[1-4])$")
GONE = re.compile(
    "server closed the connection|connection to server was lost|no connection to the server|could not (send|receive) data"
    "|terminating connection|Connection refused|SSL SYSCALL|the database system is"
)


def fault_of_connection(place: str, user: str, said: str, ready: int) -> AxejError:
    """Why nobody was let in. `said`: what psql said; `ready`: pg_isready's exit code."""
    line = first_line(said)
    if CROWDED.search(line):
        return SourceUnreachable(f"server at {place}: {line}", STATES["53300"][1])
    if ready == 1 or "the database system is" in line:  # psql was told so; a moment later pg_isready may be told otherwise
        return SourceUnreachable(f"server at {place} is starting or stopping: {line}", "Wait until the server is up.")
    if ready in (0, 3):
        hint = next((hint for pattern, hint in REFUSALS if re.search(pattern, line)), "Look at the server's log.")
        return SourceRefused(f"server at {place}: {line}", hint.format(user=user))
    return SourceUnreachable(f"server at {place} does not answer: {line}", "Start the server, or correct its address.")


def fault_of_query(place: str, user: str, database: str, state: str, message: str) -> AxejError:
    """What a failed query means."""
    line = message.strip().splitlines()[0] if message.strip() else "no message"
    text = f"database {database} at {place}: {line} (SQLSTATE {state})"
    if LOST.match(state):
        return SourceUnreachable(text, "Look at the server's log.")
    if DAMAGED.match(state):
        return ProgramFailed(
            text, "The server's own data is damaged; keep the last good restore point and see silent-corruption."
        )
    kind, hint = STATES.get(state, (ProgramFailed, "Look at the server's log."))
    return kind(text, hint.format(user=user))


def fault_of_program(place: str, user: str, what: str, said: str, killed_by: int | None, exit_code: int) -> AxejError:
    """What the failure of pg_dump, pg_dumpall or pg_restore means. `what`: "pg_dump of frame"."""
    if killed_by is not None:
        return ProgramKilled(f"{what} at {place} was ended by signal {killed_by}", "Look for a full memory or a person.")
    line = first_line(said) or f"exit {exit_code}"
    text = f"{what} at {place}: {line}"
    if "server version mismatch" in said:
        return ProgramMissing(text, "Install the client programs of the server's own major version.")
    if full := re.search(".*(No space left on device|Disk quota exceeded)", said):
        where = "of the server itself" if "ERROR: " in full[0] else "that holds `state:`"
        return DiskFull(f"{what} at {place}: {first_line(full[0])}", f"Free some space on the disk {where}.")
    if "lock timeout" in said:
        return ProgramStalled(text, STATES["55P03"][1])
    if re.search("permission denied|must be superuser|row-level security", said):
        more = " It must also bypass row level security (BYPASSRLS)." if "row-level security" in said else ""
        return SourceRefused(text, READ_ALL.format(user=user) + more)
    if "statement due to user request" in said:
        return ProgramKilled(text, STATES["57014"][1])
    if GONE.search(said):
        return SourceUnreachable(text, "Look at the server's log.")
    if re.search("No such container|container .* is not running|No such exec instance", said):
        return ProgramKilled(text, "The sidecar container was removed; it is tried again.")
    return ProgramFailed(text, 'Look at what else it said with "axej history RUN".')


def first_line(said: str) -> str:
    """The line that says what is wrong, without the program's prefixes."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    lines = [line for line in lines if re.search(r"\b(error|fatal|panic):", line, re.IGNORECASE)] or lines
    if not lines:
        return ""
    line = re.sub(r"^(psql|pg_dump|pg_dumpall|pg_restore): (error: |warning: )?", "", lines[0])
    line = re.sub(r"^(connection to server.* failed|query failed|detail: Error message from server): (?=\S)", "", line)
    return re.sub(r"^(FATAL|ERROR|PANIC):\s+", "", line)
