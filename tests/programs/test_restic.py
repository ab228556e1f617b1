from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import tracemalloc
from pathlib import Path

import pytest

from axejournal.domain.errors import (
    ProgramMissing,
    RepositoryMissing,
    WrongPassword,
)
from axejournal.domain.ports import BackupOrder, Progress
from axejournal.programs.restic.repository import ResticRepository
from axejournal.programs.secrets.source import PasswordSource
from tests.contract import restics
from tests.contract.restics import Fresh


def _with_password(repository: ResticRepository, folder: Path, password: str) -> ResticRepository:
    path = folder / "another password"
    path.write_text(password)
    return ResticRepository(repository.program, repository.place, PasswordSource("file", str(path)))


def test_wrong_password_says_so_and_shows_it_nowhere(fresh: Fresh, tmp_path: Path) -> None:
    wrong = _with_password(fresh(), tmp_path, "hunter2")
    with pytest.raises(WrongPassword, match="wrong password for repository") as caught:
        wrong.snapshots()
    assert caught.value.exit_code == 12 and not caught.value.passing
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_empty_folder_where_a_disk_should_be_stays_empty(restic: Path, tmp_path: Path) -> None:
    repository = restics.unmade(restic, tmp_path, "mount-point")
    Path(repository.place).mkdir()
    with pytest.raises(RepositoryMissing):
        restics.backup(repository, tmp_path)
    assert list(Path(repository.place).iterdir()) == []


def test_program_that_is_not_there_is_missing(tmp_path: Path) -> None:
    repository = ResticRepository(tmp_path / "restic", "/r", PasswordSource("file", "/p"))
    with pytest.raises(ProgramMissing) as caught:
        repository.identity()
    assert caught.value.exit_code == 40 and "axej doctor" in caught.value.hint


