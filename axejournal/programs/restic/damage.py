"""What damaged pack files of a restic repository hit, and how much data a part of a check is.

`restic find --pack` names every snapshot and path that needs a blob of a pack, also of one that is gone (it asks the index
then). A tree that can't be read it names on stderr with its snapshot. Seen with 0.18.1 and 0.19.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from axejournal.programs import process
from axejournal.programs.process import Command, Completed
from axejournal.programs.restic.output import fault_of, is_remote

UNREADABLE = re.compile(r"which belongs to snapshot ([0-9a-f]{64})")
Hit = tuple[str, str]
"""A snapshot, and an absolute path in it; "/" when a folder that holds all of it can't be read."""


def holders(command: Callable[..., Command], place: str, packs: Sequence[str]) -> tuple[Hit, ...]:
    """Which paths of which snapshots need these packs. `command`: makes a restic command of the repository. 1 s, and all
    folders of all snapshots are walked. Raises what restic's failures mean."""
    if not packs:
        return ()
    done = process.run(command("find", "--no-lock", "--pack", "--", *packs))
    unreadable = {(snapshot, "/") for snapshot in UNREADABLE.findall(done.stderr + done.text)}
    if done.exit_code != 0 and not unreadable:
        raise fault_of(done, place, "find")
    return tuple(sorted(unreadable | {(one["snapshot"], one["path"]) for one in _objects(done) if "snapshot" in one}))


def part_bytes(place: str, part: int, of: int) -> int | None:
    """Bytes of the packs of one part: of those whose name's first byte, modulo `of`, is `part` - 1 (restic's rule)."""
    if is_remote(place):
        return None
    data = Path(place.removeprefix("local:")) / "data"
    folders = [folder for folder in data.iterdir() if re.fullmatch("[0-9a-f]{2}", folder.name)] if data.is_dir() else []
    mine = (folder for folder in folders if int(folder.name, 16) % of == part - 1)
    return sum(pack.stat().st_size for folder in mine for pack in folder.iterdir())


def _objects(done: Completed) -> list[dict[str, str]]:
    """restic writes one array; what it says of trees may stand between its elements."""
    return [json.loads(found) for found in re.findall(r"\{\"object_type\"[^{}]*\}", done.text)]
