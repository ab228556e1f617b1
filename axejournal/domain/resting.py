"""The states in which a run may be left by its process, open, until what it waits for is there."""

from __future__ import annotations

WAITING = "waiting"
"""A person is needed: RunWaits leads there, and nothing else."""
AWAITING_DISK = "awaiting_disk"
"""A disk was pulled out, or is not connected yet: RunWaits leads there, and nothing else."""
AWAITING_PASSWORD = "awaiting_password"
"""A password that is on paper is needed. A process may sit there, or none."""
WAITS_FOR = {WAITING: "a person", AWAITING_DISK: "its disk", AWAITING_PASSWORD: "its password"}
RESTING = (WAITING, AWAITING_DISK, AWAITING_PASSWORD)
