"""A conversation with a database through psql, on pipes: SQL in, rows out.

Each answer is one JSON object a line, which holds no raw newline, closed by a token that no row can be. Errors come
with their SQLSTATE from psql's own variables (psql 11 and newer: manual, psql, Variables).
"""

from __future__ import annotations

import contextlib
import json
import queue
import secrets
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from axejournal.domain.errors import AxejError, Interrupted, ProgramStalled, SourceRefused
from axejournal.domain.ports import ServerFacts
from axejournal.programs import process
from axejournal.programs.postgres.faults import fault_of_connection, fault_of_program, fault_of_query
from axejournal.programs.postgres.reach import CONNECT_S, Way

OLDEST_MAJOR = 12  # generated columns are known, floats are printed exactly
QUICK_S = 120.0  # for questions to the catalog
OPTIONS = ("--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password")
SETTINGS: Mapping[str, str] = {  # a role's or database's own settings must not change what is seen, nor end the session
    "search_path": "",  # what is named in no schema is PostgreSQL's own
    "row_security": "off",  # rather an error than rows left out in silence
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "client_min_messages": "error",
    "jit": "off",
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
}
SETTINGS_SINCE: Mapping[int, Mapping[str, str]] = {
    14: {"idle_session_timeout": "0", "client_connection_check_interval": "5s"},  # a query whose client died ends
    17: {"transaction_timeout": "0"},
}
SETTINGS_OF_LOADS: Mapping[str, str] = {  # for what pg_restore does not set itself, as an option in the connection's string
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "default_transaction_read_only": "off",
    "default_transaction_isolation": r"read\ committed",
    "role": "none",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",  # "-1 year 2 mons" is another interval in sql_standard
}
WHO = """
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
       (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
       pg_postmaster_start_time() AS started_at, current_setting('is_superuser') = 'on' AS is_superuser
"""


