from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from axejournal.domain.errors import (
    DiskFull,
    PeerUnreachable,
    ProgramFailed,
    ProgramKilled,
    ProgramMissing,
    RepositoryMissing,
    WrongPassword,
)
from axejournal.domain.ports import BackupOrder, Progress
from axejournal.programs.restic import ResticRepository
from axejournal.programs.restic_locks import lock_is_dead
from axejournal.programs.secrets import PasswordSource
from tests.contract import restics
from tests.contract.restics import Fresh
from tests.world.needs import need
from tests.world.place import wait_until

MB = 1_000_000


def _quiet(_: Progress) -> None:
    return


def _backup(repository: ResticRepository, *paths: Path, progress: Callable[[Progress], None] = _quiet) -> Any:
    return repository.backup(BackupOrder(paths, ("run=r1",), "a-host"), progress)


def _noise(folder: Path, megabytes: int) -> Path:
    """Data that neither compresses nor deduplicates."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(megabytes // 20):
        (folder / f"{number}.dat").write_bytes(os.urandom(20 * MB))
    return folder


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _resticses() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child.name() == "restic"]


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
        _backup(repository, tmp_path)
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
    stored = _backup(repository, tmp_path / "first.password")
    assert [one.host for one in repository.snapshots()] == ["a-host"]
    assert stored.files == 1


def test_password_is_neither_in_the_words_nor_in_the_environment_of_restic(fresh: Fresh, tmp_path: Path) -> None:
    first, second = fresh("first"), fresh("second")
    spy, seen = tmp_path / "spy", tmp_path / "seen"
    spy.write_text(f'#!/bin/sh\n{{ echo "$@"; env; }} >> {seen}\nexec {first.program} "$@"\n')
    spy.chmod(0o755)
    watched = ResticRepository(spy, second.place, second.password)
    stored = _backup(first, tmp_path / "first.password")
    watched.copy_from(first, stored.snapshot, _quiet)
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
        _backup(repository, tmp_path / "first.password")
    assert not home.exists()
    assert (tmp_path / "cache" / cached.identity()).is_dir()


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
    stored = repository.backup(BackupOrder((data, unreadable), (), "h"), _quiet)
    assert len(stored.unreadable) == 1 and str(unreadable) in stored.unreadable[0]
    assert f"{data}/fine" in {node.path for node in repository.listing(stored.snapshot)}


def test_backup_tells_its_progress_in_bytes(fresh: Fresh, tmp_path: Path) -> None:
    data, seen = _noise(tmp_path / "data", 200), []
    _backup(fresh(), data, progress=seen.append)
    assert seen and [step.done_bytes for step in seen] == sorted(step.done_bytes for step in seen)
    assert seen[-1].of_bytes == 200 * MB and any(str(data) in step.note for step in seen)


def test_progress_that_raises_lets_restic_end_and_is_raised(fresh: Fresh, tmp_path: Path) -> None:
    data = _noise(tmp_path / "data", 200)

    def fail(_: Progress) -> None:
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        _backup(fresh(), data, progress=fail)
    assert _resticses() == []


def test_copy_tells_its_progress_in_packs(fresh: Fresh, tmp_path: Path) -> None:
    first, second = fresh("first"), fresh("second")
    stored = _backup(first, _noise(tmp_path / "data", 200))
    seen: list[Progress] = []
    second.copy_from(first, stored.snapshot, seen.append)
    assert seen[-1].done_bytes == seen[-1].of_bytes and 190 * MB < (seen[-1].of_bytes or 0) < 210 * MB
    assert seen[-1].note.endswith("packs")


def test_copy_with_one_wrong_password_says_whose(fresh: Fresh, tmp_path: Path) -> None:
    first, second = fresh("first"), fresh("second")
    stored = _backup(first, tmp_path / "first.password")
    wrong_first, wrong_second = (_with_password(one, tmp_path, "hunter2") for one in (first, second))
    with pytest.raises(WrongPassword, match=r"repository .*/first$"):
        second.copy_from(wrong_first, stored.snapshot, _quiet)
    with pytest.raises(WrongPassword, match=r"repository .*/second$"):
        wrong_second.copy_from(first, stored.snapshot, _quiet)
    assert second.snapshots() == ()


def test_copy_shares_chunks_with_what_is_there(fresh: Fresh, tmp_path: Path) -> None:
    """Both repositories were made with the same chunker parameters: the same data backed up to both is there once."""
    first, second = fresh("first"), fresh("second")
    data = _noise(tmp_path / "data", 40)
    _backup(second, data)
    before = second.size_bytes()
    second.copy_from(first, _backup(first, data).snapshot, _quiet)
    assert second.size_bytes() - before < MB


@pytest.fixture
def killed(fresh: Fresh, tmp_path: Path) -> Iterator[tuple[ResticRepository, Path]]:
    """A repository whose backup was killed when about half of its 160 MB were stored, and the data."""
    repository, data = fresh(), _noise(tmp_path / "data", 160)
    caught: list[BaseException] = []

    def work() -> None:
        try:
            _backup(repository, data)
        except BaseException as fault:
            caught.append(fault)

    worker = threading.Thread(target=work)
    worker.start()
    wait_until(lambda: _size(Path(repository.place) / "data") > 60 * MB, "half of the data is stored")
    (child,) = _resticses()
    child.kill()
    worker.join(timeout=30)
    assert [type(fault) for fault in caught] == [ProgramKilled] and "SIGKILL" in str(caught[0])
    yield repository, data


def test_backup_killed_and_repaired_stores_nothing_twice(killed: tuple[ResticRepository, Path]) -> None:
    repository, data = killed
    assert repository.snapshots() == ()
    (lock,) = repository.locks()
    assert repository.unlock_dead(lambda one: lock_is_dead(one, platform.node())) == (lock,)
    repository.repair_index()
    stored = _backup(repository, data)
    assert stored.unreadable == () and stored.added_bytes < 110 * MB
    assert _size(Path(repository.place) / "data") < 185 * MB
    assert repository.check(1, 1) == ()


def test_restic_told_to_end_by_somebody_else_may_be_tried_again_and_leaves_no_lock(fresh: Fresh, tmp_path: Path) -> None:
    repository, data = fresh(), _noise(tmp_path / "data", 160)

    def end_it(_: Progress) -> None:
        for child in _resticses():
            child.terminate()

    with pytest.raises(ProgramKilled) as caught:
        _backup(repository, data, progress=end_it)
    assert caught.value.passing
    assert repository.locks() == () and repository.snapshots() == ()


CANCELLED = """
import sys, threading
from pathlib import Path
from axejournal.domain.errors import Interrupted
from axejournal.domain.ports import BackupOrder
from axejournal.programs import process
from axejournal.programs.restic import ResticRepository
from axejournal.programs.secrets import PasswordSource
program, place, password, data = sys.argv[1:]
repository = ResticRepository(Path(program), place, PasswordSource("file", password))
threading.Timer(1.5, process.end_all, ["SIGTERM"]).start()
try:
    repository.backup(BackupOrder((Path(data),), (), "h"), lambda _: None)
