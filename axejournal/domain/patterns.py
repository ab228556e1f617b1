"""Patterns of `require:`: which files a snapshot must hold."""

from __future__ import annotations

import functools
import re


@functools.lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern over relative paths with `/`: `*` and `?` stay within a name, `**` spans folders; a pattern without a
    wildcard in its last part also stands for everything below it."""
    parts = [_part(part) for part in pattern.strip("/").split("/")]
    text = "/".join(parts).replace("\0/", "(?:.*/)?").replace("/\0", "(?:/.*)?").replace("\0", ".*")
    below = "" if any(sign in pattern.rsplit("/", 1)[-1] for sign in "*?") else "(?:/.*)?"
    return re.compile(text + below, re.DOTALL)


def _part(part: str) -> str:
    if part == "**":
        return "\0"
    return "".join("[^/]*" if sign == "*" else "[^/]" if sign == "?" else re.escape(sign) for sign in part)
