"""An sftp server for one folder, on stdin and stdout: what `axej ring serve FOLDER` does, forced on the partner's SSH key.

sshd can put a user into a folder (ChrootDirectory) but not a key, and a folder that is no root's must not be a chroot; this
needs neither root nor another user, on macOS and Linux. It speaks version 3 of the protocol (draft-ietf-secsh-filexfer-02, and
OpenSSH's PROTOCOL file for the extensions), which is what restic, sftp and Go's client speak.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from axejournal.programs.ssh.sftp_folder import Folder

MOST_BYTES = 1 << 20
MOST_HANDLES = 256
INIT, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT, OPENDIR, READDIR = 1, *range(3, 13)
REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME, EXTENDED = 13, 14, 15, 16, 17, 18, 200
VERSION, STATUS, HANDLE, DATA, NAME, ATTRS, EXTENDED_REPLY = 2, 101, 102, 103, 104, 105, 201
OK, EOF, NO_SUCH_FILE, DENIED, FAILURE, BAD_MESSAGE, UNSUPPORTED = 0, 1, 2, 3, 4, 5, 8
EXTENSIONS = (("posix-rename@openssh.com", "1"), ("statvfs@openssh.com", "2"), ("fsync@openssh.com", "1"))
"""No link, no symlink: their requests are answered with UNSUPPORTED."""


class Request:
    """Reads the fields of one packet, in order. struct.error when it is too short."""

    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0

    def number(self) -> int:
        return self._take(">I", 4)

    def long(self) -> int:
        return self._take(">Q", 8)

    def string(self) -> bytes:
        size = self.number()
        if self.at + size > len(self.body):
            raise struct.error("too short")
        self.at += size
        return self.body[self.at - size : self.at]

    def path(self) -> str:
        return os.fsdecode(self.string())

    def attributes(self) -> tuple[int | None, int | None, tuple[int, int] | None]:
        """Size, mode, times; owners are passed over."""
        flags = self.number()
        size = self.long() if flags & 1 else None
        if flags & 2:
            self.number(), self.number()
        mode = self.number() if flags & 4 else None
        times = (self.number(), self.number()) if flags & 8 else None
        return size, mode, times

    def _take(self, kind: str, size: int) -> int:
        (value,) = struct.unpack_from(kind, self.body, self.at)
        self.at += size
        return int(value)


class Server:
    """One connection's server. Ends with its input."""

    def __init__(self, folder: Folder, read: BinaryIO, write: BinaryIO) -> None:
        self.folder, self._read, self._write = folder, read, write
        self._files: dict[bytes, int] = {}
        self._listings: dict[bytes, Iterator[tuple[str, os.stat_result]]] = {}
        self._number = 0
        self._answers: dict[int, Callable[[Request], bytes]] = {
            OPEN: self._open,
            CLOSE: self._close,
            READ: self._read_file,
            WRITE: self._write_file,
            LSTAT: lambda request: attributes(self.folder.look(request.path())),
            STAT: lambda request: attributes(self.folder.look(request.path())),
            FSTAT: lambda request: attributes(os.fstat(self._file(request))),
            SETSTAT: self._change,
            FSETSTAT: self._change_file,
            OPENDIR: self._open_folder,
            READDIR: self._read_folder,
            REMOVE: lambda request: done(self.folder.remove, request.path()),
            MKDIR: self._make_folder,
            RMDIR: lambda request: done(self.folder.remove_folder, request.path()),
            REALPATH: lambda request: names([(self.folder.shown(request.path()), None)]),
            RENAME: lambda request: done(self.folder.rename, request.path(), request.path(), False),
            EXTENDED: self._extended,
        }

    def serve(self) -> None:
        """Until the client goes."""
        while len(head := self._read.read(4)) == 4:
            (size,) = struct.unpack(">I", head)
            body = self._read.read(size) if 0 < size <= MOST_BYTES else b""
            if len(body) < max(size, 1):
                return
            if body[0] == INIT:
                said = b"".join(text(name) + text(value) for name, value in EXTENSIONS)
                self._send(bytes([VERSION]) + struct.pack(">I", 3) + said)
            elif len(body) >= 5:
                answer = self._answer(body[0], Request(body[5:]))
                self._send(answer[:1] + body[1:5] + answer[1:])

    def _send(self, packet: bytes) -> None:
        self._write.write(struct.pack(">I", len(packet)) + packet)
        self._write.flush()

    def _answer(self, kind: int, request: Request) -> bytes:
        act = self._answers.get(kind)
        if act is None:
            return status(UNSUPPORTED, "not offered here")
        try:
            return act(request)
        except (struct.error, ValueError):
            return status(BAD_MESSAGE, "bad message")
        except OSError as fault:
            return status(_code(fault), fault.strerror or "failure")

    def _open(self, request: Request) -> bytes:
        path, how = request.path(), request.number()
        mode = request.attributes()[1]
        if len(self._files) >= MOST_HANDLES:
            raise OSError(errno.EMFILE, "too many open files")
        handle = self._handle()
        self._files[handle] = self.folder.open(path, how, 0o666 if mode is None else mode)
        return bytes([HANDLE]) + text(handle)

    def _close(self, request: Request) -> bytes:
        handle = request.string()
        self._listings.pop(handle, None)
        if (descriptor := self._files.pop(handle, None)) is not None:
            os.close(descriptor)
        return status(OK, "done")

    def _read_file(self, request: Request) -> bytes:
        descriptor, offset, size = self._file(request), request.long(), request.number()
        found = os.pread(descriptor, min(size, MOST_BYTES // 4), offset)
        return bytes([DATA]) + text(found) if found else status(EOF, "end of file")

    def _write_file(self, request: Request) -> bytes:
        descriptor, offset, content = self._file(request), request.long(), memoryview(request.string())
        while content:
            written = os.pwrite(descriptor, content, offset)
            content, offset = content[written:], offset + written
        return status(OK, "done")

    def _change(self, request: Request) -> bytes:
        path = request.path()
        return done(self.folder.change, path, *request.attributes())

    def _change_file(self, request: Request) -> bytes:
        descriptor = self._file(request)
        size, mode, times = request.attributes()
        if size is not None:
            os.ftruncate(descriptor, size)
        if mode is not None:
            os.fchmod(descriptor, mode & 0o777)
        if times is not None:
            os.utime(descriptor, times)
        return status(OK, "done")

    def _make_folder(self, request: Request) -> bytes:
        path, mode = request.path(), request.attributes()[1]
        return done(self.folder.make_folder, path, 0o777 if mode is None else mode)

    def _open_folder(self, request: Request) -> bytes:
        listing = list(self.folder.entries(request.path()))
        handle = self._handle()
        self._listings[handle] = iter(listing)
        return bytes([HANDLE]) + text(handle)

    def _read_folder(self, request: Request) -> bytes:
        listing = self._listings.get(request.string())
        if listing is None:
            raise OSError(errno.EBADF, "no such handle")
        found = list(itertools.islice(listing, 100))
        return names(found) if found else status(EOF, "end of listing")

    def _extended(self, request: Request) -> bytes:
        match request.string():
            case b"posix-rename@openssh.com":
                return done(self.folder.rename, request.path(), request.path(), True)
            case b"fsync@openssh.com":
                return done(os.fsync, self._file(request))
            case b"statvfs@openssh.com":
                request.path()
                found = self.folder.space()
                sizes = (found.f_bsize, found.f_frsize, found.f_blocks, found.f_bfree, found.f_bavail, found.f_files)
                more = (found.f_ffree, found.f_favail, 0, 0, found.f_namemax)
                return bytes([EXTENDED_REPLY]) + struct.pack(">11Q", *sizes, *more)
        return status(UNSUPPORTED, "not offered here")

    def _file(self, request: Request) -> int:
        descriptor = self._files.get(request.string())
        if descriptor is None:
            raise OSError(errno.EBADF, "no such handle")
        return descriptor

    def _handle(self) -> bytes:
        self._number += 1
        return str(self._number).encode()


def text(content: bytes | str) -> bytes:
    """A string of the protocol."""
    raw = os.fsencode(content) if isinstance(content, str) else content
    return struct.pack(">I", len(raw)) + raw


def status(code: int, message: str) -> bytes:
    """A STATUS packet without its id."""
    return bytes([STATUS]) + struct.pack(">I", code) + text(message) + text("en")


def done(act: Callable[..., object], *words: object) -> bytes:
    """Does it, and says so. Raises OSError."""
    act(*words)
    return status(OK, "done")


def attributes(found: os.stat_result) -> bytes:
    """An ATTRS packet without its id."""
    return bytes([ATTRS]) + _fields(found)


def names(found: Sequence[tuple[str, os.stat_result | None]]) -> bytes:
    """A NAME packet without its id."""
    entries = (text(name) + text(_long(name, of)) + (_fields(of) if of else struct.pack(">I", 0)) for name, of in found)
    return bytes([NAME]) + struct.pack(">I", len(found)) + b"".join(entries)


def _fields(found: os.stat_result) -> bytes:
    times = (int(found.st_atime) & 0xFFFFFFFF, int(found.st_mtime) & 0xFFFFFFFF)
    return struct.pack(">IQIIIII", 15, found.st_size, found.st_uid, found.st_gid, found.st_mode, *times)


def _long(name: str, found: os.stat_result | None) -> str:
    return f"{stat.filemode(found.st_mode)} 1 {found.st_uid} {found.st_gid} {found.st_size} {name}" if found else name


def _code(fault: OSError) -> int:
    match fault.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return NO_SUCH_FILE
        case errno.EACCES | errno.EPERM | errno.ELOOP | errno.EROFS:
            return DENIED
    return FAILURE


def serve(folder: str) -> None:
    """Serves this process's stdin and stdout."""
    Server(Folder(folder), sys.stdin.buffer, sys.stdout.buffer).serve()