except Interrupted:
    print("interrupted")
try:
    list(repository.listing("abcd"))
except Interrupted:
    print("and nothing is started any more")
"""


def test_cancelled_run_ends_restic_and_leaves_no_lock(fresh: Fresh, tmp_path: Path) -> None:
    repository, data = fresh(), _noise(tmp_path / "data", 400)
    argv = (repository.program, repository.place, tmp_path / "first.password", data)
    done = subprocess.run([sys.executable, "-c", CANCELLED, *argv], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["interrupted", "and nothing is started any more"]
    assert repository.locks() == () and repository.snapshots() == ()


def test_full_disk_is_named_and_leaves_no_snapshot(restic: Path, templates: Path, tmp_path: Path) -> None:
    need("root", "loop")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "none", small], check=True)
    try:
        shutil.copytree(templates / "first", small / "first")
        repository = restics.unmade(restic, small, "first")
        with pytest.raises(DiskFull, match="no space is left for restic backup on") as caught:
            _backup(repository, _noise(tmp_path / "data", 60))
        assert repository.place in caught.value.message and caught.value.exit_code == 1
        assert repository.snapshots() == () and repository.locks() == ()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


@pytest.fixture
def damaged(fresh: Fresh, tmp_path: Path) -> tuple[ResticRepository, str, Path, str]:
    """A repository with one changed byte in a pack, its snapshot, the data, and the pack's name."""
    repository, data = fresh(), _noise(tmp_path / "data", 40)
    stored = _backup(repository, data)
    pack = max((Path(repository.place) / "data").rglob("*"), key=lambda path: path.stat().st_size)
    pack.chmod(0o600)
    with pack.open("r+b") as file:
        file.seek(5000)
        byte = file.read(1)
        file.seek(5000)
        file.write(bytes([byte[0] ^ 1]))
    return repository, stored.snapshot, data, pack.name


