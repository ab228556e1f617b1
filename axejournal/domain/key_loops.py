"""Who opens what when this machine is gone? Pure.

A repository is opened by a password; the password is kept somewhere; that place is in other repositories, or in none. Whoever
follows this from a repository must come to paper at last. Where the way only comes back to where it began, the data are
lost with the machine, and nobody notices before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PAPER = "paper"
Ways = Mapping[str, Sequence[str]]
"""From each thing to what gives it back, one of which is enough."""


def rescued(ways: Ways) -> frozenset[str]:
    """Everything from which a way leads to paper."""
    found: frozenset[str] = frozenset({PAPER})
    while True:
        more = frozenset(thing for thing, by in ways.items() if found.intersection(by)) | found
        if more == found:
            return found
        found = more


def circles(ways: Ways) -> tuple[tuple[str, ...], ...]:
    """Each circle from which no way leads to paper, from a thing back to it; one for each thing at most, none twice."""
    lost = set(ways) - rescued(ways)
    found: dict[frozenset[str], tuple[str, ...]] = {}
    for thing in sorted(lost):
        circle = _back_to(thing, ways, lost)
        if circle:
            found.setdefault(frozenset(circle), circle)
    return tuple(found.values())


def dead_ends(ways: Ways, things: Sequence[str]) -> tuple[str, ...]:
    """Those of the things from which a way leads neither to paper nor round in a circle: kept in one place, backed up nowhere."""
    lost = set(ways) - rescued(ways)
    round_about = {thing for circle in circles(ways) for thing in circle}
    return tuple(thing for thing in things if thing in lost and not round_about & _reached(thing, ways))


def _back_to(thing: str, ways: Ways, within: set[str]) -> tuple[str, ...]:
    """The shortest way from a thing back to itself; empty when there is none."""
    open_ways: list[tuple[str, ...]] = [(thing,)]
    seen: set[str] = set()
    while open_ways:
        way = open_ways.pop(0)
        for following in ways.get(way[-1], ()):
            if following == thing:
                return (*way, thing)
            if following in within and following not in seen:
                seen.add(following)
                open_ways.append((*way, following))
    return ()


def _reached(thing: str, ways: Ways) -> set[str]:
    reached, more = {thing}, [thing]
    while more:
        following = [each for each in ways.get(more.pop(), ()) if each not in reached]
        reached.update(following)
        more.extend(following)
    return reached
