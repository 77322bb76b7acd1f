"""docs/reliability.md tells the truth about where its tests are, and how to run them."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from mutualize.cli import cli

CODE = re.compile(r"`([^`\n]+)`")
HEADINGS = re.compile(r"^## (.+)$", re.MULTILINE)


@pytest.fixture
def text(checkout: Path) -> str:
    """Return the page."""
    return (checkout / "docs" / "reliability.md").read_text()


def test_every_file_that_is_named_is_there(text: str, checkout: Path) -> None:
    """A promise names its test, and the test is there."""
    pattern = r"(?:tests|docs|mutualize|benchmarks|\.ci)/[\w./-]*\w"
    named = [path for code in CODE.findall(text) for path in re.findall(pattern, code)]
    assert len(set(named)) > 20
    missing = sorted({path for path in named if not (checkout / path).exists()})
    assert not missing


def test_every_row_of_promises_has_a_test_and_a_command(text: str) -> None:
    """A promise without a test, or without a way to run it, is none."""
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert len(rows) > 25
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 4, row
        assert all(cells[:3]), row
        assert "`" in cells[1] or cells[1].startswith("the same"), row


def test_every_variable_and_option_is_known(text: str, checkout: Path) -> None:
    """What a command sets or asks for is read by the file that it names, or is an option of the program."""
    sources = "".join(path.read_text() for path in sorted((checkout / "tests").glob("*.py")))
    variables = set(re.findall(r"\b(MUTUALIZE_[A-Z]+)=", text))
    assert variables
    assert all(f'"{name}"' in sources for name in variables)
    options = {
        option
        for command in cli.commands.values()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    for code in CODE.findall(text):
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", code):
            assert option in options or f'"{option}"' in sources, code


def test_every_selection_selects(text: str, checkout: Path) -> None:
    """A command that picks tests by a word picks at least one."""
    picked = re.findall(r"pytest (tests/\w+\.py) -k (\w+)", text)
    assert picked
    for file, word in picked:
        names = re.findall(r"^def (test_\w+)", (checkout / file).read_text(), re.MULTILINE)
        assert [name for name in names if word in name], (file, word)


def test_every_part_is_in_the_list_of_contents(text: str) -> None:
    """The list at the top leads to every part."""
    headings = HEADINGS.findall(text)
    anchors = re.findall(r"\]\(#([\w-]+)\)", text)
    assert [heading.lower().replace(" ", "-") for heading in headings] == anchors
