"""The tests' own world: its parts are real and do what the other tests take for granted."""

from __future__ import annotations

from tests.world.samples import CHINOOK_ROWS, HOSTILE_NAMES, HOSTILE_SQL, chinook_sql


def test_database_with_chinook_has_its_rows(postgres, database):
    name = database("chinook", sql=chinook_sql())
    counts = {table: int(postgres.sql(name, f"SELECT count(*) FROM {table}")[0][0]) for table in CHINOOK_ROWS}
    assert counts == CHINOOK_ROWS


def test_database_with_each_hostile_name_holds_the_hostile_tables(postgres, database):
    for name in HOSTILE_NAMES:
        database(exact=name, file=HOSTILE_SQL)
        assert postgres.sql(name, "SELECT current_database()") == [(name,)]
        tables = postgres.sql(name, "SELECT count(*) FROM pg_tables WHERE schemaname !~ '^(pg_|information)'")
        assert tables == [("13",)]


def test_sql_returns_null_and_empty_text_apart(postgres):
    assert postgres.sql("postgres", "SELECT NULL, ''; SELECT 'a', E'b\\nc'") == [(None, ""), ("a", "b\nc")]


def test_server_stopped_and_started_keeps_its_data(make_server, postgres):
    server = make_server("pgserver")
    server.sql("postgres", "CREATE TABLE kept (id int); INSERT INTO kept VALUES (5)")
    server.stop()
    server.start()
    assert server.sql("postgres", "SELECT id FROM kept") == [("5",)]
    assert server.system_identifier() != postgres.system_identifier()


def test_repository_takes_a_snapshot(repository, tmp_path):
    made = repository()
    (tmp_path / "file").write_bytes(b"x" * 1000)
    made.run("backup", str(tmp_path / "file"), "--tag", "run=1")
    snapshot = made.snapshots("run=1")[0]
    assert made.files(snapshot["id"]) == {str(tmp_path / "file"): 1000}
    assert made.locks() == []
    assert len(made.id) == 64
