"""YAML as plain values with the line of each key, and back. Takes less than YAML has: no tags, no merges, one document."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from axejournal.config.faults import Fault

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same in C, where PyYAML was built with it
Key = tuple[str | int, ...]

AS_TEXT = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp")  # a date is a text here: nothing wants one
SCALARS = tuple(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))
LINE_ENDS = ("\x85", "\u2028", "\u2029")
DEEPEST = 30
MOST_NODES = 20_000  # a few lines of aliases to aliases would be billions (and a list that holds itself, without end)
TOO_DEEP = "levels within levels without end"
REMEDIES = (
    ("mapping values are not allowed", 'one key on a line, and quotes around a text with ": " in it'),
    ("could not find expected ':'", "KEY: VALUE"),
    ("did not find expected key", "each key as far to the right as its neighbours"),
    ("expected <block end>", "each key as far to the right as its neighbours"),
    ("undefined alias", "quotes around a text that begins with *"),
    ("while scanning a quoted scalar", "the closing quote"),
    ("expected a single document", "one document, without a second ---"),
)


@dataclass
class Tree:
    """One file: its values (None while it can't be read), the line of each key, what is wrong so far."""

    file: str
    values: Any = None
    lines: dict[Key, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line(self, key: Key) -> int:
        """The line of a key, or of the nearest one around it."""
        return next((self.lines[key[:end]] for end in range(len(key), 0, -1) if key[:end] in self.lines), 1)

    def report(self, line: int, key: Key, message: str, remedy: str) -> None:
        """Adds a fault."""
        self.faults.append(Fault(self.file, line, key_text(key), message, remedy))


def key_text(key: Key) -> str:
    """`sources.frame.aliases[0]`"""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")


def write(values: Any, flow: bool = False, width: int = 120) -> str:
    """Values as YAML that is read as the same values."""
    text = str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=width))
    if any(sign in text for sign in LINE_ENDS):  # PyYAML writes these as they are and reads them as spaces
        text = str(yaml.safe_dump(values, sort_keys=False, allow_unicode=False, default_flow_style=flow, width=width))
    return text


def read(path: Path) -> Tree:
    """Reads a file. Never raises for what is in it; raises OSError when it can't be read."""
    tree = Tree(str(path))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        tree.report(1 + problem.object[: problem.start].count(b"\n"), (), "is not UTF-8", "the file again, as UTF-8")
        return tree
    try:
        root = yaml.compose(text, Loader)
    except RecursionError:
        tree.report(1, (), TOO_DEEP, "fewer levels")
        return tree
    except yaml.YAMLError as problem:
        tree.faults.extend(_syntax_faults(str(path), text, problem))
        return tree
    if root is None:
        tree.report(1, (), "is empty", "a configuration; axej init makes one")
        return tree
    tree.values = _Reader(tree).value(root, ())
    return tree


class _Reader:
    """Turns nodes into values; its tree hears of the lines and of the faults."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.scalars = yaml.SafeLoader("")
        self.nodes = 0

    def value(self, node: Node, key: Key) -> Any:
        self.nodes += 1
        self.tree.lines.setdefault(key, node.start_mark.line + 1)
        if self.nodes > MOST_NODES:
            if self.nodes == MOST_NODES + 1:
                self.tree.report(node.start_mark.line + 1, key, "aliases (&, *) that grow without end", "the values themselves")
            return None
        if len(key) > DEEPEST:
            self.tree.report(node.start_mark.line + 1, key[:3], TOO_DEEP, "fewer levels")
            return None
        match node:
            case MappingNode():
                return self._mapping(node, key)
            case SequenceNode():
                return [self.value(item, (*key, index)) for index, item in enumerate(node.value)]
            case ScalarNode(tag=tag) if tag in AS_TEXT:
                return node.value
            case ScalarNode(tag=tag) if tag in SCALARS:
                return self.scalars.construct_object(node)
        self.tree.report(node.start_mark.line + 1, key, "a tag (!) is not read", "the value without it")
        return None

    def _mapping(self, node: MappingNode, key: Key) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name_node, value_node in node.value:
            line = name_node.start_mark.line + 1
            if not isinstance(name_node, ScalarNode):
                self.tree.report(line, key, "a key that is a list or a mapping", "a plain name as the key")
                continue
            name = str(name_node.value)  # as it is written: `on`, `no` and `1` are names here
            below = (*key, name)
            if name == "<<":
                self.tree.report(line, below, "merge keys are not read", "the keys themselves")
            elif name in values:
                self.tree.report(line, below, f"is there twice, first in line {self.tree.lines[below]}", "one of the two")
            else:
                self.tree.lines[below] = line
                values[name] = self.value(value_node, below)
        return values


def _syntax_faults(file: str, text: str, problem: yaml.YAMLError) -> Iterable[Fault]:
    """Tabs in the indentation, each; else where and what the scanner stumbled over. Never a line of the file itself:
    a secret may stand in it."""
    tabs = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r" *\t", line)]
    if tabs:
        return [Fault(file, line, "", "a tab in the indentation", "spaces instead of the tab") for line in tabs]
    if not isinstance(problem, yaml.MarkedYAMLError):
        line = 1 + text[: getattr(problem, "position", 0) or 0].count("\n")
        return [Fault(file, line, "", "a character that YAML does not allow", "the line again, without control characters")]
    mark = problem.problem_mark or problem.context_mark
    said = " ".join(part for part in (problem.context, problem.problem) if part)
    said = re.sub(r"'[^']{2,}'|\"[^\"]{2,}\"", "…", said)
    remedy = next((remedy for sign, remedy in REMEDIES if sign in said), "valid YAML")
    return [Fault(file, mark.line + 1 if mark else 1, "", f"not valid YAML ({said})", remedy)]
