"""Facts and jobs are found by their names, and none is forgotten."""

from __future__ import annotations

import importlib
import subprocess
import sys
import types
from pathlib import Path

import pytest

import axejournal
from axejournal.domain.events import Fact
from axejournal.domain.facts.known import KNOWN_FACTS, KnownFacts
from axejournal.domain.job import Job
from axejournal.jobs import FILES, JOBS

PACKAGE = Path(axejournal.__file__).parent


def modules(room: str) -> list[types.ModuleType]:
    files = sorted((PACKAGE / room).rglob("*.py"))
    names = (".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__") for file in files)
    return [importlib.import_module(name) for name in names]


def test_every_fact_of_the_domain_is_known():
    found = {
        kind
        for module in modules("domain")
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Fact) and kind is not Fact
    }
    assert found == set(KNOWN_FACTS.values())
    assert {name for name, kind in KNOWN_FACTS.items() if kind.__name__ != name} == set()


def test_two_facts_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch):
    for number in (1, 2):
        module = types.ModuleType(f"axejournal.twice{number}")
        module.Doubled = type("Doubled", (Fact,), {"__module__": module.__name__})
        monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(ValueError, match="two kinds of fact are called Doubled"):
        list(KnownFacts(("twice1", "twice2")))


def test_every_job_is_known_by_its_name():
    found = {job.name for module in modules("jobs") for job in vars(module).values() if isinstance(job, Job)}
    assert found == set(JOBS)
    assert {name for name, job in JOBS.items() if job.name != name} == set()


def test_a_command_loads_the_job_that_it_needs_and_no_other():
    asked = "import sys; from axejournal.jobs import JOBS; JOBS['ring.consent']; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    others = {f"axejournal.jobs.{file}" for file in FILES.values()} - {"axejournal.jobs.ring_consent"}
    assert not others & set(loaded)
