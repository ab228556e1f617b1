"""customers.yaml: the partners of a ring, as the operators keep them. Only `ring_backup` is read; the file may hold more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError

from axejournal.config.base import Strict, fault
from axejournal.config.values import Name, Place

RemotePath = Annotated[str, Field(pattern=r"^/[^\x00]*$")]
Address = Annotated[str, Field(pattern=r"^[^\s/@]+$")]


class RingBackup(Strict):
    """How this machine and a partner's reach each other."""

    ssh_user: Annotated[str, Field(pattern=r"^[^\s@:/-][^\s@:/]*$")] = Field(examples=["realchoice"])
    ssh_fqdn: Address | None = Field(default=None, description="tried first", examples=["realchoice-macmini.tail090015.ts.net"])
    ssh_ip: Address | None = Field(default=None, description="tried when the name does not answer", examples=["100.114.161.51"])
    ssh_port: int = Field(default=22, ge=1, le=65535, description="where their ssh answers", examples=[22])
    receive_dir_at_peer: RemotePath = Field(
        description="where the peer keeps ours", examples=["/Users/realchoice/peer-backups/axe/"]
    )
    receive_dir_at_self: Place = Field(
        description="where we keep the peer's", examples=["/Users/axe/.axe/backups/peer/realchoice/"]
    )
    restic_version: str | None = Field(default=None, description="a claim; ring verify measures it", examples=["0.18.1"])
    disk_available_gib: float | None = Field(default=None, ge=0, description="a claim; ring verify measures it", examples=[43])
    bidirectional_ssh: bool | None = Field(default=None, description="a claim; ring verify proves it", examples=[True])

    @property
    def addresses(self) -> tuple[str, ...]:
        """The name first, then the IP address."""
        return tuple(address for address in (self.ssh_fqdn, self.ssh_ip) if address)

    def repository(self, address: str) -> str:
        """restic's name of our repository at the peer, through one of its addresses."""
        return f"sftp:{self.ssh_user}@{f'[{address}]' if ':' in address else address}:{self.receive_dir_at_peer}"

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """An address."""
        if written.get("ssh_fqdn") is None and written.get("ssh_ip") is None:
            yield "", fault("has no address", 'ssh_fqdn: "NAME.DOMAIN" or ssh_ip: "ADDRESS"')


class Customer(Strict):
    """One customer; what else the operators keep of it is not ours."""

    model_config = ConfigDict(extra="ignore")

    ring_backup: RingBackup | None = None

    @classmethod
    def long_form(cls, written: Any) -> Any:
        """A customer of whom nothing is said yet."""
        return {} if written is None else written

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """A misspelt key would otherwise be taken for somebody else's."""
        for key in written:
            if key != "ring_backup" and get_close_matches(str(key), ["ring_backup"], 1, 0.8):
                yield str(key), fault("unknown key", "ring_backup")


class Customers(Strict):
    """The file and what is in it."""

    SHORT: ClassVar[JsonSchemaValue | None] = {"type": "string"}

    file: Place | None = None
    known: dict[Name, Customer] = Field(default_factory=dict)

    @classmethod
    def long_form(cls, written: Any) -> Any:
        """A text or a path is the file alone."""
        return {"file": written} if isinstance(written, (str, Path)) else written
