"""Commands that the configuration names: what restarts a service, what checks it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError

from axejournal.config.base import Strict, fault
from axejournal.config.values import Duration, Place, Words, words_of

OF_A_SHELL = frozenset({"|", "||", "&&", "&", ";", ">", ">>", "<", "2>", "2>&1"})
SECRET = re.compile(r"(?i)^(?:--?)?\w*(?:password|passwd|secret|token)\w*=.+")


class Command(Strict):
    """One command, run without a shell. The short form is the command alone."""

    SHORT: ClassVar[JsonSchemaValue | None] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}

    run: Words = Field(description="the command; a text is split as a shell would", examples=["docker compose restart app"])
    folder: Place | None = Field(default=None, description="the folder that it runs in", examples=["/Users/axe/frame"])
    timeout: Duration = Field(default=timedelta(minutes=10), description="ended after this long", examples=["10m"])
    expect: str | None = Field(
        default=None,
        description="a regular expression that its output must hold, besides exit code 0",
        examples=["workspaces: \\d+"],
    )

    @property
    def argv(self) -> tuple[str, ...]:
        """The words of the command."""
        return words_of(self.run)

    @classmethod
    def long_form(cls, written: Any) -> Any:
        """A text or a list is the command alone."""
        return {"run": written} if isinstance(written, (str, list, tuple)) else written

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """What a shell would understand, a secret in the open, an expression that is none."""
        run = written.get("run")
        words = _words(run)
        found = next((word for word in words if word in OF_A_SHELL), None)
        if found and isinstance(run, str):  # in a list somebody chose each word
            yield (
                "run",
                fault(f"{found} is a shell's sign, and no shell runs this", "[sh, -c, 'A | B'], or two commands"),
            )
        if any(SECRET.match(word) for word in words):
            yield "run", fault("a secret on a command line", "a command that reads the secret from a file or a Keychain")
        expect = written.get("expect")
        try:
            re.compile(expect if isinstance(expect, str) else "")
        except re.error as problem:
            yield "expect", fault(f"{expect!r} is no regular expression ({problem})", "an expression such as 'workspaces: \\d+'")


def _words(written: Any) -> tuple[str, ...]:
    try:
        return tuple(str(word) for word in words_of(written)) if isinstance(written, (str, list, tuple)) else ()
    except ValueError:
        return ()  # reported at `run` itself
