"""Two hosts of their own: network namespaces with a cable between them, which can be slow, lossy, and pulled out."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.crash.proof import snapshot_bytes
from tests.ring.conftest import Ring
from tests.world.needs import need
from tests.world.place import wait_until

SIZE = 40_000_000


@dataclass(frozen=True)
class Cable:
    """Between axe's host and realchoice's."""

    ours: str
    theirs: str

    def ip(self, *words: str) -> None:
        """`ip WORDS`."""
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def plug(self, up: bool) -> None:
        """In or out, at realchoice's end."""
        self.ip("-n", self.theirs, "link", "set", "cable", "up" if up else "down")

    def make_slow(self) -> None:
        """50 Mbit/s; and 30 ms more on the way with half a percent lost, where the kernel can do that (netem)."""
        at = ["tc", "-n", self.ours, "qdisc", "add", "dev", "cable"]
        subprocess.run([*at, "root", "handle", "1:", "tbf", "rate", "50mbit", "burst", "64kbit", "latency", "400ms"], check=True)
        subprocess.run([*at, "parent", "1:", "netem", "delay", "30ms", "loss", "0.5%"], check=False, capture_output=True)


@pytest.fixture
def cable() -> Iterator[Cable]:
    """10.77.0.1 is axe, 10.77.0.2 realchoice."""
    need("root", "sshd", "tc")
    made = Cable(f"axe-{os.getpid()}", f"rch-{os.getpid()}")
    for name in (made.ours, made.theirs):
        made.ip("netns", "add", name)
        made.ip("-n", name, "link", "set", "lo", "up")
    try:
        made.ip("link", "add", "cable", "netns", made.ours, "type", "veth", "peer", "name", "cable", "netns", made.theirs)
        for name, number in ((made.ours, 1), (made.theirs, 2)):
            made.ip("-n", name, "address", "add", f"10.77.0.{number}/24", "dev", "cable")
            made.ip("-n", name, "link", "set", "cable", "up")
        yield made
    finally:
        for name in (made.ours, made.theirs):
            made.ip("netns", "delete", name)


def test_cable_pulled_out_in_the_middle_of_a_push(make_ring: Callable[..., Ring], cable: Cable):
    """The watchdog ends the copy; the same run goes on when the cable is back, and nothing is sent twice."""
    ring = make_ring(address="10.77.0.2", prefix=("ip", "netns", "exec", cable.theirs))
    world = ring.world
    here = ("ip", "netns", "exec", cable.ours, sys.executable, "-m", "axejournal")
    world.config["tiers"]["ring"]["stall"] = "8s"
    world.write()
    (world.files / "big.bin").write_bytes(random.Random(7).randbytes(SIZE))
    world.axej("backup", "--local", expect=0)

    def axej(*words: str, expect: int) -> str:
        done = subprocess.run([*here, *words], env=world.environ({}), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == expect, done.stderr
        return done.stderr

    cable.make_slow()
    axej("ring", "consent", "--as", "Kim, axe", "--as", "Lee, realchoice", expect=0)
    axej("ring", "verify", expect=3)
    axej("ring", "init", expect=0)
    push = subprocess.Popen([*here, "ring", "push"], env=world.environ({}), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_until(lambda: snapshot_bytes(ring.there) > SIZE / 4, "a part was sent", 60)
    cable.plug(False)
    time.sleep(12)
    cable.plug(True)
    _, said = push.communicate(timeout=180)
    assert push.returncode == 0, said.decode()
    assert "StepFailed copy:" in said.decode()
    assert len(ring.copies.snapshots()) == 1
    assert snapshot_bytes(ring.there) < 1.02 * SIZE
