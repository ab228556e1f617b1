"""A machine out of the partner's copy, over ssh; and a repository that holds several companies' backups."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

from tests.recover.test_recover import assert_is_back, lose, recover
from tests.world.home import World
from tests.world.sshd import Sshd, make_key


def test_machine_comes_back_over_sftp_and_an_unknown_key_is_said(make_world, make_sshd: Callable[..., Sshd]):
    world: World = make_world(databases=("frame",))
    world.axej("backup", "--local", expect=0)
    lose(world)
    peer, key = make_sshd(), make_key(world.home / ".ssh")
    (world.folder / "copy").rename(peer.folder / "axe")
    _trust(world)
    words = ("--repository", f"sftp://{peer.user}@{peer.address}:{peer.port}/{peer.folder}/axe", "--identity", str(key))
    password = ("--password-file", str(world.repository.password_file))
    refused = world.axej("recover", *words, *password, "--yes")
    assert (refused.returncode, "Permission denied" in refused.stderr or "key" in refused.stderr) == (50, True), refused.stderr
    assert not world.config_path.exists()
    peer.keys.write_text(key.with_suffix(".pub").read_text())
    killed = world.axej("recover", *words, *password, "--yes", kill_at="effect:restore:files")
    assert killed.returncode == -9
    world.axej("resume", expect=0)
    assert_is_back(world)


def _trust(world: World) -> None:
    """The host key, as a person accepts it at the first connection. ssh asks the system, not HOME, where a user's is."""
    folder = world.folder / "bin"
    folder.mkdir()
    options = f"-o UserKnownHostsFile={world.folder}/known_hosts -o StrictHostKeyChecking=accept-new"
    (folder / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {options} "$@"\n')
    (folder / "ssh").chmod(0o755)
    world.environment["PATH"] = f"{folder}:{os.environ['PATH']}"


def test_several_customers_in_one_repository_are_told_apart(make_world):
    world: World = make_world(databases=())
    world.axej("backup", "--local", expect=0)
    other: World = make_world("hive", databases=())
    other.config["tiers"]["local"]["repository"] = str(world.repository.path)
    other.write()
    other.axej("init", "--adopt", "local", expect=0)
    other.axej("backup", "--local", expect=0)
    for path in (world.state, world.files):
        shutil.rmtree(path)
    world.config_path.unlink()
    world.repository.path.rename(world.folder / "copy")
    both = recover(world, "--yes", expect=2)
    assert "holds backups of axe, hive" in both.stderr and '"--customer NAME"' in both.stderr
    assert "holds no backup of axej's of customer nobody" in recover(world, "--customer", "nobody", expect=10).stderr
    recover(world, "--customer", "axe", "--yes", expect=0)
    assert (world.files / "photo.bin").is_file()
    assert world.json("config", "show")["customer"] == "axe"
