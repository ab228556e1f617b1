"""The sftp protocol's other side, spoken over a child's pipes: what is asked of a folder on another machine.

Questions that do not need each other's answers go out together, so that a look at a folder costs three round trips of the
way and not thirty. Version 3 of the protocol (draft-ietf-secsh-filexfer-02), which every OpenSSH serves, and OpenSSH's own
extensions for free space and for a rename over what is there.
"""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Generator
from typing import IO, Any, NamedTuple, TypeVar

from axejournal.programs.ssh.sftp_server import (
    ATTRS,
    CLOSE,
    DATA,
    DENIED,
    EOF,
    EXTENDED,
    EXTENDED_REPLY,
    HANDLE,
    INIT,
    NAME,
    NO_SUCH_FILE,
    OK,
    OPEN,
    OPENDIR,
    READ,
    READDIR,
    REMOVE,
    STAT,
    STATUS,
    VERSION,
    WRITE,
    Request,
    text,
)

MOST_PACKET_BYTES = 1 << 20
MOST_NAMES = 2_000_000
READING, WRITING = 0x01, 0x02 | 0x08 | 0x10  # write, create, truncate
Found = TypeVar("Found")


class Gone(Exception):
    """The other side is no longer there, or speaks another language."""


class Silent(Exception):
    """Nothing came in time."""


