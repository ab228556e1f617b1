"""The same on another major version, in a container, and with a role that may not do everything."""

from __future__ import annotations

from tests.restore_table.tables import Restores
from tests.restore_table.test_torture import DAMAGES
from tests.world.home import SMALL_SQL, reach
from tests.world.samples import DATA

PARTS_SQL = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE events (id int, at date, feeling mood, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
INSERT INTO events SELECT n, date '2025-12-01' + n, 'ok' FROM generate_series(1, 60) AS n;
"""


def test_tables_on_the_newest_version_are_as_they_were(make_world, make_server):
    world = make_world(databases=())
    world.server = make_server(version="pgserver")
    name = world.server.create_database("frame")
    world.server.load(name, DATA / "torture.sql")
    world.add_source("frame", kind="postgres", **reach(world.server), database=name)
    world.axej("backup", "--local", expect=0)
    frame = Restores(world, name)
    before = frame.state()
    for table in ("every_type", "made", "events", "audited", "no_columns", "DATA.TABLE DATA public x"):
        frame.sql(DAMAGES[table])
        frame.restore(table)
        assert frame.state() == before, table


def test_table_in_a_container_is_as_it_was(make_world, container, docker_engine):
    world = make_world(databases=())
    world.environment |= docker_engine.environment
    server = container("frame-table-postgres")
    server.create_database("frame", PARTS_SQL)
    world.add_source("frame", kind="postgres", container=server.name, database="frame", user=server.user)
    world.axej("backup", "--local", expect=0)
    everything = "SELECT id, at, feeling, tableoid::regclass FROM events ORDER BY id"
    before = server.sql("frame", everything)
    server.sql("frame", "DELETE FROM events WHERE id < 10; UPDATE events SET feeling = 'sad', at = at + 300 WHERE id > 50")
    world.axej("restore", "--table", "events", "--yes", expect=0)
    assert server.sql("frame", everything) == before
    assert docker_engine.containers(f"name=axej-{world.json('history')[0]['run']}") == set()


def test_partition_that_is_gone_by_now_is_no_hindrance(restores):
    frame = restores(PARTS_SQL)
    everything = "SELECT id, at, feeling FROM events ORDER BY id"
    before = frame.sql(everything)
    frame.sql("DROP TABLE events_old; CREATE TABLE events_rest PARTITION OF events DEFAULT")
    frame.restore("events")
    assert frame.sql(everything) == before


def test_role_that_may_only_read_is_told_what_it_lacks(restores):
    frame = restores(SMALL_SQL)
    frame.world.server.sql("postgres", "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN IN ROLE pg_read_all_data")
    frame.world.config["sources"]["frame"]["user"] = "reader"
    frame.world.write()
    said = frame.restore("journal_line", expect=1).stderr
    assert "the role that axej uses lacks SELECT, INSERT, UPDATE, DELETE on the table; CREATE on the database" in said
