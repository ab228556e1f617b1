"""The page of a lost machine, worked through from its first step on a machine that has no configuration."""

from __future__ import annotations

import pytest

from tests.crash.proof import assert_nothing_repeated, events_of
from tests.recover.test_recover import assert_is_back, lose
from tests.world.home import PASSWORD, World
from tests.world.terminal import at_terminal

PAGE = ("runbook", "run", "machine-lost")
DONE = ("is that done? (done, later) [done]", "")
LEFT = ("is that done? (done, later) [done]", "later")


@pytest.fixture
def world(make_world) -> World:
    """A new machine, naked; the copy is in a folder that was connected."""
    made: World = make_world(databases=("frame",))
    made.axej("backup", "--local", expect=0)
    lose(made)
    made.repository.password_file.unlink()
    return made


def before(world: World) -> list[tuple[str, str]]:
    """What is asked and answered up to the recovery."""
    place = world.folder / "copy"
    asked = [("REPOSITORY`? (no, yes, later) [no]", "yes"), ("TIER:", "ring"), ("REPOSITORY:", str(place))]
    return [*[DONE] * 6, *asked, (f"password of {place}:", PASSWORD), ("Bring this machine back? [y/N]:", "y")]


@pytest.mark.parametrize("instant", ["", "effect:place:configuration", "effect:place:journal", "effect:restore:files"])
def test_page_is_begun_without_a_configuration_and_goes_on_in_the_journal_that_came_back(world: World, instant: str):
    answers = before(world) if instant else [*before(world), LEFT]
    code, said = at_terminal(world, answers, *PAGE, kill_at=instant)
    if instant:
        assert code == -9, said
        asked = before(world)[-2:] if "configuration" in instant else [("the repository's password:", PASSWORD)]
        code, said = at_terminal(world, [*asked, LEFT], *PAGE)
    assert (code, "step 9: verify-journal" in said, "step 1: is-it-gone" in said) == (2, True, not instant), said
    assert_is_back(world)
    (page,) = world.json("history", "--job", "runbook")
    (recovery,) = world.json("history", "--job", "recover")
    assert (page["state"], page["customer"], recovery["outcome"]) == ("waiting", "axe", "succeeded")
    events = events_of(world, page["run"])
    assert_nothing_repeated([event for event in events if event["name"] != "RunWaits"])
    performed = {event["step"]: event["data"] for event in events if event["name"] == "CommandPerformed"}
    assert performed["recover:run"]["run"] == recovery["run"]
    assert not (world.config_path.parent / ".axej-page").exists()


def test_page_left_before_the_recovery_is_gone_on_with_and_is_no_ones_journal(world: World):
    code, said = at_terminal(world, [DONE, LEFT], *PAGE)
    assert (code, "left by the person" in said) == (2, True), said
    assert not world.config_path.exists() and not world.state.exists()
    korean = world.axej("runbook", "show", "machine-lost", env={"LC_ALL": "ko_KR.UTF-8"}, expect=0).stdout
    assert "머신 전체를 잃음" in korean
    code, said = at_terminal(world, [LEFT], *PAGE)
    assert (code, "step 1: is-it-gone" in said, "step 2: install-basics" in said) == (2, False, True), said
