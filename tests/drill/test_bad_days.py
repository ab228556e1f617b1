"""Bad days of a drill: damage is found, the legitimately odd passes, and nothing is left."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.drill.scenes import assert_nothing_scratch, drilled, facts_of, last_drill, scratch_sql, servers
from tests.ring.places import peer_in_a_folder
from tests.world.disks import Drawer
from tests.world.home import World, at
from tests.world.needs import need


def frame(world: World) -> str:
    return str(world.config["sources"]["frame"]["database"])


def checks(world: World, *commands: object) -> None:
    """The source's own checks."""
    world.config["sources"]["frame"]["drill"] = {"checks": list(commands)}
    world.write()


def proof(world: World, source: str = "frame", tier: str = "local") -> str:
    return next(point["proof"] for point in world.json("points") if (point["source"], point["tier"]) == (source, tier))


def corrupt(repository: Path) -> None:
    """Every pack of any size."""
    for pack in (path for path in (repository / "data").rglob("*") if path.is_file()):
        pack.chmod(0o600)
        content = bytearray(pack.read_bytes())
        for place in range(60, len(content), 200):
            content[place] ^= 0xFF
        pack.write_bytes(content)


def test_damaged_packs_make_the_points_suspect_and_the_drill_fail(world: World):
    corrupt(world.repository.path)
    done = world.axej("drill", expect=21)
    assert "See runbooks/drill-failed.md" in done.stderr
    failed = [source for source, fact in drilled(world).items() if not fact["passed"]]
    assert failed
    for source in failed:
        assert drilled(world)[source]["reason"].startswith("damaged: ")
        assert proof(world, source) == "suspect"
    assert_nothing_scratch(world, last_drill(world)["run"])


def test_dump_that_was_cut_by_hand_in_the_repository_is_found(world: World):
    """A snapshot that looks right: the same tags, the same paths; one table's file is cut."""
    (snapshot,) = world.repository.snapshots()
    back = world.folder / "back"
    world.repository.run("restore", snapshot["id"], "--target", str(back))
    staging = world.state / "staging"
    shutil.rmtree(staging)
    shutil.copytree(back / str(staging).lstrip("/"), staging)
    data = max((staging / "frame" / "dump").glob("*.dat"), key=lambda path: path.stat().st_size)
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2] + b"\\.\n\n\n")
    words = [part for tag in snapshot["tags"] for part in ("--tag", tag)]
    said = world.repository.run("backup", "--json", *words, "--host", snapshot["hostname"], str(staging), str(world.files)).stdout
    made = json.loads(said.splitlines()[-1])["snapshot_id"]
    with sqlite3.connect(world.journal) as journal:  # restic can't be made to give a snapshot another one's id
        journal.execute("UPDATE restore_points SET snapshot = ?", (made,))
    world.axej("drill", "--target", "frame", expect=21)
    assert drilled(world)["frame"]["reason"].startswith("damaged: table public.journal_line")
    assert proof(world) == "suspect"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM journal_line WHERE id = 7", "table public.journal_line has 1,999 rows, not 2,000"),
        ("UPDATE evidence SET content = set_byte(content, 77, 1)", "table public.evidence has other contents"),
        ("DROP INDEX wanted; UPDATE pg_constraint SET convalidated = false WHERE contype = 'f'", "constraints: not validated"),
    ],
)
def test_change_that_is_planted_before_comparing_is_found(world: World, statement: str, found: str):
    blob = "CREATE TABLE evidence (id int, content bytea); INSERT INTO evidence VALUES (1, decode(repeat('00ff', 500), 'hex'));"
    world.server.sql(frame(world), f"{blob} CREATE INDEX wanted ON journal_line (amount);")
    world.axej("backup", "--local", expect=0)
    checks(world)
    assert world.axej("drill", "--target", "frame", kill_at="fact:load:local:frame").returncode == -9
    scratch_sql(world, last_drill(world)["run"], frame(world), statement)
    assert world.axej("resume").returncode == 21
    assert found in drilled(world)["frame"]["reason"]
    assert proof(world) == "suspect"
    assert_nothing_scratch(world, last_drill(world)["run"])


def test_empty_table_and_empty_database_pass(world: World):
    world.server.sql(frame(world), "CREATE TABLE nothing_in_it (id int PRIMARY KEY, note text)")
    world.add_database("hollow", sql="")
    checks(world)
    world.axej("backup", "--local", expect=0)
    world.axej("drill", "--target", "frame", "--target", "hollow", expect=0)
    assert {source: fact["proof"] for source, fact in drilled(world).items()} == {"frame": "verified", "hollow": "verified"}
    assert drilled(world)["hollow"]["checks"][0]["detail"].startswith("0 tables, 0 rows")


