"""A disk's files are held against their names, and restic is asked whenever anything is odd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from axejournal.programs.restic.disk import DiskRepository
from axejournal.programs.secrets.source import PasswordSource
from tests.world.repositories import Repository


@pytest.fixture
def made(repository: Callable[..., Repository], tmp_path: Path) -> Repository:
    """With one snapshot."""
    (tmp_path / "disk").mkdir()
    found = repository("disk/restic-repo")
    (tmp_path / "source").write_bytes(b"0123456789" * 10_000)
    found.run("backup", str(tmp_path / "source"))
    return found


def counted(made: Repository, folder: Path) -> tuple[DiskRepository, Callable[[], int]]:
    """The repository as a cold disk's, and how often restic checked it so far."""
    log, program = folder / "asked", folder / "restic"
    program.write_text(f'#!/bin/sh\ncase "$*" in *" check"*) echo >> {log};; esac\nexec {made.restic} "$@"\n')
    program.chmod(0o755)
    password = PasswordSource("file", str(made.password_file))
    found = DiskRepository(program, str(made.path), password, mount=made.path.parent, notes=folder / "notes" / "cold-1")
    return found, lambda: log.read_text().count("\n") if log.exists() else 0


def test_part_is_read_without_restic_until_something_is_odd(made: Repository, tmp_path: Path):
    disk, checks = counted(made, tmp_path)
    assert (disk.check(1, 3), checks()) == ((), 1)  # nothing is known of this disk yet
    assert (disk.check(1, 3), disk.check(2, 3), checks()) == ((), (), 1)
    assert (disk.check(3, 3), checks()) == ((), 2)  # the last part is always restic's: it looks whether all fits together
    pack = next(path for path in (made.path / "data").rglob("*") if path.is_file())
    mine = int(pack.parent.name, 16) % 200 + 1
    other = 199 if mine == 1 else 1
    whole = pack.read_bytes()
    pack.chmod(0o600)
    pack.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    assert (disk.check(other, 201), checks()) == ((), 2)
    assert any(pack.name[:8] in fault for fault in disk.check(mine, 200))
    pack.write_bytes(whole)
    assert (disk.check(mine, 201), checks()) == ((), 3)
    pack.rename(tmp_path / "aside")  # a pack of whatever part
    assert disk.check(other, 201) != ()


def test_repository_that_is_another_now_is_not_taken_for_the_listed_one(made: Repository, tmp_path: Path):
    disk, checks = counted(made, tmp_path)
    disk.check(1, 3)
    again, checks = counted(made, tmp_path)
    notes = tmp_path / "notes" / "cold-1.files"
    notes.write_text("0" * 64 + notes.read_text()[64:])
    before = checks()
    again.check(1, 3)
    assert checks() == before + 1
    again.repair_index()
    again.check(1, 3)
    assert checks() == before + 2
