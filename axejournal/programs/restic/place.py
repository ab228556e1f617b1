"""A restic repository at a place on the net that is no machine with ssh: an S3 store, restic's own REST server. It may want a
login of its own, beside the repository's password.

The login stays in its file. An S3 store's is read by restic itself, as AWS's credentials file (restic manual, Preparing a new
repository, Amazon S3, 0.19). A REST server's is a part of the address: restic gets the address through a pipe
(`--repository-file`), so that neither argv nor its environment holds it.

restic asks such a place for the repository's configuration again and again, for 15 minutes, when nobody answers, and also
when an S3 bucket does not exist (seen with 0.19.1): the first look has a limit here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from axejournal.domain.errors import AxejError, PeerUnreachable, ProgramStalled, WrongPassword
from axejournal.programs.process import Command, Completed
from axejournal.programs.process_hidden import Hidden
from axejournal.programs.restic import output
from axejournal.programs.restic.repository import ResticRepository

PLACES = ("s3:", "rest:")
LOOK_S = 30.0
NO_OTHER = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
"""What restic would look at before the file."""
REFUSED = re.compile(r"\b40[13]\b|access denied|access key id you provided|signature we calculated|forbidden", re.IGNORECASE)
RETRIES = re.compile(r"^.*retrying after [\d.]+m?s: ")
HOW = "For s3: it is a file like ~/.aws/credentials, for rest: USER:PASSWORD; chmod 600; credentials: in axej.yaml names it."


@dataclass(frozen=True)
class PlaceRepository(ResticRepository):
    """`credentials`: the file with the login: for s3: as ~/.aws/credentials, for rest: USER:PASSWORD."""

    credentials: Path | None = None

    def command(self, *words: str, env: Mapping[str, str] | None = None, json_output: bool = True) -> Command:
        """See ResticRepository. Raises WrongPassword when the file can't be read, or holds no login."""
        made = super().command(*words, env=env, json_output=json_output)
        if words[:2] == ("cat", "config"):
            made = replace(made, timeout_s=min(LOOK_S, self.stall_s or LOOK_S))
        if self.credentials is None:
            return made
        login = self._login(self.credentials)
        if self.place.startswith("s3:"):
            return replace(made, env={**made.env, "AWS_SHARED_CREDENTIALS_FILE": str(self.credentials), **NO_OTHER})
        program, _, place, *more = made.argv
        return replace(made, argv=(program, "--repository-file", Hidden(with_login(place, login)), *more))

    def identity(self, known: bool = False) -> str:
        """See ResticRepository. Raises PeerUnreachable, WrongPassword when the place refuses the login."""
        try:
            return super().identity(known)
        except ProgramStalled as fault:
            said = RETRIES.sub("", fault.message.partition("; it had said: ")[2]) or fault.message
            if REFUSED.search(said):
                raise self._refused(said) from fault
            hint = "Look whether it is on, and whether what the address names (the bucket, the folder) is there."
            raise PeerUnreachable(f"repository {self.place} can't be reached: {said}", hint) from fault

    def _fault(self, done: Completed, action: str) -> AxejError:
        said = output.explain(done.stderr)
        return self._refused(said) if done.exit_code == 1 and REFUSED.search(said) else super()._fault(done, action)

    def _refused(self, said: str) -> WrongPassword:
        login = f"the login in {self.credentials}" if self.credentials else "whoever has no login"
        return WrongPassword(f"{self.place} refuses {login}: {said}", HOW)

    def _login(self, file: Path) -> str:
        try:
            login = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as fault:
            why = getattr(fault, "strerror", None) or "it is no text"
            raise WrongPassword(f"the login for {self.place} can't be read in {file}: {why}", HOW) from fault
        if not login or (self.place.startswith("rest:") and ":" not in login):
            raise WrongPassword(f"the login for {self.place} is not in {file}", HOW)
        return login


def with_login(place: str, login: str) -> str:
    """The address of a REST server with USER:PASSWORD in it."""
    parts = urlsplit(place.removeprefix("rest:"))
    user, _, password = login.partition(":")
    where = f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc.rpartition('@')[2]}"
    return f"rest:{urlunsplit(parts._replace(netloc=where))}"


def opened(credentials: Path | None, program: Path, place: str, *parts: Any, **named: Any) -> ResticRepository:
    """The repository with these parts, wherever it is."""
    if not place.startswith(PLACES):
        return ResticRepository(program, place, *parts, **named)
    return PlaceRepository(program, place, *parts, **(named | {"credentials": credentials}))
