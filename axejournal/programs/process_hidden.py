"""A secret that is held in memory only, and how a child gets it: by a pipe of its own, never by argv, environment, disk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

SHOWN = "(held in memory)"


class Hidden(str):
    """A word of a command line, or a value of an environment, in whose stead a child finds `/dev/fd/N`: a pipe that holds
    the secret. As a text it says nothing."""

    __slots__ = ("secret",)
    secret: bytes

    def __new__(cls, secret: str) -> Hidden:
        made = super().__new__(cls, SHOWN)
        made.secret = secret.encode()
        return made

    def __repr__(self) -> str:
        return f"Hidden{SHOWN}"


class HeldPassword(NamedTuple):
    """A repository's password that a person typed: see restic.Password."""

    hidden: Hidden

    def environment(self, prefix: str = "RESTIC_") -> dict[str, str]:
        """restic reads it from a pipe, once."""
        return {f"{prefix}PASSWORD_FILE": self.hidden}


class Handed(NamedTuple):
    """What a child is started with."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    descriptors: tuple[int, ...]


@contextmanager
def handed(argv: Sequence[str], environment: Mapping[str, str]) -> Iterator[Handed]:
    """Inside, the pipes are open: the child must be started there. They are closed on exec for every other child."""
    pipes: list[int] = []

    def plain(word: str) -> str:
        if not isinstance(word, Hidden):
            return word
        reading, writing = os.pipe()
        pipes.append(reading)
        try:
            os.write(writing, word.secret)  # far below what a pipe holds
        finally:
            os.close(writing)
        return f"/dev/fd/{reading}"

    try:
        words = tuple(plain(word) for word in argv)
        variables = {name: plain(value) for name, value in environment.items()}
        yield Handed(words, variables, tuple(pipes))
    finally:
        for pipe in pipes:
            os.close(pipe)
