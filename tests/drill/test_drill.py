"""`axej drill`: every source brought back into a scratch server, compared, checked, measured; nothing left over."""

from __future__ import annotations

import sys

from tests.crash.proof import assert_nothing_left
from tests.drill.scenes import assert_nothing_scratch, drilled, last_drill
from tests.world.home import World


def test_drill_brings_all_back_proves_the_points_and_leaves_nothing(world: World):
    done = world.axej("drill", expect=0)
    run = last_drill(world)
    assert run["outcome"] == "succeeded"
    verdicts = drilled(world)
    assert {source: (fact["passed"], fact["proof"]) for source, fact in verdicts.items()} == {
        "frame": (True, "verified"),
        "files": (True, "verified"),
    }
    frame = verdicts["frame"]
    assert [(check["name"], check["passed"]) for check in frame["checks"][:5]] == [
        ("contents", True), ("roles", True), ("extensions", True), ("constraints", True), ("indexes", True),
    ]  # fmt: skip
    assert frame["checks"][0]["detail"] == "2 tables, 2,050 rows and 0 sequences as they were dumped"
    assert frame["checks"][5]["detail"] == "2000"
    assert set(frame["seconds"]) == {"scratch", "fetch", "load", "compare", "check"}
    assert {point["proof"] for point in world.json("points")} == {"verified"}
    assert "everything was back after" in done.stdout
    assert_nothing_left(world)
    assert_nothing_scratch(world, run["run"])
    world.axej("journal", "verify", expect=0)


EXPORT = """
import os, pathlib, subprocess
ask = ["psql", "-XAtF:", "-c", "SELECT id, encode(content, 'hex') FROM evidence"]
for line in subprocess.run(ask, check=True, capture_output=True, text=True).stdout.split():
    name, _, content = line.partition(":")
    data = bytes.fromhex(content)
    pathlib.Path(os.environ["AXEJ_EXPORT"], name).write_bytes(data[:-1] if name == os.environ.get("CUT", "3") else data)
"""


def test_export_is_compared_hash_by_hash(world: World):
    """The round trip of what exists nowhere else: exported from the scratch, as the database holds it."""
    evidence = "CREATE TABLE evidence (id int PRIMARY KEY, content bytea NOT NULL);"
    rows = "INSERT INTO evidence SELECT n, decode(md5(n::text), 'hex') FROM generate_series(1, 2) AS n"
    world.server.sql(str(world.config["sources"]["frame"]["database"]), evidence + rows)
    hashes = "SELECT encode(sha256(content), 'hex') AS sha256 FROM evidence"
    world.config["sources"]["frame"]["drill"] = {"export": {"run": [sys.executable, "-c", EXPORT], "hashes": hashes}}
    world.write()
    world.axej("backup", "--local", expect=0)
    world.axej("drill", "--target", "frame", expect=0)
    assert drilled(world)["frame"]["checks"][-1]["detail"] == "2 exported, each with its hash"
    world.server.sql(str(world.config["sources"]["frame"]["database"]), "INSERT INTO evidence VALUES (3, '\\xcafe')")
    world.axej("backup", "--local", expect=0)
    world.axej("drill", "--target", "frame", expect=21)
    assert "1 of 3 were not exported as they are" in drilled(world)["frame"]["reason"]
