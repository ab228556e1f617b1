"""Where the folders that ship with the package are: migrations, runbooks, launchd."""

from __future__ import annotations

from pathlib import Path


def folder(name: str) -> Path:
    """The shipped folder `name`: beside the package in a source tree, inside it in an installed wheel.

    Raises FileNotFoundError when the installation lacks it.
    """
    package = Path(__file__).resolve().parent
    for place in (package / "shipped" / name, package.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"the installed axe-journal has no folder {name}: install it again")


def page_path(name: str, language: str = "en") -> Path | None:
    """A page of runbooks/ in a language, English where there is none in it; None for a name that is no page's."""
    if not name or "/" in name or name.startswith("."):
        return None
    endings = (f".{language}.md", ".md") if language != "en" else (".md",)
    found = (folder("runbooks") / f"{name}{ending}" for ending in endings)
    return next((path for path in found if path.is_file()), None)