class Session:
    """One open psql. Use it in a `with`; for one thread. After an error that is not a query's own it is closed."""

    def __init__(self, way: Way, database: str, major: int | None = None) -> None:
        self.way = way
        self.database = database
        self._major = major
        self._token = f"axej-{secrets.token_hex(8)}"
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._said = bytearray()
        self._is_open = False
        self._is_closed = False

    def __enter__(self) -> Session:
        conninfo = self.way.conninfo(self.database)
        self._child = process.start(self.way.command("psql", self._major, *OPTIONS, f"--dbname={conninfo}"))
        self._readers = [threading.Thread(target=one, daemon=True) for one in (self._read_rows, self._read_errors)]
        for reader in self._readers:
            reader.start()
        try:
            who = self._who()
            self.facts = ServerFacts(
                str(who["version"]).split()[0], who["major"], who["system_identifier"], _time(who["started_at"])
            )
            self.is_superuser = bool(who["is_superuser"])
            self.set(SETTINGS)
            for since, settings in SETTINGS_SINCE.items():
                if self.facts.major >= since:
                    self.set(settings)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self, query: str, timeout_s: float = QUICK_S) -> list[dict[str, Any]]:
        """The rows of a SELECT, each column by its name; NULL is None. Raises SourceRefused, SourceUnreachable, DiskFull,
        ProgramStalled (no answer in time, or a lock not got), ProgramKilled, ProgramFailed."""
        answer = self._ask(f"SELECT row_to_json(axej_row) FROM ({query}) AS axej_row", timeout_s)
        return [json.loads(line.decode("utf-8", "surrogateescape")) for line in answer]

    def row(self, query: str, timeout_s: float = QUICK_S) -> dict[str, Any]:
        """The only row of a SELECT."""
        (found,) = self.rows(query, timeout_s)
        return found

    def execute(self, statement: str, timeout_s: float = QUICK_S) -> None:
        """Runs one statement. Raises what `rows` raises."""
        self._ask(statement, timeout_s)

    def set(self, settings: Mapping[str, str]) -> None:
        """Sets server settings for the rest of the session."""
        calls = (f"set_config({literal(name)}, {literal(value)}, false)" for name, value in settings.items())
        self._ask(f"SELECT {', '.join(calls)}", QUICK_S)

    @property
    def is_alive(self) -> bool:
        """Whether its psql runs and it was not closed."""
        return not self._is_closed and self._child.poll() is None

    def close(self) -> None:
        """Ends it. May be called twice."""
        if self._is_closed:
            return
        self._is_closed = True
        with contextlib.suppress(OSError):
            self._child.stdin.close()  # type: ignore[union-attr]  # process.start makes all three pipes
        for reader in self._readers:
            reader.join(timeout=1)  # psql ends with its input, unless it waits for an answer
        process.end(self._child, grace_s=2)

    def _who(self) -> dict[str, Any]:
        numbers = self._ask("SHOW server_version_num", CONNECT_S * 3)  # three addresses of a name at most
        major = int(numbers[0]) // 10000
        if major < OLDEST_MAJOR:
            hint = "Upgrade the server; these versions get no fixes any more."
            raise SourceRefused(f"server at {self.way.place} is PostgreSQL {major}; {OLDEST_MAJOR} or newer is needed", hint)
        self._is_open = True
        return self.row(WHO)

    def _ask(self, statement: str, timeout_s: float) -> list[bytes]:
        self._send(f"{statement};\n\\echo {self._token} :ERROR :SQLSTATE\n")
        answer, (failed, state) = self._answer(timeout_s)
        if failed != b"true":
            return answer
        self._send(f"\\echo :LAST_ERROR_MESSAGE\n\\echo {self._token} - -\n")
        message = b"".join(self._answer(timeout_s)[0]).decode("utf-8", "replace")
        raise fault_of_query(self.way.place, self.way.user, self.database, state.decode(), message)

    def _send(self, text: str) -> None:
        assert self._child.stdin is not None
        with contextlib.suppress(OSError):  # a psql that died is noticed when its answer is awaited
            self._child.stdin.write(text.encode("utf-8", "surrogateescape"))
            self._child.stdin.flush()

    def _answer(self, timeout_s: float) -> tuple[list[bytes], tuple[bytes, bytes]]:
        token, end_s = self._token.encode(), time.monotonic() + timeout_s
        answer: list[bytes] = []
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end_s - time.monotonic()))
            except queue.Empty:
                self.close()
                where = f"database {self.database} at {self.way.place}"
                raise ProgramStalled(f"{where} did not answer within {timeout_s:g} s", "Look at the server's load.") from None
            if line is None:
                raise self._lost()
            if line.startswith(token):
                _, failed, state = line.split()
                return answer, (failed, state)
            answer.append(line)

    def _lost(self) -> AxejError:
        """Why psql has ended."""
        self.close()
        if process.cancelled():
            return Interrupted("the session was ended: the run is being cancelled")
        said = bytes(self._said).decode("utf-8", "replace")
        if self._child.returncode < 0:
            what = f"psql of {self.database}"
            return fault_of_program(self.way.place, self.way.user, what, said, -self._child.returncode, 1)
        if self._is_open:
            return fault_of_query(self.way.place, self.way.user, self.database, "08006", _last_words(said))
        ready = self.way.command("pg_isready", self._major, "--quiet", "--timeout=5", f"--dbname={self.way.conninfo('postgres')}")
        return fault_of_connection(self.way.place, self.way.user, said, process.run(ready).exit_code)

    def _read_rows(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _read_errors(self) -> None:
        assert self._child.stderr is not None
        for line in self._child.stderr:
            self._said.extend(line)
            del self._said[: -process.KEPT_BYTES]


def literal(text: str) -> str:
    """A text as SQL writes it, whatever standard_conforming_strings says."""
    escaped = text.replace("'", "''")
    return f"E'{escaped}'".replace("\\", "\\\\") if "\\" in text else f"'{escaped}'"


def identifier(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str, name: str) -> str:
    """A table's full name as SQL writes it."""
    return f"{identifier(schema)}.{identifier(name)}"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _last_words(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if "FATAL" in line), lines[-1] if lines else "the connection was lost")