def test_point_that_is_older_than_allowed_is_a_finding(world: World):
    done = world.axej("drill", "--target", "files", env=at("2099-01-01T03:00:00+09:00"), expect=3)
    assert "h old, 26 h are allowed" in done.stderr
    (fact,) = drilled(world).values()
    assert fact["passed"] and fact["age_s"] > fact["rpo_s"] == 26 * 3600


def test_time_that_is_longer_than_allowed_is_a_finding(world: World):
    world.config["drill"] = {"schedule": "0 3 15 1,4,7,10 *", "rto": "1s"}
    world.write()
    checks(world, {"run": "true"})
    done = world.axej("drill", "--target", "frame", expect=3)
    assert "restoring took" in done.stderr and "1 s are allowed" in done.stderr
    (tier,) = facts_of(world, "TierDrilled")
    assert tier["restore_s"] > tier["rto_s"] == 1.0


@pytest.mark.parametrize(
    ("command", "found", "proven"),
    [
        (
            {"run": ["sh", "-c", "echo ERROR: 3 rows are wrong; echo 0"], "expect": "^0$"},
            "it did not say '^0$' but: 0",
            "suspect",
        ),
        ({"run": ["sh", "-c", "echo half; exit 7"]}, "exit 7: half", "suspect"),
        ({"run": "sleep 60", "timeout": "1s"}, "did not end within 1 s", "stored"),
        ({"run": "no-such-program-of-tests"}, "can't be started", "stored"),
    ],
)
def test_check_that_does_not_pass_fails_the_drill_with_its_reason(world: World, command: dict, found: str, proven: str):
    checks(world, command)
    world.axej("drill", "--target", "frame", expect=21)
    assert found in drilled(world)["frame"]["reason"]
    assert not drilled(world)["frame"]["checks"][-1]["passed"]
    assert proof(world) == proven


def test_extension_that_the_scratch_server_lacks_is_named_and_is_no_fault_of_the_point(world: World):
    control = Path(f"/usr/share/postgresql/{world.server.major}/extension/axejdrill.control")
    if not control.parent.is_dir() or not os.access(control.parent, os.W_OK):
        pytest.skip(f"{control.parent} can't be written")
    script = control.with_name("axejdrill--1.0.sql")
    control.write_text("default_version = '1.0'\nrelocatable = true\n")
    script.write_text("SELECT 1;\n")
    try:
        world.server.sql(frame(world), "CREATE EXTENSION axejdrill")
        world.axej("backup", "--local", expect=0)
    finally:
        control.unlink()
        script.unlink()
    world.axej("drill", "--target", "frame", expect=21)
    assert "has no extension axejdrill" in drilled(world)["frame"]["reason"]
    assert proof(world) == "stored"


def test_collation_that_the_scratch_server_lacks_is_named_and_is_no_fault_of_the_point(world: World):
    world.server.sql(
        frame(world),
        "CREATE COLLATION clerks (provider = libc, locale = 'C'); "
        "CREATE TABLE sorted (name text COLLATE clerks); INSERT INTO sorted VALUES ('가'), ('나'); "
        "UPDATE pg_collation SET collcollate = 'xx_XX.utf8', collctype = 'xx_XX.utf8' WHERE collname = 'clerks'",
    )
    world.axej("backup", "--local", expect=0)
    done = world.axej("drill", "--target", "frame", expect=21)
    assert 'could not create locale "xx_XX.utf8"' in drilled(world)["frame"]["reason"]
    assert "frame from local: load: " in done.stderr
    assert proof(world) == "stored"
    assert_nothing_scratch(world, last_drill(world)["run"])


def test_role_that_is_not_in_the_dump_is_named(world: World):
    world.server.sql(frame(world), "CREATE ROLE drill_clerk; ALTER TABLE journal_line OWNER TO drill_clerk")
    try:
        world.axej("backup", "--local", expect=0)
    finally:
        world.server.sql(frame(world), "REASSIGN OWNED BY drill_clerk TO postgres; DROP ROLE drill_clerk")
    assert world.axej("drill", "--target", "frame", kill_at="fact:fetch:local:frame").returncode == -9
    (roles,) = (world.state / "drill").rglob("roles.sql")
    roles.write_text("".join(line for line in roles.read_text().splitlines(True) if "drill_clerk" not in line))
    done = world.axej("resume")
    assert done.returncode == 21, world.axej("history", last_drill(world)["run"]).stdout
    assert 'role "drill_clerk" does not exist' in drilled(world)["frame"]["reason"]