class Refused(Exception):
    """It answers that this can't be done. `code`: the protocol's."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code

    @property
    def is_right(self) -> bool:
        """Whether it is a matter of rights or of a folder that is not there, and not of room."""
        return self.code in (DENIED, NO_SUCH_FILE)


class Packet(NamedTuple):
    """One answer."""

    kind: int
    body: bytes

    def read(self) -> Request:
        """Its fields, in order."""
        return Request(self.body)


class Farewell(bytes):
    """A question whose answer nobody waits for."""


Talk = Generator[bytes, Packet, Found]
"""Asks, gets an answer, asks again …, and returns what it found."""


class Session:
    """One sftp session. Raises Gone and Silent; after either it is of no more use. For one thread at a time."""

    def __init__(self, write: IO[bytes], read: IO[bytes], limit_s: float) -> None:
        self._write, self._read, self._limit_s = write, read, limit_s
        self._kept, self._number = b"", 0
        self._send(bytes([INIT]) + struct.pack(">I", 3))
        if self._packet(time.monotonic() + limit_s)[:1] != bytes([VERSION]):
            raise Gone("what answers speaks no sftp")

    def together(self, *talks: Talk[Any]) -> list[Any]:
        """Has these talks at once; what each found, in their order. Raises Refused when one of them does."""
        found: list[Any] = [None] * len(talks)
        waiting: dict[int, int] = {}
        for at, talk in enumerate(talks):
            self._go_on(talk, at, None, waiting, found)
        while waiting:
            packet = self._packet(time.monotonic() + self._limit_s)
            if len(packet) < 5:
                raise Gone("an answer without a number")
            at = waiting.pop(struct.unpack_from(">I", packet, 1)[0], -1)
            if at >= 0:
                self._go_on(talks[at], at, Packet(packet[0], packet[5:]), waiting, found)
        refused = next((one for one in found if isinstance(one, Refused)), None)
        if refused:
            raise refused
        return found

    def _go_on(self, talk: Talk[Any], at: int, answer: Packet | None, waiting: dict[int, int], found: list[Any]) -> None:
        try:
            question = talk.send(answer)  # type: ignore[arg-type]  # a generator begins with None
            while isinstance(question, Farewell):
                self._ask(question)
                question = talk.send(Packet(STATUS, b""))
            waiting[self._ask(question)] = at
        except StopIteration as end:
            found[at] = end.value
        except Refused as refused:
            found[at] = refused
        except struct.error as fault:
            raise Gone("an answer that is too short") from fault

    def _ask(self, question: bytes) -> int:
        self._number = (self._number + 1) & 0xFFFFFFFF
        self._send(question[:1] + struct.pack(">I", self._number) + question[1:])
        return self._number

    def _send(self, packet: bytes) -> None:
        try:
            self._write.write(struct.pack(">I", len(packet)) + packet)
            self._write.flush()
        except (OSError, ValueError) as fault:
            raise Gone("the connection was closed") from fault

    def _packet(self, until: float) -> bytes:
        size = struct.unpack(">I", self._bytes(4, until))[0]
        if not 0 < size <= MOST_PACKET_BYTES:
            raise Gone("what answers speaks no sftp")
        return self._bytes(size, until)

    def _bytes(self, size: int, until: float) -> bytes:
        descriptor = self._read.fileno()
        while len(self._kept) < size:
            if not select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
                raise Silent(f"no answer within {self._limit_s:g} s")
            more = os.read(descriptor, 1 << 16)
            if not more:
                raise Gone("the connection was closed")
            self._kept += more
        found, self._kept = self._kept[:size], self._kept[size:]
        return found


# --- what can be asked ---------------------------------------------------------------------------------------------------


def is_there(path: str) -> Talk[bool]:
    """Whether something of that name is there."""
    answer = yield bytes([STAT]) + text(path)
    return answer.kind == ATTRS


def free_bytes(path: str) -> Talk[int | None]:
    """What may still be written there; None where that is not told."""
    answer = yield bytes([EXTENDED]) + text("statvfs@openssh.com") + text(path)
    if answer.kind != EXTENDED_REPLY:
        return None
    fields = answer.read()
    _, unit, _, _, available = (fields.long() for _ in range(5))
    return available * unit


def names(folder: str) -> Talk[list[str] | None]:
    """What a folder holds, without `.` and `..`; None when it is not there."""
    answer = yield bytes([OPENDIR]) + text(folder)
    if answer.kind != HANDLE:
        _insist(answer, NO_SUCH_FILE)
        return None
    handle, found = answer.read().string(), []
    while True:
        answer = yield bytes([READDIR]) + text(handle)
        if answer.kind != NAME:
            break
        fields = answer.read()
        for _ in range(fields.number()):
            name = fields.path()
            fields.string()
            fields.attributes()
            found.append(name)
        if len(found) > MOST_NAMES:
            raise Gone("a folder without an end")
    _insist(answer, EOF)
    yield Farewell(bytes([CLOSE]) + text(handle))
    return [name for name in found if name not in (".", "..")]


def content(path: str, most: int) -> Talk[bytes | None]:
    """The beginning of a file; None when it is not there."""
    answer = yield bytes([OPEN]) + text(path) + struct.pack(">II", READING, 0)
    if answer.kind != HANDLE:
        _insist(answer, NO_SUCH_FILE)
        return None
    handle, found = answer.read().string(), b""
    while (wanted := min(most - len(found), 1 << 15)) > 0:
        answer = yield bytes([READ]) + text(handle) + struct.pack(">QI", len(found), wanted)
        if answer.kind != DATA:
            _insist(answer, EOF)
            break
        found += (more := answer.read().string())
        if len(more) < wanted:  # of a plain file: its end
            break
    yield Farewell(bytes([CLOSE]) + text(handle))
    return found[:most]


def store(path: str, data: bytes) -> Talk[None]:
    """A file under a name of its own, then, in one step, under the name that it shall have."""
    beside = f"{path}.new"
    answer = yield bytes([OPEN]) + text(beside) + struct.pack(">II", WRITING, 0)
    if answer.kind != HANDLE:
        _insist(answer)
    handle = answer.read().string()
    for at in range(0, len(data), 1 << 15):
        answer = yield bytes([WRITE]) + text(handle) + struct.pack(">Q", at) + text(data[at : at + (1 << 15)])
        _insist(answer)
    answer = yield bytes([CLOSE]) + text(handle)
    _insist(answer)
    answer = yield bytes([EXTENDED]) + text("posix-rename@openssh.com") + text(beside) + text(path)
    _insist(answer)


def remove(path: str) -> Talk[None]:
    """A file; one that is gone is fine."""
    answer = yield bytes([REMOVE]) + text(path)
    _insist(answer, NO_SUCH_FILE)


def _insist(answer: Packet, *fine: int) -> None:
    if answer.kind != STATUS:
        raise Gone("an answer to another question")
    fields = answer.read()
    code = fields.number()
    if code not in (OK, *fine):
        raise Refused(code, os.fsdecode(fields.string()) or "failure")


def joined(folder: str, *parts: str) -> str:
    """A path below a folder."""
    return "/".join((folder.rstrip("/"), *parts))
