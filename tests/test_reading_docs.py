"""What the pages about reading a run promise is there: every command, and every option of it."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from mutualize.cli import cli

PAGES = ("docs/reading.md", "docs/data.md")
COMMANDS = ("explain", "ledger", "compare", "export")


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_there(page: str, checkout: Path) -> None:
    """A command that a page shows exists, with the options that it shows."""
    text = (checkout / page).read_text(encoding="utf-8")
    shown = re.findall(r"`mutualize\s+(\w+)([^`]*)`", text)
    assert shown
    for name, rest in shown:
        command = cli.commands[name]
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", rest)) <= known, (name, rest)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_told_and_examples_stand_below(name: str) -> None:
    """Each option has its help, and the examples are commands that exist."""
    command = cli.commands[name]
    assert all(each.help for each in command.params if isinstance(each, click.Option))
    examples = (command.epilog or "").splitlines()[2:]
    assert examples
    assert all(line.startswith(f"  mutualize {name} ") for line in examples)
