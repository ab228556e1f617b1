"""Reads a secret that this process itself needs: an address with a key in it. It stays in memory, and in no message."""

from __future__ import annotations

from axejournal.domain.errors import WrongPassword
from axejournal.programs import process
from axejournal.programs.secrets.source import PasswordSource, command_of, file_of

LONGEST_BYTES = 64 * 1024


def read(source: PasswordSource, timeout_s: float) -> str:
    """The secret, without the white space around it. Raises WrongPassword, ProgramMissing, ProgramStalled; their messages
    name the place, never what is there."""
    path = file_of(source)
    if path is not None:
        try:
            with path.open("rb") as file:
                found = file.read(LONGEST_BYTES)
        except OSError as fault:
            raise WrongPassword(f"{source} can't be read: {fault.strerror}") from None
    else:
        found = _printed(source, timeout_s)
    text = found.decode("utf-8", "replace").strip()
    if not text:
        raise WrongPassword(f"{source} yields nothing")
    return text


def _printed(source: PasswordSource, timeout_s: float) -> bytes:
    from axejournal.programs.secrets.source import _variable

    done = process.run(process.Command(command_of(source), _variable(source), timeout_s=timeout_s, grace_s=0.5))
    if done.exit_code != 0:
        raise WrongPassword(f"{source} yields nothing: exit code {done.exit_code}")
    return done.stdout
