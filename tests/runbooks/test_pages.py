"""The pages of runbooks/: there is one for each failure, in both languages, and what they say can be typed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from axejournal.cli.main import COMMANDS, axej
from axejournal.domain import alarm_errors, errors, machine
from axejournal.domain.errors import AxejError
from axejournal.jobs import JOBS
from tests.runbooks.pages import Page, Step, blocks, english, korean

SCENARIOS = ("frame-damaged", "blueprint-damaged", "hive-damaged", "machine-lost", "silent-corruption")
SECTIONS = ("Symptom", "Decision", "Steps", "How to know that it worked", "Without axej")
SECTIONS_KO = ("증상", "판단", "절차", "성공 확인", "axej 없이")
COMING: tuple[str, ...] = ()
"""Commands that pages name and that are not built yet. One that exists must not be here."""
COMING_JOBS: tuple[str, ...] = ()
"""The same for jobs."""
NAMES = {
    "AS_OF": "2026-05-20T03:00",
    "RUN": "260520-0300-k3f9",
    "WHY": "because",
}
"""What stands in for the words in capitals of a page."""

PAGES = english()
BOTH = [page for each in PAGES for page in (each, korean(each))]


def name(page: Page) -> str:
    return page.path.name


def failures(kind: type[AxejError] = AxejError) -> Iterator[type[AxejError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from failures(child)


OF_AXEJ = {kind for kind in failures() if kind.__module__ in (errors.__name__, alarm_errors.__name__, machine.__name__)}
ERRORS = sorted((kind for kind in OF_AXEJ if kind.runbook), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_failure_has_its_page_in_both_languages_and_is_named_there(kind: type[AxejError]):
    pages = {page.path.stem: page for page in PAGES}
    assert kind.runbook in pages
    for page in (pages[kind.runbook], korean(pages[kind.runbook])):
        assert f"`{kind.__name__}` (exit {kind.exit_code})" in page.text


def test_pages_are_those_of_failures_and_scenarios():
    assert {page.path.stem for page in PAGES} == {kind.runbook for kind in ERRORS} | set(SCENARIOS)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_page_has_all_sections_in_both_languages(page: Page):
    assert page.headings == SECTIONS
    assert korean(page).headings == SECTIONS_KO


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_page_has_the_same_steps_commands_and_output_in_both_languages(page: Page):
    def marks(steps: tuple[Step, ...]) -> list[tuple[object, ...]]:
        return [(step.number, step.id, step.job, step.run, step.decide, step.blocks) for step in steps]

    assert marks(page.steps) == marks(korean(page).steps)
    assert blocks(page.text) == blocks(korean(page).text)
    rows = [len(re.findall(r"^\|", each.section(1), re.MULTILINE)) for each in (page, korean(page))]
    assert rows[0] == rows[1] > 3


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_korean_page_is_korean(page: Page):
    prose = re.sub(r"```.*?```", "", korean(page).text, flags=re.DOTALL)
    written = re.sub(r"`[^`]*`|\[[^]]*\]\([^)]*\)|<!--.*?-->|\W|[0-9_]", "", prose)
    assert len(re.findall(r"[가-힣]", written)) > 0.7 * len(written)
    assert not re.search(r"[가-힣]", page.text.replace("한국어", ""))


@pytest.mark.parametrize("page", BOTH, ids=name)
def test_steps_are_numbered_have_ids_and_say_what_to_expect(page: Page):
    steps = page.steps
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert len({step.id for step in steps}) == len(steps) > 2
    assert len(re.findall(r"^\d+\. ", page.section(2), re.MULTILINE)) == len(steps)
    for step in steps:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", step.id)
        languages = [language for language, _ in step.blocks]
        assert languages or step.decide, f"{step.id}: neither a command nor a decision"
        if languages:
            assert languages[0] == "sh" and "text" in languages, f"{step.id}: a command without its output"


@pytest.mark.parametrize("page", BOTH, ids=name)
def test_jobs_that_steps_name_exist(page: Page):
    jobs = set(JOBS)
    assert not jobs & set(COMING_JOBS)
    assert {step.job for step in page.steps if step.job} <= jobs | set(COMING_JOBS)


@pytest.mark.parametrize("page", BOTH, ids=name)
def test_links_lead_to_pages_of_the_same_language(page: Page):
    other = korean(page) if page in PAGES else Page(page.path.with_name(page.path.name.replace(".ko.md", ".md")))
    assert other.path.name in page.links
    for link in page.links:
        assert (page.path.parent / link).is_file(), link
        assert link == other.path.name or link.endswith(".ko.md") == page.path.name.endswith(".ko.md"), link


@pytest.mark.parametrize("page", BOTH, ids=name)
def test_last_section_uses_nothing_of_axej(page: Page):
    commands = [content for language, content in blocks(page.section(4)) if language == "sh"]
    assert commands
    assert not re.search(r"^(axej|axe) ", "\n".join(commands), re.MULTILINE)


def test_coming_commands_do_not_exist_yet():
    assert not set(COMING) & set(COMMANDS)


@pytest.mark.parametrize("page", BOTH, ids=name)
def test_commands_of_axej_are_understood_by_it(page: Page):
    assert page.commands
    for _, *words in page.commands:
        understand([NAMES.get(word, word) for word in words])


def understand(words: list[str]) -> None:
    """Parses a command as click would, without running it. Raises click.UsageError."""
    if words[0] in COMING:
        return
    if words[0].startswith("-"):
        assert words in (["--help"], ["--version"])
        return
    command: click.Command = axej
    context = click.Context(axej, info_name="axej")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        title, found, words = command.resolve_command(context, words)
        assert found is not None
        command, context = found, click.Context(found, parent=context, info_name=title)
    command.make_context(context.info_name, words, parent=context.parent)


@pytest.mark.parametrize("words", (["journal", "verfy"], ["backup", "--lokal"], ["resume", "RUN", "x"], ["nothing"]))
def test_understand_refuses_what_axej_does_not_know(words: list[str]):
    with pytest.raises(click.UsageError):
        understand(words)
