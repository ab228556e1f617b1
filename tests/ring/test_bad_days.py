"""A push on bad days, with a real sshd: one clear message, the right exit code, nothing lost."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import pytest

from tests.crash.proof import events_of, snapshot_bytes
from tests.ring.conftest import Ring
from tests.world.home import Done


def said(done: Done) -> str:
    """What a person reads last."""
    return done.stderr.partition("run ")[2] or done.stderr


@pytest.fixture
def pushed(ring: Ring) -> Ring:
    """Set up, and one snapshot is there."""
    ring.world.axej("backup", "--local", expect=0)
    ring.set_up()
    ring.world.axej("ring", "push", expect=0)
    return ring


def test_who_answers_decides(pushed: Ring):
    """Peer off, name without an address, key refused, another host key: each is told for what it is; then it goes on."""
    ring, world = pushed, pushed.world
    world.axej("backup", "--local", expect=0)
    ring.sshd.stop()
    off = world.axej("ring", "push", "--dry-run", expect=50)
    assert f"peer realchoice does not answer: 127.0.0.1: port {ring.sshd.port}: connection refused" in off.stderr

    ring.sshd.start()
    ring.configure(ssh_fqdn="no-such-name.invalid")
    by_ip = world.axej("ring", "push", "--dry-run", expect=0)
    assert "not by no-such-name.invalid: the name does not resolve" in by_ip.stdout
    assert "to send: 1 snapshot" in by_ip.stdout

    keys = ring.sshd.keys.read_text()
    ring.sshd.keys.write_text("")
    refused = world.axej("ring", "push", expect=50)
    assert "peer realchoice does not take our SSH key" in said(refused)
    assert "ssh-key-refused" in refused.stderr
    ring.sshd.keys.write_text(keys)

    ring.sshd.stop()
    ring.sshd.new_host_key()
    ring.sshd.start()
    changed = world.axej("ring", "push", expect=50)
    assert "shows another host key than the pinned one; nothing was sent" in said(changed)
    assert "host-key-changed" in changed.stderr
    assert "not the pinned" in world.axej("ring", "verify", expect=50).stderr
    world.axej("ring", "verify", "--accept-host-key", expect=3)
    world.axej("ring", "push", expect=0)
    assert len(ring.copies.snapshots()) == 2
    events = events_of(world, world.json("history")[0]["run"])
    started = [event["data"]["program"] for event in events if event["name"] == "ChildStarted"]
    assert started == ["restic"]  # the copy itself: each more call costs half a second


def test_nothing_is_sent_without_consent(pushed: Ring):
    ring, world = pushed, pushed.world
    world.axej("backup", "--local", expect=0)
    world.axej("ring", "consent", "--withdraw", "--as", "Lee, realchoice", expect=0)
    withdrawn = world.axej("ring", "push", expect=1)
    assert "the consent with realchoice was withdrawn by Lee, realchoice" in said(withdrawn)
    assert "ring-consent" in withdrawn.stderr
    assert len(ring.copies.snapshots()) == 1
    assert "one name is not both operators" in world.axej("ring", "consent", "--as", "Kim", expect=2).stderr


def test_what_lies_there_is_no_longer_ours(pushed: Ring, tmp_path: Path):
    """A copy deleted by the peer, the repository removed, another in its place, a wrong password for it."""
    ring, world = pushed, pushed.world
    (copy,) = (ring.there / "snapshots").iterdir()
    copy.unlink()
    deleted = world.axej("ring", "push", expect=3)
    assert "1 copy has vanished from tier ring, not by our hand" in said(deleted)
    assert len(ring.copies.snapshots()) == 1  # sent anew
    world.axej("ring", "push", expect=0)  # told once
    assert len(world.json("points", "--tier", "ring")) == 1

    aside = tmp_path / "aside"
    shutil.move(ring.there, aside)
    ring.there.mkdir()
    removed = world.axej("ring", "push", expect=10)
    assert "peer realchoice has no repository of ours" in said(removed)
    ring.copies.run("init")
    other = world.axej("ring", "push", expect=10)
    assert "not the recorded" in said(other)
    shutil.rmtree(ring.there)
    shutil.move(aside, ring.there)

    ring.copies.password_file.write_text("another\n")
    wrong = world.axej("ring", "push", expect=12)
    assert "wrong password for repository sftp:" in said(wrong)


def test_damaged_pack_there_is_found_by_reading_back(pushed: Ring):
    ring, world = pushed, pushed.world
    world.config["tiers"]["ring"]["read_parts"] = 1
    world.write()
    for pack in (path for path in (ring.there / "data").rglob("*") if path.is_file()):
        content = bytearray(pack.read_bytes())
        content[len(content) // 3] ^= 0xFF
        pack.chmod(0o600)
        pack.write_bytes(content)
    from tests.world.home import at

    found = world.axej("ring", "push", expect=3, env=at("2027-01-01T04:00:00+09:00"))
    assert "the copies in tier ring are damaged: files: 1 restore point" in said(found)
    assert {point["proof"] for point in world.json("points", "--tier", "ring")} == {"suspect"}


def test_frozen_peer_ends_the_push_and_the_next_one_sends_nothing_twice(pushed: Ring):
    """The peer's machine is stopped in the middle of a copy: the watchdog ends restic."""
    ring, world = pushed, pushed.world
    world.config["tiers"]["ring"]["stall"] = "4s"
    world.write()
    (world.files / "big.bin").write_bytes(_random(60_000_000))
    world.axej("backup", "--local", expect=0)
    before = snapshot_bytes(ring.there)
    process = world.start("ring", "push")
    _when(lambda: snapshot_bytes(ring.there) > before + 8_000_000)
    ring.sshd.freeze()
    _when(lambda: "stalls" in world.said() or process.poll() is not None, 60)
    assert "stalls: " in world.said()
    ring.sshd.cut()  # it was restarted
    assert process.wait(120) == 0, world.said()
    assert len(ring.copies.snapshots()) == 2
    assert snapshot_bytes(ring.there) - before < 1.02 * 60_000_000
    assert ring.copies.locks() == []
    ring.copies.read_check()


