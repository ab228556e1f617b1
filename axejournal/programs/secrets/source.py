"""Where a repository's password comes from. restic fetches it itself: axej only says where, and never holds it.

restic's rules (manual, Scripting, 0.19): RESTIC_PASSWORD_COMMAND is split into words without a shell, then run;
RESTIC_PASSWORD_FILE is read; the same with RESTIC_FROM_ for the source of a copy. Both trim white space.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from axejournal.domain.errors import AxejError, ConfigurationFault, ProgramMissing, ProgramStalled, WrongPassword
from axejournal.programs import process

KINDS = ("keychain", "command", "file", "env", "secret-tool", "systemd-credential")
PROBE_TIMEOUT_S = 30.0  # a Keychain that wants to ask a person waits for ever when nobody sits there


@dataclass(frozen=True)
class PasswordSource:
    """A reference to a password, never the password. `value`: a name, a path, a command line or its words, or for
    secret-tool attribute, value, attribute, value, …"""

    kind: str
    value: str | tuple[str, ...]

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigurationFault(f"password: {self.kind!r} is none of {', '.join(KINDS)}")
        if not self.value:
            raise ConfigurationFault(f"password: {self.kind} names nothing")
        if self.kind == "env" and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", _text(self.value)):
            raise ConfigurationFault(f"password: env {self.value!r} is no name of a variable")
        if self.kind == "command":
            command_of(self)

    @classmethod
    def of(cls, reference: Mapping[str, object]) -> PasswordSource:
        """From a mapping as the configuration has it: `{"keychain": "NAME"}`. Raises ConfigurationFault."""
        if len(reference) != 1:
            raise ConfigurationFault(f"password: give one of {', '.join(KINDS)}, not {len(reference)}")
        (kind, value), *_ = reference.items()
        match value:
            case str():
                return cls(kind, value)
            case Mapping():
                return cls(kind, tuple(str(word) for pair in value.items() for word in pair))
            case Sequence():
                return cls(kind, tuple(str(word) for word in value))
        raise ConfigurationFault(f"password: {kind} is neither a text nor a list")

    def environment(self, prefix: str = "RESTIC_") -> dict[str, str]:
        """What restic needs in its environment to fetch the password: where it is, not what it is.

        `prefix` is RESTIC_FROM_ for the source repository of a copy. For `env` the password stands in a variable because
        the operator put it there; that one variable is passed on when our cleaned environment lacks it, since the command
        that prints it is restic's child. Raises WrongPassword when a systemd credential has no folder.
        """
        path = file_of(self)
        if path is not None:
            return {f"{prefix}PASSWORD_FILE": str(path)}
        return {f"{prefix}PASSWORD_COMMAND": quote(command_of(self)), **_variable(self)}

    def __str__(self) -> str:
        """Of a command only the program: people write secrets into command lines."""
        if self.kind == "command":
            program, *more = command_of(self)
            return f"command {program}{' …' if more else ''}"
        return f"{self.kind} {_text(self.value)}"


def command_of(source: PasswordSource) -> tuple[str, ...]:
    """The command that prints the password. Raises ConfigurationFault for a command line with an open quote."""
    match source.kind:
        case "keychain":
            return ("security", "find-generic-password", "-w", "-s", _text(source.value))
        case "secret-tool":
            return ("secret-tool", "lookup", *_words(source.value))
        case "env":
            return ("printenv", _text(source.value))
        case _:
            program, *words = _words(source.value)
            return (str(Path(program).expanduser()) if program.startswith("~/") else program, *words)


def file_of(source: PasswordSource) -> Path | None:
    """The file that holds the password, for the kinds that have one."""
    if source.kind == "file":
        return Path(_text(source.value)).expanduser()
    if source.kind == "systemd-credential":
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            message = f"password source {source}: this process has no credentials of systemd"
            hint = f'Add "LoadCredential={_text(source.value)}:PATH" to the unit, and run axej from that unit.'
            raise WrongPassword(message, hint)
        return Path(folder) / _text(source.value)
    return None


def quote(argv: Sequence[str]) -> str:
    """A command line that restic splits into exactly these words.

    restic's splitting (internal/backend/shell_split.go, 0.19) is no shell's: outside quotes a backslash separates
    words; inside quotes it stays and hides the next quote; a word can't be empty, hold both quotes, or end in a
    backslash. Command lines with such words go through /bin/sh, written in octal.
    """
    words = [_quoted(word) for word in argv]
    if None not in words:
        return " ".join(word for word in words if word is not None)
    octal = "".join(f"\\{byte:03o}" for byte in os.fsencode(f"exec {shlex.join(argv)}"))
    return f"""/bin/sh -c 'eval "$(printf "{octal}")"'"""


def probe(source: PasswordSource, timeout_s: float = PROBE_TIMEOUT_S) -> None:
    """Looks whether the source yields anything; what it yields is not kept. Raises WrongPassword with what to do."""
    path = file_of(source)
    if path is not None:
        _probe_file(source, path)
        return
    command = process.Command(command_of(source), _variable(source), timeout_s=timeout_s)
    yielded: list[bool] = []
    try:
        done = process.run(command, lambda line: yielded.append(bool(line.strip())))
    except ProgramMissing as fault:
        raise _refused(source, f"{command.argv[0]} can't be started") from fault
    except ProgramStalled as fault:
        raise _refused(source, f"nothing came within {timeout_s:g} s") from fault
    if done.exit_code != 0:
        raise _refused(source, f"{command.argv[0]} ended with exit code {done.exit_code}")
    if not any(yielded):
        raise _refused(source, f"{command.argv[0]} printed nothing")


def _variable(source: PasswordSource) -> dict[str, str]:
    name = _text(source.value)
    lacking = source.kind == "env" and name in os.environ and name.startswith(process.STRIPPED)
    return {name: os.environ[name]} if lacking else {}


def _probe_file(source: PasswordSource, path: Path) -> None:
    try:
        with path.open("rb") as file:
            empty = not file.read(4096).strip()
    except OSError as fault:
        raise _refused(source, str(fault.strerror)) from fault
    if empty:
        raise _refused(source, "the file is empty")


def _refused(source: PasswordSource, why: str) -> AxejError:
    name = _text(source.value)
    hints = {
        "keychain": f'Store it with "security add-generic-password -s {name} -a axej -w", and run axej in the session of the '
        "user who is logged in: a background session can't reach the Keychain.",
        "command": "Run that command by hand as this user: it has to print the password and end with exit code 0.",
        "file": "Write the password into that file, readable for this user only (chmod 600).",
        "env": f"Set {name} in the environment that starts axej.",
        "secret-tool": f'Store it with "secret-tool store --label=axej {name}".',
        "systemd-credential": f'Add "LoadCredential={name}:PATH" to the unit that starts axej.',
    }
    return WrongPassword(f"password source {source} yields nothing: {why}", hints[source.kind])


def _words(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """A text is a command line with a shell's quotes; a list is taken as it is."""
    if not isinstance(value, str):
        return value
    try:
        words = tuple(shlex.split(value))
    except ValueError as fault:
        raise ConfigurationFault(f"password: command {value!r}: {fault}") from fault
    if not words:
        raise ConfigurationFault("password: the command is empty")
    return words


def _quoted(word: str) -> str | None:
    if word and not re.search(r"""[\s'"\\]""", word):
        return word
    mark = next((mark for mark in ("'", '"') if mark not in word), None)
    return f"{mark}{word}{mark}" if word and mark and not word.endswith("\\") else None


def _text(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else " ".join(value)
