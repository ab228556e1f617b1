"""Ready configurations that ship with axej."""

from __future__ import annotations

from pathlib import Path

from axejournal.domain.errors import UsageFault

FOLDER = Path(__file__).parent / "examples"


def examples() -> tuple[str, ...]:
    """The names that `example` knows."""
    return tuple(sorted(path.name for path in FOLDER.iterdir() if path.is_dir()))


def example(name: str) -> dict[str, str]:
    """The files of an example by name: axej.yaml and customers.yaml. Raises UsageFault for a name it doesn't know."""
    if name not in examples():
        known = ", ".join(examples())
        raise UsageFault(f"there is no example {name}; there is {known}", f'Write "axej init --example {examples()[0]}".')
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((FOLDER / name).glob("*.yaml"))}
