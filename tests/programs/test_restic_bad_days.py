from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from axejournal.domain.errors import (
    DiskFull,
    PeerUnreachable,
    ProgramFailed,
    ProgramKilled,
)
from axejournal.domain.ports import Progress
from axejournal.programs.restic.locks import lock_is_dead
from axejournal.programs.restic.repository import ResticRepository
from axejournal.programs.secrets.source import PasswordSource
from tests.contract import restics
from tests.contract.restics import Fresh
from tests.world.needs import need
from tests.world.place import wait_until


@pytest.fixture
def killed(fresh: Fresh, tmp_path: Path) -> Iterator[tuple[ResticRepository, Path]]:
    """A repository whose backup was killed when about half of its 160 MB were stored, and the data."""
    repository, data = fresh(), restics.noise(tmp_path / "data", 160)
    caught: list[BaseException] = []

    def work() -> None:
        try:
            restics.backup(repository, data)
        except BaseException as fault:
            caught.append(fault)

    worker = threading.Thread(target=work)
    worker.start()
    wait_until(lambda: restics.size_of(Path(repository.place) / "data") > 60 * restics.MB, "half of the data is stored")
    (child,) = restics.running()
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
    stored = restics.backup(repository, data)
    assert stored.unreadable == () and stored.added_bytes < 110 * restics.MB
    assert restics.size_of(Path(repository.place) / "data") < 185 * restics.MB
    assert repository.check(1, 1) == ()


def test_restic_told_to_end_by_somebody_else_may_be_tried_again_and_leaves_no_lock(fresh: Fresh, tmp_path: Path) -> None:
    repository, data = fresh(), restics.noise(tmp_path / "data", 160)

    def end_it(_: Progress) -> None:
        for child in restics.running():
            child.terminate()

    with pytest.raises(ProgramKilled) as caught:
        restics.backup(repository, data, progress=end_it)
    assert caught.value.passing
    assert repository.locks() == () and repository.snapshots() == ()


CANCELLED = """
import sys, threading
from pathlib import Path
from axejournal.domain.errors import Interrupted
from axejournal.domain.ports import BackupOrder
from axejournal.programs import process
from axejournal.programs.restic.repository import ResticRepository
from axejournal.programs.secrets.source import PasswordSource
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
    repository, data = fresh(), restics.noise(tmp_path / "data", 400)
    argv = (repository.program, repository.place, tmp_path / "first.password", data)
    done = subprocess.run([sys.executable, "-c", CANCELLED, *argv], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["interrupted", "and nothing is started any more"]
    assert repository.locks() == () and repository.snapshots() == ()


CANCELLED_LISTING = """
import sys
from pathlib import Path
from axejournal.domain.errors import Interrupted
from axejournal.programs import process
from axejournal.programs.restic.repository import ResticRepository
from axejournal.programs.secrets.source import PasswordSource
program, place, password, snapshot = sys.argv[1:]
nodes = ResticRepository(Path(program), place, PasswordSource("file", password)).listing(snapshot)
next(nodes)
process.end_all("SIGTERM")
try:
    print(len(list(nodes)))
except Interrupted:
    print("interrupted")
"""


def test_listing_of_a_cancelled_run_does_not_look_complete(fresh: Fresh, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for file in range(2000):
        (data / f"a file with a long name, {file:04}").touch()
    repository = fresh()
    argv = (repository.program, repository.place, tmp_path / "first.password", restics.backup(repository, data).snapshot)
    done = subprocess.run(
        [sys.executable, "-c", CANCELLED_LISTING, *argv], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "interrupted\n"


def test_full_disk_is_named_and_leaves_no_snapshot(restic: Path, templates: Path, tmp_path: Path) -> None:
    need("root", "loop")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "none", small], check=True)
    try:
        shutil.copytree(templates / "first", small / "first")
        repository = restics.unmade(restic, small, "first")
        with pytest.raises(DiskFull, match="no space is left for restic backup on") as caught:
            restics.backup(repository, restics.noise(tmp_path / "data", 60))
        assert repository.place in caught.value.message and caught.value.exit_code == 1
        assert repository.snapshots() == () and repository.locks() == ()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


@pytest.fixture
def damaged(fresh: Fresh, tmp_path: Path) -> tuple[ResticRepository, str, Path, str]:
    """A repository with one changed byte in a pack, its snapshot, the data, and the pack's name."""
    repository, data = fresh(), restics.noise(tmp_path / "data", 40)
    stored = restics.backup(repository, data)
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
        repository.restore(snapshot, [str(data)], tmp_path / "target", restics.quiet)


def test_check_finds_a_pack_that_is_gone(damaged: tuple[ResticRepository, str, Path, str]) -> None:
    repository, _, _, pack = damaged
    (Path(repository.place) / "data" / pack[:2] / pack).unlink()
    assert repository.check() == (f"pack {pack}: does not exist",)


class _Port9:
    """Where nobody answers."""

    def restic_options(self) -> tuple[str, ...]:
        return ("sftp.args=-p 9 -o BatchMode=yes -o ConnectTimeout=5",)

    def fault_of(self, stderr: str) -> None:
        return None

    def names(self) -> None:
        return None

    def config(self) -> None:
        return None

    def sweep(self) -> None:
        return


def test_peer_without_a_server_is_unreachable(restic: Path, tmp_path: Path) -> None:
    if not shutil.which("ssh"):
        need("sshd")
    password = PasswordSource("file", str(tmp_path / "password"))
    (tmp_path / "password").write_text("x")
    repository = ResticRepository(restic, "sftp:nobody@127.0.0.1:/r", password, way=_Port9())
    # restic may end before it has passed on what ssh said
    with pytest.raises(PeerUnreachable, match=r"port 9: Connection refused|unable to start the sftp session") as caught:
        repository.identity()
    assert caught.value.exit_code == 50
