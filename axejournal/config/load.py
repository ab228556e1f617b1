"""From the files to a checked configuration, or to all that is wrong with them at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from axejournal.config.faults import Fault
from axejournal.config.place import find
from axejournal.domain.errors import ConfigurationFault

if TYPE_CHECKING:
    from axejournal.config.models import Config
    from axejournal.config.tree import Tree

__all__ = ["Files", "Reading", "find", "load", "read"]

CUSTOMERS = "customers.yaml"
HINT = 'Correct this, then run "axej config check"; "axej config schema" helps an editor to complete the keys.'


class Files:
    """The two files with their lines, to say where something stands."""

    def __init__(self, main: Tree, customers: Tree | None) -> None:
        self.main = main
        self.customers = customers

    def fault(self, key: tuple[str | int, ...], message: str, remedy: str) -> Fault:
        """A fault at a key; what is below `customers.known` stands in customers.yaml."""
        from axejournal.config.tree import key_text

        if self.customers is not None and key[:2] == ("customers", "known"):
            return Fault(self.customers.file, self.customers.line(key[2:]), key_text(key[2:]), message, remedy)
        return Fault(self.main.file, self.main.line(key), key_text(key), message, remedy)


class Reading:
    """What came of reading: a configuration, or faults."""

    def __init__(self, files: Files, config: Config | None, faults: tuple[Fault, ...]) -> None:
        self.files = files
        self.config = config
        self.faults = faults


def load(path: Path) -> Config:
    """The checked configuration. Raises ConfigurationFault with all faults, one a line, each with file and line."""
    reading = read(path)
    if reading.config is None:
        raise ConfigurationFault("\n".join(map(str, reading.faults)), HINT)
    return reading.config


def read(path: Path) -> Reading:
    """The configuration, or all its faults. Raises ConfigurationFault when axej.yaml isn't there or can't be opened."""
    from axejournal.config import tree

    path = Path(path).absolute()
    try:
        main = tree.read(path)
    except FileNotFoundError as missing:
        hint = 'Run "axej init" to make one, or name another with --config or AXEJ_CONFIG.'
        raise ConfigurationFault(f"there is no configuration at {path}", hint) from missing
    except OSError as problem:
        raise ConfigurationFault(
            f"{path} can't be read: {problem.strerror}", "Make it a file that this user may read."
        ) from problem
    if not main.faults and not isinstance(main.values, dict):
        main.report(1, (), "is no mapping of keys", "customer: NAME, sources: …, tiers: …; axej init makes one")
    customers = _read_customers(main, path.parent)
    files = Files(main, customers)
    faults = [*main.faults, *(customers.faults if customers else ())]
    if not isinstance(main.values, dict):
        return Reading(files, None, tuple(sorted(faults)))
    config, wrong = _validated(files, path.parent)
    told = {(fault.file, fault.key) for fault in faults}  # what YAML could not give, the models miss
    faults += [fault for fault in wrong if (fault.file, fault.key) not in told]
    return Reading(files, None if faults else config, tuple(sorted(set(faults))))


def _read_customers(main: Tree, folder: Path) -> Tree | None:
    """customers.yaml as axej.yaml names it. Without a name it is the one beside axej.yaml, if there is one."""
    from axejournal.config import tree

    key, line = ("customers",), main.line(("customers",))
    values = main.values if isinstance(main.values, dict) else {}
    named = values.get("customers")
    if named is not None and not isinstance(named, str):
        main.report(line, key, "wants the path of a file", CUSTOMERS)
        return None
    path = folder / Path(named or CUSTOMERS).expanduser()
    try:
        read = tree.read(path)
    except FileNotFoundError:
        if named:
            main.report(line, key, f"{path} is not there", "the path of a file that is there, or no customers: at all")
        return None
    except OSError as problem:
        main.report(line, key, f"{path} can't be read: {problem.strerror}", "the path of a file that this user may read")
        return None
    if not read.faults and not isinstance(read.values, dict):
        read.report(1, (), "is no mapping of customers", "NAME: {ring_backup: …}")
    if isinstance(read.values, dict) and set(read.values) == {"customers"} and isinstance(read.values["customers"], dict):
        read.values = read.values["customers"]
        read.lines = {key[1:]: line for key, line in read.lines.items() if key}
    return read


def _validated(files: Files, folder: Path) -> tuple[Config | None, list[Fault]]:
    from pydantic import ValidationError

    from axejournal.config.models import Config
    from axejournal.config.values import FOLDER

    written: dict[str, Any] = {name: value for name, value in files.main.values.items() if name != "customers"}
    if files.customers is not None and isinstance(files.customers.values, dict):
        written["customers"] = {"file": files.customers.file, "known": files.customers.values}
    try:
        return Config.model_validate(written, context={FOLDER: str(folder)}), []
    except ValidationError as problem:
        from axejournal.config.sentences import sentence

        return None, [files.fault(*sentence(error, written)) for error in problem.errors(include_url=False)]
