"""Opens the cold disk that is connected, for whoever reads from it: a restore, a drill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axejournal.app.cold_disks import ColdDisk, cold_tier
from axejournal.domain.errors import DiskMissing, UsageFault

if TYPE_CHECKING:
    from axejournal.app.parts import Parts
    from axejournal.config.models import Config
    from axejournal.config.tiers import ColdTier


def open_disk(parts: Parts, name: str, config: Config) -> ColdDisk:
    """The connected disk of `TIER:DISK` or, of `TIER`, the only one that is connected; open: by the machine's key, or by the
    password that whoever sits there types. Raises DiskMissing, DiskForeign, UsageFault, WrongPassword, PersonNeeded."""
    tier, _, number = name.partition(":")
    settings = cold_tier(config, tier)
    if not number:
        number = only_connected(parts, tier, settings)
    key = f"{tier}:{number}"
    found = parts.opened_disks.get(key)
    if found is None or not found.is_there():
        found = ColdDisk(parts, tier, number, config)
        found.look()
        if found.has_machine_key:
            found.open_by_machine()
        else:
            row = found.recorded()
            parts.password_desk.receive("", row.asked if row else f"disk {number}", found.open_by, found.is_there)
        parts.opened_disks[key] = found
    return found


def connected_disk(parts: Parts, tier: str) -> ColdDisk:
    """The only one of a configured tier that is connected, not open. Raises DiskMissing, UsageFault."""
    return ColdDisk(parts, tier, only_connected(parts, tier, cold_tier(parts.config, tier)), parts.config)


def only_connected(parts: Parts, tier: str, settings: ColdTier) -> str:
    """The number of the one disk that is connected. Raises DiskMissing, UsageFault."""
    there = [number for number, mount in settings.disks.items() if parts.volumes.mark(mount) is not None]
    if not there:
        raise DiskMissing(
            f"no disk of tier {tier} is connected: none is mounted at {settings.mount}", "Connect one, then try again."
        )
    if len(there) > 1:
        raise UsageFault(f"disks {', '.join(there)} are connected", "Name one of them, or eject the others.")
    return there[0]