def test_full_disk_there_is_told_before_anything_is_sent(pushed: Ring):
    ring, world = pushed, pushed.world
    (world.files / "big.bin").write_bytes(_random(3_000_000))
    world.axej("backup", "--local", expect=0)
    with _small_disk(ring.there, 40):
        full = world.axej("ring", "push", expect=1)
    assert "MiB free, and about" in said(full)
    assert "disk-full" in full.stderr


def test_disk_there_fills_in_the_middle_and_nothing_is_sent_twice(pushed: Ring):
    ring, world = pushed, pushed.world
    (world.files / "big.bin").write_bytes(_random(60_000_000))
    world.axej("backup", "--local", expect=0)
    with _small_disk(ring.there, 250):
        before = snapshot_bytes(ring.there)
        process = world.start("ring", "push")
        _when(lambda: snapshot_bytes(ring.there) > before + 8_000_000)
        filler = ring.there / "filler"
        with filler.open("wb") as file:
            while free := shutil.disk_usage(ring.there).free:
                with contextlib.suppress(OSError):  # restic is writing too
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), free)
        assert process.wait(120) == 3, world.said()
        assert "no space left on device" in world.said() or "no space is left" in world.said()
        filler.unlink()
        world.axej("ring", "push", expect=0)
        assert snapshot_bytes(ring.there) - before < 1.02 * 60_000_000
        ring.copies.read_check()


def _random(size: int) -> bytes:
    import random

    return random.Random(7).randbytes(size)


def _when(true, wait_s: float = 60):
    from tests.world.place import wait_until

    wait_until(true, "the push came so far", wait_s)


def _small_disk(folder: Path, size_mib: int):
    import subprocess

    from tests.world.needs import need

    @contextlib.contextmanager
    def mounted():
        need("root")
        aside = folder.with_name("aside")
        folder.rename(aside)
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(folder)], check=True)
        try:
            shutil.copytree(aside, folder, dirs_exist_ok=True)
            yield
        finally:
            subprocess.run(["umount", str(folder)], check=True)
            folder.rmdir()
            aside.rename(folder)

    return mounted()
