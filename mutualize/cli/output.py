"""How a command answers: a report, plain or in colour, or one JSON object."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mutualize.report.blocks import Block


def emit(blocks: Iterable[Block], *, continued: bool = False) -> None:
    """Print a report (or its continuation): with colour to a terminal that wants it, else as plain text."""
    color = click.get_current_context().obj["color"]
    wanted = color == "always" or bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()
    if color != "never" and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and wanted:
        from mutualize.report.terminal import show

        show(blocks, sys.stdout)
    else:
        from mutualize.report.plain import plain

        sys.stdout.write("\n" * continued + plain(blocks))


def emit_json(data: object) -> None:
    """Print one JSON object with sorted keys, in ASCII, which every terminal and pipe can take."""
    import json

    sys.stdout.write(json.dumps(data, indent=2, sort_keys=True) + "\n")


def forget_stdout() -> None:
    """Send all that is still to be printed nowhere: whoever read it has read enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
