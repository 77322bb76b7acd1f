"""Shapes of lines: what lines have in common that differ in nothing but digits.

    line       {"cause":41,"kind":"Traded","mid":"97258500000","seq":42, …}
    skeleton   {"cause":,"kind":"Traded","mid":"","seq":, …}               without its digits: finds its shape
    pattern    {"cause":%b,"kind":"Traded","mid":"%b","seq":%b, …}         written again with its digits

Its one rule: what is the same for all lines of a shape (fields, kinds, words) was proved of one of them, and
the shape says what is left to look at. Most lines of a ledger have one of a few dozen shapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import attrs

from mutualize.encoding import defaults_of, own_fields, proved
from mutualize.events import KINDS

DIGITS: Final = b"0123456789"
_RUN: Final = re.compile("[0-9]+")


@attrs.frozen
class Text:
    """A text with holes for runs of digits: the words between them, and the place of the first run."""

    words: Sequence[str]
    place: int

    @property
    def is_same(self) -> bool:
        """Whether it is the same for all lines of a shape."""
        return len(self.words) == 1


@attrs.frozen(eq=False, kw_only=True)
class LineShape:
    """What lines of a shape have in common. A place is the number of a run in its line."""

    skeleton: bytes
    pattern: bytes
    """The line, with a hole for each run of digits."""
    count: int
    """How many runs there are."""
    envelope: Mapping[str, int]
    """The places of seq, t and tx, and of the cause where there is one."""
    numerals: Sequence[int]
    """The places of integers that may be zero. (The runs of names may begin with a zero.)"""
    positive: Sequence[int]
    """The places of those that may not: amounts, what is left out where it is zero, what has a sign."""
    forbidden: Sequence[tuple[int, bytes]]
    """Other defaults, which had to be left out."""
    transfers: Sequence[tuple[Text, Text, Text, int]]
    cells: Sequence[tuple[Text, Text, str, int]]
    """Table, key, the sign, and the place of the value."""
    ordered: Sequence[tuple[Text, Text]]
    """Keys that stand beside each other, unless both are the same for all lines."""


def require(holds: bool) -> None:
    """Raise ValueError, without a word, where something does not hold: the plain way knows the words."""
    if not holds:
        raise ValueError


def shape_of(line: bytes) -> LineShape | None:
    """Return the shape of a line; None where it is no event, or where digits are not what they seem."""
    if b"\\" in line or proved(line) is None:  # what digits behind a backslash spell is no digit
        return None
    fields: dict[str, Any] = json.loads(line)
    finder = _Finder(fields.pop("kind"))
    try:
        for name, value in fields.items():  # in the order of the line
            finder.take(name, value)
    except ValueError:
        return None
    return finder.shape(line.rstrip(b"\n"))


class _Finder:
    """Goes over a line and counts runs of digits."""

    def __init__(self, kind: str) -> None:
        self._own, self._left_out = own_fields(KINDS[kind]), defaults_of(KINDS[kind])
        self._count = 0
        self._envelope: dict[str, int] = {}
        self._numerals: list[int] = []
        self._positive: list[int] = []
        self._forbidden: list[tuple[int, bytes]] = []
        self._transfers: list[tuple[Text, Text, Text, int]] = []
        self._cells: list[tuple[Text, Text, str, int]] = []
        self._ordered: list[tuple[Text, Text]] = []

    def shape(self, line: bytes) -> LineShape:
        """Return the shape, once the line was gone over."""
        return LineShape(
            skeleton=line.translate(None, DIGITS),
            pattern=re.sub(rb"[0-9]+", b"%b", line.replace(b"%", b"%%")),
            count=self._count,
            envelope=self._envelope,
            numerals=self._numerals,
            positive=self._positive,
            forbidden=self._forbidden,
            transfers=self._transfers,
            cells=self._cells,
            ordered=self._ordered,
        )

    def take(self, name: str, value: Any) -> None:
        """Go over the next field. Raises ValueError where lines that differ in digits are too different."""
        require(not _RUN.search(name))
        if name == "set":
            self._set(value)
        elif name == "transfers":
            for debit, credit, asset, amount in value:
                texts = self._text(debit), self._text(credit), self._text(asset)
                require(not amount.startswith("-"))
                self._transfers.append((*texts, self._numeral(amount, is_positive=True)))
        elif name not in self._own:  # of the envelope, which is looked at line by line
            if value is not None:
                require(value >= 0)
                self._envelope[name] = self._count
                self._count += 1
        elif self._own[name] == "int":
            default = str(self._left_out.get(name, ""))
            if default not in ("", "0") and value.startswith("-") == default.startswith("-"):
                self._forbidden.append((self._count, default.removeprefix("-").encode()))
            self._numeral(value, is_positive=default == "0")
        elif self._own[name] == "str":
            require(not _RUN.search(self._left_out.get(name, "")))
            self._text(value)

    def _set(self, tables: dict[str, dict[str, str]]) -> None:
        names: list[Text] = []
        for table, cells in tables.items():
            names.append(self._text(table))
            keys: list[Text] = []
            for key, value in cells.items():
                keys.append(self._text(key))
                sign = "-" if value.startswith("-") else ""
                self._cells.append((names[-1], keys[-1], sign, self._numeral(value)))
            self._keep_order(keys)
        self._keep_order(names)

    def _keep_order(self, keys: list[Text]) -> None:
        self._ordered += [pair for pair in pairwise(keys) if not all(key.is_same for key in pair)]

    def _text(self, text: str) -> Text:
        words = _RUN.split(text)
        self._count += len(words) - 1
        return Text(words, self._count - len(words) + 1)

    def _numeral(self, numeral: str, *, is_positive: bool = False) -> int:
        """Return the place of an integer. The sign is part of the shape, and no zero has one."""
        (self._positive if is_positive or numeral.startswith("-") else self._numerals).append(self._count)
        self._count += 1
        return self._count - 1
