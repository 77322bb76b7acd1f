"""A report as a small piece of HTML for a notebook. Every text is escaped; there is no script and no link."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from mutualize.report.blocks import Block, Heading, Line, Table, is_number, title_of
from mutualize.report.text import clean


def fragment(blocks: Iterable[Block]) -> str:
    """Return a report as one `<div>`."""
    return "".join(("<div>", *(part for block in blocks for part in _parts(block)), "</div>"))


def _text(text: str) -> str:
    return escape(clean(text), quote=True)


def _parts(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield f"<h4>{_text(block.text)}</h4>"
        case Line():
            weight = "bold" if block.tone in ("strong", "bad") else "normal"
            yield f'<div style="font-weight:{weight};margin-left:{block.indent}em">{_text(block.text)}</div>'
        case Table():
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    yield "<table><thead><tr>"
    for column in table.columns:
        yield f"<th>{_text(title_of(column))}</th>"
    yield "</tr></thead><tbody>"
    for row in table.rows:
        yield "<tr>"
        for cell, column in zip(row, table.columns, strict=True):
            side = "right" if is_number(column) else "left"
            yield f'<td style="text-align:{side}">{_text(cell)}</td>'
        yield "</tr>"
    yield "</tbody></table>"
