"""What `axej status` costs on ten years of nights: five sources, three tiers, forgotten as the policy of the reference
configuration forgets, against a journal without an event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from axejournal.domain.facts import SnapshotCopied, SnapshotsForgotten
from axejournal.domain.facts.cold import DiskRecorded, DiskSynced
from axejournal.domain.facts.ring import ConsentGiven, PeerReached
from axejournal.domain.policy import Held, Keep, to_forget
from axejournal.domain.ports import Draft
from axejournal.domain.rotation import Quarter
from tests.benchmarks.journal_load import Story, write
from tests.benchmarks.machine import Machine
from tests.journal.stories import REPOSITORY, SOURCES, RunStarted, RunSucceeded, StepStarted, draft, night, requested, snapshot_of

NIGHTS = 3652
DISKS = ("1", "2", "3")
KEPT = Keep(daily=14, weekly=8, monthly=12, yearly=5)
Q = 90  # nights between two syncs of cold disks


def machine(folder: Path) -> Machine:
    """A machine with five databases, a partner and cold disks, and no journal yet."""
    made = Machine(folder)
    folder.mkdir(parents=True)
    made.write({name: {"kind": "postgres", "host": "127.0.0.1", "database": name, "user": name} for name in SOURCES})
    path = made.home / ".axe" / "axej.yaml"
    content = json.loads(path.read_text())
    secret, keep = content["tiers"]["local"]["password"], {"daily": 14, "weekly": 8, "monthly": 12}
    ring = {
        "peer": "realchoice",
        "password": secret,
        "identity": str(folder / "key"),
        "schedule": "30 3 * * *",
        "retention": keep,
    }
    cold = {"mount": f"{folder}/axe-cold-{{{','.join(DISKS)}}}", "first_quarter": "2026Q1"}
    content["tiers"] |= {"ring": ring, "cold": cold}
    content["drill"] = {"schedule": "0 3 15 1,4,7,10 *"}
    path.write_text(json.dumps(content))
    peer = {
        "ssh_user": "realchoice",
        "ssh_fqdn": "realchoice.example",
        "receive_dir_at_peer": "/p/",
        "receive_dir_at_self": "/s/",
    }
    path.with_name("customers.yaml").write_text(json.dumps({"realchoice": {"ring_backup": peer}}))
    made.state.mkdir()
    return made


def ten_years(path: Path, last: datetime, keep: Keep = KEPT, nights: int = NIGHTS) -> int:
    """Writes the journal; how many events it has. `last`: the newest slot; Keep() forgets nothing."""
    return write(path, _years(last, keep, nights))


def _years(last: datetime, keep: Keep, nights: int) -> Iterator[Story]:
    yield "000000-init", last - timedelta(days=nights), [_begun("cold.init", "cold"), *map(_recorded, DISKS), _ended()]
    held: dict[str, dict[str, datetime]] = {}  # snapshots by repository
    for number in range(nights):
        begun = last - timedelta(days=nights - 1 - number)
        name = f"{begun:%y%m%d}"
        yield _backup(f"{name}-0300", begun, held, keep)
        yield _push(f"{name}-0330", f"{name}-0300", begun + timedelta(minutes=30), held, keep, with_peer=number == nights - 1)
        if (nights - number) % Q == 3:
            disk = DISKS[(nights - number) // Q % len(DISKS)]
            yield _sync(f"{name}-0900", disk, begun + timedelta(hours=6), held, keep)
            drilled = [_begun("restore.drill", "local"), draft(RunStarted(), state="drilling"), _ended()]
            yield f"{name}-0400", begun + timedelta(hours=1), drilled


def _backup(run: str, begun: datetime, held: dict[str, dict[str, datetime]], keep: Keep) -> Story:
    slot = begun.isoformat(timespec="minutes")
    forgotten = _forgotten(REPOSITORY, "local", snapshot_of(run), begun, held, keep)
    drafts = [made for appended in night(run, slot, taken_at=slot) for made in appended]
    return run, begun, [_with(made, forgotten) for made in drafts]


def _push(run: str, backup: str, begun: datetime, held: dict[str, dict[str, datetime]], keep: Keep, with_peer: bool) -> Story:
    copy = "rr" + snapshot_of(backup)[2:]
    forgotten = _forgotten("cd" * 32, "ring", copy, begun - timedelta(minutes=30), held, keep)
    seen = [draft(ConsentGiven("ring", "realchoice", ("Kim", "Lee"))), draft(PeerReached("ring", "realchoice", "10.0.0.2"))]
    copied = draft(_copied("ring", "cd" * 32, copy, snapshot_of(backup), begun), "copy:1", 1)
    work = [draft(StepStarted(), "copy:1", 1), copied, draft(StepStarted(), "forget", 1), draft(forgotten, "forget", 1)]
    return run, begun, [_begun("ring.push", "ring", begun), *(seen if with_peer else ()), *work, _ended()]


def _sync(run: str, disk: str, begun: datetime, held: dict[str, dict[str, datetime]], keep: Keep) -> Story:
    """The disk gets what the local repository holds and it does not, and forgets what is too old."""
    repository, drafts = f"{disk}e" * 32, []
    mine = held.setdefault(repository, {})
    for original, time in held[REPOSITORY].items():
        copy = f"d{disk}" + original[2:]
        if copy not in mine:
            mine[copy] = time
            drafts.append(draft(_copied("cold", repository, copy, original, time), f"copy:{original[:8]}", 1))
    forgotten = SnapshotsForgotten("cold", repository, _too_old(mine, keep), len(mine), False, 10**9)
    synced = DiskSynced("cold", disk, f"uuid-{disk}", repository, str(Quarter.of(begun.date())), disk, len(mine), 10**10,
                        ("k",), "0" * 64, f"m{run}")  # fmt: skip
    return run, begun, [_begun("cold.sync", "cold"), *drafts, draft(forgotten, "forget", 1), draft(synced, "record", 1), _ended()]


def _copied(tier: str, repository: str, copy: str, original: str, at: datetime) -> SnapshotCopied:
    return SnapshotCopied(tier, repository, copy, original, REPOSITORY, at.isoformat(timespec="seconds"), 10**6)


def _forgotten(
    repository: str, tier: str, snapshot: str, time: datetime, held: dict[str, dict[str, datetime]], keep: Keep
) -> SnapshotsForgotten:
    mine = held.setdefault(repository, {})
    mine[snapshot] = time
    return SnapshotsForgotten(tier, repository, _too_old(mine, keep), len(mine), False, 10**9)


def _too_old(mine: dict[str, datetime], keep: Keep) -> tuple[str, ...]:
    """What the policy does without; it is gone from `mine` then."""
    if keep == Keep():
        return ()
    removed = to_forget((Held("frame", snapshot, time) for snapshot, time in mine.items()), keep)
    for snapshot in removed:
        del mine[snapshot]
    return removed


def _with(made: Draft, forgotten: SnapshotsForgotten) -> Draft:
    return draft(forgotten, made.step, 1, made.state) if isinstance(made.fact, SnapshotsForgotten) else made


def _recorded(disk: str) -> Draft:
    return draft(DiskRecorded("cold", disk, f"uuid-{disk}", "ext4", f"/mnt/{disk}", f"{disk}e" * 32, ("k",)), f"record:{disk}", 1)


def _begun(job: str, tier: str, slot: datetime | None = None) -> Draft:
    asked: dict[str, Any] = {"slot": slot.isoformat(timespec="minutes")} if slot else {}
    return draft(requested(job=job, **asked, tier=tier), state="requested")


def _ended() -> Draft:
    return draft(RunSucceeded(), state="succeeded")


def newest_slot(now: datetime) -> datetime:
    """03:00 in the zone of the machine."""
    slot = now.astimezone(ZoneInfo("Asia/Seoul")).replace(hour=3, minute=0, second=0, microsecond=0)
    return slot if slot <= now else slot - timedelta(days=1)
