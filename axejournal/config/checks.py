"""What `axej config check` looks at beyond the file itself: whether what it names is there and fits together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from axejournal.config import load
from axejournal.config.exclude_checks import exclude_faults
from axejournal.config.faults import Fault
from axejournal.config.load import Files
from axejournal.config.models import Config
from axejournal.config.passwords import Secret
from axejournal.config.tiers import ColdTier, RingTier


def check(path: Path) -> tuple[Fault, ...]:
    """Everything that is wrong with the configuration at `path`: faults of the files, or, when there are none, of what
    they name. Raises ConfigurationFault when axej.yaml can't be opened."""
    reading = load.read(path)
    return reading.faults if reading.config is None else faults(reading.config, reading.files)


def faults(config: Config, files: Files) -> tuple[Fault, ...]:
    """What is wrong with what a good configuration names. Reads folders and exclude files; touches nothing."""
    found = [
        *_missing_files(config, files),
        *_missing_folders(config, files),
        *_one_database_twice(config, files),
        *_names_twice(config, files),
        *_unknown_peers(config, files),
        *_single_copies(config, files),
        *exclude_faults(config, files),
    ]
    return tuple(sorted(found))


def _missing_files(config: Config, files: Files) -> Iterator[Fault]:
    for key, secret in _secrets(config):
        path = secret.file
        if path is not None and not path.is_file():
            yield files.fault((*key, "file"), f"{path} is not there", "the path of the file with the secret (chmod 600)")
    for name, source in config.databases.items():
        if source.passfile is not None and not source.passfile.is_file():
            remedy = "the path of a .pgpass file (chmod 600), or no passfile at all"
            yield files.fault(("sources", name, "passfile"), f"{source.passfile} is not there", remedy)


def _secrets(config: Config) -> Iterator[tuple[tuple[str, ...], Secret]]:
    """But for a cold disk's machine key: "axej cold enroll-key" makes that file."""
    for name, tier in config.tiers.items():
        if not isinstance(tier, ColdTier):
            yield ("tiers", name, "password"), tier.password
    if config.notify.slack is not None:
        yield ("notify", "slack"), config.notify.slack
    for name, secret in config.notify.ping.items():
        yield ("notify", "ping", name), secret
    if config.heartbeat is not None:
        yield ("heartbeat",), config.heartbeat


def _missing_folders(config: Config, files: Files) -> Iterator[Fault]:
    for name, source in config.folders.items():
        if not source.path.is_dir():
            fault = files.fault(("sources", name, "path"), f"{source.path} is not there now", "the folder to back up")
            yield Fault(fault.file, fault.line, fault.key, fault.message, fault.remedy, "warning")


def _one_database_twice(config: Config, files: Files) -> Iterator[Fault]:
    seen: dict[tuple[str, str], str] = {}
    for name, source in config.databases.items():
        first = seen.setdefault((source.address, source.database), name)
        if first != name:
            message = f"source {first} already backs up {source.database} of {source.address}"
            yield files.fault(("sources", name, "database"), message, "another database, or only one of the two sources")


def _names_twice(config: Config, files: Files) -> Iterator[Fault]:
    owners = {name: name for name in config.sources}
    for name, source in config.sources.items():
        for index, alias in enumerate(source.aliases):
            if owners.setdefault(alias, name) != name:
                key = ("sources", name, "aliases", index)
                yield files.fault(key, f"{alias} is also a name of {owners[alias]}", "a name that is free")


def _unknown_peers(config: Config, files: Files) -> Iterator[Fault]:
    for name, tier in config.tiers.items():
        if not isinstance(tier, RingTier) or tier.peer is None or config.peer(name) is not None:
            continue
        key = ("tiers", name, "peer")
        place = config.customers.file or "customers.yaml, which is not there"
        if tier.peer in config.customers.known:
            yield files.fault(key, f"{tier.peer} has no ring_backup in {place}", "a customer with ring_backup")
        else:
            known = ", ".join(config.customers.known) or "nobody"
            yield files.fault(key, f"{tier.peer} is not in {place} ({known} is)", "the name of a customer in that file")


def _single_copies(config: Config, files: Files) -> Iterator[Fault]:
    for name, source in config.sources.items():
        if source.only_copy and len(config.tiers.items()) < 2:
            message = "the only copy of its data has to be in two tiers, and there is only the tier local"
            yield files.fault(("sources", name, "only_copy"), message, "a second tier (ring: or cold:) under tiers:")
