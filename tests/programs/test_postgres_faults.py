"""What servers and programs say, as errors: in any language, and without a word of what they don't mean."""

from __future__ import annotations

import pytest

from axejournal.domain.errors import (
    AxejError,
    DiskFull,
    ProgramFailed,
    ProgramKilled,
    ProgramMissing,
    ProgramStalled,
    SourceRefused,
    SourceUnreachable,
)
from axejournal.programs.postgres.faults import fault_of_connection, fault_of_program, fault_of_query
from axejournal.programs.postgres.reach import quoted
from axejournal.programs.postgres.session import identifier, literal, qualified

KOREAN = 'psql: error: connection to server on socket "/tmp/.s.PGSQL.5432" failed: 치명적오류:  "frame" 데이터베이스 없음'


@pytest.mark.parametrize(("ready", "kind"), [(0, SourceRefused), (1, SourceUnreachable), (2, SourceUnreachable)])
def test_connection_refused_in_korean_is_told_apart_by_pg_isready(ready: int, kind: type[AxejError]) -> None:
    fault = fault_of_connection("/tmp, port 5432", "axe", KOREAN, ready)
    assert type(fault) is kind and '"frame" 데이터베이스 없음' in fault.message and "psql" not in fault.message


def test_server_that_was_starting_when_psql_asked_and_is_up_a_moment_later_is_asked_again() -> None:
    said = "psql: error: connection failed: FATAL:  the database system is not yet accepting connections"
    fault = fault_of_connection("container a, port 5432", "axe", said, 0)
    assert type(fault) is SourceUnreachable and fault.passing


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("42501", SourceRefused),
        ("55P03", ProgramStalled),
        ("57014", ProgramKilled),
        ("57P01", SourceUnreachable),
        ("08006", SourceUnreachable),
        ("53100", DiskFull),
        ("53300", SourceUnreachable),
        ("XX001", ProgramFailed),
        ("22012", ProgramFailed),
    ],
)
def test_query_that_failed_is_known_by_its_state_alone(state: str, kind: type[AxejError]) -> None:
    fault = fault_of_query("/tmp", "axe", "frame", state, "오류: 어떤 것\n둘째 줄")
    assert type(fault) is kind and state in fault.message and "둘째" not in fault.message and fault.hint


@pytest.mark.parametrize(
    ("said", "kind", "hint"),
    [
        ("pg_dump: error: could not write to file: No space left on device", DiskFull, "`state:`"),
        (
            'pg_dump: error: Dumping the contents of table "t" failed: PQgetResult() failed.\n'
            'pg_dump: detail: Error message from server: ERROR:  could not write to file "base/pgsql_tmp/pgsql_tmp7.0": '
            "No space left on device\npg_dump: detail: Command was: COPY public.t TO stdout;",
            DiskFull,
            "of the server itself",
        ),
        ("pg_dump: error: query failed: ERROR:  canceling statement due to lock timeout", ProgramStalled, "pg_stat_activity"),
        (
            "pg_dump: error: query failed: ERROR:  permission denied for table secret",
            SourceRefused,
            "GRANT pg_read_all_data TO axe",
        ),
        ("pg_dump: error: aborting because of server version mismatch", ProgramMissing, "major version"),
        ("pg_dump: error: query failed: server closed the connection unexpectedly", SourceUnreachable, "log"),
        ("Error response from daemon: No such container: axej-x", ProgramKilled, "tried again"),
        ("pg_dump: error: something new", ProgramFailed, "axej history"),
    ],
)
def test_program_that_failed_is_known_by_what_it_said(said: str, kind: type[AxejError], hint: str) -> None:
    fault = fault_of_program("/tmp", "axe", "pg_dump of frame", said, None, 1)
    assert type(fault) is kind and hint in fault.hint and fault.message.startswith("pg_dump of frame at /tmp: ")


def test_program_that_was_killed_is_tried_again_whatever_it_said() -> None:
    fault = fault_of_program("/tmp", "axe", "pg_dump of frame", "permission denied", 9, -9)
    assert type(fault) is ProgramKilled and fault.passing and "signal 9" in fault.message


def test_names_and_texts_are_quoted_for_sql_and_for_connection_strings() -> None:
    assert qualified('a"b', "c d") == '"a""b"."c d"' and identifier("x") == '"x"'
    assert literal("it's") == "'it''s'" and literal("a\\'b") == "E'a\\\\''b'"
    assert quoted("it's a \\") == "'it\\'s a \\\\'"
