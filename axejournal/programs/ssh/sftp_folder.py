"""One folder, as a partner may use it: nothing outside can be named, no symlink is made or followed, no mode but plain ones.

Paths come from the partner: absolute ones must lie in the folder, relative ones are meant from it. The partner can make
neither symlinks nor hard links, and what the owner of the folder has put there is not followed either (O_NOFOLLOW).
"""

# ruff: noqa: PTH101, PTH102, PTH104, PTH106, PTH108, PTH118, PTH119, PTH120
from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

READ, WRITE, APPEND, CREATE, TRUNCATE, EXCLUSIVE = 1, 2, 4, 8, 16, 32
"""Bits of an open, SSH_FXF_…"""


class Folder:
    """The one folder. All methods raise OSError."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self.named = os.path.normpath(root)  # the partner may know it by a name that goes through the owner's symlinks

    def inside(self, path: str) -> str:
        """Where it is on this disk. PermissionError for what lies outside."""
        whole = os.path.normpath(os.path.join(self.root, path))
        if whole == self.named or whole.startswith(f"{self.named}/"):
            whole = self.root + whole[len(self.named) :]
        if whole != self.root:
            parent = os.path.realpath(os.path.dirname(whole))
            whole = os.path.join(parent, os.path.basename(whole))
            if parent != self.root and not parent.startswith(f"{self.root}/"):
                raise PermissionError(errno.EACCES, "outside of the folder")
        return whole

    def shown(self, path: str) -> str:
        """A path as the partner is told it: absolute, in the folder."""
        try:
            return self.inside(path)
        except PermissionError:
            if os.path.normpath(path) in (".", "/"):
                return self.root
            raise

    def open(self, path: str, how: int, mode: int) -> int:
        """A descriptor. `how`: of the bits above."""
        flags = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        flags |= (os.O_RDWR if how & READ else os.O_WRONLY) if how & WRITE else os.O_RDONLY
        for bit, flag in ((APPEND, os.O_APPEND), (CREATE, os.O_CREAT), (TRUNCATE, os.O_TRUNC), (EXCLUSIVE, os.O_EXCL)):
            flags |= flag if how & bit else 0
        descriptor = os.open(self.inside(path), flags, mode & 0o666)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise PermissionError(errno.EACCES, "no plain file")
        return descriptor

    def look(self, path: str) -> os.stat_result:
        """Of the entry itself."""
        return os.lstat(self.inside(path))

    def entries(self, path: str) -> Iterator[tuple[str, os.stat_result]]:
        """Names and what they are, links as links."""
        with os.scandir(self._real(self.inside(path))) as found:
            for entry in found:
                yield entry.name, entry.stat(follow_symlinks=False)

    def change(self, path: str, size: int | None, mode: int | None, times: tuple[int, int] | None) -> None:
        """What SETSTAT may: length, plain mode, times."""
        whole = self._real(self.inside(path))
        if size is not None:
            os.truncate(whole, size)
        if mode is not None:
            os.chmod(whole, mode & 0o777)
        if times is not None:
            os.utime(whole, times)

    def remove(self, path: str) -> None:
        """A file or a link."""
        os.unlink(self.inside(path))

    def make_folder(self, path: str, mode: int) -> None:
        """One folder."""
        os.mkdir(self.inside(path), mode & 0o777)

    def remove_folder(self, path: str) -> None:
        """An empty one; not the folder itself."""
        whole = self.inside(path)
        if whole == self.root:
            raise PermissionError(errno.EACCES, "the folder itself stays")
        os.rmdir(whole)

    def rename(self, old: str, new: str, over: bool) -> None:
        """`over`: what is there of the new name goes."""
        source, target = self.inside(old), self.inside(new)
        if self.root in (source, target):
            raise PermissionError(errno.EACCES, "the folder itself stays")
        if not over and os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "exists")
        os.rename(source, target)

    def space(self) -> os.statvfs_result:
        """Of the disk."""
        return os.statvfs(self.root)

    @staticmethod
    def _real(whole: str) -> str:
        if stat.S_ISLNK(os.lstat(whole).st_mode):
            raise PermissionError(errno.EACCES, "a symlink is not followed")
        return whole
