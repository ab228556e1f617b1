"""State machines as tables: rows `(state, event name, next state)`. The only user of `transitions`.

`transitions` 0.9 takes an unknown target state and a doubled row in silence and fires callbacks on replay (measured),
so it is used as a table that no object is bound to, and the table is checked here when it is built.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from axejournal.domain.errors import AxejError
from axejournal.domain.events import NEUTRAL, RunCancelled, RunFailed, RunWaits
from axejournal.domain.resting import AWAITING_DISK, RESTING, WAITING

FAILED, CANCELLED = "failed", "cancelled"


class IllegalTransition(AxejError):
    """An event that the present state does not allow. Nothing is recorded."""

    runbook = "stranded-run"


@dataclass(frozen=True)
class Row:
    """One line of a state table."""

    state: str
    event: str
    next: str


@dataclass(frozen=True)
class Machine:
    """A checked state table. `version` rises when rows change; runs record it. `renamed`: old state -> present one."""

    name: str
    version: int
    initial: str
    rows: tuple[Row, ...]
    final: frozenset[str]
    renamed: dict[str, str] = field(default_factory=dict)
    table: Any = field(default=None, repr=False, compare=False)

    @property
    def states(self) -> tuple[str, ...]:
        """Every state, in the order in which the table first names it."""
        names = [self.initial, *(name for row in self.rows for name in (row.state, row.next))]
        return tuple(dict.fromkeys(names))

    def next(self, state: str, event: str) -> str:
        """The state after `event`. Events of the engine that never move a run leave it. Raises IllegalTransition."""
        if event in NEUTRAL:
            return state
        found = self.table.get_transitions(trigger=event, source=state)
        if not found:
            raise IllegalTransition(f"job {self.name}: event {event} is not allowed in state {state}")
        return str(found[0].dest)

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram; ways to failed and cancelled are drawn once, as a note."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        drawn = [row for row in self.rows if row.next not in (FAILED, CANCELLED)]
        lines += [f"    {row.state} --> {row.next}: {row.event}" for row in drawn]
        ends = [state for state in self.states if state in self.final and state not in (FAILED, CANCELLED)]
        lines += [f"    {state} --> [*]" for state in ends]
        working = [state for state in self.states if state not in self.final]
        lines += [f"    note right of {working[0]}: RunFailed and RunCancelled lead out of every state that is not final"]
        return "\n".join(lines) + "\n"


def build(
    name: str,
    version: int,
    initial: str,
    rows: Iterable[tuple[str, str, str]],
    final: Iterable[str],
    renamed: dict[str, str] | None = None,
) -> Machine:
    """Checks a table and returns its machine. RunFailed and RunCancelled are added to every state that isn't final.

    Raises ValueError (a bug of the job) for a doubled row, a way out of a final state, a state that can't be reached
    or from which no final state can be reached, and an engine event that must not move a run.
    """
    finals = frozenset(final) | {FAILED, CANCELLED}
    own = tuple(Row(*row) for row in rows)
    working = dict.fromkeys(row.state for row in own)
    ways = ((RunFailed.__name__, FAILED), (RunCancelled.__name__, CANCELLED))
    ends = tuple(Row(state, event, target) for state in working for event, target in ways)
    _check(name, initial, own, ends, finals)
    return Machine(name, version, initial, own + ends, finals, renamed or {}, _table(initial, own + ends))


def _table(initial: str, rows: tuple[Row, ...]) -> Any:
    from transitions import Machine as Table

    states = list(dict.fromkeys(name for row in rows for name in (row.state, row.next)))
    triggers = [{"trigger": row.event, "source": row.state, "dest": row.next} for row in rows]
    return Table(model=None, states=states, transitions=triggers, initial=initial, auto_transitions=False)


def _check(name: str, initial: str, own: tuple[Row, ...], ends: tuple[Row, ...], finals: frozenset[str]) -> None:
    rows = own + ends
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if (row.state, row.event) in seen:
            raise ValueError(f"job {name}: two rows for {row.event} in {row.state}")
        if row.state in finals:
            raise ValueError(f"job {name}: {row.event} leads out of the final state {row.state}")
        waits = row.event == RunWaits.__name__
        if (waits and row.next not in RESTING) or (not waits and row.next in (WAITING, AWAITING_DISK)):
            raise ValueError(f"job {name}: {row.event} leads from {row.state} to {row.next}; only RunWaits leads to {WAITING}")
        if row.event in NEUTRAL:
            raise ValueError(f"job {name}: {row.event} belongs to the engine and moves no run")
        seen.add((row.state, row.event))
    states = {initial} | {state for row in rows for state in (row.state, row.next)}
    forward = _reach({initial}, {(row.state, row.next) for row in rows})
    if states - forward:
        raise ValueError(f"job {name}: no way leads to {sorted(states - forward)}")
    backward = _reach(set(finals), {(row.next, row.state) for row in own})
    if states - backward:
        raise ValueError(f"job {name}: no way leads from {sorted(states - backward)} to an end of its own")


def _reach(start: set[str], edges: set[tuple[str, str]]) -> set[str]:
    reached = set(start)
    while True:
        more = {target for source, target in edges if source in reached} - reached
        if not more:
            return reached
        reached |= more
