"""Another password for a repository, whatever dies in the middle."""

from __future__ import annotations

import pytest

from tests.world.home import PASSWORD, World

STEPS = ("stage", "add", "switch", "remove")
QUICK = {("effect", "add"), ("effect", "switch")}
CASES = [
    pytest.param(point, step, marks=() if (point, step) in QUICK else pytest.mark.slow)
    for step in STEPS
    for point in ("intent", "effect", "fact")
]


@pytest.mark.parametrize(("point", "step"), CASES)
def test_rotation_killed_at_a_named_instant_ends_with_one_key_that_the_file_opens(make_world, point: str, step: str):
    world: World = make_world(databases=())
    before = {path.name for path in (world.repository.path / "keys").iterdir()}
    assert world.axej("keys", "rotate", "local", kill_at=f"{point}:{step}").returncode == -9
    assert world.repository.run("cat", "config", check=False).returncode == 0  # it opens at every instant
    world.axej("resume", expect=0)
    after = {path.name for path in (world.repository.path / "keys").iterdir()}
    assert len(after) == 1 and not after & before
    now = world.repository.password_file.read_text().strip()
    assert now != PASSWORD and len(now) == 29
    assert sorted(path.name for path in world.folder.glob("password*")) == ["password"]
    world.axej("keys", "verify", expect=0)
    assert now.encode() not in world.journal.read_bytes()


def test_password_that_axej_can_not_write_is_told_with_what_to_type(make_world):
    world: World = make_world(databases=())
    world.config["tiers"]["local"]["password"] = {"command": f"cat {world.repository.password_file}"}
    world.write()
    done = world.axej("keys", "rotate", "local", expect=2)
    assert "restic -r" in done.stderr and "key add" in done.stderr
    assert "paper" not in world.axej("keys", "list", expect=0).stdout.split("HINT")[0]
