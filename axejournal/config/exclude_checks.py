"""What exclude files would do to this configuration: hide what has to be there, or nothing at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from axejournal.config import excludes
from axejournal.config.excludes import Excludes, Pattern
from axejournal.config.faults import Fault
from axejournal.config.load import Files
from axejournal.config.models import Config
from axejournal.config.sources import FilesSource
from axejournal.domain.patterns import compiled

STAGING = "staging"
"""Below the state folder; dumps lie there by source, and restic's excludes hold for them too."""


def exclude_faults(config: Config, files: Files) -> Iterator[Fault]:
    """Faults of the exclude files, each at its line."""
    patterns: list[Pattern] = []
    for key, path in _exclude_files(config).items():
        try:
            patterns += excludes.read(path)
        except OSError as problem:
            yield files.fault(key, f"{path}: {problem.strerror}", "the path of an exclude file, or no excludes at all")
    for pattern in patterns:
        if reason := excludes.malformation(pattern):
            yield _fault(pattern, f"restic refuses the pattern: {reason}", "a pattern that is closed")
    all_of_them = Excludes(excludes.well_formed(patterns))
    tree = _walked(config, all_of_them)
    yield from _idle(config, all_of_them, tree)
    yield from _hidden(config, all_of_them, tree)
    yield from _swallowed(config, files, all_of_them)


def _exclude_files(config: Config) -> dict[tuple[str, ...], Path]:
    named = [(("tiers", "local", "excludes"), config.tiers.local.excludes)]
    named += [(("sources", name, "excludes"), source.excludes) for name, source in config.folders.items()]
    found: dict[tuple[str, ...], Path] = {}
    for key, path in named:
        if path is not None and path not in found.values():
            found[key] = path
    return found


@dataclass
class Tree:
    """What a look at the sources' folders found."""

    complete: bool = True  # no folder was missing
    idle: set[Pattern] = field(default_factory=set)  # matched nothing
    there: dict[tuple[str, str], int] = field(default_factory=dict)  # (source, required pattern) -> files
    kept: dict[tuple[str, str], int] = field(default_factory=dict)  # the same, without those left out
    example: dict[tuple[str, str], str] = field(default_factory=dict)  # a file that is left out


def _walked(config: Config, all_of_them: Excludes) -> Tree:
    """Looks at each file of the sources once."""
    tree = Tree(idle={pattern for pattern in all_of_them.patterns if not pattern.is_anchored and "/" in pattern.text})
    for path in _samples(config):
        tree.idle -= {pattern for pattern in tree.idle if pattern.matches(path)}
    for name, source in config.folders.items():
        tree.complete &= source.path.is_dir()
        if tree.idle or source.require:
            _walk(name, source, all_of_them, tree)
    return tree


def _walk(name: str, source: FilesSource, all_of_them: Excludes, tree: Tree) -> None:
    required = [(each.pattern, compiled(each.pattern)) for each in source.require]
    for folder, _, names in os.walk(source.path):
        for path in (folder, *(f"{folder}/{each}" for each in names)):
            if tree.idle:
                tree.idle -= {pattern for pattern in tree.idle if pattern.matches(path)}
        for path in (f"{folder}/{each}" for each in names):
            relative = path[len(str(source.path)) :].lstrip("/")
            wanted = [pattern for pattern, expression in required if expression.fullmatch(relative)]
            hidden = bool(wanted) and all_of_them.hides(path, str(source.path))
            for pattern in wanted:
                key = (name, pattern)
                tree.there[key] = tree.there.get(key, 0) + 1
                tree.kept[key] = tree.kept.get(key, 0) + (not hidden)
                if hidden:
                    tree.example.setdefault(key, path)


def _idle(config: Config, all_of_them: Excludes, tree: Tree) -> Iterator[Fault]:
    """Patterns that can never match."""
    roots = [*(str(source.path) for source in config.folders.values()), str(config.state / STAGING)]
    for pattern in all_of_them.patterns:
        home = os.path.expanduser(pattern.text)  # noqa: PTH111
        if home != pattern.text and "/" in pattern.text:
            yield _fault(pattern, "~ means nothing to restic: this never matches", f"{home}")
        elif pattern in tree.idle and tree.complete:
            yield _fault(pattern, "matches nothing in the sources' folders", "the whole path from / on, or a name without /")
        elif pattern.is_anchored and not any(_related(pattern.fixed_head, root) for root in roots):
            yield _fault(pattern, "is outside of all sources: this never matches", f"a path below {roots[0]}")


def _related(head: str, root: str) -> bool:
    return head == "/" or f"{root}/".startswith(f"{head}/") or head.startswith(f"{root}/")


def _hidden(config: Config, all_of_them: Excludes, tree: Tree) -> Iterator[Fault]:
    """Patterns that hide what a snapshot must hold."""
    for name, source in config.folders.items():
        if (pattern := all_of_them.hider(str(source.path))) and not all_of_them.takes_back:
            yield _fault(pattern, f"hides the whole folder of source {name}, {source.path}", "a pattern below that folder")
            continue
        for each in source.require:
            key = (name, each.pattern)
            kept, there = tree.kept.get(key, 0), tree.there.get(key, 0)
            if kept < each.at_least and kept < there and (pattern := all_of_them.hider(tree.example[key])):
                message = f"hides files that source {name} requires: {there} match {each.pattern}, {kept} are left, "
                yield _fault(pattern, message + f"{each.at_least} have to be there", "a pattern that leaves them in")
    told: set[Pattern] = set()
    staging = str(config.state / STAGING)
    for path in _samples(config):
        if all_of_them.hides(path, staging) and (pattern := all_of_them.hider(path)) and pattern not in told:
            told.add(pattern)
            yield _fault(pattern, f"hides dumps: {path} would not be in a snapshot", "a pattern that leaves them in")


def _samples(config: Config) -> tuple[str, ...]:
    """Paths as they are in the staging folder while a backup runs."""
    staging = config.state / STAGING
    dumps = (f"{staging}/{name}/{file}" for name in config.databases for file in ("dump/toc.dat", "dump/3001.dat", "roles.sql"))
    return (*dumps, f"{staging}/axej/journal.sqlite")


def _swallowed(config: Config, files: Files, all_of_them: Excludes) -> Iterator[Fault]:
    """A folder that holds the repository or our own state would be backed up into itself."""
    for name, source in config.folders.items():
        for what, path in (("the repository", config.tiers.local.repository), ("axej's state", config.state)):
            if path.is_relative_to(source.path) and not all_of_them.hides(str(path), str(source.path)):
                message = f"{source.path} holds {what}, {path}: it would be backed up into itself"
                yield files.fault(("sources", name, "path"), message, f"another folder, or {path} in the exclude file")


def _fault(pattern: Pattern, message: str, remedy: str) -> Fault:
    return Fault(str(pattern.file), pattern.line, pattern.written, message, remedy)
