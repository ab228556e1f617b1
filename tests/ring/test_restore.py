"""A database, and one of its tables, out of the partner's copy over ssh: the local repository burned with the office."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from tests.ring.conftest import Ring

COUNTS = "SELECT count(*), sum(amount) FROM journal_line"
WHOLE = [("2000", "3001500.0")]


def test_database_and_table_come_back_over_sftp_without_the_local_repository(make_ring: Callable[..., Ring]):
    ring = make_ring(databases=("frame",))
    world = ring.world
    database = str(world.config["sources"]["frame"]["database"])
    world.axej("backup", "--local", expect=0)
    ring.set_up()
    world.axej("ring", "push", expect=0)
    shutil.rmtree(world.repository.path)

    world.server.sql(database, "DROP TABLE journal_line")
    local = world.axej("restore", "--target", "frame", "--yes")
    assert (local.returncode, "no repository is at" in local.stderr) == (10, True), local.stderr
    world.axej("restore", "--tier", "ring", "--target", "frame", "--yes", expect=0)
    assert world.server.sql(database, COUNTS) == WHOLE

    world.server.sql(database, "DELETE FROM journal_line WHERE id % 3 = 0")
    done = world.axej("restore", "--from", "realchoice", "--table", "journal_line", "--yes", expect=0)
    assert "666 rows inserted" in done.stdout + done.stderr
    assert world.server.sql(database, COUNTS) == WHOLE
    assert {run["outcome"] for run in world.json("history") if run["job"].startswith("restore.")} == {"succeeded", "failed"}
    assert ring.copies.locks() == []
