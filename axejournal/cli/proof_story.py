"""What the facts of checks and drills mean to a person, each in one line; see story."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from axejournal.cli.output import size

Data = Mapping[str, Any]
STANDARD = ("contents", "roles", "extensions", "constraints", "indexes")


def _chosen(data: Data) -> str:
    if data.get("unusable"):
        return f"nothing: {data['unusable']}"
    points = ", ".join(f"{point['source']} of {point['time'].replace('T', ' ', 1)}" for point in data["points"])
    missing = "; ".join(f"{source}: {why}" for source, why in data.get("missing", {}).items())
    return "; ".join(part for part in (points, missing) if part)


def _results(results: list[Data]) -> str:
    bad = [f"{result['name']}: {result['detail']}" for result in results if not result["passed"]]
    return "; ".join(bad) if bad else results[0]["detail"] if results else ""


def _drilled(data: Data) -> str:
    if not data["passed"]:
        return f"FAILED: {data['reason']}"
    own = [check for check in data["checks"] if check["name"] not in STANDARD]
    more = f", {len(own)} of its own" if own else ""
    findings = "".join(f"; {finding}" for finding in data.get("findings", ()))
    return f"passed, {data['proof']}: {len(data['checks'])} checks{more}{findings}"


def _tier(data: Data) -> str:
    if data.get("unusable"):
        return str(data["unusable"])
    failed = f"; failed: {', '.join(data['failed'])}" if data["failed"] else ""
    allowed = f" ({data['rto_s']:.0f} s allowed)" if data.get("rto_s") else ""
    return f"passed: {', '.join(data['passed']) or 'none'}{failed}; back after {data['restore_s']:.1f} s{allowed}"


def _read(data: Data) -> str:
    amount = f", {size(data['size_bytes'])}" if data.get("size_bytes") is not None else ""
    found = "; ".join(data["faults"][:2]) if data["faults"] else "no fault"
    return f"part {data['part']} of {data['of']} of tier {data['tier']}{amount}: {found}"


WORDS: Mapping[str, Callable[[Data], str]] = {
    "DataRead": _read,
    "DamageLocated": lambda data: (
        f"{len(data['packs'])} damaged packs; hit: "
        + (", ".join(f"{point['source']} of {point['time']}" for point in data["points"][:5]) or "no restore point")
    ),
    "PointsChecked": lambda data: (
        f"all was read since {data['read_since']}: {len(data['points'])} restore points"
        if data.get("read_since")
        else "not all was read yet"
    ),
    "PointsChosen": _chosen,
    "ScratchReady": lambda data: (
        f"{data['place']}, PostgreSQL {data['server_version']}" + (f"; {data['instead']}" if data.get("instead") else "")
    ),
    "ScratchFetched": lambda data: (
        f"damaged: {', '.join(data['damaged'])}: {data['message']}"
        if data.get("damaged")
        else f"{size(data['size_bytes'])} in {data['files']} files, each as it was put in"
    ),
    "ScratchLoaded": lambda data: f"database {data['database']}, {size(data['size_bytes'])}, {data['roles']} roles",
    "ScratchCompared": lambda data: _results(data["results"]),
    "ScratchChecked": lambda data: _results([data["result"]]),
    "SourceDrilled": _drilled,
    "TierDrilled": _tier,
    "ScratchCleared": lambda data: ", ".join(data["what"]) or "nothing was there",
    "TierLeft": lambda data: f"on to the next tier; failed here: {', '.join(data['failed']) or 'none'}",
    "DrillMeasured": lambda data: (
        f"passed: {', '.join(data['passed']) or 'none'}"
        + (f"; failed: {', '.join(data['failed'])}" if data["failed"] else "")
        + "".join(f"; {source} came back from {tier}" for source, tier in data["saved_by"].items())
    ),
}
