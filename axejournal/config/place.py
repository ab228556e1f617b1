"""Where the configuration is. Light: used by commands that must start fast."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "AXEJ_CONFIG"
DEFAULT = "~/.axe/axej.yaml"


def find(explicit: str | None) -> Path:
    """The path of axej.yaml, absolute: the given one, else $AXEJ_CONFIG, else ~/.axe/axej.yaml. It may not exist."""
    return Path(find_text(explicit))


def find_text(explicit: str | None) -> str:
    """`find` without pathlib, whose import costs as much as Python's start."""
    chosen = explicit or os.environ.get(VARIABLE) or DEFAULT
    return os.path.abspath(os.path.expanduser(chosen))  # noqa: PTH100, PTH111 (see the docstring)
