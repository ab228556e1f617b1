"""More bad days of a restore: damage that hits one of two databases, snapshots from the future, a night that is at work."""

from __future__ import annotations

import contextlib
import json

import pytest

from axejournal.journal.leases import FileLeases
from axejournal.programs.clock import SystemClock
from tests.world.home import World, at

COUNT = "SELECT count(*) FROM journal_line"


@pytest.fixture
def world(make_world) -> World:
    """One database, backed up at the slot of a night."""
    made = make_world(databases=("frame",))
    made.axej("backup", "--local", env=at("2026-05-20T03:00:30+09:00"), expect=0)
    return made


def name(world: World, source: str = "frame") -> str:
    return str(world.config["sources"][source]["database"])


def test_damage_that_hits_one_database_is_named_and_the_other_is_restored(world: World):
    other = "CREATE TABLE wage (id int PRIMARY KEY, pay text);"
    other += "INSERT INTO wage SELECT n, md5(n::text) FROM generate_series(1, 9000) AS n"
    world.add_database("hive", sql=other)
    world.axej("backup", "--local", expect=0)
    _damage_largest_blob(world)  # the rows of wage
    world.server.sql(name(world), "DELETE FROM journal_line")
    world.server.sql(name(world, "hive"), "DELETE FROM wage")
    done = world.axej("restore", "--target", "frame", "--target", "hive", "--yes", expect=1)
    assert "is damaged: table public.wage" in done.stderr
    assert world.server.sql(name(world), COUNT) == [("2000",)], done.stderr
    assert world.server.sql(name(world, "hive"), "SELECT count(*) FROM wage") == [("0",)]
    proofs = {(point["source"], point["proof"]) for point in world.json("points")}
    assert ("hive", "suspect") in proofs and ("frame", "restored") in proofs


def test_snapshot_of_the_future_is_never_the_newest(world: World):
    """One that somebody made by hand with restic's --time, with the tags of ours."""
    tags = next(iter(world.repository.snapshots()))["tags"]
    words = [part for tag in tags for part in ("--tag", tag)]
    world.repository.run("backup", "--time", "2031-01-01 03:00:00", "--host", "axe-macmini", *words, str(world.files))
    plan = world.axej("restore", "--target", "frame", "--dry-run", expect=0).stdout
    assert "restore point   frame, local, 2026-05-20 03:00" in plan
    world.journal.rename(world.journal.with_suffix(".away"))
    for file in world.state.glob("journal.sqlite-*"):
        file.unlink()
    lost = world.axej("restore", "--target", "frame", "--dry-run", expect=0).stdout  # by the tags of the repository alone
    assert "restore point   frame, local, 2026-05-20 03:00" in lost


def test_restore_goes_on_while_the_nightly_backup_is_at_work(world: World):
    world.server.sql(name(world), "DELETE FROM journal_line")
    leases = FileLeases(world.state / "leases", SystemClock())
    with contextlib.ExitStack() as night:
        for resource in ("backup.local:axe", "staging", "repository:local"):
            night.enter_context(leases.take(resource, "260521-0300-test"))
        world.axej("restore", "--target", "frame", "--yes", expect=0)
    assert world.server.sql(name(world), COUNT) == [("2000",)]


def _damage_largest_blob(world: World) -> None:
    """Scrambles one blob in its pack, and nothing beside it."""
    found = []
    for index in world.repository.run("list", "index").stdout.split():
        for pack in json.loads(world.repository.run("cat", "index", index).stdout)["packs"]:
            found += [(blob["length"], blob["offset"], pack["id"]) for blob in pack["blobs"] if blob["type"] == "data"]
    length, offset, pack_id = max(found)
    (pack,) = (world.repository.path / "data").rglob(pack_id)
    pack.chmod(0o600)
    content = bytearray(pack.read_bytes())
    content[offset + 50 : offset + length] = bytes(length - 50)
    pack.write_bytes(content)
