"""A partner that wants more: with its key, by the real sshd, and by what it leaves in the folder that is kept for it."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.ring.conftest import Ring
from tests.world.home import at


@pytest.fixture
def kept(ring: Ring) -> Path:
    """The folder that we keep for realchoice, with three snapshots in it by their names."""
    for part in ("snapshots", "data", "keys"):
        (ring.here / part).mkdir(parents=True)
    for number in "123":
        (ring.here / "snapshots" / (number * 64)).write_text("ciphertext")
    return ring.here


def ssh(ring: Ring, *words: str) -> subprocess.CompletedProcess[str]:
    """With our key, at the peer's: what its sshd lets a partner do."""
    options = ["-F", "none", "-i", str(ring.key), "-p", str(ring.sshd.port), "-o", "StrictHostKeyChecking=no"]
    more = ["-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes"]
    argv = ["ssh", *options, *more, *words]
    return subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30, check=False)


def test_the_key_opens_no_shell_and_no_port(ring: Ring, tmp_path: Path):
    host = f"{ring.sshd.user}@127.0.0.1"
    assert ssh(ring, host, "touch", f"{tmp_path}/touched").stdout == ""
    assert not (tmp_path / "touched").exists()
    assert "PTY allocation request failed" in ssh(ring, "-tt", host).stderr
    assert "prohibited" in ssh(ring, "-W", f"127.0.0.1:{ring.sshd.port}", host).stderr
    assert ssh(ring, "-N", "-R", "0:127.0.0.1:22", host).returncode != 0


def test_symlinks_in_the_folder_are_named_and_not_followed(ring: Ring, kept: Path, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text('{"customer": "x", "answer": "y"}')
    (kept / "axej-ring.json").symlink_to(secret)
    (kept / "snapshots" / ("4" * 64)).symlink_to(secret)
    (kept / "data" / "loop").symlink_to(kept)
    os.mkfifo(kept / "pipe")
    seen = ring.world.axej("ring", "watch-peer", expect=3)
    assert "3 snapshots here" in seen.stderr
    for name in ("axej-ring.json", "data/loop", "pipe", f"snapshots/{'4' * 64}"):
        assert name in seen.stderr


def test_a_peer_that_goes_quiet_or_shrinks_is_noticed_once_it_does(ring: Ring, kept: Path):
    ring.world.axej("ring", "watch-peer", expect=0)
    ahead = time.time() + 2 * 86400
    for snapshot in (kept / "snapshots").iterdir():  # a peer whose clock is two days ahead, and which sets times
        os.utime(snapshot, (ahead, ahead))
    quiet = ring.world.axej("ring", "watch-peer", env=at(_in_hours(40)), expect=3)
    assert "realchoice has gone quiet: its newest copy came 4" in quiet.stderr
    (kept / "snapshots" / ("1" * 64)).unlink()
    gone = ring.world.axej("ring", "watch-peer", expect=3)
    assert "1 of the 3 copies of realchoice have gone, 0 came" in gone.stderr
    ring.world.axej("ring", "watch-peer", expect=0)


def test_nothing_there_is_a_failure(ring: Ring):
    never = ring.world.axej("ring", "watch-peer", expect=1)
    assert "realchoice has no copies here" in never.stderr


def _in_hours(hours: float) -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
