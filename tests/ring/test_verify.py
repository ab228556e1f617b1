"""`axej ring verify` on two machines, each behind a real sshd: there and back, really."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from tests.ring.conftest import Ring
from tests.world.sshd import ring_of


@pytest.fixture
def two(make_ring, make_world, make_sshd, tmp_path) -> tuple[Ring, Ring]:
    """axe and realchoice, each authorized by `axej ring authorize` at the other."""
    ours = make_ring("axe")
    theirs = make_ring("realchoice")
    ours.there, theirs.there = theirs.world.folder / "peer" / "axe", ours.world.folder / "peer" / "realchoice"
    for mine, other, name in ((ours, theirs, "realchoice"), (theirs, ours, "axe")):
        known = ring_of(other.sshd, name, mine.there, other.there)
        (mine.world.config_path.parent / "customers.yaml").write_text(yaml.safe_dump(dict(known)))
        mine.world.config["tiers"]["ring"]["peer"] = name
        mine.world.write()
        keys = mine.world.home / ".ssh" / "authorized_keys"
        mine.world.axej("ring", "authorize", name, "--key", str(other.key.with_suffix(".pub")), "--write", expect=0)
        mine.sshd.keys.unlink()
        mine.sshd.keys.symlink_to(keys)
    return ours, theirs


def test_both_ways_are_proven_once_both_sides_have_verified(two):
    ours, theirs = two
    first = ours.world.axej("ring", "verify", expect=3)
    assert "the way back is not proven: realchoice has never left a letter here" in first.stderr
    theirs.world.axej("ring", "verify", expect=3)
    again = ours.world.axej("ring", "verify", expect=0)
    assert "its key is held in" in again.stderr
    state = ours.world.json("ring", "status")[0]
    assert state["back"]["answered_at"] and state["there"]["free_bytes"] > 0
    theirs.world.axej("backup", "--local", expect=0)
    theirs.world.axej("ring", "consent", "--as", "A", "--as", "B", expect=0)
    theirs.world.axej("ring", "init", expect=0)
    theirs.world.axej("ring", "push", expect=0)
    watched = ours.world.axej("ring", "watch-peer", expect=0)
    assert "1 snapshot here" in watched.stderr
    letter = json.loads((ours.there / "axej-ring.json").read_text())
    assert ours.world.axej("journal", "verify", expect=0)
    (ours.there / "axej-ring.json").write_text(json.dumps({**letter, "head": "ab" * 32}))
    ahead = {**json.loads((theirs.there / "axej-ring.json").read_text()), "at": f"{datetime.now(UTC) + timedelta(hours=1)}"}
    (theirs.there / "axej-ring.json").write_text(json.dumps(ahead))
    assert "it was rewritten" in ours.world.axej("ring", "verify", expect=3).stderr
    ours.world.repository.run("backup", "--quiet", "--host", "elsewhere", "--time", "2036-01-01 00:00:00", str(ours.world.files))
    found = ours.world.json("doctor", expect=None)
    told = [each["text"] for each in found if (each["check"], each["level"]) == ("clock", "WARN")]
    assert len(told) == 2
    assert "of elsewhere, the newest" in told[0]
    assert "the clock of realchoice was 60 minutes ahead" in told[1]
    line = (ours.world.home / ".ssh" / "authorized_keys").read_text()
    assert line.startswith("restrict,command=") and line.count("\n") == 1
    key = theirs.key.with_suffix(".pub").read_text()
    (ours.world.home / ".ssh" / "authorized_keys").write_text(line + key)
    assert "is let in by another line" in ours.world.axej("ring", "verify", expect=3).stderr
