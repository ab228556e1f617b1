from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from axejournal.domain.errors import ProgramFailed, RepositoryLocked
from axejournal.domain.ports import RepositoryLock
from axejournal.programs.restic.locks import lock_is_dead
from axejournal.programs.restic.repository import ResticRepository
from tests.contract.restics import Fresh
from tests.world.needs import need
from tests.world.place import wait_until

HERE = platform.node()
Holder = Callable[..., subprocess.Popen[bytes]]


def _is_dead(lock: RepositoryLock) -> bool:
    return lock_is_dead(lock, HERE)


@pytest.fixture
def holder() -> Iterator[Holder]:
    """Starts a restic that holds a lock, because it waits for a backup's data; all are killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def hold(repository: ResticRepository, *before: str) -> subprocess.Popen[bytes]:
        argv = [*before, repository.program, "-r", repository.place, "--no-cache", "backup", "--stdin", "--host", "h"]
        locks = Path(repository.place) / "locks"
        there = len(list(locks.glob("?" * 64)))
        pipe = subprocess.PIPE  # nothing is ever written into it
        env = {**os.environ, **repository.password.environment()}
        child = subprocess.Popen(argv, stdin=pipe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        started.append(child)
        wait_until(lambda: len(list(locks.glob("?" * 64))) > there, "restic holds its lock")
        return child

    yield hold
    for child in started:
        child.kill()
        child.wait()


def _kill(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()


def test_lock_of_a_killed_restic_is_named_found_dead_and_removed(fresh: Fresh, holder: Holder) -> None:
    repository = fresh()
    begin = datetime.now(UTC)
    child = holder(repository)
    _kill(child)
    with pytest.raises(RepositoryLocked, match=rf"locked by process {child.pid} of \S+ on {HERE} since \d{{4}}-") as caught:
        repository.prune()
    assert caught.value.exit_code == 11 and caught.value.passing
    (lock,) = repository.locks()
    assert (lock.host, lock.pid, lock.exclusive) == (HERE, child.pid, False)
    assert begin <= lock.time <= datetime.now(UTC)
    assert _is_dead(lock)
    assert repository.unlock_dead(_is_dead) == (lock,)
    assert repository.locks() == ()
    repository.prune()


def test_lock_of_a_killed_restic_that_nobody_has_reaped_is_removed(fresh: Fresh, holder: Holder) -> None:
    """An orphan's new parent may take its time: until then the pid is there, and restic alone would keep the lock."""
    repository = fresh()
    child = holder(repository)
    child.kill()
    stat = Path(f"/proc/{child.pid}/stat")
    if not stat.exists():
        pytest.skip("whether it was reaped is read from Linux's /proc")
    wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z", "restic is a zombie")
    assert len(repository.unlock_dead(_is_dead)) == 1
    assert repository.locks() == ()


def test_lock_of_a_living_restic_stays(fresh: Fresh, holder: Holder) -> None:
    repository = fresh()
    holder(repository)
    (lock,) = repository.locks()
    assert not _is_dead(lock)
    assert repository.unlock_dead(_is_dead) == ()
    assert repository.locks() == (lock,)


def test_dead_lock_beside_a_living_one_stays_too(fresh: Fresh, holder: Holder) -> None:
    repository = fresh()
    _kill(holder(repository))
    holder(repository)
    assert sorted(map(_is_dead, repository.locks())) == [False, True]
    assert repository.unlock_dead(_is_dead) == ()
    assert len(repository.locks()) == 2


def test_lock_of_another_host_stays_and_is_named(fresh: Fresh, holder: Holder) -> None:
    need("root")
    if platform.system() != "Linux":
        pytest.skip("another host is a UTS namespace of Linux here")
    repository = fresh()
    holder(repository, "unshare", "--uts", "sh", "-c", 'hostname another-mini; exec "$0" "$@"')
    (lock,) = repository.locks()
    assert lock.host == "another-mini"
    assert not _is_dead(lock)
    assert repository.unlock_dead(_is_dead) == ()
    with pytest.raises(RepositoryLocked, match="on another-mini since"):
        repository.prune()
    assert repository.locks() == (lock,)


def test_dead_lock_of_another_host_stays_as_well(fresh: Fresh, holder: Holder) -> None:
    """Whether a process of another machine lives can't be known from here."""
    need("root")
    if platform.system() != "Linux":
        pytest.skip("another host is a UTS namespace of Linux here")
    repository = fresh()
    _kill(holder(repository, "unshare", "--uts", "sh", "-c", 'hostname another-mini; exec "$0" "$@"'))
    assert repository.unlock_dead(_is_dead) == ()
    assert len(repository.locks()) == 1


