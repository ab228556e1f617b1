"""The demo's whole world, up and down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from axejournal.demo import configuration, data, files, second, server
from axejournal.demo.drawer import Drawer


@dataclass(frozen=True)
class World:
    """A demo that is up. `config_path` is what --config takes."""

    directory: Path
    config_path: Path
    server: server.DemoServer
    second: second.SecondMachine

    def pass_a_day(self, day: int) -> None:
        """A working day: rows in every database (6 MB of them blobs), new files. Days are numbered from 1, in order."""
        data.pass_a_day(self.server, day)
        files.change_files(self.directory, day)

    def damage_ledger(self) -> tuple[str, ...]:
        """A migration gone wrong in frame's journal_line; returns what the ledger's integrity check says of it."""
        data.damage_ledger(self.server)
        return self.ledger_problems()

    def ledger_problems(self) -> tuple[str, ...]:
        """What does not hold in frame's ledger; nothing when all is well."""
        return data.integrity_problems(self.server, "axec")


def up(directory: Path, say: Callable[[str], None] = lambda _: None) -> World:
    """Makes the world in a directory (created when missing) within seconds; `say` hears each thing as it is done.

    The repository is not made: that is axej's own work. On a directory that was a demo before, its repository, journal
    and password stay, the databases are new. Raises UsageFault while its server runs, ProgramMissing, ProgramFailed;
    the server is ended then, and after any other exception too.
    """
    directory.mkdir(parents=True, exist_ok=True)
    started = server.start(directory)
    try:
        say("PostgreSQL started")
        data.load(started, lambda name: say(f"database {name} filled"))
        files.write_files(directory)
        say(f"folder {files.FOLDER} filled")
        other = second.start(directory)
        say("a second machine: an sshd of its own on loopback" if other.port else "a second machine: a folder (no sshd here)")
        return World(directory, configuration.write_configuration(directory, started, other), started, other)
    except BaseException:
        second.stop(directory)
        server.stop(directory)
        raise


def down(directory: Path) -> bool:
    """Ends the server and removes its databases; everything else stays. False when there is no server. May be called twice."""
    second.stop(directory)
    Drawer(directory).disconnect()
    return server.stop(directory)
