"""Whole databases of every kind come back equal: the schema and rights as pg_dump writes them, the rows by fingerprint, large
objects by their bytes, what is the database's own by the catalog."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from tests.contract.database_servers import by_socket, contents
from tests.crash.proof import run_id
from tests.world.home import World, at, reach
from tests.world.needs import need
from tests.world.postgres import Server, clean_environment
from tests.world.samples import DATA, chinook_sql

ROLES = ("estate_owner", "estate_reader", "estate_tenant")
OWN = "SELECT datdba::regrole, encoding, datcollate, datctype, datlocprovider, datconnlimit, datacl,"
OWN += " shobj_description(d.oid, 'pg_database'),"
OWN += " (SELECT array_agg(setrole::text || setconfig::text ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)"
OBJECTS = "SELECT loid, pageno, md5(data) FROM pg_largeobject ORDER BY 1, 2"
HASHED = "by_status_"  # partitions by an enum's hash, which is another in each database
SEQUENCES = "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2"


def state(server: Server, name: str, folder: Any) -> dict[str, Any]:
    """Everything of a database that a restore must bring back."""
    environment = clean_environment() | {"PGHOST": str(server.socket_dir), "PGPORT": str(server.port), "PGUSER": server.user}
    environment |= {"PGDATABASE": name}
    done = subprocess.run([str(server.bin_dir / "pg_dump"), "--schema-only"], env=environment, capture_output=True, check=True)
    schema = re.sub(r"^\\(un)?restrict .*$", "", done.stdout.decode(errors="surrogateescape"), flags=re.MULTILINE)
    own = server.sql("postgres", f"{OWN} FROM pg_database d WHERE datname = '{name}'")
    rows = {kind: server.sql(name, query) for kind, query in (("objects", OBJECTS), ("sequences", SEQUENCES))}
    tables = {key: mark for key, mark in contents(by_socket(server, folder).fingerprints(name)).items() if HASHED not in key[1]}
    hashed = server.sql(name, "SELECT id, state FROM app.by_status ORDER BY 1") if ("app", "by_status") in tables else []
    return {"schema": schema.splitlines(), "own": own, "tables": tables, "hashed": hashed, **rows}


def is_restored(world: World, name: str) -> str:
    """Backs `name` up, empties it, restores it: equal, with the old one kept. Returns what axej said."""
    before = state(world.server, name, world.folder)
    world.add_source("kind", kind="postgres", **reach(world.server), database=name)
    world.axej("backup", "--local", "--source", "kind", expect=0)
    world.server.drop_database(name)
    world.server.create_database(name)
    done = world.axej("restore", "--target", "kind", "--yes", expect=0)
    after = state(world.server, name, world.folder)
    for part, found in before.items():
        assert after[part] == found, part
    return done.stderr


def test_torture_comes_back_equal(make_world, database):
    world: World = make_world(databases=())
    name = database("torture", file=DATA / "torture.sql")
    if world.server.major == 15:
        world.server.load(name, DATA / "torture_extensions.sql")
    is_restored(world, name)


def test_chinook_comes_back_equal(make_world, database):
    is_restored(make_world(databases=()), database("chinook", sql=chinook_sql()))


@pytest.fixture
def roles(postgres: Server):
    """The roles of estate.sql."""
    for role in ROLES:
        postgres.sql("postgres", f"CREATE ROLE {role}")
    yield
    for role in ROLES:
        postgres.sql("postgres", f"DROP ROLE IF EXISTS {role}")


def test_estate_comes_back_equal(make_world, postgres, roles, database):
    if postgres.major != 15:
        need("debian")
    world: World = make_world(databases=())
    name = "Estate 부동산"
    locale = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' TEMPLATE template0"
    postgres.create_database(name, f"OWNER estate_owner {locale} CONNECTION LIMIT 9")
    try:
        postgres.load(name, DATA / "estate.sql")
        postgres.sql(
            name,
            f"""COMMENT ON DATABASE "{name}" IS 'it''s\nours'; REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;
            GRANT CONNECT, TEMP ON DATABASE "{name}" TO estate_reader WITH GRANT OPTION;
            ALTER DATABASE "{name}" SET search_path = app, public; ALTER DATABASE "{name}" SET default_transaction_read_only = on;
            ALTER ROLE estate_reader IN DATABASE "{name}" SET statement_timeout = '1s';
            ALTER DATABASE "{name}" SET statement_timeout = '10ms'; ALTER DATABASE "{name}" SET "app.tenant" = 'x; y';""",
        )
        is_restored(world, name)
    finally:
        for one in postgres.databases():
            if one.startswith("Estate"):
                postgres.drop_database(one)


def test_database_that_pg_restore_alone_can_not_load_comes_back_equal(make_world, postgres, database):
    world: World = make_world(databases=())
    name = database("careless")
    postgres.sql(name, f"ALTER DATABASE {name} SET search_path = shop, public")
    postgres.load(name, DATA / "careless.sql")
    said = is_restored(world, name)
    assert "functions of this database name no schema" in said and "checks of this database look into other tables" in said
    before = state(world.server, name, world.folder)
    postgres.sql(
        name, "SET search_path = shop, public; UPDATE shop.aa_store SET lat = 0 WHERE id > 7; DELETE FROM aa_store WHERE id < 3"
    )
    world.axej("restore", "--table", "aa_store", "--yes", expect=0)
    assert state(world.server, name, world.folder)["tables"].items() >= before["tables"].items()
    with pytest.raises(RuntimeError, match="code_is_known"):
        postgres.sql(name, "SET search_path = shop, public; INSERT INTO shop.aa_store VALUES (1000, 'x', 1, 1, 'nowhere')")


def test_tablespace_that_the_server_lacks_is_told_and_its_tables_come_back(make_world, postgres, database):
    world: World = make_world(databases=())
    folder = world.place.folder("space", postgres.owner)
    name = database("spaced")
    postgres.sql("postgres", f"CREATE TABLESPACE fast_disk LOCATION '{folder}'")
    postgres.sql("postgres", f"ALTER DATABASE {name} SET TABLESPACE fast_disk")
    postgres.sql(name, "CREATE TABLE one (id int PRIMARY KEY USING INDEX TABLESPACE pg_default) TABLESPACE pg_default")
    postgres.sql(name, "INSERT INTO one VALUES (1)")
    world.add_source("kind", kind="postgres", **reach(world.server), database=name)
    world.axej("backup", "--local", "--source", "kind", expect=0)
    postgres.drop_database(name)
    postgres.sql("postgres", "DROP TABLESPACE fast_disk")
    done = world.axej("restore", "--target", "kind", "--yes", expect=3)
    assert "not restored: tablespaces that this server lacks" in done.stderr
    assert postgres.sql(name, "SELECT id FROM one") == [("1",)]


def test_subscription_is_told_and_does_not_keep_its_database_from_being_dropped(make_world, postgres, database):
    world: World = make_world(databases=())
    made = "CREATE SUBSCRIPTION follows CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p WITH (connect = false, slot_name = NONE)"
    name = database("fed", sql=f"CREATE TABLE one (id int PRIMARY KEY); INSERT INTO one VALUES (1); {made}")
    world.add_source("kind", kind="postgres", **reach(world.server), database=name)
    try:
        world.axej("backup", "--local", "--source", "kind", expect=0)
        first = world.axej("restore", "--target", "kind", "--yes", env=at("2027-01-01T10:00:00+09:00"), expect=3).stderr
        assert "follows is there and disabled" in first
        world.axej("restore", "--target", "kind", "--yes", env=at("2027-02-01T10:00:00+09:00"), expect=3)
        assert f"{name}__before_{run_id(first)}" not in postgres.databases()
    finally:
        for one in postgres.databases():
            if one.startswith(name):
                postgres.sql(one, "DROP SUBSCRIPTION follows")
