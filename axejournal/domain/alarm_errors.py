"""Errors of telling, and of what nobody ran; the rest of the tree is in errors.py."""

from __future__ import annotations

from axejournal.domain.errors import AxejError


class Overdue(AxejError):
    """Something that should have happened by now did not: a restore point is too old, a schedule passed without a run."""

    exit_code = 20
    runbook = "overdue"


class MessageNotSent(AxejError):
    """A channel did not take a message. It waits; no run fails of it."""

    exit_code = 50
    runbook = "message-not-sent"
