"""Sources: what is backed up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, PrivateAttr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError

from axejournal.config.base import Strict, fault
from axejournal.config.commands import Command
from axejournal.config.values import Name, Place, Text

NAME_BYTES = 63
"""PostgreSQL cuts longer identifiers, in silence (NAMEDATALEN, manual 4.1.1)."""

WAYS = ("container", "host", "socket")

Commands = Annotated[tuple[Command, ...], Field(strict=False)]
Identifier = Annotated[str, Field(min_length=1, max_length=NAME_BYTES, pattern=r"^[^\x00]+$")]
"""A database or a role, as the server writes it: spaces, quotes, Korean, a leading dash are all allowed."""


class AfterRestore(Strict):
    """What is done once a restored source is in its place."""

    restart: Commands = Field(default=(), description="commands that restart what uses the source")
    check: Commands = Field(default=(), description="commands that must end well, or the run offers undo")


class DrillExport(Strict):
    """A round trip: what a command exports from the scratch server is what the database holds."""

    run: Command = Field(
        description="writes files into the folder that AXEJ_EXPORT names", examples=["index export-evidence --all"]
    )
    hashes: Text = Field(
        description="a query that gives a column sha256 (hex) of each thing to be exported",
        examples=["SELECT encode(sha256(content), 'hex') AS sha256 FROM evidence_blob"],
    )


class SourceDrill(Strict):
    """What a drill does with this source besides comparing its tables."""

    checks: Commands = Field(
        default=(), description="commands against the scratch server, which PGHOST, PGPORT, PGUSER and PGDATABASE name"
    )
    scratch_mib: int | None = Field(
        default=None,
        ge=1,
        description="the most that its scratch server may take of the disk, in MiB; else 4 times the dump and 2 GiB",
        examples=[20480],
    )
    export: DrillExport | None = Field(default=None, description="exports all of something, and compares hashes")


class Requirement(Strict):
    """Files that each snapshot must hold. The short form is the pattern alone: at least one file."""

    SHORT: ClassVar[JsonSchemaValue | None] = {"type": "string"}

    pattern: Text = Field(description="below the folder; * stays in a name, ** spans folders", examples=["invoices/**/*.pdf"])
    at_least: int = Field(default=1, ge=1, description="at least so many files", examples=[1])

    @classmethod
    def long_form(cls, written: Any) -> Any:
        """A text is the pattern alone."""
        return {"pattern": written} if isinstance(written, str) else written

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """Patterns that no relative path can match."""
        pattern = written.get("pattern")
        if isinstance(pattern, str) and (pattern.startswith(("/", "~")) or ".." in pattern.split("/")):
            yield "pattern", fault(f"{pattern} is not below the source's folder", "a path below the folder: invoices/**")


class _Source(Strict):
    SECTIONS: ClassVar[tuple[str, ...]] = ("after_restore",)

    only_copy: bool = Field(default=False, description="there is no other copy of this data: it must be in at least two tiers")
    aliases: Annotated[tuple[Name, ...], Field(strict=False)] = Field(
        default=(), description="other names for --target and --source"
    )
    after_restore: AfterRestore = Field(default_factory=AfterRestore, description="what to restart and to check after a restore")

    _name: str = PrivateAttr("")

    @property
    def name(self) -> str:
        """Its key under `sources:`."""
        return self._name


class PostgresSource(_Source):
    """One PostgreSQL database, reached through a container, an address or a socket."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [way]} for way in WAYS]})

    SECTIONS: ClassVar[tuple[str, ...]] = ("after_restore", "drill")

    kind: Literal["postgres"] = Field(description="a PostgreSQL database")
    database: Identifier = Field(examples=["frame"])
    user: Identifier = Field(description="the role that dumps", examples=["postgres"])
    container: Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$")] | None = Field(
        default=None, description="the Docker container that the server runs in", examples=["frame-postgres"]
    )
    host: Annotated[str, Field(pattern=r"^[^\s,/@]+$")] | None = Field(
        default=None, description="the server's address", examples=["127.0.0.1"]
    )
    socket: Place | None = Field(
        default=None, description="the folder of the server's Unix socket", examples=["/var/run/postgresql"]
    )
    port: int = Field(default=5432, ge=1, le=65535, description="the server's port (in a container: inside it)", examples=[5432])
    passfile: Place | None = Field(default=None, description="a libpq password file (.pgpass, chmod 600)", examples=["~/.pgpass"])
    volume: Text | None = Field(
        default=None,
        description="the volume with the server's data: backed up when the server is down",
        examples=["frame-postgres-data"],
    )
    physical: Literal["weekly", "never"] = Field(
        default="never", description="also a pg_basebackup of the running server", examples=["weekly"]
    )
    lock_wait_timeout_s: int = Field(
        default=300, ge=1, description="how long a dump waits for a lock, in seconds", examples=[300]
    )
    drill: SourceDrill = Field(default_factory=SourceDrill, description="what a drill checks besides the tables")

    @property
    def address(self) -> str:
        """Where the server is, as one text: two sources with the same one talk to the same server."""
        return self.container or f"{self.host or self.socket}:{self.port}"

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """Exactly one way to the server; names that PostgreSQL can take."""
        ways = [way for way in WAYS if written.get(way) is not None]
        if not ways:
            yield "", fault("says no way to the server", "one of container: NAME, host: ADDRESS, socket: FOLDER")
        if len(ways) > 1:
            yield ways[1], fault(f"two ways to one server: {ways[0]} and {ways[1]}", f"only one of them, such as {ways[0]}")
        for key in ("database", "user"):
            value = written.get(key)
            if isinstance(value, str) and len(value) <= NAME_BYTES < len(value.encode(errors="replace")):
                yield key, fault(f"is longer than PostgreSQL's {NAME_BYTES} bytes", "the name as the server lists it")


class FilesSource(_Source):
    """A folder of files."""

    kind: Literal["files"] = Field(description="a folder of files")
    path: Place = Field(description="the folder", examples=["/Users/axe/.local/files"])
    excludes: Place | None = Field(
        default=None, description="restic's exclude file", examples=["/Users/axe/.axe/bin/restic-excludes"]
    )
    require: Annotated[tuple[Requirement, ...], Field(strict=False)] = Field(
        default=(), description="files that each snapshot must hold"
    )


Source = Annotated[PostgresSource | FilesSource, Field(discriminator="kind")]
