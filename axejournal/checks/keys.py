"""Passwords that are lost together with what they open."""

from __future__ import annotations

from collections.abc import Iterable

from axejournal.checks.finding import Finding, Patient, failed, ok
from axejournal.domain.errors import KeysCircular


def circles(patient: Patient) -> Iterable[Finding]:
    """Follows where each password is kept, and what backs that up: a circle without paper in it is an error."""
    assert patient.app is not None
    found = patient.app.keys.standing()
    for circle in found.circles:
        text = f"{' -> '.join(circle)}: with this machine both are lost"
        yield failed("key circles", KeysCircular(text, 'Write it on paper, then "axej keys verify --paper".'))
    if not found.circles:
        yield ok("key circles", "no password is kept only inside the repository that it opens")
