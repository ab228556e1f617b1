"""The sftp server for one folder, spoken to by OpenSSH's own client."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.world.needs import need


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The one folder; beside it a secret, and in it a symlink to that."""
    need("sshd")
    made = tmp_path / "kept"
    (made / "sub").mkdir(parents=True)
    (made / "own").write_text("of the partner")
    (tmp_path / "secret").write_text("of the owner")
    (made / "link").symlink_to(tmp_path / "secret")
    (made / "way-out").symlink_to(tmp_path)
    return made


def sftp(folder: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    """One session; a line that fails does not end it."""
    command = f"{sys.executable} -m axejournal ring serve {folder}"
    batch = "".join(f"-{line}\n" for line in lines)
    words = ["sftp", "-F", "none", "-b", "-", "-D", command]
    return subprocess.run(words, input=batch, capture_output=True, text=True, timeout=60, check=False)


def test_partner_works_in_its_folder(folder: Path, tmp_path: Path):
    (tmp_path / "new").write_bytes(bytes(range(256)) * 1000)
    done = sftp(
        folder,
        f"put {tmp_path}/new {folder}/data.tmp",
        "rename data.tmp data",
        "mkdir deep",
        "put own deep/x",
        f"get data {tmp_path}/back",
        "chmod 600 data",
        "rm own",
        "rmdir sub",
        "ls -1",
        "df .",
    )
    assert (tmp_path / "back").read_bytes() == (folder / "data").read_bytes() == (tmp_path / "new").read_bytes()
    assert not (folder / "own").exists() and not (folder / "sub").exists()
    assert (folder / "data").stat().st_mode & 0o777 == 0o600
    assert "%Capacity" in done.stdout and "deep" in done.stdout


def test_partner_gets_nowhere_else(folder: Path, tmp_path: Path):
    (tmp_path / "mine").write_text("of the partner")
    sftp(
        folder,
        f"put {tmp_path}/mine {tmp_path}/beside",
        f"put {tmp_path}/mine ../beside",
        f"put {tmp_path}/mine way-out/beside",
        f"put {tmp_path}/mine link",
        f"get link {tmp_path}/stolen-1",
        f"get way-out/secret {tmp_path}/stolen-2",
        f"get {tmp_path}/secret {tmp_path}/stolen-3",
        f"symlink {tmp_path}/secret fresh",
        f"ln {tmp_path}/secret hard",
        "rename ../secret own-secret",
        "rename own ../gone",
        "rm ../secret",
        f"chmod 777 {tmp_path}/secret",
        "chmod 777 link",
        "mkdir ../made",
        "rmdir .",
    )
    assert (tmp_path / "secret").read_text() == "of the owner"
    assert (tmp_path / "secret").stat().st_mode & 0o777 != 0o777
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "secret", "mine"}
    assert {path.name for path in folder.iterdir()} == {"sub", "own", "link", "way-out"}


def test_garbage_ends_the_session(folder: Path):
    for garbage in (b"\xff" * 64, b"\x00\x00\x00\x05\x01\x00\x00\x00\x03\x00\x00\x00\x09\x03", b"GET / HTTP/1.0\r\n\r\n"):
        words = [sys.executable, "-m", "axejournal", "ring", "serve", str(folder)]
        done = subprocess.run(words, input=garbage, capture_output=True, timeout=30, check=False)
        assert done.returncode == 0 and b"Traceback" not in done.stderr