def test_lock_whose_pid_was_given_to_another_process_goes_without_harm_to_it(fresh: Fresh, holder: Holder) -> None:
    """`restic unlock` would send SIGHUP to that process, and keep the lock because it lives."""
    need("root", "unshare")
    if "TESTS_OWN_PIDS" not in os.environ:  # choosing pids would give those of other tests' children away
        own = ("unshare", "--fork", "--pid", "--mount-proc", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
        here = f"{__file__}::test_lock_whose_pid_was_given_to_another_process_goes_without_harm_to_it"
        environment = {**os.environ, "TESTS_OWN_PIDS": "1"}
        done = subprocess.run([*own, here], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout
        return
    chooser = Path("/proc/sys/kernel/ns_last_pid")
    repository = fresh()
    child = holder(repository)
    _kill(child)
    (lock,) = repository.locks()
    time.sleep(max(0.0, lock.time.timestamp() + 4.5 - time.time()))
    heir = _start_as(child.pid, chooser)
    try:
        assert _is_dead(lock)
        assert repository.unlock_dead(_is_dead) == (lock,)
        assert heir.poll() is None
        assert repository.locks() == ()
    finally:
        _kill(heir)


def _start_as(pid: int, chooser: Path) -> subprocess.Popen[bytes]:
    for _ in range(50):  # another process of the machine may be faster
        chooser.write_text(str(pid - 1))
        child = subprocess.Popen(["sleep", "60"])
        if child.pid == pid:
            return child
        _kill(child)
    pytest.fail(f"pid {pid} was always taken")


def _lock(pid: int, age_s: float, host: str = HERE) -> RepositoryLock:
    return RepositoryLock("ab" * 32, host, pid, "axe", datetime.now(UTC) - timedelta(seconds=age_s), False)


def test_lock_is_dead_by_pid_start_and_name(tmp_path: Path) -> None:
    restic_by_name = tmp_path / "restic"
    restic_by_name.symlink_to("/bin/sleep")
    gone = subprocess.Popen(["true"])
    gone.wait()
    other, named = subprocess.Popen(["sleep", "60"]), subprocess.Popen([restic_by_name, "60"])
    try:
        assert lock_is_dead(_lock(gone.pid, 1), HERE)
        assert not lock_is_dead(_lock(gone.pid, 1), "another-mini")
        assert not lock_is_dead(_lock(gone.pid, 10**6, host="another-mini"), HERE)
        assert lock_is_dead(_lock(other.pid, 60), HERE)  # it began after the lock's time
        assert not lock_is_dead(_lock(other.pid, -60), HERE)
        assert not lock_is_dead(_lock(named.pid, 60), HERE)  # the clock may have been set forward
    finally:
        _kill(other)
        _kill(named)


def test_empty_lock_file_is_none_and_a_cut_one_is_named(fresh: Fresh) -> None:
    repository = fresh()
    (Path(repository.place) / "locks" / ("1" * 64)).touch()
    (Path(repository.place) / "locks" / ("3" * 64 + "-tmp-17")).write_bytes(b"being written")
    assert repository.locks() == ()
    repository.prune()
    (Path(repository.place) / "locks" / ("2" * 64)).write_bytes(b"cut")
    with pytest.raises(ProgramFailed, match=r"lock 22222222 of repository \S+ is damaged") as caught:
        repository.locks()
    assert f"locks/{'2' * 64}" in caught.value.hint


def test_looking_for_locks_where_there_are_none_starts_no_restic(fresh: Fresh) -> None:
    repository = fresh()
    unstartable = ResticRepository(Path("/no/such/restic"), repository.place, repository.password)
    assert unstartable.locks() == () and unstartable.unlock_dead(_is_dead) == ()


def test_locks_of_a_repository_that_is_not_in_a_plain_folder_are_asked_of_restic(fresh: Fresh, holder: Holder) -> None:
    """`local:` is such a folder too; anything with another prefix is not looked into."""
    repository = fresh()
    child = holder(repository)
    plain = ResticRepository(repository.program, f"local:{repository.place}", repository.password)
    assert plain.locks() == repository.locks() and len(plain.locks()) == 1
    _kill(child)
    (left,) = plain.locks()
    assert _is_dead(left)
    assert plain.unlock_dead(_is_dead) == (left,)
    assert plain.locks() == ()
