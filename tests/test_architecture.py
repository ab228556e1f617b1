"""The house's rules, read from the source: which way imports point, where each library lives, who reads the clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "axejournal"
FILES = sorted(PACKAGE.rglob("*.py"))
MAY_IMPORT = {  # room -> what of axejournal it may import, besides itself
    "domain": (),
    "shipped": (),
    "config": ("domain", "shipped"),
    "jobs": ("domain", "config"),
    "engine": ("domain", "config"),
    "journal": ("domain", "shipped"),
    "programs": ("domain",),
    "app": ("domain", "config", "jobs", "engine", "journal", "programs", "shipped"),
    "checks": ("domain", "config", "journal", "programs", "app", "shipped"),
    "demo": ("domain", "config", "app", "programs", "shipped"),
    "cli": ("domain", "config", "jobs", "journal", "programs.clock", "app", "checks", "demo", "shipped"),
    "__main__": ("cli",),
    "__init__": (),
}
HOMES = {  # library -> where it may be imported
    "transitions": ("domain/machine.py",),
    "sqlalchemy": ("journal/",),
    "alembic": ("journal/",),
    "sqlite3": ("journal/",),
    "watchdog": ("programs/volumes/mounts.py",),
    "click": ("cli/",),
    "rich": ("cli/",),
    "pygal": ("cli/report_plots.py",),
    "tenacity": ("engine/",),
    "yaml": ("config/",),
    "pydantic": ("config/",),
    "slack_sdk": ("programs/notify.py",),
    "psutil": ("programs/process", "programs/left_behind.py"),
    "subprocess": ("programs/process.py",),
}
CLOCK = {
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
}


def imports(file: Path) -> Iterator[str]:
    """Full names of everything that a file imports, inside functions too, but not under TYPE_CHECKING."""
    pending: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        pending.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_file_keeps_the_rules_of_the_house(file: Path):
    place = file.relative_to(PACKAGE)
    faults = []
    mine = place.parts[0].removesuffix(".py")
    program = place.parts[-1 if len(place.parts) < 3 else 1].removesuffix(".py").split("_")[0]  # process_hidden is of process
    for name in imports(file):
        allowed = tuple(f"axejournal.{one}." for one in (mine, *MAY_IMPORT[mine], "__version__"))
        if name.startswith("axejournal.") and not f"{name}.".startswith(allowed):
            faults.append(f"imports {name}: {mine} may import {', '.join(MAY_IMPORT[mine]) or 'nothing of axejournal'}")
        other = name.removeprefix("axejournal.programs.").split(".")[0].split("_")[0]
        if mine == "programs" and name.startswith("axejournal.programs.") and other not in ("process", program):
            faults.append(f"imports {name}: programs know each other only through process")
        homes = HOMES.get(name.split(".")[0])
        if homes and not str(place).startswith(homes):
            faults.append(f"imports {name}, whose home is {homes}")
        if name in CLOCK and place.name != "clock.py":
            faults.append(f"imports {name}, which reads the clock; programs/clock.py does that")
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in CLOCK and place.name != "clock.py":
            faults.append(f"line {node.lineno}: {ast.unparse(node)} reads the clock; programs/clock.py does that")
    lines = len(file.read_text(encoding="utf-8").splitlines())
    if lines > 300:
        faults.append(f"has {lines} lines; 300 is the most")
    assert not faults, f"{place} " + "; ".join(faults)
