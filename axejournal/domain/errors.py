"""Everything that can go wrong, as one tree.

An error says what happened to which thing (`message`: first line lower case, with names and numbers), what to type
next (`hint`: a full sentence), how the process ends (`exit_code`) and which page of runbooks/ goes on (`runbook`).
`passing` marks what can pass by itself, so that a step may be tried again (a busy repository, a lost connection);
what can't (a wrong password) is never retried.
"""

from __future__ import annotations

from typing import ClassVar


class AxejError(Exception):
    """The base: a failure that a person can act on. Anything else that is raised is a bug of axej."""

    exit_code: ClassVar[int] = 1
    runbook: ClassVar[str] = "failed-run"
    passing: ClassVar[bool] = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def code(self) -> str:
        """The class's name: what the journal keeps of an error beside its message."""
        return type(self).__name__


class UsageFault(AxejError):
    """The command's words don't fit together."""

    exit_code = 2
    runbook = ""


class ConfigurationFault(AxejError):
    """The configuration is wrong: the message holds all faults, one a line, each with file and line."""

    exit_code = 4
    runbook = "configuration"


class RepositoryMissing(AxejError):
    """restic's exit 10: nothing is at the repository's place. Never answered by making one."""

    exit_code = 10
    runbook = "repository-missing"


class RepositoryForeign(AxejError):
    """A repository is there, but its id is not the one that the journal recorded."""

    exit_code = 10
    runbook = "repository-missing"


class RestorePointMissing(AxejError):
    """No restore point answers the question; the message names the nearest there is."""

    exit_code = 10
    runbook = "restore-point-missing"


class RunUnknown(AxejError):
    """No run of that name is in the journal."""

    exit_code = 10
    runbook = ""


class Busy(AxejError):
    """Another run of axej holds the lease."""

    exit_code = 11
    runbook = "busy"
    passing = True


class RepositoryLocked(AxejError):
    """restic's exit 11: another process holds a lock on the repository."""

    exit_code = 11
    runbook = "busy"
    passing = True


class WrongPassword(AxejError):
    """restic's exit 12, or a password source that yields nothing."""

    exit_code = 12
    runbook = "wrong-password"


class JournalDamaged(AxejError):
    """The journal can't be read or written as it must: a broken chain, an I/O error, a full or read-only disk."""

    exit_code = 30
    runbook = "journal-damaged"


class JournalNewer(AxejError):
    """The journal was written by a newer axej than this one."""

    exit_code = 30
    runbook = "journal-damaged"


class StaleRunner(AxejError):
    """This process was overtaken: a later resume owns the run (its epoch is higher). Nothing was appended."""

    exit_code = 11
    runbook = "busy"


class RunStranded(AxejError):
    """A run that can't go on by itself: its state or its job is unknown to this axej, or one step crashed too often."""

    runbook = "stranded-run"


class ProgramMissing(AxejError):
    """An outside program isn't there."""

    exit_code = 40
    runbook = "program-missing"


class ProgramTooOld(ProgramMissing):
    """An outside program is there, in a version that axej can't trust."""


class ProgramFailed(AxejError):
    """An outside program ended with an exit code that no narrower error explains."""


class ProgramKilled(ProgramFailed):
    """An outside program was ended by a signal that we did not send: by the system (memory) or by a person."""

    passing = True


class ProgramStalled(ProgramFailed):
    """An outside program ran past its time limit or made no progress; it was ended."""

    passing = True


class SourceUnreachable(AxejError):
    """A server is down, a container is not running, a folder is not there."""

    exit_code = 50
    runbook = "source-unreachable"
    passing = True


class DockerAsleep(SourceUnreachable):
    """Docker itself does not answer: after a boot it may be up in some minutes."""


class SourceRefused(AxejError):
    """The server answers and refuses: no such database, no such role, not enough rights."""

    runbook = "source-refused"


class DumpIncomplete(AxejError):
    """A dump ended well and is not whole: empty, cut, or without a table that the server had."""

    runbook = "dump-incomplete"
    passing = True


class SnapshotIncomplete(AxejError):
    """restic made a snapshot that lacks something it was told to hold. It is never offered as a restore point."""

    runbook = "snapshot-incomplete"


class RestorePointDamaged(AxejError):
    """A snapshot does not give back what was put into it. The live data was not touched."""

    runbook = "restore-point-damaged"


class RestoreDiffers(AxejError):
    """What was restored, beside the live data, is not what was counted when it was dumped. The live data was not touched."""

    runbook = "restore-point-damaged"


class CheckFailed(AxejError):
    """Restored and in its place, but a check of `after_restore` says that it is not right. It can be undone."""

    runbook = "check-failed"


class RepositoryDamaged(AxejError):
    """The data or the structure of a repository are damaged. The message names the restore points that are hit."""

    runbook = "repository-damaged"


class DrillFailed(AxejError):
    """A rehearsed restore did not give a source back, or not as it was. The message names each, and why."""

    exit_code = 21
    runbook = "drill-failed"


class DrillUnsafe(DrillFailed):
    """A scratch server is, or could be, a source's own. Nothing was done in it."""


class DiskFull(AxejError):
    """No space is left where something has to be written, or would not be by a careful estimate."""

    runbook = "disk-full"


class PeerUnreachable(AxejError):
    """The peer or the disk of a tier isn't there."""

    exit_code = 50
    runbook = "peer-unreachable"
    passing = True


class HostKeyChanged(AxejError):
    """The peer's machine shows another host key than the pinned one, or none was pinned yet. Nothing was sent."""

    exit_code = 50
    runbook = "host-key-changed"


class KeyRefused(AxejError):
    """The peer's machine answers and does not take our SSH key, or the key is not there."""

    exit_code = 50
    runbook = "ssh-key-refused"


class PeerQuiet(AxejError):
    """The partner has no copies in the folder that is kept for it."""

    runbook = "peer-quiet"


class ConsentMissing(AxejError):
    """Both operators' agreement is not recorded, or was withdrawn: nothing is sent."""

    runbook = "ring-consent"


class DiskMissing(AxejError):
    """No disk is mounted where a cold one is to be; a folder alone is none. Nothing was written there."""

    exit_code = 50
    runbook = "cold-ssd"


class DiskForeign(AxejError):
    """A disk is mounted there, and it is another one than the journal recorded. Nothing was written on it."""

    exit_code = 10
    runbook = "cold-ssd"


class DiskReadOnly(AxejError):
    """The right disk is there, and nothing can be written on it."""

    exit_code = 50
    runbook = "cold-ssd"


class DiskUnreadable(DiskReadOnly):
    """The right disk is there, and the system can't read it: it is damaged, or this process may not."""


class KeysCircular(AxejError):
    """What opens a repository is kept only where that repository would have to be opened first."""

    exit_code = 4
    runbook = "keys-circular"


class Interrupted(AxejError):
    """Ctrl-C or SIGTERM: the run was cancelled, its children were ended."""

    exit_code = 130
    runbook = "failed-run"


class PersonNeeded(AxejError):
    """A person must answer, and nobody sits there. The run leaves its process and stays open, in a state of waiting."""

    exit_code = 2
    runbook = ""