def test_inherited_settings_of_restic_do_not_reach_it(fresh: Fresh, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    repository = fresh()
    for name in ("REPOSITORY", "PASSWORD", "PASSWORD_COMMAND", "KEY_HINT", "CACHE_DIR", "FROM_REPOSITORY", "HOST"):
        monkeypatch.setenv(f"RESTIC_{name}", "/elsewhere")
    stored = restics.backup(repository, tmp_path / "first.password")
    assert [one.host for one in repository.snapshots()] == ["a-host"]
    assert stored.files == 1


def test_password_is_neither_in_the_words_nor_in_the_environment_of_restic(fresh: Fresh, tmp_path: Path) -> None:
    first, second = fresh("first"), fresh("second")
    spy, seen = tmp_path / "spy", tmp_path / "seen"
    spy.write_text(f'#!/bin/sh\n{{ echo "$@"; env; }} >> {seen}\nexec {first.program} "$@"\n')
    spy.chmod(0o755)
    watched = ResticRepository(spy, second.place, second.password)
    stored = restics.backup(first, tmp_path / "first.password")
    watched.copy_from(first, stored.snapshot, restics.quiet)
    assert watched.identity()
    text = seen.read_text()
    assert "RESTIC_FROM_PASSWORD_FILE" in text and "copy" in text
    assert "the password of" not in text


def test_cache_stays_where_it_is_told_to(fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    without, cached = fresh("first"), fresh("second", cache_dir=tmp_path / "cache")
    for repository in (without, cached):
        restics.backup(repository, tmp_path / "first.password")
    assert not home.exists()
    assert (tmp_path / "cache" / cached.identity()).is_dir()


def test_known_identity_is_asked_again_when_anything_about_it_changed(fresh: Fresh, tmp_path: Path) -> None:
    first, second = fresh("first", cache_dir=tmp_path / "cache" / "local"), fresh("second")
    gone = tmp_path / "no-restic"
    without_restic = ResticRepository(gone, first.place, first.password, cache_dir=first.cache_dir)
    with pytest.raises(ProgramMissing):
        without_restic.identity(known=True)
    identity = first.identity()
    assert without_restic.identity(known=True) == identity
    with pytest.raises(ProgramMissing):
        without_restic.identity()
    password = Path(first.password.environment()["RESTIC_PASSWORD_FILE"])
    password.write_text(f"{password.read_text()}\n")
    with pytest.raises(ProgramMissing):
        without_restic.identity(known=True)
    assert first.identity(known=True) == identity
    assert without_restic.identity(known=True) == identity
    shutil.rmtree(first.place)
    with pytest.raises(RepositoryMissing):
        first.identity(known=True)
    shutil.copytree(second.place, first.place)
    with pytest.raises((WrongPassword, ProgramMissing)):
        without_restic.identity(known=True)


def test_snapshots_are_asked_again_when_one_came_or_went(fresh: Fresh, tmp_path: Path) -> None:
    first = fresh("first")
    lost = ResticRepository(tmp_path / "no-restic", first.place, first.password, answered=first.answered)
    assert first.snapshots() == lost.snapshots() == ()
    one = restics.backup(first, tmp_path / "first.password")
    with pytest.raises(ProgramMissing):
        lost.snapshots()
    assert [found.id for found in first.snapshots()] == [one.snapshot]
    assert lost.snapshots() == first.snapshots()
    with pytest.raises(ProgramMissing):
        lost.snapshots(("run=other",))
    first.forget((one.snapshot,))
    assert first.snapshots() == ()


def test_half_written_pack_of_a_dead_restic_goes_and_others_stay(fresh: Fresh, tmp_path: Path) -> None:
    repository = fresh("first")
    restics.backup(repository, tmp_path / "first.password")
    packs = sorted(path for path in (Path(repository.place) / "data").rglob("*") if path.is_file())
    half = packs[0].with_name(f"{'ab' * 32}-tmp-123456")
    half.write_bytes(b"half of a pack")
    repository.repair_index()
    assert sorted(path for path in (Path(repository.place) / "data").rglob("*") if path.is_file()) == packs
    assert repository.check(1, 1) == ()


def test_backup_of_what_cannot_be_read_keeps_the_rest_and_says_what(fresh: Fresh, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "fine").write_text("fine")
    unreadable = Path("/proc/1/mem")  # for root nothing else is: reading its first byte is an input/output error
    if os.geteuid() != 0 or platform.system() != "Linux":
        unreadable = data / "secret"
        unreadable.write_text("x")
        unreadable.chmod(0)
    repository = fresh()
    stored = repository.backup(BackupOrder((data, unreadable), (), "h"), restics.quiet)
    assert len(stored.unreadable) == 1 and str(unreadable) in stored.unreadable[0]
    assert f"{data}/fine" in {node.path for node in repository.listing(stored.snapshot)}


def test_backup_tells_its_progress_in_bytes(fresh: Fresh, tmp_path: Path) -> None:
    data, seen = restics.noise(tmp_path / "data", 200), []
    restics.backup(fresh(), data, progress=seen.append)
    assert seen and [step.done_bytes for step in seen] == sorted(step.done_bytes for step in seen)
    assert seen[-1].of_bytes == 200 * restics.MB and any(str(data) in step.note for step in seen)


def test_progress_that_raises_lets_restic_end_and_is_raised(fresh: Fresh, tmp_path: Path) -> None:
    data = restics.noise(tmp_path / "data", 200)

    def fail(_: Progress) -> None:
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        restics.backup(fresh(), data, progress=fail)
    assert restics.running() == []


def test_copy_tells_its_progress_in_packs(fresh: Fresh, tmp_path: Path) -> None:
    first, second = fresh("first"), fresh("second")
    stored = restics.backup(first, restics.noise(tmp_path / "data", 200))
    seen: list[Progress] = []
    second.copy_from(first, stored.snapshot, seen.append)
    assert seen[-1].done_bytes == seen[-1].of_bytes and 190 * restics.MB < (seen[-1].of_bytes or 0) < 210 * restics.MB
    assert seen[-1].note.endswith("packs")


def test_copy_with_one_wrong_password_says_whose(fresh: Fresh, tmp_path: Path) -> None:
    first, second = fresh("first"), fresh("second")
    stored = restics.backup(first, tmp_path / "first.password")
    wrong_first, wrong_second = (_with_password(one, tmp_path, "hunter2") for one in (first, second))
    with pytest.raises(WrongPassword, match=r"repository .*/first$"):
        second.copy_from(wrong_first, stored.snapshot, restics.quiet)
    with pytest.raises(WrongPassword, match=r"repository .*/second$"):
        wrong_second.copy_from(first, stored.snapshot, restics.quiet)
    assert second.snapshots() == ()


def test_copy_shares_chunks_with_what_is_there(fresh: Fresh, tmp_path: Path) -> None:
    """Both repositories were made with the same chunker parameters: the same data backed up to both is there once."""
    first, second = fresh("first"), fresh("second")
    data = restics.noise(tmp_path / "data", 40)
    restics.backup(second, data)
    before = second.size_bytes()
    second.copy_from(first, restics.backup(first, data).snapshot, restics.quiet)
    assert second.size_bytes() - before < restics.MB


def test_listing_of_many_entries_keeps_memory_flat(fresh: Fresh, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for number in range(20):
        (data / f"{number:02}").mkdir(parents=True)
        for file in range(1000):
            (data / f"{number:02}" / f"a file with a long name, {file:04}").touch()
    repository = fresh()
    stored = restics.backup(repository, data)
    tracemalloc.start()
    try:
        count = sum(1 for _ in repository.listing(stored.snapshot, str(data)))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_020
    assert peak_bytes < 1 * restics.MB


def test_listing_left_early_ends_restic(fresh: Fresh, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for file in range(2000):
        (data / f"a file with a long name, {file:04}").touch()
    repository = fresh()
    nodes = repository.listing(restics.backup(repository, data).snapshot)
    next(nodes)
    assert len(restics.running()) == 1
    nodes.close()  # type: ignore[attr-defined]  # an iterator to the port, a generator in truth
    assert restics.running() == []


def test_restored_tree_keeps_modes_times_and_links(fresh: Fresh, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "sub").mkdir(parents=True, mode=0o750)
    (data / "sub" / "file").write_text("x")
    (data / "sub" / "file").chmod(0o640)
    os.utime(data / "sub" / "file", ns=(10**18, 10**18))
    (data / "dangling").symlink_to("nowhere")
    repository = fresh()
    repository.restore(
        restics.backup(repository, data).snapshot, [f"{data}/sub", f"{data}/dangling"], tmp_path / "t", restics.quiet
    )
    restored = tmp_path / "t" / str(data).lstrip("/")
    info = (restored / "sub" / "file").stat()
    assert (info.st_mode & 0o777, info.st_mtime_ns) == (0o640, 10**18)
    assert (restored / "sub").stat().st_mode & 0o777 == 0o750 and (restored / "dangling").readlink() == Path("nowhere")


def test_prune_says_how_much_it_freed(fresh: Fresh, tmp_path: Path) -> None:
    repository, data = fresh(), restics.noise(tmp_path / "data", 40)
    repository.forget([restics.backup(repository, data).snapshot])
    freed = repository.prune().freed_bytes
    assert freed is not None and 39 * restics.MB < freed < 42 * restics.MB
    assert restics.size_of(Path(repository.place) / "data") < restics.MB


def test_identity_is_the_repositorys_own(fresh: Fresh) -> None:
    repository = fresh()
    argv = [repository.program, "-r", repository.place, "-p", repository.password.environment()["RESTIC_PASSWORD_FILE"]]
    said = subprocess.run([*argv, "cat", "config", "--no-cache"], check=True, capture_output=True, text=True).stdout
    assert repository.identity() == json.loads(said)["id"]
