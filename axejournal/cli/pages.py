"""How a page of runbooks/ is named and found on the screen: in the configured language, wherever one is mentioned."""

from __future__ import annotations

import os
import re

DEFAULT = "en"


def language() -> str:
    """The configured one; also that of a configuration with faults, whose page is asked for. Without one: Korean where the
    session is, else English. Never raises."""
    import click

    from axejournal.cli.context import Context
    from axejournal.config import cache
    from axejournal.config.place import find_text

    present = click.get_current_context(silent=True)
    root = present.find_root().obj if present else None
    try:
        path = root.config_path if isinstance(root, Context) else find_text(root if isinstance(root, str) else None)
        kept = cache.read(path)
        if kept is not None:
            return str(kept.get("language", DEFAULT))
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 (as light as find_text)
            found = re.search(r"^language:\s*['\"]?([a-z]{2})\b", file.read(), re.MULTILINE)
    except FileNotFoundError:
        return "ko" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("ko") else DEFAULT
    except Exception:  # an error is being told: nothing may hide it
        return DEFAULT
    return found[1] if found else DEFAULT


def file_name(name: str) -> str:
    """`runbooks/failed-run.md`, or `.ko.md` where there is one in the configured language."""
    from axejournal.shipped import page_path

    try:
        path = page_path(name, language())
    except FileNotFoundError:
        path = None
    return f"runbooks/{path.name}" if path else f"runbooks/{name}.md"


def see(name: str) -> str:
    """The sentence that leads to a page."""
    return f"See {file_name(name)}."


def full_path(name: str) -> str:
    """The page's file on this machine."""
    from axejournal.shipped import page_path

    try:
        path = page_path(name, language())
    except FileNotFoundError:
        path = None
    return os.fspath(path) if path else f"runbooks/{name}.md"
