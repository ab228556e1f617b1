"""The password is on paper only: typed at a terminal, handed on through a pipe, on no disk; and an sftp: repository."""

from __future__ import annotations

import subprocess

import pytest

from tests.recover.test_recover import assert_is_back, lose, recovery
from tests.world.home import PASSWORD, World
from tests.world.terminal import at_terminal


@pytest.fixture
def world(make_world) -> World:
    made: World = make_world(databases=("frame",))
    made.axej("backup", "--local", expect=0)
    lose(made)
    made.repository.password_file.unlink()
    return made


ASKS = "password of "


def test_typed_password_brings_the_machine_back_and_is_asked_for_again_after_a_kill(world: World):
    words = ("recover", "--from", "cold", "--repository", str(world.folder / "copy"))
    code, said = at_terminal(world, [(ASKS, PASSWORD), ("back? [y/N]", "y")], *words, kill_at="effect:fetch")
    assert code == -9, said
    assert PASSWORD not in said
    waits = world.axej("resume", recovery(world)["run"], expect=2)
    assert "the repository's password has to be typed" in waits.stderr
    world.axej("resume", expect=0)
    assert recovery(world)["state"] == "waiting"
    assert [run["outcome"] for run in world.json("history", "--job", "restore.files")] == ["open"]
    code, said = at_terminal(world, [("repository's password", PASSWORD)], "recover")
    assert code == 0, said
    assert_is_back(world)
    found = subprocess.run(["grep", "-rlF", PASSWORD, world.folder], capture_output=True, text=True, check=False)
    assert found.stdout == ""
    assert not list(world.folder.rglob("password.pipe*"))


def test_wrong_password_is_said_before_anything_is_touched(world: World):
    code, said = at_terminal(world, [(ASKS, "no")], "recover", "--from", "cold", "--repository", str(world.folder / "copy"))
    assert (code, "wrong password" in said) == (12, True), said
    assert not world.config_path.exists() and not world.state.exists()
