"""The rule by which the watch starts syncs, without disks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from axejournal.app.cold_watch import DiskWatcher
from axejournal.domain.errors import PersonNeeded, ProgramFailed
from axejournal.programs.secrets.desk import SocketDesk, hand_over, socket_path


class Child:
    """A sync's process, as far as the watcher looks at it."""

    def __init__(self) -> None:
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode


class Scene:
    """A watcher of one place, and what it started."""

    def __init__(self, done: str | None = None) -> None:
        self.mark: str | None = None
        self.started: list[Child] = []
        self.watcher = DiskWatcher({"1": Path("/x")}, lambda _: self.mark, self._start, lambda _: done)  # type: ignore[arg-type]

    def _start(self, disk: str) -> Child:
        self.started.append(Child())
        return self.started[-1]

    def look(self, mark: str | None, ended: int | None = None) -> int:
        """How many syncs were started by now."""
        self.mark = mark
        if ended is not None:
            self.started[-1].returncode = ended
        self.watcher.look()
        return len(self.started)


def test_mount_starts_one_sync_however_often_it_is_looked_at():
    scene = Scene()
    assert [scene.look(mark) for mark in (None, "a", "a", "a", None, None)] == [0, 1, 1, 1, 1, 1]


def test_flapping_mount_is_looked_at_again_only_when_its_sync_has_ended():
    scene = Scene()
    assert [scene.look(mark) for mark in ("a", None, "b", None, "c")] == [1, 1, 1, 1, 1]
    assert scene.look("c", ended=50) == 2  # it waited for the disk, which is back
    assert scene.look("c", ended=0) == 2


def test_sync_that_was_killed_is_gone_on_with_and_one_that_failed_is_not():
    scene = Scene()
    scene.look("a")
    assert [scene.look("a", ended=-9), scene.look("a", ended=1), scene.look("a")] == [2, 2, 2]


def test_disk_that_was_synced_in_this_mounting_already_is_left_alone_by_a_new_watcher():
    assert [Scene(done="a").look("a"), Scene(done="a").look("b"), Scene().look("a")] == [0, 1, 1]


def test_folder_that_others_may_change_is_no_place_for_a_password(tmp_path: Path):
    desk = SocketDesk(tmp_path / "cold" / "1.unlock", lambda text: None)
    (tmp_path / "cold").mkdir()
    (tmp_path / "cold").chmod(0o777)
    with pytest.raises(ProgramFailed, match="not this user's alone"):
        desk.receive("r", "disk 1", lambda typed: None, lambda: True)
    with pytest.raises(ProgramFailed, match="not this user's alone"):
        hand_over(desk.path, "secret")
    (tmp_path / "cold").chmod(0o700)
    with pytest.raises(PersonNeeded):
        hand_over(desk.path, "secret")
    assert len(os.fsencode(socket_path(tmp_path / ("x" * 200), "cold-1"))) < 100
