"""What the inside asks of the outside: small Protocols and the values that pass through them.

programs/ and journal/ hold the real ones; tests hold small real classes for the same ports, kept honest by
tests/contract. All sizes are bytes, all times are aware datetimes, all durations are seconds.
"""

from axejournal.domain.ports.containers import Container, Containers, Mount, Sidecar
from axejournal.domain.ports.database import DatabaseServer, Dump, ServerFacts, Table
from axejournal.domain.ports.journal import Draft, EventStore, LastPhysical, LastPoint, Leases, Memory
from axejournal.domain.ports.processes import Child, Children, Progress
from axejournal.domain.ports.repository import BackupOrder, Copied, Forgotten, Node, Repository, RepositoryLock, Snapshot, Stored
from axejournal.domain.ports.system import Clock, Disk

__all__ = [
    "BackupOrder",
    "Child",
    "Children",
    "Clock",
    "Container",
    "Containers",
    "Copied",
    "DatabaseServer",
    "Disk",
    "Draft",
    "Dump",
    "EventStore",
    "Forgotten",
    "LastPhysical",
    "LastPoint",
    "Leases",
    "Memory",
    "Mount",
    "Node",
    "Progress",
    "Repository",
    "RepositoryLock",
    "ServerFacts",
    "Sidecar",
    "Snapshot",
    "Stored",
    "Table",
]
