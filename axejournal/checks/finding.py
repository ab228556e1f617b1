"""What a check says, and whom it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from axejournal.domain.errors import AxejError

if TYPE_CHECKING:
    from axejournal.app.app import App

OK, WARN, FAIL = "OK", "WARN", "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line of `axej doctor`: `text` has the numbers, `hint` what to type. `exit_code` is that of a FAIL."""

    level: str
    name: str
    text: str
    hint: str = ""
    exit_code: int = 0
    runbook: str = ""


@dataclass(frozen=True)
class Patient:
    """What is looked at. Without a configuration there is no `app`, and only programs can be checked; `fault` then
    says what is wrong with it."""

    app: App | None
    config_path: Path | None = None
    fault: AxejError | None = None
    full: bool = False


@dataclass(frozen=True)
class Check:
    """One assertion about this machine, with the name by which it is known in the docs."""

    name: str
    look: Callable[[Patient], Iterable[Finding]]
    needs_configuration: bool = True


def ok(name: str, text: str) -> Finding:
    """It is as it should be."""
    return Finding(OK, name, text)


def warn(name: str, text: str, hint: str) -> Finding:
    """It works, and a person should know."""
    return Finding(WARN, name, text, hint)


def failed(name: str, fault: AxejError) -> Finding:
    """It does not work, for this reason."""
    return Finding(FAIL, name, fault.message, fault.hint, fault.exit_code, fault.runbook)
