"""`axej config`: is it right, and what does it come to?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from axejournal.cli.context import Context, context
from axejournal.cli.main import Group

if TYPE_CHECKING:
    from axejournal.config.faults import Fault
    from axejournal.config.models import Config

WRONG = 4


@click.group(cls=Group, short_help="Check and show the configuration.")
def config() -> None:
    """Check and show the configuration.

    \b
    Example:
      axej config check
      axej config show
    """


@config.command(short_help="Print all faults, each with file, line and what to write.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def check(as_json: bool) -> int:
    """Print all faults of the configuration, each with file, line and what to write instead.

    \b
    Example:
      axej config check
      axej --config other.yaml config check

    Looks at axej.yaml and customers.yaml, and at what they name: folders, exclude files and their patterns. Faults end
    with exit code 4; warnings don't.
    """
    from axejournal.config import checks
    from axejournal.config.load import read

    here = context()
    reading = read(here.config_path)
    found = tuple(reading.faults) if reading.config is None else checks.faults(reading.config, reading.files)
    faults = [fault for fault in found if fault.kind == "fault"]
    if as_json:
        from axejournal.cli.output import print_json

        print_json({"path": str(here.config_path), "sound": not faults, "faults": [_as_json(fault) for fault in found]})
    else:
        _print(here, reading.config, found)
    return WRONG if faults else 0


def _print(here: Context, found: Config | None, faults: tuple[Fault, ...]) -> None:
    from axejournal.cli.output import plain

    for fault in faults:
        click.echo(plain(str(fault)))
    wrong = sum(fault.kind == "fault" for fault in faults)
    if wrong:
        click.echo(f"{here.config_path}: {wrong} faults", err=True)
        return
    assert found is not None
    warned = f", {len(faults)} warnings" if faults else ""
    click.echo(f"OK  {here.config_path}{warned}")
    if found.customers.file:
        click.echo(f"    {found.customers.file}: {len(found.customers.known)} customers")
    tiers = ", ".join(name for name, _ in found.tiers.items())
    click.echo(f"    {len(found.databases)} databases, {len(found.folders)} folders; tiers: {tiers}")


def _as_json(fault: Fault) -> dict[str, object]:
    names = ("kind", "file", "line", "key", "message", "remedy")
    return {name: getattr(fault, name) for name in names}


@config.command(short_help="Print the configuration as it works.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(as_json: bool) -> None:
    """Print the configuration as it works, defaults included. Secrets are not in it, only where they are kept.

    \b
    Example:
      axej config show
      axej config show --json | jq .state
    """
    from axejournal.config import effective

    here = context()
    if as_json:
        from axejournal.cli.output import print_json

        print_json(effective.dumps(here.config))
    else:
        click.echo(effective.show(here.config), nl=False)


@config.command(short_help="Print a JSON Schema for editors.")
def schema() -> None:
    """Print a JSON Schema of axej.yaml, for editors that complete and check YAML.

    \b
    Example:
      axej config schema > axej.schema.json
      # then, as the first line of axej.yaml:
      # yaml-language-server: $schema=axej.schema.json
    """
    from axejournal.cli.output import print_json
    from axejournal.config import effective

    print_json(effective.schema())
