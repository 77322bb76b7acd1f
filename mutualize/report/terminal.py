"""A terminal: the same report with colour, through rich, which is imported only here and only when printing.

Colour is off where `NO_COLOR` is set, and boxes are drawn in ASCII where the terminal knows nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, TextIO

from mutualize.report.blocks import Block, Heading, Line, Table, is_number, title_of
from mutualize.report.text import clean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

_STYLES: Final = {"": "", "strong": "bold", "quiet": "dim", "good": "green", "bad": "bold red"}
_STEP: Final = 2


def show(blocks: Iterable[Block], stream: TextIO) -> None:
    """Print a report to a terminal."""
    from rich.console import Console  # noqa: PLC0415 (start-up: only who prints pays for it)

    console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=False)
    for block in blocks:
        _print(console, block)


def _print(console: Console, block: Block) -> None:
    from rich.padding import Padding  # noqa: PLC0415 (as above)
    from rich.text import Text  # noqa: PLC0415 (as above)

    match block:
        case Heading():
            console.print()
            console.print(Text(clean(block.text), style="bold underline"))
        case Line():
            text = Text(clean(block.text), style=_STYLES[block.tone])
            if block.wrap:
                console.print(Padding(text, (0, 0, 0, _STEP * block.indent)))
            else:
                console.print(text, soft_wrap=True)
        case Table():
            console.print(Padding(_table(block), (0, 0, 0, _STEP)))


def _table(block: Table) -> RichTable:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 (as above)
    from rich.table import Table as RichTable  # noqa: PLC0415 (as above)
    from rich.text import Text  # noqa: PLC0415 (as above)

    table = RichTable(box=SIMPLE_HEAD, safe_box=True, pad_edge=False, padding=(0, 1, 0, 0))
    for column in block.columns:
        title, number = Text(clean(title_of(column))), is_number(column)
        table.add_column(title, justify="right" if number else "left", overflow="fold", no_wrap=number)
    for place, row in enumerate(block.rows):
        table.add_row(*(Text(clean(cell)) for cell in row), style=_STYLES[block.tone(place)])
    return table
