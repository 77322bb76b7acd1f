"""Markdown: the same report for a pull request or a page of notes. No name in it is markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from mutualize.report.blocks import Block, Heading, Line, Table, is_number, title_of
from mutualize.report.text import clean

_MARKS: Final = "|*_`[]~#<>"
_BULLET: Final = "- "


def markdown(blocks: Iterable[Block]) -> str:
    """Return a report as Markdown, ending in one newline."""
    lines = [line for block in blocks for line in _lines(block)]
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept).strip("\n") + "\n"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it stands, on one line."""
    return "".join(
        f"\\{c}" if c in _MARKS else c for c in clean(text).replace("\\", "\\\\").replace("&", "&amp;")
    )


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield from ("", f"### {escaped(block.text)}", "")
        case Line(indent=0):
            text = escaped(block.text)
            yield from (f"**{text}**" if block.tone == "strong" and text else text, "")
        case Line():
            yield "  " * (block.indent - 1) + _BULLET + escaped(block.text)
        case Table():
            yield ""
            yield _row(map(title_of, block.columns))
            yield "|" + "|".join("---:" if is_number(column) else "---" for column in block.columns) + "|"
            yield from map(_row, block.rows)
            yield ""


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"
