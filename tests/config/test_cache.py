"""The compiled configuration: read without pydantic and yaml, and only while it is current."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import axejournal.config.cache as cache_module
from axejournal.config import cache
from axejournal.config.effective import dumps, restore
from tests.config.conftest import Desk

CUSTOMERS = "realchoice:\n  ring_backup: {ssh_user: r, ssh_ip: 10.0.0.1, receive_dir_at_peer: /p, receive_dir_at_self: /s}\n"


def kept(desk: Desk) -> Path:
    (found,) = (desk.folder.parent / "cache/axej").iterdir()
    return found


def test_read_gives_what_was_written_while_the_files_are_the_same(desk: Desk):
    config = desk.load()
    assert cache.read(desk.path) is None
    cache.write(desk.path, config)
    assert cache.read(desk.path) == dumps(config)
    assert restore(cache.read(desk.path) or {}) == config
    assert kept(desk).stat().st_mode & 0o777 == 0o600


def test_read_after_a_change_of_axej_yaml_gives_nothing(desk: Desk):
    cache.write(desk.path, desk.load())
    desk.change(lambda c: c.update(host="other"))
    assert cache.read(desk.path) is None


@pytest.mark.parametrize("named", [False, True])
def test_read_after_customers_yaml_came_changed_or_went_gives_nothing(desk: Desk, named: bool):
    if named:
        desk.change(lambda c: c.update(customers="partners.yaml"))
    file = desk.write(CUSTOMERS, "partners.yaml" if named else "customers.yaml")
    if not named:
        file.unlink()
        cache.write(desk.path, desk.load())
        desk.write(CUSTOMERS, "customers.yaml")
        assert cache.read(desk.path) is None
    cache.write(desk.path, desk.load())
    assert cache.read(desk.path) is not None
    file.write_text(CUSTOMERS.replace("10.0.0.1", "10.0.0.2"))
    assert cache.read(desk.path) is None
    cache.write(desk.path, desk.load())
    file.unlink()
    assert cache.read(desk.path) is None


def test_read_of_what_another_version_or_another_state_of_the_source_wrote_gives_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    config = desk.load()
    with monkeypatch.context() as other:
        other.setattr(cache_module, "__version__", "0.0.1")
        cache.write(desk.path, config)
        assert cache.read(desk.path) is not None
    assert cache.read(desk.path) is None


def test_read_in_another_home_gives_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    cache.write(desk.path, desk.load())
    monkeypatch.setenv("HOME", "/elsewhere")
    assert cache.read(desk.path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b'{"made": 1}', b"\xff\xfe", b"5"])
def test_read_of_a_broken_cache_gives_nothing(desk: Desk, content: bytes):
    cache.write(desk.path, desk.load())
    kept(desk).write_bytes(content)
    assert cache.read(desk.path) is None


def test_read_of_a_cut_cache_gives_nothing_at_any_length(desk: Desk):
    cache.write(desk.path, desk.load())
    file = kept(desk)
    whole = file.read_bytes()
    for length in range(0, len(whole), 97):
        file.write_bytes(whole[:length])
        assert cache.read(desk.path) is None


def test_read_of_a_cache_that_others_may_write_gives_nothing(desk: Desk):
    cache.write(desk.path, desk.load())
    kept(desk).chmod(0o666)
    assert cache.read(desk.path) is None


def test_read_of_a_link_in_the_caches_place_gives_nothing(desk: Desk):
    cache.write(desk.path, desk.load())
    file = kept(desk)
    file.rename(desk.folder / "moved")
    file.symlink_to(desk.folder / "moved")
    assert cache.read(desk.path) is None


def test_write_where_nothing_can_be_written_is_no_error(desk: Desk):
    (desk.folder.parent / "cache").write_text("a file where the folder should be")
    cache.write(desk.path, desk.load())
    assert cache.read(desk.path) is None


def test_read_while_axej_yaml_is_gone_gives_nothing(desk: Desk):
    cache.write(desk.path, desk.load())
    desk.path.unlink()
    assert cache.read(desk.path) is None


def test_cache_holds_no_more_than_the_effective_configuration(desk: Desk):
    cache.write(desk.path, desk.load())
    assert set(json.loads(kept(desk).read_text())) == {"made", "files", "config"}
    assert "secret" not in kept(desk).read_text().replace("secret-tool", "")


HEAVY = ("pydantic", "yaml", "pathlib", "sqlalchemy", "click")


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        ("from axejournal.config import cache; assert cache.read(PATH)", HEAVY),
        ("from axejournal.config import units", HEAVY),
        ("from axejournal.config.place import find_text", HEAVY[:2]),
        ("from axejournal.config.load import find", HEAVY[:2]),
        ("from axejournal.config import faults", HEAVY[:2]),
    ],
)
def test_light_modules_import_nothing_heavy(desk: Desk, words: str, heavy: tuple[str, ...]):
    cache.write(desk.path, desk.load())
    code = f"import sys; PATH={str(desk.path)!r}; {words}; print(*[m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=True,
    )
    assert done.stdout.split() == []
