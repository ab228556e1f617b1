"""Single values of the configuration: names, paths, durations, zones, words of a command."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationInfo

from axejournal.config.base import fault
from axejournal.config.units import PATTERN, duration, duration_text

FOLDER = "folder"
"""The key of the validation context that holds the folder of axej.yaml, against which relative paths stand."""


def _duration(written: Any) -> Any:
    if isinstance(written, timedelta):
        return written
    if isinstance(written, str):
        try:
            return duration(written)
        except ValueError as problem:
            raise fault(str(problem), "a number with a unit: 90m, 26h or 7d") from problem
    if isinstance(written, int) and not isinstance(written, bool):
        raise fault(f"{written} has no unit", f"{written}m, {written}h or {written}d")
    raise fault("wants a duration", "a number with a unit: 90m, 26h or 7d")


def _path(written: Any, info: ValidationInfo) -> Any:
    if isinstance(written, Path):
        written = str(written)
    if not isinstance(written, str) or not written or "\0" in written:
        raise fault("wants a path", "a path, in quotes if need be: /Users/axe/… or ~/…")
    expanded = os.path.expanduser(written)  # noqa: PTH111 (a Path would drop what tells ~ from ./~)
    if expanded.startswith("~"):
        raise fault(f"{written}: there is no such home folder", "the whole path, from / on")
    folder = (info.context or {}).get(FOLDER)
    if not os.path.isabs(expanded) and folder is None:  # noqa: PTH117
        raise fault(f"{written} is relative, to nothing known here", "the whole path, from / on")
    return Path(os.path.normpath(os.path.join(folder or "/", expanded)))  # noqa: PTH118 (takes out `..` as a text)


def words_of(written: str | Sequence[str]) -> tuple[str, ...]:
    """The words of a command: a text is split with a shell's quotes (no shell runs it), a list is taken as it is.
    Raises ValueError."""
    return tuple(shlex.split(written)) if isinstance(written, str) else tuple(written)


def _words(written: Any) -> Any:
    """A text stays a text, so that `config show` shows what was written."""
    example = "a command such as: docker compose restart app"
    if isinstance(written, (list, tuple)) and written and all(isinstance(word, str) for word in written):
        words = tuple(written)
    elif isinstance(written, str):
        try:
            words = words_of(written)
        except ValueError as problem:
            raise fault(f"a command with an open quote ({problem})", example) from problem
    else:
        raise fault("wants a command: a text, or a list of texts", example)
    if not words or not words[0] or any("\0" in word for word in words):
        raise fault("an empty command", example)
    return tuple(written) if isinstance(written, list) else written


def _zone(written: Any) -> Any:
    from zoneinfo import available_timezones

    if is_zone(written):
        return written
    from difflib import get_close_matches

    near = get_close_matches(written, sorted(available_timezones()), 1, 0.6) if isinstance(written, str) else []
    raise fault(f"{written!r} is no time zone", near[0] if near else "a name of the IANA list: Asia/Seoul")


def is_zone(written: object) -> bool:
    """Whether it is the name of a time zone."""
    from zoneinfo import ZoneInfo

    if not isinstance(written, str) or not written or written in ("localtime", "posixrules"):
        return False
    try:
        ZoneInfo(written)
    except (KeyError, ValueError, OSError):  # no such name; no such form; the name of a folder
        return False
    return True


Place = Annotated[Path, BeforeValidator(_path, json_schema_input_type=str)]
"""An absolute path; `~` is expanded, a relative path stands against the folder of axej.yaml."""

Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=Annotated[str, Field(pattern=PATTERN)]),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
]
"""`26h`, `7d`; see units."""

Words = Annotated[str | tuple[str, ...], BeforeValidator(_words, json_schema_input_type=str | list[str])]
"""A command: a text that is split as a shell would, without a shell, or a list of words. See words_of."""

Zone = Annotated[str, BeforeValidator(_zone, json_schema_input_type=str)]
"""The name of a time zone of the IANA list."""

Text = Annotated[str, Field(min_length=1, pattern=r"^[^\x00\r\n]+$")]
"""One line of text, not empty."""

Name = Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=63)]
"""A name that fits into a tag, a file name and a command line: letters, digits, `_`, `.`, `-`."""
