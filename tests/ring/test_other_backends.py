"""Copies at any place that restic knows, really there: restic's REST protocol and S3, each with a login of its own."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.world.home import PASSWORD, World
from tests.world.quick_key import make_quick
from tests.world.rest import RestServer
from tests.world.s3 import make_bucket

LOGIN = "axe:a-login-of/the tests"
SECRET = "a-secret-of-the-tests"


@pytest.fixture
def world(make_world) -> World:
    """Files only, backed up once."""
    made: World = make_world(databases=())
    made.axej("backup", "--local", expect=0)
    return made


@pytest.fixture
def rest(world: World, make_rest) -> RestServer:
    """A REST server that wants a login, as the place of the tier `offsite`."""
    server: RestServer = make_rest(login=LOGIN)
    at(world, server.place, f"{LOGIN}\n")
    return server


def at(world: World, place: str, login: str) -> None:
    """The tier `offsite` there."""
    file, password = world.folder / "login", world.folder / "offsite-password"
    file.write_text(login)
    password.write_text(f"{PASSWORD} offsite\n")
    world.config["tiers"]["offsite"] = {
        "kind": "ring",
        "repository": place,
        "credentials": str(file),
        "password": {"file": str(password)},
        "schedule": "0 12 * * 0",
        "read_parts": 1,
    }
    world.write()


def assert_it_is_a_tier_like_any_other(world: World, folder: Path | None = None) -> None:
    """Made, filled, nothing sent twice, checked, shown, restored from."""
    world.axej("ring", "init", "offsite", expect=0)
    if folder:
        make_quick(folder, f"{PASSWORD} offsite")
    assert "sent: 1 snapshot; there now: 1" in world.axej("ring", "push", "offsite", expect=0).stderr
    assert "sent: 0 snapshots; there now: 1" in world.axej("ring", "push", "offsite", expect=0).stderr
    world.axej("check", "--tier", "offsite", expect=0)
    (ring,) = world.json("ring", "status")
    assert (ring["tier"], ring["peer"], ring["held_there"]["snapshots"]) == ("offsite", None, 1)
    (world.files / "photo.bin").unlink()
    into = world.folder / "back"
    world.axej("restore", "--tier", "offsite", "--target", "files", "--path", "photo.bin", "--into", str(into), "--yes", expect=0)
    assert into.read_bytes() == bytes(range(256)) * 400


def listed(world: World) -> list[str]:
    """Command line and environment of each process of this world, as anybody may list them."""
    found = []
    for process in world.processes():
        with contextlib.suppress(psutil.Error):
            found.append(" ".join((*process.cmdline(), *process.environ().values())))
    return found


def assert_nowhere(world: World, secret: str) -> None:
    """No trace of it but in its file."""
    found = subprocess.run(["grep", "-rlF", secret, world.folder], capture_output=True, text=True, check=False)
    assert found.stdout.split() == [str(world.folder / "login")]


def test_rest_server_is_a_tier_like_any_other(world: World, rest: RestServer):
    shown: set[str] = set()
    rest.watch = lambda: shown.update(listed(world))
    world.axej("ring", "init", "offsite", "--adopt", expect=10)
    rest.watch = lambda: None
    assert any("--repository-file" in words for words in shown)
    assert not [words for words in shown if "a-login-of" in words]

    assert_it_is_a_tier_like_any_other(world, rest.folder)
    assert_nowhere(world, "a-login-of")
    (copy,) = (rest.folder / "snapshots").iterdir()
    assert world.json("points", "--tier", "offsite")[0]["snapshot"] == copy.name

    for path in (world.state, world.files):
        shutil.rmtree(path)
    world.config_path.unlink()
    login, password = ("--credentials", str(world.folder / "login")), ("--password-file", str(world.folder / "offsite-password"))
    world.axej("recover", "--repository", rest.place, *password, "--yes", expect=12)
    world.axej("recover", "--repository", rest.place, *password, *login, "--yes", expect=0)
    assert (world.files / "photo.bin").is_file()
    assert_nowhere(world, "a-login-of")


def test_rest_server_on_bad_days(world: World, rest: RestServer):
    world.axej("ring", "init", "offsite", expect=0)
    make_quick(rest.folder, f"{PASSWORD} offsite")
    rest.login = "axe:another"
    refused = world.axej("ring", "push", "offsite", expect=12).stderr
    assert f"refuses the login in {world.folder}/login: " in refused and "401" in refused and "a-login-of" not in refused
    rest.login = LOGIN
    rest.stop()
    world.config["tiers"]["offsite"]["stall"] = "2s"
    world.write()
    gone = world.axej("ring", "push", "offsite", "--dry-run", expect=50, timeout_s=60).stderr
    assert f"repository {rest.place} can't be reached: " in gone and "connection refused" in gone
    rest.start()
    (world.folder / "login").unlink()
    assert "can't be read in" in world.axej("ring", "push", "offsite", expect=12).stderr
    (world.folder / "login").write_text(LOGIN)
    (local,) = world.repository.snapshots()
    assert world.axej("ring", "push", "offsite", kill_at=f"effect:copy:{local['id'][:8]}").returncode == -9
    world.axej("resume", expect=0)
    assert world.json("history", "--job", "ring.push")[0]["outcome"] == "succeeded"
    assert [len(list((rest.folder / kind).iterdir())) for kind in ("snapshots", "locks")] == [1, 0]


def test_s3_store_is_a_tier_like_any_other(world: World, s3: str):
    at(world, s3, f"[default]\naws_access_key_id = AKIATESTS\naws_secret_access_key = {SECRET}\n")
    world.config["tiers"]["offsite"]["stall"] = "2s"
    world.write()
    missing = world.axej("ring", "init", "offsite", expect=50, timeout_s=60).stderr
    assert f"repository {s3} can't be reached: " in missing and "bucket does not exist" in missing
    make_bucket(s3)
    world.config["tiers"]["offsite"].pop("stall")
    world.write()
    assert_it_is_a_tier_like_any_other(world)
    assert_nowhere(world, SECRET)