def test_check_finds_a_changed_byte_only_when_it_reads_data(damaged: tuple[ResticRepository, str, Path, str]) -> None:
    repository, _, _, pack = damaged
    assert repository.check() == ()
    parts = [repository.check(part, 3) for part in (1, 2, 3)]
    faults = [fault for part in parts for fault in part]
    assert len(faults) == 1 and faults[0].startswith(f"pack {pack} contains")


def test_restore_from_a_damaged_pack_fails_and_names_the_file(
    damaged: tuple[ResticRepository, str, Path, str], tmp_path: Path
) -> None:
    repository, snapshot, data, _ = damaged
    with pytest.raises(ProgramFailed, match=r"/\d\.dat: .*ciphertext verification failed"):
        repository.restore(snapshot, [str(data)], tmp_path / "target", _quiet)


def test_check_finds_a_pack_that_is_gone(damaged: tuple[ResticRepository, str, Path, str]) -> None:
    repository, _, _, pack = damaged
    (Path(repository.place) / "data" / pack[:2] / pack).unlink()
    assert repository.check() == (f"pack {pack}: does not exist",)


def test_peer_without_a_server_is_unreachable(restic: Path, tmp_path: Path) -> None:
    if not shutil.which("ssh"):
        need("sshd")
    password = PasswordSource("file", str(tmp_path / "password"))
    (tmp_path / "password").write_text("x")
    options = ("sftp.args=-p 9 -o BatchMode=yes -o ConnectTimeout=5",)
    repository = ResticRepository(restic, "sftp:nobody@127.0.0.1:/r", password, options=options)
    with pytest.raises(PeerUnreachable, match="port 9: Connection refused") as caught:
        repository.identity()
    assert caught.value.exit_code == 50


def test_listing_of_many_entries_keeps_memory_flat(fresh: Fresh, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for number in range(20):
        (data / f"{number:02}").mkdir(parents=True)
        for file in range(1000):
            (data / f"{number:02}" / f"a file with a long name, {file:04}").touch()
    repository = fresh()
    stored = _backup(repository, data)
    tracemalloc.start()
    try:
        count = sum(1 for _ in repository.listing(stored.snapshot, str(data)))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_020
    assert peak_bytes < 1 * MB


def test_listing_left_early_ends_restic(fresh: Fresh, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for file in range(2000):
        (data / f"a file with a long name, {file:04}").touch()
    repository = fresh()
    nodes = repository.listing(_backup(repository, data).snapshot)
    next(nodes)
    assert len(_resticses()) == 1
    nodes.close()  # type: ignore[attr-defined]  # an iterator to the port, a generator in truth
    assert _resticses() == []


def test_restored_tree_keeps_modes_times_and_links(fresh: Fresh, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "sub").mkdir(parents=True, mode=0o750)
    (data / "sub" / "file").write_text("x")
    (data / "sub" / "file").chmod(0o640)
    os.utime(data / "sub" / "file", ns=(10**18, 10**18))
    (data / "dangling").symlink_to("nowhere")
    repository = fresh()
    repository.restore(_backup(repository, data).snapshot, [f"{data}/sub", f"{data}/dangling"], tmp_path / "t", _quiet)
    restored = tmp_path / "t" / str(data).lstrip("/")
    info = (restored / "sub" / "file").stat()
    assert (info.st_mode & 0o777, info.st_mtime_ns) == (0o640, 10**18)
    assert (restored / "sub").stat().st_mode & 0o777 == 0o750 and (restored / "dangling").readlink() == Path("nowhere")


def test_prune_says_how_much_it_freed(fresh: Fresh, tmp_path: Path) -> None:
    repository, data = fresh(), _noise(tmp_path / "data", 40)
    repository.forget([_backup(repository, data).snapshot])
    freed = repository.prune().freed_bytes
    assert freed is not None and 39 * MB < freed < 42 * MB
    assert _size(Path(repository.place) / "data") < MB


def test_identity_is_the_repositorys_own(fresh: Fresh) -> None:
    repository = fresh()
    argv = [repository.program, "-r", repository.place, "-p", repository.password.environment()["RESTIC_PASSWORD_FILE"]]
    said = subprocess.run([*argv, "cat", "config", "--no-cache"], check=True, capture_output=True, text=True).stdout
    assert repository.identity() == json.loads(said)["id"]
