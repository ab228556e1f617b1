"""`axej status --prometheus`: the standing in Prometheus' text format (0.0.4), for a node exporter's textfile folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from axejournal.cli.standing import Standing

Sample = tuple[dict[str, str], float | int | None]
HEALTH = {"ok": 0, "mixed": 1, "error": 2}


def prometheus(found: Standing) -> str:
    """The whole text. A figure that is not known is left out, never 0."""
    return "".join(_metrics(found))


def _metrics(found: Standing) -> Iterator[str]:
    who = {"customer": found.customer}
    tiers = [({**who, "tier": tier.tier}, tier) for tier in found.tiers]
    sources = [({**who, "tier": tier.tier, "source": source.source}, source) for _, tier in tiers for source in tier.sources]
    around = found.around
    yield _metric("axej_status_timestamp_seconds", "When this was asked.", [(who, found.at.timestamp())])
    yield _metric("axej_overdue", "Whether any tier's RPO is missed.", [(who, float(found.overdue))])
    yield _metric("axej_tier_health", "0 ok, 1 mixed, 2 error.", [(of, HEALTH[tier.health]) for of, tier in tiers])
    yield _metric("axej_tier_rpo_seconds", "Allowed age of the newest restore point.", [(of, tier.rpo_s) for of, tier in tiers])
    yield _metric("axej_tier_size_bytes", "Bytes of the repository.", [(of, tier.size_bytes) for of, tier in tiers])
    yield _metric("axej_tier_restore_points", "Restore points held.", [(of, tier.points) for of, tier in tiers])
    failures = [(of, tier.fresh.failures if tier.fresh else None) for of, tier in tiers]
    yield _metric("axej_tier_failures_in_a_row", "Runs that ended neither well nor degraded, since one that did.", failures)
    success = [(of, _at(tier.fresh.success_at) if tier.fresh else None) for of, tier in tiers]
    yield _metric("axej_tier_last_success_timestamp_seconds", "When a run of the tier last succeeded.", success)
    coming = [(of, _at(tier.next_run)) for of, tier in tiers]
    yield _metric("axej_tier_next_run_timestamp_seconds", "The next moment of its schedule.", coming)
    ages = [(of, source.age_s) for of, source in sources]
    yield _metric("axej_source_age_seconds", "Age of the newest restore point.", ages)
    sizes = [(of, source.newest.size_bytes if source.newest else None) for of, source in sources]
    yield _metric("axej_source_size_bytes", "Bytes of the newest restore point.", sizes)
    proofs = [({**of, "proof": source.newest.proof}, 1.0) for of, source in sources if source.newest]
    yield _metric("axej_source_proof", "How far the newest restore point has been shown good.", proofs)
    yield _metric("axej_open_runs", "Runs that have not ended.", [(who, len(found.open_runs))])
    drilled = _at(around.drill.done_at) if around.drill else None
    yield _metric("axej_drill_last_done_timestamp_seconds", "When a drill was last passed.", [(who, drilled)])
    late = [
        ({**who, "tier": disk.tier, "disk": disk.disk, "quarter": disk.quarter}, float(disk.overdue)) for disk in around.disks
    ]
    yield _metric("axej_cold_disk_overdue", "Whether the disk of the quarter was not synced in time.", late)
    peers = [({**who, "tier": peer.tier, "peer": peer.peer}, _at(peer.newest_of_theirs)) for peer in around.peers]
    yield _metric("axej_peer_newest_timestamp_seconds", "The newest snapshot that the peer left here.", peers)


def _metric(name: str, explained: str, samples: Sequence[Sample]) -> str:
    lines = [f"{name}{_labels(labels)} {value:.15g}\n" for labels, value in samples if value is not None]
    return f"# HELP {name} {explained}\n# TYPE {name} gauge\n{''.join(lines)}" if lines else ""


def _labels(labels: dict[str, str]) -> str:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items()) + "}"


def _at(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
