"""`axej demo`: a company's data, a nightly backup, a kill in the middle, and what the journal tells of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from axejournal.cli.main import Command, run
from axejournal.domain.errors import ProgramFailed, UsageFault

if TYPE_CHECKING:
    from axejournal.app.app import App
    from axejournal.demo.world import World

CHANGE = (
    "ALTER TABLE evidence_blob DROP CONSTRAINT evidence_blob_check;"
    "UPDATE evidence_blob SET body = set_byte(body, 5000, (get_byte(body, 5000) + 1) % 256) WHERE id = 7"
)


@click.command(cls=Command, short_help="See it all work in a world of its own.")
@click.option("--dir", "directory", type=click.Path(path_type=Path), help="Where (else a temporary folder).")
@click.option("--keep", is_flag=True, help="Leave everything there, the server running.")
@click.option("--down", type=click.Path(path_type=Path), metavar="DIR", help="End a demo that was kept.")
def demo(directory: Path | None, keep: bool, down: Path | None) -> int:
    """See it all work in a world of its own.

    \b
    Example:
      axej demo
      axej demo --keep --dir ~/axej-demo
      axej demo --down ~/axej-demo

    Starts a PostgreSQL of its own with five databases, makes files, backs all of it up, kills a second run in the
    middle, resumes it, shows what the journal knows, repairs a table that it has damaged, and drills the restore of
    everything. Nothing outside its folder is touched. About a minute.
    """
    if down is not None:
        return _down(down)
    if keep and directory is None:
        raise UsageFault("--keep needs --dir", "Write where to: axej demo --keep --dir ~/axej-demo")
    if not sys.stdout.isatty():
        os.environ.setdefault("COLUMNS", "100")  # a pipe gets whole tables from each command; this is read as a page
    place = (directory or Path(tempfile.mkdtemp(prefix="axej-demo-"))).absolute()
    with _world(place, keep, temporary=directory is None) as world:
        _show(world)
        _say_what_was_seen(place, keep)
    return 0


@contextlib.contextmanager
def _world(place: Path, keep: bool, temporary: bool) -> Iterator[World]:
    from axejournal.demo import world

    _title("A company's data")
    made = world.up(place, lambda done: click.echo(f"  {done}"))
    try:
        yield made
    except BaseException:
        world.down(place)
        raise
    if not keep:
        world.down(place)
    if temporary:
        shutil.rmtree(place, ignore_errors=True)


def _show(world: World) -> None:
    from axejournal.demo.killed import kill_in_the_middle

    app = _app(world)
    adopt = (app.config.tiers.local.repository / "config").exists()
    _title("The repository is made, once, by an explicit command", "axej init --adopt local" if adopt else "axej init")
    _expect(app.init_repository("local", adopt=adopt).state, "succeeded")
    _title("The nightly backup: five databases at once, then one snapshot", "axej backup --local")
    _command(world, "backup", "--local")
    world.pass_a_day(1)
    _title("A day of work later: the next backup, killed with SIGKILL in the middle", "axej backup --local & kill -9 $!")
    killed = kill_in_the_middle(app)
    click.echo(f"  killed run {killed} while restic was reading; restic itself lives on for now")
    _title("Resumed: what the dead run left is ended, finished steps are not done again", "axej resume")
    _command(world, "resume")
    _ring(world)
    _cold(world)
    _title("What ran", "axej history")
    _command(world, "history")
    _title("What can be restored", "axej points")
    _command(world, "points")
    _title("At a look", "axej status")
    _command(world, "status")
    _title("Somebody runs a bad migration on frame's ledger", "frame integrity-check --entity axec")
    for problem in world.damage_ledger():
        click.echo(f"  {problem}")
    restore = ("restore", "--target", "frame", "--table", "journal_line", "--yes")
    _title("That one table is brought back from the last restore point", f"axej {' '.join(restore)}")
    _command(world, *restore)
    _expect(str(world.ledger_problems()), "()")
    click.echo("  frame integrity-check --entity axec: all is well")
    _drill(world, app)


def _ring(world: World) -> None:
    """The second machine: agreed, proven, filled."""
    if world.second.port:
        _title("Both companies agree; the way to the partner's machine is proven", "axej ring consent …; axej ring verify")
        _command(world, "ring", "consent", "--as", "Kim, axe", "--as", "Lee, realchoice")
        _command(world, "ring", "verify", wanted="3")
        click.echo("  degraded, as it should be: the partner has not answered yet, so the way back is not proven")
    else:
        _title("No sshd is on this machine: a folder stands for the partner's")
    adopt = (world.second.kept / "config").exists()
    _title("Copies on the second machine", f"axej ring init{' --adopt' if adopt else ''}; axej ring push; axej ring status")
    _command(world, "ring", "init", *(["--adopt"] if adopt else []))
    _command(world, "ring", "push")
    _command(world, "ring", "status")


def _cold(world: World) -> None:
    """A disk that is connected, prepared, filled, and taken off."""
    from axejournal.cli.progress import watched
    from axejournal.demo.drawer import DISK, Drawer, FolderVolumes, Sheet

    drawer, app = Drawer(world.directory), _app(world)
    app.password_desk = Sheet()
    if drawer.connect():
        _title("A cold disk is connected: a file with ext4, on a loop device")
    else:
        app.volumes = FolderVolumes()
        _title("This user may mount no disk: a folder stands for the cold one (axej itself would refuse it)")
    prepared = (drawer.mount / "axej-cold.json").exists()
    _title("Its repository, its number; the password is on paper only", f"axej cold init {DISK}; axej cold sync {DISK}")
    with watched(app) as view:
        how = {"adopt": prepared, "not_empty": True, "replace": False}
        _expect(app.cold.init("cold", DISK, how, view).state, "succeeded")
        _expect(app.cold.sync("cold", DISK, view=view).state, "succeeded")
    drawer.disconnect()
    _title("Back into the drawer", "axej cold status")
    _command(world, "cold", "status")


def _drill(world: World, app: App) -> None:
    """One that passes, and one whose scratch server somebody changes before it is compared."""
    from axejournal.demo.killed import drill_with_a_change

    _title("The drill: all of it into scratch servers, every table compared, the ledger checked", "axej drill")
    _command(world, "drill")
    _title("Does a drill see anything? One byte of one blob is changed in its scratch server", "axej drill --target index")
    run = drill_with_a_change(app, "index", CHANGE)
    click.echo(f"  changed in the scratch server of run {run}; the live database was not touched")
    _command(world, "resume", run, wanted="21")


def _app(world: World) -> App:
    from axejournal.app.app import App
    from axejournal.config.load import load

    return App(load(world.config_path), world.config_path)


def _command(world: World, *words: str, wanted: str = "0") -> None:
    """Runs a command as a user would, in this process, so that a terminal shows its live progress."""
    sys.stdout.flush()
    _expect(str(run(["--config", str(world.config_path), *words])), wanted)


def _expect(found: str, wanted: str) -> None:
    if found != wanted:
        raise ProgramFailed(
            f"the demo came to {found} where {wanted} was expected", 'Look at what it printed above, and at "axej doctor".'
        )


def _down(place: Path) -> int:
    from axejournal.demo import world

    ended = world.down(place.absolute())
    click.echo(f"the demo in {place} was ended" if ended else f"no demo runs in {place}")
    return 0


def _title(what: str, command: str = "") -> None:
    click.echo()
    click.secho(what, bold=True)
    if command:
        click.secho(f"$ {command}", fg="cyan")


def _say_what_was_seen(place: Path, keep: bool) -> None:
    _title("What you saw")
    click.echo(
        "  Two nights of five databases and a folder. The second was killed with SIGKILL; resume ended what it had left\n"
        "  running, did none of the finished dumps again, and went on with what restic had already stored. Both are whole\n"
        "  restore points, and the journal can tell each step of both. A damaged table was made equal to its restore\n"
        "  point in one transaction, and what it replaced is kept: axej undo RUN takes it back. A drill brought all of it\n"
        "  back into servers of its own and proved every table; another one found a single changed byte. A second machine\n"
        "  holds copies of both nights, encrypted, behind a key that opens one folder there and nothing else."
    )
    if not keep:
        click.echo("  To look around: axej demo --keep --dir ~/axej-demo\n  For your own machine: axej init")
        return
    click.echo(
        f"  Everything is in {place}. Go on with:\n"
        f"    export AXEJ_CONFIG={place}/axej.yaml\n"
        "    axej history        axej status        axej backup --local        axej journal verify\n"
        f"  End it with: axej demo --down {place}"
    )
