"""`axej restore --table`: a damaged table is as it was, nothing else has changed, and there is a way back."""

from __future__ import annotations

import shutil

from tests.world.home import SMALL_SQL
from tests.world.samples import chinook_sql

DAMAGE = (
    "DELETE FROM journal_line WHERE id <= 3; UPDATE journal_line SET amount = 0 WHERE id BETWEEN 10 AND 19;"
    "INSERT INTO journal_line VALUES (9001, 1, 5)"
)
SERIAL_SQL = "CREATE TABLE bill (id serial PRIMARY KEY, n int); INSERT INTO bill (n) SELECT generate_series(1, 10);"


def test_damaged_table_is_made_equal_and_the_difference_is_told_before(restores):
    frame = restores(SMALL_SQL)
    before = frame.state()
    frame.sql(DAMAGE)
    said = frame.restore("journal_line").stderr
    assert frame.state() == before
    told = "3 rows are missing (1, 2, 3), 10 rows are changed (10, 11, 12, 13, 14, …), 1 row is extra (9001), 1,987 are the same"
    assert told in said
    assert said.index(told) < said.index("StepStarted equalise")
    assert "3 rows inserted, 10 updated, 1 deleted" in said
    assert [name.split("_")[1] for name in frame.schemas()] == ["kept"]
    assert not (frame.world.state / "restore" / frame.last_run()["run"]).exists()


def test_dry_run_prints_the_plan_and_touches_nothing(restores):
    frame = restores(SMALL_SQL)
    frame.sql(DAMAGE)
    before = frame.state()
    plan = frame.world.axej("restore", "--table", "public.journal_line", "--dry-run", expect=0).stdout
    assert "public.journal_line of database" in plan
    assert "rows are compared by id" in plan
    assert frame.state() == before
    assert frame.schemas() == []
    assert frame.last_run()["job"] == "backup.local"


def test_undo_puts_back_what_was_there_and_can_be_undone(restores):
    frame = restores(SMALL_SQL)
    before = frame.state()
    frame.sql(DAMAGE)
    damaged = frame.state()
    frame.restore("journal_line")
    frame.world.axej("undo", frame.last_run()["run"], expect=0)
    assert frame.state() == damaged
    frame.world.axej("undo", frame.last_run()["run"], expect=0)
    assert frame.state() == before
    frame.restore("journal_line")
    nothing = frame.world.axej("undo", frame.last_run()["run"], expect=10)
    assert "changed nothing in table public.journal_line" in nothing.stderr


def test_kept_content_is_dropped_when_its_time_has_passed(restores):
    frame = restores(SMALL_SQL)
    frame.world.config["restore"] = {"keep_old": "1h"}
    frame.world.write()
    frame.sql(DAMAGE)
    frame.restore("journal_line")
    first = frame.last_run()["run"]
    frame.restore("journal_line")
    assert f"axej_kept_{first}" in frame.schemas()
    frame.sql(f"""UPDATE "axej_kept_{first}".done SET kept_until = now() - interval '1 minute'""")
    frame.restore("journal_line")
    assert f"axej_kept_{first}" not in frame.schemas()
    gone = frame.world.axej("undo", first, expect=10)
    assert f"what run {first} had replaced in table public.journal_line" in gone.stderr


def test_only_missing_inserts_what_is_lost_and_touches_nothing_else(restores):
    frame = restores(SMALL_SQL)
    frame.sql(DAMAGE)
    frame.restore("journal_line", "--only-missing")
    assert frame.sql("SELECT count(*) FROM journal_line WHERE id <= 3 AND amount > 0") == [("3",)]
    assert frame.sql("SELECT count(*) FROM journal_line WHERE amount = 0") == [("10",)]
    assert frame.sql("SELECT count(*) FROM journal_line WHERE id = 9001") == [("1",)]
    fact = frame.fact("TableEqualised")
    assert (fact["inserted"], fact["updated"], fact["deleted"]) == (3, 0, 0)


