"""Options and arguments that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="PATH=VALUE",
    help="Another value, by its dotted path. Repeatable.",
)
limit_option = click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME=N",
    help="Raise a limit that an error names. Repeatable.",
)
jobs_option = click.option(
    "--jobs", type=click.IntRange(1), help="Processes for many runs; left out: one a processor."
)
variant_option = click.option("--variant", metavar="NAME", help="Apply a variant of the scenario.")


def alternatives_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Take what a page shows beside its run, each run again from its beginning."""
    every = click.option(
        "--alternatives", "every", is_flag=True, help="In the page, beside each variant of the scenario too."
    )
    one = click.option(
        "--alternative",
        "alternatives",
        multiple=True,
        metavar="'[VARIANT] PATH=VALUE …'",
        help="In the page, beside the same scenario with this changed, run again. Repeatable.",
    )
    return one(every(function))


def examples(*commands: str) -> str:
    """Return the block of examples under a command's help, each on a line of its own."""
    return "\b\nExamples\n" + "".join(f"  {command}\n" for command in commands)


def ledger_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Take a ledger, or a run folder."""
    return click.argument("ledger", metavar="LEDGER", callback=lambda _c, _p, value: ledger_path(value))(
        function
    )


def ledger_path(value: str) -> Path:
    """Return where a ledger lies: the file itself, or inside a run folder."""
    path = Path(value)
    return path / "ledger.jsonl" if path.is_dir() else path
