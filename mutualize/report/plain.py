"""Plain text: for a file, a pipe, or a terminal without colour. Columns align; nothing is cut."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from mutualize.report.blocks import Block, Heading, Line, Table, is_number, title_of
from mutualize.report.text import clean

WIDTH: Final = 100
_STEP: Final = "  "


def plain(blocks: Iterable[Block]) -> str:
    """Return a report as plain text, lines ending in newlines; never two empty lines together."""
    lines = [line.rstrip() for block in blocks for line in _lines(block)]
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept).rstrip("\n") + "\n"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield from ("", clean(block.text), "-" * len(clean(block.text)))
        case Line():
            indent = _STEP * block.indent
            if not block.wrap:
                yield indent + clean(block.text)
                return
            wrapped = textwrap.wrap(
                clean(block.text),
                WIDTH,
                initial_indent=indent,
                subsequent_indent=indent + (_STEP if block.indent else ""),
                break_long_words=False,
                break_on_hyphens=False,
            )
            yield from wrapped or [""]
        case Table():
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    rows = [tuple(clean(cell) for cell in row) for row in (tuple(map(title_of, table.columns)), *table.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    for number, row in enumerate(rows):
        cells = [
            cell.rjust(width) if is_number(column) else cell.ljust(width)
            for cell, width, column in zip(row, widths, table.columns, strict=True)
        ]
        yield _STEP + _STEP.join(cells)
        if number == 0:
            yield _STEP + _STEP.join("-" * width for width in widths)
    yield ""
