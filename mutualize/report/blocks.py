"""What a report is made of: headings, lines and tables. Worded once, printed in three ways."""

from __future__ import annotations

from typing import TypeAlias

import attrs


@attrs.frozen
class Heading:
    """The title of a part."""

    text: str


@attrs.frozen
class Line:
    """A line of text. `tone` is '', 'strong', 'quiet', 'good' or 'bad'; `indent` counts steps.

    What is to be copied (`wrap` is false) stays on one line, however long.
    """

    text: str
    tone: str = ""
    indent: int = 0
    wrap: bool = True


@attrs.frozen
class Table:
    """Rows under columns. A column whose name begins with '>' is a column of numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    tones: tuple[str, ...] = ()
    """The tone of each row, where there are any."""

    def __attrs_post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows), "a row has a cell for each column"

    def tone(self, row: int) -> str:
        """Return the tone of a row."""
        return self.tones[row] if row < len(self.tones) else ""


Block: TypeAlias = Heading | Line | Table


def title_of(column: str) -> str:
    """Return a column's name as people read it."""
    return column.removeprefix(">")


def is_number(column: str) -> bool:
    """Say whether a column holds numbers, which stand to the right."""
    return column.startswith(">")