def test_every_table_of_chinook_is_made_equal(restores):
    frame = restores(chinook_sql())
    before = frame.state()
    frame.sql("DELETE FROM playlist_track WHERE playlist_id < 4; UPDATE track SET name = upper(name), unit_price = 0;"
              "DELETE FROM invoice_line; UPDATE employee SET reports_to = NULL")  # fmt: skip
    for table in ("track", "playlist_track", "invoice_line", "employee"):
        frame.restore(table)
    assert frame.state() == before


def test_sequence_goes_on_behind_every_number_that_was_given(restores):
    frame = restores(SERIAL_SQL)
    frame.sql("TRUNCATE bill RESTART IDENTITY; INSERT INTO bill (n) VALUES (99)")
    assert "sequences moved on: public.bill_id_seq" in frame.restore("bill").stderr
    assert frame.sql("INSERT INTO bill (n) VALUES (0) RETURNING id") == [("11",)]
    frame.sql("SELECT setval('bill_id_seq', 500)")
    frame.restore("bill")
    assert frame.sql("SELECT last_value FROM bill_id_seq") == [("500",)]


def test_trigger_is_not_fired_again_and_stays_as_it_was(restores):
    frame = restores(
        SMALL_SQL + "CREATE TABLE told (op text);"
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.told VALUES (TG_OP); "
        "RETURN NEW; END$$;"
        "CREATE TRIGGER one AFTER INSERT OR UPDATE ON journal_line FOR EACH ROW EXECUTE FUNCTION tell();"
        "CREATE TRIGGER two AFTER INSERT OR UPDATE ON journal_line FOR EACH ROW EXECUTE FUNCTION tell();"
        "ALTER TABLE journal_line DISABLE TRIGGER two;"
        "CREATE RULE also AS ON DELETE TO journal_line DO ALSO INSERT INTO told VALUES ('rule')"
    )
    before = frame.schema()
    frame.sql(DAMAGE + "; TRUNCATE told")
    frame.restore("journal_line")
    assert frame.sql("SELECT count(*) FROM told") == [("0",)]
    assert frame.schema() == before
    frame.sql("INSERT INTO journal_line VALUES (7000, 1, 1)")
    assert frame.sql("SELECT op FROM told") == [("INSERT",)]


def test_rows_that_exchanged_unique_values_are_put_right(restores):
    frame = restores("CREATE TABLE item (id int PRIMARY KEY, place int UNIQUE); INSERT INTO item VALUES (1, 1), (2, 2), (3, 3)")
    before = frame.state()
    frame.sql("UPDATE item SET place = place + 10; UPDATE item SET place = 4 - (place - 10)")
    frame.restore("item")
    assert frame.state() == before


def test_columns_that_came_since_keep_their_values_and_get_their_default(restores):
    frame = restores(SMALL_SQL)
    frame.sql("ALTER TABLE journal_line ADD COLUMN note text DEFAULT 'new'; UPDATE journal_line SET note = 'kept'")
    frame.sql("DELETE FROM journal_line WHERE id = 1; UPDATE journal_line SET amount = 0 WHERE id = 2")
    said = frame.restore("journal_line").stderr
    assert "columns that were added since have their default in inserted rows: note" in said
    assert frame.sql("SELECT note, amount FROM journal_line WHERE id <= 2 ORDER BY id") == [("new", "1.5"), ("kept", "3.0")]


def test_data_that_is_damaged_in_the_repository_changes_nothing(restores):
    frame = restores(SMALL_SQL)
    frame.sql(DAMAGE)
    before = frame.state()
    for pack in (frame.world.repository.path / "data").rglob("*"):
        if pack.is_file():
            pack.chmod(0o600)
            content = bytearray(pack.read_bytes())
            content[: len(content) // 2] = bytes(len(content) // 2)
            pack.write_bytes(content)
    shutil.rmtree(frame.world.state / "cache", ignore_errors=True)
    frame.restore("journal_line", expect=1)
    assert frame.state() == before
    assert frame.schemas() == []
