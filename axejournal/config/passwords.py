"""Where a secret is kept. The secret itself has no place in the configuration, and axej never holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, model_serializer
from pydantic_core import PydanticCustomError

from axejournal.config.base import Strict, fault
from axejournal.config.values import Place, Text, Words

KINDS = ("keychain", "command", "file", "env", "secret-tool", "systemd-credential")
WRITE = "one of {keychain: NAME}, {command: …}, {file: PATH}, {env: NAME}, {secret-tool: …}, {systemd-credential: NAME}"


def _attributes(written: Any) -> Any:
    """secret-tool finds an item by attributes: `{service: axej}` or "service axej"."""
    if isinstance(written, dict) and written and all(isinstance(part, str) and part for pair in written.items() for part in pair):
        return dict(written)
    if isinstance(written, str) and written.split() and len(written.split()) % 2 == 0:
        return written
    raise fault("wants attributes and their values", "{secret-tool: {service: NAME}}")


Attributes = Annotated[str | dict[str, str], BeforeValidator(_attributes, json_schema_input_type=str | dict[str, str])]


class Secret(Strict):
    """A reference to a secret: exactly one of its keys."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    keychain: Text | None = Field(
        default=None, description="macOS Keychain: the service's name", examples=["axe.backup.restic.local"]
    )
    command: Words | None = Field(default=None, description="a command that prints it", examples=["pass show axej"])
    file: Place | None = Field(default=None, description="a file that holds it (chmod 600)", examples=["~/.axe/restic-password"])
    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = Field(
        default=None, description="a variable of axej's environment", examples=["AXEJ_PASSWORD"]
    )
    secret_tool: Attributes | None = Field(default=None, alias="secret-tool", description="libsecret: attributes of the item")
    systemd_credential: Text | None = Field(
        default=None, alias="systemd-credential", description="the name of LoadCredential= in the unit", examples=["axej-local"]
    )

    @property
    def kind(self) -> str:
        """Which of KINDS it is."""
        return next(iter(self.reference))

    @property
    def reference(self) -> dict[str, Any]:
        """The one key and its value, as plain values."""
        return self._plain()

    @classmethod
    def long_form(cls, written: Any) -> Any:
        """Refuses a plain password, without repeating it."""
        if not isinstance(written, (Mapping, cls)):
            raise fault("a plain secret has no place in this file", WRITE)
        return written

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """Exactly one."""
        given = [kind for kind in KINDS if written.get(kind) is not None]
        if len(given) > 1:
            yield given[1], fault(f"two places for one secret: {given[0]} and {given[1]}", WRITE)
        if not given and not set(written) - set(KINDS):
            yield "", fault("names no place where the secret is kept", WRITE)

    @model_serializer
    def _plain(self) -> dict[str, Any]:
        values = zip(
            KINDS, (self.keychain, self.command, self.file, self.env, self.secret_tool, self.systemd_credential), strict=True
        )
        ((kind, value),) = ((kind, value) for kind, value in values if value is not None)
        match value:
            case tuple():
                return {kind: list(value)}
            case dict():
                return {kind: dict(value)}
        return {kind: str(value)}
