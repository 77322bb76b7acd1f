"""A stretch: many transactions of known shapes, one after the other at one moment, written at once.

    sample, with holes ─▶ encode ─▶ lines, cut at the holes ─▶ lines of values     (what the ledger takes)
           └──────────────────────▶ a function of values ────▶ events              (for who wants to see them)

Its one rule: it is what its entries are. The encoder alone says how a line is spelled: a shape repeats what
that wrote of a sample, with other numbers and another name in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, Final

import attrs

from mutualize.accounts import Transfer
from mutualize.encoding import encode, encode_text
from mutualize.events import Cell, Entry, Event

Values = tuple[Any, ...]
"""What fills the holes of a shape, by number: AT … SEQ are the same for all shapes."""
AT, CAUSE, CAUSE_TEXT, NAME, NAME_TEXT, SEQ = range(6)
"""Time, cause (as a number and as it is spelled), name (also both), and the seq of the first entry.

Behind it come the numbers of the events, and then the seqs of the other entries.
"""
_HOLES: Final = 7_190_000_000_000_000_000
"""The holes are the integers from here on, in a sample: as large as the envelope of an entry takes."""
_DIGITS: Final = str(_HOLES)[:-4]
"""How all of them begin."""
FIRST, LAST = "\x01", "\U0010ffff"
"""Two holes for the name: as a key it stands before, or behind, whatever else stands beside it."""


Maker = tuple[int, int | None, Callable[[Values], Event]]
"""The place of an entry in its transaction, that of the one which led to it, and what makes its event."""


def could_be_holes(names: Iterable[str]) -> bool:
    """Say whether any of these names could be taken for a hole: transactions with it are not joined."""
    return any(_DIGITS in name or FIRST in name or LAST in name for name in names)


def hole(number: int) -> int:
    """Return what stands for a value in a sample."""
    return _HOLES + number


def place_of(number: int) -> int | None:
    """Return which value a number of a sample stands for; None where it stands for itself."""
    return number - _HOLES if number >= _HOLES else None


TOGETHER: Final = 32
"""How many transactions are spelled at a time."""


class Shape:
    """Transactions that differ in nothing but numbers and one name; found from a sample of their events."""

    def __init__(self, sample: Sequence[tuple[Event, int | None]], numbers: int) -> None:
        """`sample` holds the events, each with the place of the one that led to it; None: what led to all.

        `numbers` says how many numbers of events there are.
        """
        self.sample = tuple([event for event, _ in sample])
        self.kinds = frozenset(map(type, self.sample))
        self.count = len(sample)
        self.led = tuple([led for _, led in sample])
        self._makers: list[Callable[[Values], Event]] = []
        pattern, order = _pattern_of(sample, SEQ + numbers)
        self._format: Callable[[Values], str] = pattern.__mod__
        self._pick: Callable[[Values], Values] = itemgetter(*order)

    def lines(self, values: Values) -> str:
        """Return the lines of one transaction: as text, which takes two thirds of the time of bytes."""
        return self._format(self._pick(values))

    def makers(self, kinds: Container[type[Event]]) -> list[Maker]:
        """Return what makes its entries of these kinds."""
        if not self._makers:
            self._makers = [_maker(event) for event in self.sample]
        return [
            (place, led, self._makers[place])
            for place, led in enumerate(self.led)
            if type(self.sample[place]) in kinds
        ]


def _pattern_of(sample: Sequence[tuple[Event, int | None]], last: int) -> tuple[str, list[int]]:
    """Return the lines of a sample with a place for each value, and the values in the order of places.

    `last` is the number of the last value before the seqs of all entries but the first.
    """
    seqs = [hole(SEQ), *(hole(last + place) for place in range(1, len(sample)))]
    line = b"".join(
        encode(Entry(seq, hole(AT), seqs[0], hole(CAUSE_TEXT) if led is None else seqs[led], event))
        for seq, (event, led) in zip(seqs, sample, strict=True)
    )
    names = [encode_text(name) for name in (FIRST, LAST)]
    order: list[int] = []

    def cut(found: re.Match[bytes]) -> bytes:
        is_name = found[0] in names
        order.append(NAME_TEXT if is_name else int(found[0]) - _HOLES)
        return b"%s" if order[-1] in (NAME_TEXT, CAUSE_TEXT) else b"%d"

    holes = b"|".join([*map(re.escape, names), _DIGITS.encode() + rb"\d{4}"])
    return re.sub(holes, cut, line.replace(b"%", b"%%")).decode(), order


_MAKER = """
def make(values):
    made = new(loose)
    {fields}
    made.transfers = ({transfers})
    made.cells = ({cells})
    made.__class__ = kind
    return made
