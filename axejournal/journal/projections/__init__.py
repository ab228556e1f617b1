"""Tables computed from the events: one question, one file. A new question is one file here and one line in the tuple."""

from __future__ import annotations

from axejournal.journal.projections import (
    copies,
    data_reads,
    disks,
    freshness,
    outbox,
    physical_copies,
    repositories,
    restore_points,
    ring,
    runs,
)
from axejournal.journal.projections.projection import Projection

PROJECTIONS: tuple[Projection, ...] = (
    runs.PROJECTION,  # first: the others ask it whose run an event belongs to
    restore_points.PROJECTION,
    freshness.PROJECTION,
    repositories.PROJECTION,
    disks.PROJECTION,
    physical_copies.PROJECTION,
    data_reads.PROJECTION,
    ring.PROJECTION,
    copies.PROJECTION,
    outbox.PROJECTION,
)
