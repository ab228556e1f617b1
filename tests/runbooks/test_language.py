"""`language: ko`: every place that names or shows a page names or shows the Korean one. And what each is shown as."""

from __future__ import annotations

import json

import pytest

from axejournal.app.paging import pages
from tests.crash.proof import run_id
from tests.world.home import World


@pytest.fixture
def world(make_world) -> World:
    made: World = make_world(databases=())
    made.config["language"] = "ko"
    made.write()
    return made


def test_pages_are_named_and_shown_in_the_configured_language(world: World):
    missing = world.axej("restore", "--yes", expect=10)
    assert "See runbooks/restore-point-missing.ko.md." in missing.stderr
    world.axej("backup", "--local", expect=0)
    plan = world.axej("restore", "--dry-run", expect=0).stdout
    assert "runbook         runbooks/failed-run.ko.md" in plan
    assert "## 증상" in world.axej("runbook", "show", "busy", "--plain", expect=0).stdout
    world.repository.path.rename(world.folder / "elsewhere")
    failed = world.axej("backup", "--local", expect=10)
    assert "See runbooks/repository-missing.ko.md." in failed.stderr
    told = world.axej("history", run_id(failed.stderr), expect=0).stdout
    assert "/runbooks/repository-missing.ko.md\n" in told
    assert "step 1 of repository-missing: look: " in told
    assert 'go on: "axej runbook run repository-missing"' in told


def test_list_names_every_page_with_its_title_and_kind(world: World):
    found = json.loads(world.axej("runbook", "list", "--json", expect=0).stdout)
    assert [page["kind"] for page in found[:5]] == ["scenario"] * 5
    assert {page["name"] for page in found} == {page.name for page in pages("en")}
    assert next(page["title"] for page in found if page["name"] == "machine-lost") == "머신 전체를 잃음 (시나리오 2)"
    shown = world.axej("runbook", "list", env={"COLUMNS": "80"}, expect=0).stdout
    assert max(map(len, shown.splitlines())) <= 80


def test_page_without_a_configuration_is_shown_and_waits_for_a_person(world: World):
    world.config_path.unlink()
    assert "## Steps" in world.axej("runbook", "show", "machine-lost", "--plain", expect=0).stdout
    waits = world.axej("runbook", "run", "machine-lost", expect=2)
    assert "step is-it-gone: is that done? A person must say" in waits.stderr
    assert not world.config_path.exists() and not world.state.exists()
    assert 'by hand: "axej runbook show frame-damaged"' in world.axej("runbook", "run", "frame-damaged", expect=2).stderr
    assert "no page of runbooks/ is called nope" in world.axej("runbook", "show", "nope", expect=2).stderr


def test_configuration_with_faults_still_says_its_language(world: World):
    world.config_path.write_text("language: ko\nno: such\n", encoding="utf-8")
    assert "See runbooks/configuration.ko.md." in world.axej("status", expect=4).stderr
