"""Another password for a repository, whatever dies in the middle, wherever the password is kept."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.world.disks import PAPER, Drawer, run, typed
from tests.world.home import PASSWORD, World

STEPS = ("stage", "add", "switch", "remove")
POINTS = ("intent", "effect", "fact")
QUICK = {("effect", "add"), ("effect", "switch")}
CASES = [
    pytest.param(point, step, marks=() if (point, step) in QUICK else pytest.mark.slow) for step in STEPS for point in POINTS
]
NEW = "five other words on paper"


def keys(repository: Path) -> set[str]:
    return {path.name for path in (repository / "keys").iterdir()}


def everything(world: World, *but: Path) -> bytes:
    """All that axej has written down."""
    return b"".join(path.read_bytes() for path in world.state.rglob("*") if path.is_file() and path not in but)


@pytest.mark.parametrize(("point", "step"), CASES)
def test_rotation_of_a_file_killed_at_a_named_instant_ends_with_one_key_that_the_file_opens(make_world, point: str, step: str):
    world: World = make_world(databases=())
    before = keys(world.repository.path)
    assert world.axej("keys", "rotate", "local", kill_at=f"{point}:{step}").returncode == -9
    assert world.repository.run("cat", "config", check=False).returncode == 0  # it opens at every instant
    world.axej("resume", expect=0)
    after = keys(world.repository.path)
    assert len(after) == 1 and not after & before
    now = world.repository.password_file.read_text().strip()
    assert now != PASSWORD and len(now) == 29
    assert sorted(path.name for path in world.folder.glob("password*")) == ["password"]
    world.axej("keys", "verify", expect=0)
    assert now.encode() not in world.journal.read_bytes()


def test_password_from_a_command_is_typed_twice_and_the_old_one_goes_only_when_the_command_gives_the_new_one(make_world):
    world: World = make_world(databases=())
    kept = world.repository.password_file
    world.config["tiers"]["local"]["password"] = {"command": f"cat {kept}"}
    world.write()
    before = keys(world.repository.path)
    world.axej("keys", "rotate", "local", expect=2)  # nobody is there to type
    rotate = ("keys", "rotate", "local")
    assert typed(world, rotate, (NEW, NEW), kill_at="effect:add")[0] == -signal.SIGKILL
    code, said = typed(world, rotate, ("\x03",))
    assert code == 12 and "it goes on where it was" in said, said
    code, said = typed(world, rotate, (NEW, f"{NEW}!"))
    assert code == 12 and "not the same" in said, said
    code, said = typed(world, rotate, (NEW, NEW))
    assert code == 12 and "still has the old one" in said and "command cat" in said, said
    assert len(keys(world.repository.path)) == 2 and world.repository.run("cat", "config", check=False).returncode == 0
    kept.write_text(f"{NEW}\n")
    for point in ("intent:remove", "effect:remove"):
        assert world.axej(*rotate, kill_at=point).returncode == -9
        assert world.repository.run("cat", "config", check=False).returncode == 0
    world.axej(*rotate, expect=0)
    after = keys(world.repository.path)
    assert len(after) == 1 and not after & before
    assert [run["outcome"] for run in world.json("history")] == ["succeeded"]
    assert NEW.encode() not in everything(world)


KEYCHAIN = """#!/bin/sh
# A Keychain with one item; writes down how it was called.
echo "$*" >> "$0.said"
case "$1" in
find-generic-password)
    [ "$2" = -w ] && exec cat "$0.item"
    echo '    "acct"<blob>="owner"' ;;
-i)
    read -r verb update a account s service x hex
    echo "$verb $update $a $account $s $service $x" >> "$0.said"
    printf "$(echo "$hex" | sed 's/../\\\\x&/g')" > "$0.item" ;;
esac
"""


def test_keychain_gets_the_new_password_by_a_pipe(make_world):
    """The Keychain is a small program that is called and answers as security(1) does."""
    world: World = make_world(databases=())
    security = world.home / "security"
    security.write_text(KEYCHAIN.replace("#!/bin/sh", "#!/bin/bash"))
    security.chmod(0o755)
    item, calls = security.with_name("security.item"), security.with_name("security.said")
    item.write_text(PASSWORD)
    world.environment["PATH"] = f"{world.home}:/usr/bin:/bin"
    world.config["tiers"]["local"]["password"] = {"keychain": "axe.backup.restic.local"}
    world.write()
    before = keys(world.repository.path)
    assert typed(world, ("keys", "rotate", "local"), (NEW, NEW), kill_at="intent:switch")[0] == -signal.SIGKILL
    code, said = typed(world, ("keys", "rotate", "local"), lambda prompt: NEW)
    assert code == 0, said
    assert item.read_text() == NEW and len(keys(world.repository.path)) == 1 and not keys(world.repository.path) & before
    assert 'add-generic-password -U -a "owner" -s "axe.backup.restic.local" -X' in calls.read_text()
    assert NEW.encode() not in everything(world) + calls.read_bytes()
    world.axej("keys", "verify", expect=0)


@pytest.mark.slow
def test_paper_of_cold_disks_is_changed_disk_by_disk_whatever_is_killed_and_the_journal_knows_which_has_which(drawer: Drawer):
    world, rotate = drawer.world, ("keys", "rotate", "cold")
    drawer.prepared("2").eject()
    disk = drawer.prepared("1")
    repository = disk.mount / "restic-repo"
    before = keys(repository)

    minds = [NEW]

    def person(prompt: str) -> str:
        return minds[-1] if "new" in prompt or "again" in prompt else PAPER

    for step in STEPS:
        for point in ("intent", "effect"):
            minds[:] = ["words that were dropped again"] if (point, step) == ("effect", "add") else [NEW]
            code, said = typed(world, rotate, person, kill_at=f"{point}:{step}")
            assert code == -signal.SIGKILL, said
            assert any(opens(drawer, repository, password) for password in (PAPER, NEW))
    code, said = typed(world, rotate, person)
    assert code == 0 and "disk 2 keeps the old password" in said, said
    assert len(keys(repository)) == 1 and not keys(repository) & before
    assert not opens(drawer, repository, PAPER)
    assert "keys that axej did not add" not in drawer.sync("1", NEW)
    disk.eject()
    listed = world.axej("keys", "list", expect=0).stdout
    assert "disk 2 still has the password from before" in listed and "disk 1 still" not in listed
    assert "disk 2 still has the old password" in world.axej("cold", "status").stdout
    assert "disk 2 of tier cold still has the password" in world.axej("doctor").stdout
    drawer.disks["2"].connect()
    said = drawer.sync("2")
    assert "password of disk 2, the old password from before" in said and 'type\r\n  "axej keys rotate cold"' in said
    code, said = typed(world, rotate, person)
    assert code == 0 and "every disk has the new password" in said, said
    assert "disk 2 gets the password that the other disks" in said
    drawer.sync("2", NEW)
    assert [row["behind"] for row in world.json("keys", "list")["keys"] if row["tier"] == "cold"] == [None, None]
    assert NEW.encode() not in everything(world)


def opens(drawer: Drawer, repository: Path, password: str) -> bool:
    """By restic alone."""
    paper = drawer.folder / "paper"
    paper.write_text(password)
    words = ("-r", str(repository), "--password-file", str(paper), "cat", "config", "--no-lock")
    return run(str(drawer.world.repository.restic), *words, check=False).returncode == 0
