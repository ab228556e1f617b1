"""`axej ring` against a real sshd: set up, pushed, seen from the peer's disk."""

from __future__ import annotations

from tests.ring.conftest import Ring


def test_push_over_ssh_copies_each_snapshot_once(ring: Ring):
    ring.world.axej("backup", "--local", expect=0)
    ring.set_up()
    ring.world.axej("ring", "push", expect=0)
    ring.world.axej("ring", "push", expect=0)
    (local,) = ring.world.repository.snapshots()
    (copy,) = ring.copies.snapshots()
    assert copy["original"] == local["id"]
    assert {point["snapshot"] for point in ring.world.json("points", "--tier", "ring")} == {copy["id"]}
    assert ring.copies.locks() == []
