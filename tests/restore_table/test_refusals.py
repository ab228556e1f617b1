"""What can't be restored is refused: the reason is named, and nothing has changed."""

from __future__ import annotations

import pytest

from tests.world.home import SMALL_SQL

CASCADE_SQL = SMALL_SQL + (
    "CREATE TABLE note (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE);"
    "INSERT INTO note SELECT n, n FROM generate_series(1, 50) AS n;"
)


def refused(frame, table: str, *words: str, expect: int = 1) -> str:
    before = frame.state()
    said = frame.restore(table, *words, expect=expect).stderr
    assert frame.state() == before, "something was changed"
    assert not [name for name in frame.schemas() if name.startswith("axej_restore_")]
    return said


def test_row_that_is_referred_to_is_named_with_its_constraint(restores):
    frame = restores(SMALL_SQL)
    frame.sql("INSERT INTO customers VALUES (51, 'new'); INSERT INTO journal_line VALUES (9001, 51, 1), (9002, 51, 1)")
    said = refused(frame, "customers")
    assert "journal_line_customer_fkey" in said
    assert '2 rows of "public"."journal_line" would refer to nothing in "public"."customers": 51' in said
    assert frame.schemas() == []


def test_row_that_refers_to_nothing_is_named_with_its_constraint(restores):
    frame = restores(SMALL_SQL)
    frame.sql("DELETE FROM journal_line WHERE customer = 7; DELETE FROM customers WHERE id = 7")
    for words in ((), ("--only-missing",)):
        said = refused(frame, "journal_line", *words)
        assert "journal_line_customer_fkey" in said
        assert ": 7" in said


def test_deferred_constraint_counts_too(restores):
    frame = restores(SMALL_SQL.replace("REFERENCES customers", "REFERENCES customers DEFERRABLE INITIALLY DEFERRED"))
    frame.sql("DELETE FROM journal_line WHERE customer = 7; DELETE FROM customers WHERE id = 7")
    assert "journal_line_customer_fkey" in refused(frame, "journal_line")


def test_rows_of_other_tables_are_never_deleted_along(restores):
    frame = restores(CASCADE_SQL)
    frame.sql("INSERT INTO customers VALUES (51, 'new'); INSERT INTO note VALUES (51, 51)")
    said = refused(frame, "customers")
    assert 'foreign key note_customer_fkey of "public"."note" would change rows there: 1 row' in said


def test_table_whose_columns_do_not_fit_any_more_is_refused(restores):
    frame = restores(SMALL_SQL)
    frame.sql("ALTER TABLE journal_line DROP COLUMN amount")
    assert "column amount of the restore point was dropped since" in refused(frame, "journal_line")
    frame.sql("ALTER TABLE customers ALTER COLUMN name TYPE varchar(90)")
    said = refused(frame, "customers")
    assert "a column's type was changed since: name is character varying(90), was declared as text NOT NULL" in said


def test_column_that_could_not_be_filled_is_refused(restores):
    frame = restores(SMALL_SQL)
    frame.sql("ALTER TABLE customers ADD COLUMN born date DEFAULT '2000-01-01' NOT NULL")
    frame.sql("ALTER TABLE customers ALTER COLUMN born DROP DEFAULT")
    assert "column born was added since, may not be null and has no default" in refused(frame, "customers")


def test_table_without_a_key_that_is_referred_to_is_refused(restores):
    frame = restores("CREATE TABLE a (n int UNIQUE); CREATE TABLE b (n int REFERENCES a (n)); INSERT INTO a VALUES (1)")
    said = refused(frame, "a")
    assert "has no primary key" in said
    assert "b_n_fkey" in said
    assert "what is missing in it can't be told" in refused(frame, "b", "--only-missing")


def test_name_that_is_in_several_places_is_refused_with_the_list(make_world):
    world = make_world(databases=("frame", "hive"))
    world.axej("backup", "--local", expect=0)
    said = world.axej("restore", "--table", "journal_line", "--yes", expect=2).stderr
    assert "frame: public.journal_line, hive: public.journal_line" in said
    assert '--target frame --table "public.journal_line"' in said
    world.axej("restore", "--target", "hive", "--table", "journal_line", "--yes", expect=0)


@pytest.mark.parametrize(("asked", "near"), [("journal", "frame: public.journal_line"), ("nope", "another --as-of")])
def test_table_that_no_dump_holds_is_refused(restores, asked, near):
    frame = restores(SMALL_SQL)
    said = refused(frame, asked, expect=10)
    assert f"no table {asked} is in the restore point of frame" in said
    assert near in said


def test_table_that_is_no_longer_there_is_refused(restores):
    frame = restores(SMALL_SQL)
    frame.sql("DROP TABLE journal_line")
    assert "is not there any more" in refused(frame, "journal_line")