def test_scratch_disk_that_is_too_small_is_told_and_the_point_keeps_its_proof(world: World, tmp_path: Path):
    need("loop")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)], check=True)
    try:
        (world.state / "drill").symlink_to(small)
        world.axej("drill", "--target", "frame", expect=21)
        assert "bytes are free and the drill of frame may need" in drilled(world)["frame"]["reason"]
        assert proof(world) == "stored"
    finally:
        (world.state / "drill").unlink(missing_ok=True)
        subprocess.run(["umount", "-l", str(small)], check=True)


GROWS = """
CREATE TABLE knob (n int);
INSERT INTO knob VALUES (1);
CREATE MATERIALIZED VIEW grown AS SELECT g, repeat(md5(g::text), 8) AS text FROM generate_series(1, (SELECT n FROM knob)) AS g;
UPDATE knob SET n = 8000000;
"""
"""A dump of a few bytes that is loaded as 3 GB."""


def test_load_that_outgrows_its_limit_is_ended_and_leaves_nothing(world: World):
    world.server.sql(frame(world), GROWS)
    world.axej("backup", "--local", expect=0)
    world.config["sources"]["frame"]["drill"] = {"scratch_mib": 250}
    world.write()
    done = world.axej("drill", "--target", "frame", expect=21)
    found = re.search(r"server of frame takes ([\d,]+) bytes and may take 262,144,000: its load was ended", done.stderr)
    assert found and int(found[1].replace(",", "")) < 2_000_000_000, done.stderr
    assert proof(world) == "stored"
    assert_nothing_scratch(world, last_drill(world)["run"])


def test_scratch_of_a_dead_run_waits_for_its_resume_and_is_swept_after_its_deadline(world: World):
    assert world.axej("drill", "--target", "frame", kill_at="fact:load:local:frame").returncode == -9
    dead = last_drill(world)["run"]
    assert len(servers(dead)) == 1
    world.axej("drill", "--target", "files", expect=0)
    assert len(servers(dead)) == 1
    world.axej("backup", "--local", "--source", "files", env=at("2099-01-01T03:00:00+09:00"))
    assert servers(dead) == []
    assert not (world.state / "drill" / dead).exists()


def test_tier_that_would_have_saved_the_day_is_named(world: World, tmp_path: Path):
    peer_in_a_folder(world, tmp_path)
    checks(world)
    world.axej("ring", "init", expect=0)
    world.axej("ring", "push", expect=0)
    corrupt(world.repository.path)
    done = world.axej("drill", "--target", "frame", expect=21)
    assert "Another tier would have saved the day: frame from ring." in done.stderr
    assert drilled(world, "ring")["frame"]["proof"] == "verified"
    assert (proof(world, tier="local"), proof(world, tier="ring")) != ("verified", "stored")
    corrupt(tmp_path / "peer")
    done = world.axej("drill", "--target", "frame", expect=21)
    assert "frame from local: " in done.stderr and "frame from ring: " in done.stderr
    assert "No tier gave back frame" in done.stderr


def test_all_of_three_tiers_failing_is_one_alarm_with_three_reasons_and_the_page(drawer: Drawer):
    """The machine's own copy and the peer's are damaged, the cold disk lies in its drawer."""
    world = drawer.world
    peer = peer_in_a_folder(world, drawer.folder)
    world.axej("ring", "init", expect=0)
    world.axej("ring", "push", expect=0)
    drawer.prepared("1")
    drawer.sync("1")
    drawer.disks["1"].eject()
    for repository in (world.repository.path, peer.path):
        corrupt(repository)
    said = drawer.folder / "said"
    world.config["notify"] = {"command": ["sh", "-c", f"cat >>{said}; echo >>{said}"]}
    world.write()
    done = world.axej("drill", expect=21)
    assert "No tier gave back files" in done.stderr
    (alarm,) = [json.loads(line) for line in said.read_text().splitlines()]
    why = {tier: next(line for line in alarm["lines"] if line.startswith(f"{tier}: ")) for tier in ("local", "ring", "cold")}
    assert "; files: damaged: " in why["local"] and "; files: damaged: " in why["ring"], alarm
    assert "no disk of tier cold is connected" in why["cold"], alarm
    assert (alarm["good"], alarm["page"]) == (False, "runbooks/drill-failed.md")