"""


@cache
def _loose(kind: Any) -> type:
    """Return a class of the same fields that takes assignments, for as long as an event is being made.

    An event that is made of it and then turned into its own kind costs a third of one by its constructor.
    """
    own = {"__slots__": kind.__slots__, "__setattr__": object.__setattr__}
    return type(kind.__name__, kind.__bases__, own)


def _maker(sample: Event) -> Callable[[Values], Event]:
    """Return the function that makes an event of the values: its code names each, as if written by hand."""
    fields = [
        f"made.{field.name} = {_taken(getattr(sample, field.name))}"
        for field in attrs.fields(type(sample))
        if field.name not in ("transfers", "cells")
    ]
    rows = [
        "".join(f"row({kind}, ({', '.join(map(_taken, row))})), " for row in of)
        for kind, of in (("Transfer", sample.transfers), ("Cell", sample.cells))
    ]
    source = _MAKER.format(fields="\n    ".join(fields), transfers=rows[0], cells=rows[1])
    kind: Any = type(sample)
    made: dict[str, Any] = {"kind": kind, "loose": _loose(kind), "new": object.__new__}
    made |= {"row": tuple.__new__, "Transfer": Transfer, "Cell": Cell}
    exec(source, made)  # noqa: S102 - made of our own classes' field names, as attrs makes their constructors
    maker: Callable[[Values], Event] = made["make"]
    return maker


def _taken(value: object) -> str:
    """Return the code that takes a value of a sample: out of its hole, or as it stands."""
    if value in (FIRST, LAST):
        return f"values[{NAME}]"
    if isinstance(value, int) and value >= _HOLES:
        return f"values[{value - _HOLES}]"
    return repr(value)


@attrs.frozen(eq=False)
class Stretch:
    """Transactions, and what they come to: the sums of their transfers, and the last cells."""

    seq: int
    """Of the first entry."""
    count: int
    """How many entries there are."""
    moved: Sequence[tuple[str, str, str, int]]
    tables: Mapping[str, Mapping[str, int]]
    rows: Sequence[tuple[Shape, Values]]

    @property
    def shapes(self) -> list[Shape]:
        """The shapes that there are, each once."""
        return list(dict.fromkeys([shape for shape, _ in self.rows]))

    @property
    def kinds(self) -> frozenset[type[Event]]:
        """The kinds of all entries."""
        return frozenset[type[Event]]().union(*[shape.kinds for shape in self.shapes])

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of all entries, some at a time: all at once take memory that is slow to get."""
        rows = self.rows
        for first in range(0, len(rows), TOGETHER):
            together = rows[first : first + TOGETHER]
            yield "".join([shape.lines(values) for shape, values in together]).encode()

    def entries(self, kinds: Container[type[Event]] | None = None) -> list[Entry]:
        """Return the entries, or those of some kinds: they are made when somebody asks."""
        chosen = self.kinds if kinds is None else kinds
        makers = {shape: shape.makers(chosen) for shape in self.shapes}
        found = []
        for shape, values in self.rows:
            for place, led, make in makers[shape]:
                tx = values[SEQ]
                cause = values[CAUSE] if led is None else tx + led
                found.append(Entry(tx + place, values[AT], tx, cause, make(values)))
        return found
