"""Puts a password where axej can write one: a Keychain, a secret service. It goes through a pipe, never through argv.

`security -i` reads commands from stdin, and `add-generic-password -U -X` takes the password in hexadecimal (security(1),
macOS 11 and newer): no quoting. `secret-tool store` reads it from stdin (secret-tool(1)).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from axejournal.domain.errors import AxejError
from axejournal.programs import process
from axejournal.programs.process_hidden import Hidden
from axejournal.programs.secrets.source import PasswordSource, command_of

ACCOUNT = re.compile(r'"acct"<blob>="([^"\\]*)"')
PLAIN = re.compile(r"[^\"\\\r\n]+")
STORE_S = 60.0
"""A Keychain may ask a person on the screen first."""


def store(source: PasswordSource, secret: Callable[[], Hidden]) -> bool:
    """Puts it there, instead of what is there; whether that can be: whoever asked looks whether it is. `secret` is asked for
    only then. Raises nothing for a place that refuses it."""
    try:
        match source.kind:
            case "keychain":
                return _into_keychain(str(source.value), secret)
            case "secret-tool":
                words = command_of(source)[2:]
                command = ("secret-tool", "store", "--label=axej", *words)
                return process.run(process.Command(command, stdin=secret().secret, timeout_s=STORE_S)).exit_code == 0
    except AxejError:
        return False
    return False


def how_to_store(source: PasswordSource) -> str:
    """What a person does instead, as a sentence."""
    where = " ".join(source.value) if isinstance(source.value, tuple) else source.value
    ways = {
        "keychain": f'Put the new one into the Keychain: "security add-generic-password -U -s {where} -a axej -w".',
        "secret-tool": f'Put the new one there: "secret-tool store --label=axej {where}".',
        "env": f"Put the new one into the variable {where}, where axej is started.",
        "systemd-credential": f"Put the new one into the file of LoadCredential={where}.",
    }
    return ways.get(source.kind, f"Put the new one where {source} takes it from.")


def _into_keychain(service: str, secret: Callable[[], Hidden]) -> bool:
    """The item keeps its account: one with another account would be a second item of that name."""
    found = process.run(process.Command(("security", "find-generic-password", "-s", service), timeout_s=STORE_S))
    account = ACCOUNT.search(found.text)
    if found.exit_code != 0 or account is None or not PLAIN.fullmatch(service) or not PLAIN.fullmatch(account[1]):
        return False
    words = f'add-generic-password -U -a "{account[1]}" -s "{service}" -X {secret().secret.hex()}\n'
    return process.run(process.Command(("security", "-i"), stdin=words.encode(), timeout_s=STORE_S)).exit_code == 0
