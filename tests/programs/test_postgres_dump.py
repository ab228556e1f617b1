"""Dumps by PostgreSQL's own programs: that they are whole, that a restore is the same, and that what is not whole is found."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from axejournal.domain.errors import DumpIncomplete, ProgramKilled
from axejournal.domain.ports import Progress
from axejournal.programs.install import find_postgres_program, require_postgres_program
from axejournal.programs.process import Command, run
from tests.contract.database_servers import by_socket, contents, dump, restore
from tests.world.postgres import Server
from tests.world.samples import DATA

TORTURE = DATA / "torture.sql"
EXTENSIONS = DATA / "torture_extensions.sql"
Make = Callable[..., str]
Programs = Callable[[str, int | None], Path]


@pytest.fixture(scope="module")
def server(make_postgres: Callable[..., Server]) -> Server:
    """PostgreSQL 15 with its contrib."""
    return make_postgres("15") if find_postgres_program("postgres", 15) else make_postgres("pgserver")


@pytest.fixture
def database(server: Server, request: pytest.FixtureRequest) -> Make:
    """Makes databases for one test: `database("CREATE TABLE …")`."""

    def make(sql: str = "", name: str = "dumped", options: str = "") -> str:
        server.drop_database(name)
        server.create_database(name, options)
        request.addfinalizer(lambda: server.drop_database(name))
        if sql:
            server.sql(name, sql)
        return name

    return make


# --- whole, and the same after a restore -----------------------------------------------------------------------


def test_torture_restored_has_the_same_content(server: Server, database: Make, tmp_path: Path) -> None:
    name = database()
    server.load(name, TORTURE)
    if server.major == 15:
        server.load(name, EXTENSIONS)
    made = dump(by_socket(server, tmp_path), name, tmp_path / "dump")
    copy = database(name="restored")
    server.drop_database(copy)
    restore(server, tmp_path / "dump", copy)
    assert contents(by_socket(server, tmp_path).fingerprints(copy)) == contents(made.tables)
    again = dump(by_socket(server, tmp_path), copy, tmp_path / "again")
    assert again.sequences == made.sequences and again.extensions == made.extensions
    assert (made.large_objects, again.large_objects) == (4, 4)


def test_torture_is_taken_table_by_table(server: Server, database: Make, tmp_path: Path) -> None:
    name = database()
    server.load(name, TORTURE)
    made = dump(by_socket(server, tmp_path), name, tmp_path / "dump")
    rows = {(table.schema, table.name): table.rows for table in made.tables}
    assert rows["public", "events"] == 0 and rows["public", "events_2026_kr"] == 1
    assert rows["public", "parent"] == 1 and rows["public", "child"] == 2
    assert rows["public", "tenant"] == 2  # row level security hides one of them from its owner
    assert rows["public", "no_columns"] == 2 and rows["public", "fast"] == 2 and rows["public", "no_rows"] == 0
    assert rows["DATA", "TABLE DATA public x"] == 1 and rows["한국어; DROP", "급여\n원장"] == 2
    assert not {"newest", "counted", "passing"} & {table.name for table in made.tables}
    without_file = {table.name for table in made.tables if table.file is None}
    assert without_file == {"events", "events_2026"}
    assert made.sequences["public.shared_numbers"] == 0 and made.sequences["public.never_used"] is None
    assert made.sequences['"SET"."it\'s \\ a\nsequence"'] == 1


def test_torture_restored_into_a_newer_server_has_the_same_content(
    server: Server, make_postgres: Callable[..., Server], database: Make, tmp_path: Path
) -> None:
    newer = make_postgres("pgserver")
    assert server.major < newer.major, "two versions are needed"
    name = database()
    server.load(name, TORTURE)
    made = dump(by_socket(server, tmp_path), name, tmp_path / "dump")
    restore(newer, tmp_path / "dump", "from_older")
    try:
        assert contents(by_socket(newer, tmp_path).fingerprints("from_older")) == contents(made.tables)
    finally:
        newer.drop_database("from_older")


def test_dump_while_others_write_is_the_content_of_one_instant(server: Server, database: Make, tmp_path: Path) -> None:
    name = database(
        "CREATE TABLE account (id int PRIMARY KEY, amount bigint NOT NULL, pad text);"
        "CREATE TABLE journal (id serial PRIMARY KEY, account int, amount bigint);"
        "INSERT INTO account SELECT n, 1000, repeat('x', 500) FROM generate_series(1, 20000) AS n"
    )
    stop = threading.Event()

    def write(base: int) -> None:
        while not stop.is_set():
            server.sql(
                name,
                f"BEGIN; UPDATE account SET amount = amount - 1 WHERE id BETWEEN {base + 1} AND {base + 100};"
                f"UPDATE account SET amount = amount + 1 WHERE id BETWEEN {base + 101} AND {base + 200};"
                f"INSERT INTO journal (account, amount) SELECT n, {base} FROM generate_series(1, 50) AS n;"
                f"DELETE FROM journal WHERE amount = {base} AND id % 7 = 0; COMMIT",
            )

    writers = [threading.Thread(target=write, args=(base,)) for base in (0, 9000)]
    for writer in writers:
        writer.start()
    try:
        axej = by_socket(server, tmp_path)
        dumps = [dump(axej, name, tmp_path / str(number)) for number in range(3)]
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert len({made.sha256 for made in dumps}) == 3
    for number, made in enumerate(dumps):
        server.drop_database("restored")
        restore(server, tmp_path / str(number), "restored")
        assert contents(axej.fingerprints("restored")) == contents(made.tables)
        assert server.sql("restored", "SELECT sum(amount) FROM account") == [("20000000",)]
    server.drop_database("restored")


def test_truncate_during_a_dump_waits_for_its_proof(server: Server, database: Make, tmp_path: Path) -> None:
    name = database("CREATE TABLE t AS SELECT n, repeat('x', 300) AS pad FROM generate_series(1, 200000) AS n")
    begun: list[threading.Thread] = []

    def truncate_once(progress: Progress) -> None:
        if progress.done_bytes > 0 and not begun:
            begun.append(threading.Thread(target=server.sql, args=(name, "TRUNCATE t")))
            begun[0].start()

    made = by_socket(server, tmp_path).dump(name, tmp_path / "dump", (), truncate_once)
    begun[0].join()
    assert [table.rows for table in made.tables] == [200000]
    assert server.sql(name, "SELECT count(*) FROM t") == [("0",)]


# --- fingerprints ----------------------------------------------------------------------------------------------


def test_fingerprint_changes_with_any_value_and_with_nothing_else(server: Server, database: Make, tmp_path: Path) -> None:
    name = database(
        "CREATE TABLE t (a int, b text, c bytea, d numeric); INSERT INTO t VALUES (1, 'x', '\\x00', 1), (2, NULL, NULL, 2)"
    )
    axej = by_socket(server, tmp_path)

    def mark() -> str:
        return axej.fingerprints(name)[0].fingerprint

    first, seen = mark(), {mark()}
    assert first.startswith("2:")
    for change in (
        "UPDATE t SET a = 3 WHERE a = 2",
        "UPDATE t SET b = '' WHERE a = 3",
        "UPDATE t SET c = '' WHERE a = 3",
        "UPDATE t SET c = '\\x01' WHERE a = 1",
        "UPDATE t SET d = 1.0 WHERE a = 1",
        "UPDATE t SET b = 'x' WHERE a = 3; UPDATE t SET b = NULL WHERE a = 1",
        "INSERT INTO t SELECT * FROM t",
    ):
        server.sql(name, change)
        assert mark() not in seen, change
        seen.add(mark())
    server.sql(name, "TRUNCATE t; INSERT INTO t VALUES (2, NULL, NULL, 2); INSERT INTO t VALUES (1, 'x', '\\x00', 1)")
    assert mark() == first


def test_fingerprint_is_the_same_for_every_setting_of_a_role(server: Server, database: Make, tmp_path: Path) -> None:
    name = database(
        "CREATE TABLE t (a timestamptz, b interval, c bytea, d float8, e money, f regclass, g date);"
        "INSERT INTO t VALUES ('2026-05-20 03:00+09', '1 year 2 days 3 h', '\\xff00', 0.1, '1234.5', 'public.t', '2026-05-20');"
        "INSERT INTO t SELECT t.* FROM t, generate_series(1, 100000)"  # longer than the timeouts below
    )
    plain = dump(by_socket(server, tmp_path), name, tmp_path / "plain")
    settings = {
        "DateStyle": "'German, DMY'",
        "TimeZone": "'Asia/Seoul'",
        "IntervalStyle": "'sql_standard'",
        "bytea_output": "'escape'",
        "extra_float_digits": "0",
        "search_path": "public",
        "statement_timeout": "'30ms'",
        "idle_in_transaction_session_timeout": "'30ms'",
        "default_transaction_isolation": "'serializable'",
        "standard_conforming_strings": "off",
        "quote_all_identifiers": "on",
        "row_security": "off",
        "client_min_messages": "'debug5'",
        "enable_seqscan": "off",
    }
    changes = "".join(f"ALTER ROLE odd SET {setting} = {value};" for setting, value in settings.items())
    server.sql("postgres", f"DROP ROLE IF EXISTS odd; CREATE ROLE odd SUPERUSER LOGIN; {changes}")
    try:
        axej = by_socket(server, tmp_path, user="odd")
        made = dump(axej, name, tmp_path / "odd", plain.tables)
        assert contents(made.tables) == contents(plain.tables)
        assert made.fingerprints_reused == 0, "its file is written otherwise"
    finally:
        server.sql("postgres", "DROP ROLE odd")


def test_fingerprint_is_computed_again_when_rows_or_columns_changed(server: Server, database: Make, tmp_path: Path) -> None:
    name = database(
        "CREATE TABLE same (a int, b int); INSERT INTO same VALUES (1, 2);"
        "CREATE TABLE swapped (a int, b int); INSERT INTO swapped VALUES (1, 2);"
        "CREATE TABLE changed (a int); INSERT INTO changed VALUES (1)"
    )
    axej = by_socket(server, tmp_path)
    first = dump(axej, name, tmp_path / "1")
    rename = "ALTER TABLE swapped RENAME a TO c; ALTER TABLE swapped RENAME b TO a; ALTER TABLE swapped RENAME c TO b"
    server.sql(name, f"UPDATE changed SET a = 2; {rename}")
    second = dump(axej, name, tmp_path / "2", first.tables)
    assert second.fingerprints_reused == 1
    assert contents(second.tables) == contents(axej.fingerprints(name))
    before, after = ({table.name: table for table in made.tables} for made in (first, second))
    assert before["swapped"].sha256 == after["swapped"].sha256
    assert before["swapped"].fingerprint != after["swapped"].fingerprint


def test_fingerprints_of_named_tables_are_those_alone(server: Server, database: Make, tmp_path: Path) -> None:
    name = database("CREATE TABLE a (n int); CREATE TABLE b (n int)")
    found = by_socket(server, tmp_path).fingerprints(name, [("public", "b"), ("public", "gone")])
    assert [(table.schema, table.name, table.fingerprint) for table in found] == [("public", "b", "0:0")]


# --- encodings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("encoding", "hexadecimal"), [("SQL_ASCII", "ff00fe".replace("00", "41")), ("EUC_KR", "b1deBFA9")])
def test_dump_keeps_the_bytes_of_other_encodings(
    server: Server, database: Make, tmp_path: Path, encoding: str, hexadecimal: str
) -> None:
    options = f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
    value = f"convert_from('\\x{hexadecimal}', '{encoding}')"
    name = database(f"CREATE TABLE t AS SELECT {value} AS a", options=options)
    made = dump(by_socket(server, tmp_path), name, tmp_path / "dump")
    assert made.encoding == encoding
    assert (tmp_path / "dump" / str(made.tables[0].file)).read_bytes().startswith(bytes.fromhex(hexadecimal) + b"\n")
    copy = database(name="restored", options=options)
    program = str(server.bin_dir / "pg_restore")
    words = ("-h", str(server.socket_dir), "-p", str(server.port), "-U", server.user, "-d", copy, str(tmp_path / "dump"))
    done = run(Command((program, "--exit-on-error", *words)))
    assert done.exit_code == 0, done.stderr
    assert server.sql(copy, f"SELECT encode(convert_to(a, '{encoding}'), 'hex') FROM t") == [(hexadecimal.lower(),)]
    assert contents(by_socket(server, tmp_path).fingerprints(copy)) == contents(made.tables)


# --- not whole -------------------------------------------------------------------------------------------------

ROWS = "CREATE TABLE t AS SELECT n, repeat('x', 50) AS pad FROM generate_series(1, 3000) AS n; CREATE TABLE other (n int);"
DATA_FILE = '$(ls -S "$into"/[0-9]*.dat | head -1)'
FEWER_ROWS = f"""head -n 2000 {DATA_FILE} > "$into/x"; printf '\\\\.\\n\\n\\n' >> "$into/x"; mv "$into/x" {DATA_FILE}"""


@pytest.fixture
def damaging(tmp_path: Path) -> Callable[[str], Programs]:
    """Client programs whose pg_dump does something to its dump (`$into`) after it ended well."""

    def make(damage: str, more: str = "") -> Programs:
        def find(name: str, major: int | None) -> Path:
            real = require_postgres_program(name, major)
            if name != "pg_dump":
                return real
            script = tmp_path / "pg_dump"
            script.write_text(
                "#!/bin/sh\n"
                'for word in "$@"; do case "$word" in --file=*) into="${word#--file=}" ;; esac; done\n'
                f'"{real}" "$@" {more} || exit\n{damage}\n'
            )
            script.chmod(0o755)
            return script

        return find

    return make


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (f"truncate -s 100000 {DATA_FILE}", r'with the rows of table "public"\."t" is cut after 100,000 bytes'),
        (f": > {DATA_FILE}", "is cut after 0 bytes"),
        (FEWER_ROWS, "holds 2,000, the server has 3,000"),
        (f"rm {DATA_FILE}", r'with the rows of table "public"\."t" is missing'),
        (': > "$into/toc.dat"', "its table of contents can't be read"),
        ('truncate -s 1000 "$into/toc.dat"', "its table of contents can't be read"),
        ('rm "$into/toc.dat"', "its table of contents can't be read"),
        ('rm -r "$into"/*', "its table of contents can't be read"),
        ('rm "$into"/blob_*.dat', "2 files of large objects are missing"),
        ('for f in "$into"/blob_*.dat; do : > "$f"; done', "large objects have 0 bytes, the server's 6"),
        (': > "$(ls "$into"/blobs*.toc)"', "0 large objects are in it, the server has 2"),
    ],
)
def test_dump_that_was_damaged_is_found_incomplete(
    server: Server, database: Make, damaging: Callable[[str], Programs], tmp_path: Path, damage: str, said: str
) -> None:
    name = database(ROWS + "SELECT lo_from_bytea(0, 'abc'), lo_from_bytea(0, 'def')")
    axej = by_socket(server, tmp_path, find=damaging(damage))
    with pytest.raises(DumpIncomplete, match=said) as caught:
        dump(axej, name, tmp_path / "dump")
    assert name in caught.value.message and caught.value.hint


def test_dump_without_a_table_that_the_server_has_is_incomplete(
    server: Server, database: Make, damaging: Callable[..., Programs], tmp_path: Path
) -> None:
    name = database(ROWS)
    axej = by_socket(server, tmp_path, find=damaging("", more="--exclude-table=public.other"))
    with pytest.raises(DumpIncomplete, match=r'table "public"\."other" is not in it'):
        dump(axej, name, tmp_path / "dump")


def test_dump_without_some_tables_rows_is_incomplete(
    server: Server, database: Make, damaging: Callable[..., Programs], tmp_path: Path
) -> None:
    name = database(ROWS)
    axej = by_socket(server, tmp_path, find=damaging("", more="--exclude-table-data=public.t"))
    with pytest.raises(DumpIncomplete, match=r'table "public"\."t" is not in it'):
        dump(axej, name, tmp_path / "dump")


def test_dump_of_many_faults_names_some_and_counts_the_rest(
    server: Server, database: Make, damaging: Callable[[str], Programs], tmp_path: Path
) -> None:
    name = database("".join(f"CREATE TABLE t{n} (n int);" for n in range(12)))
    axej = by_socket(server, tmp_path, find=damaging('rm "$into"/[0-9]*.dat'))
    with pytest.raises(DumpIncomplete, match="and 7 more"):
        dump(axej, name, tmp_path / "dump")


def test_dump_whose_program_is_killed_says_so(
    server: Server, database: Make, damaging: Callable[[str], Programs], tmp_path: Path
) -> None:
    axej = by_socket(server, tmp_path, find=damaging("kill -KILL $$"))
    with pytest.raises(ProgramKilled, match=r"pg_dump of dumped at .* was ended by signal 9"):
        dump(axej, database(ROWS), tmp_path / "dump")
