"""Taking lines in by columns: lines of one shape differ in digits, which are looked at all together.

    {"cause":41,"kind":"Traded","mid":"97258500000","seq":42, …}           41  97258500000  42 …
    {"cause":41,"kind":"Traded","mid":"97258500000","seq":44, …}     ─▶    41  97258500000  44 …

Its one rule: it takes lines only if the plain way would, and what they come to is the same. All others are
left to the plain way, which knows what is wrong with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from operator import lt
from typing import Final

import attrs

from mutualize.encoding import DIGITS_MAX
from mutualize.line_shapes import DIGITS, LineShape, Text, require, shape_of
from mutualize.units import div_down

PIECE: Final = 1 << 18
"""About so many bytes are taken at a time: fewer cost calls, more do not fit the processor's cache."""
SHAPES_MAX: Final = 1_000
"""No more shapes are kept, whatever a ledger holds …"""
LINE_MAX: Final = 4_096
"""… and none of a line that has more bytes."""
LEARNING: Final = 16_000
"""To find a shape costs about as much as to take so many bytes in another way: it has to be earned first."""
EARNED_MAX: Final = 256 * LEARNING
FIRST: Final = 128
"""After so many a batch that was not taken by them earns less: names without digits make a shape each."""
LESS: Final = 8
"""By how much less."""

_TIME_DIGITS_MAX: Final = 18
"""A time of more digits is left to the plain way, which knows what it can hold."""
_GAPS: Final = bytes(byte if byte in DIGITS else ord(" ") for byte in range(256))

Moved = dict[tuple[str, str, str], int]
Tables = dict[str, dict[str, str]]
Envelope = tuple[bytes, bytes, bytes, bytes]


@attrs.define
class Taken:
    """What lines come to that follow each other from `seq` on."""

    seq: int
    """Of the next line."""
    at: int
    """The time of the last line."""
    moved: Moved = attrs.Factory(dict)
    tables: Tables = attrs.Factory(dict)
    """Integers as they are spelled: most are overwritten by a later line."""


class LineShapes:
    """The shapes of a ledger, as far as they are known, and what takes its batches by them."""

    def __init__(self) -> None:
        self._known: dict[bytes, LineShape | None] = {}
        """By skeleton. None where lines are left to the plain way."""
        self._earned = 0
        self.learned = 0
        """How many shapes were looked for."""
        self._pays = True
        """Whether the last batch was taken."""

    def take(self, body: bytes, seq: int, at: int) -> Taken | None:
        """Return what the lines of a batch come to; None where the plain way must be asked."""
        earns = len(body) if self._pays or self.learned < FIRST else div_down(len(body), LESS)
        self._earned = min(self._earned + earns, EARNED_MAX)
        taken, tx = Taken(seq, at), b""  # a transaction never goes on in the next batch
        self._pays = False
        try:
            for piece in pieces(body, PIECE):
                tx = _take(piece, self._of(piece), taken, tx)
        except ValueError:
            return None
        self._pays = True
        return taken

    def _of(self, piece: bytes) -> list[LineShape]:
        """Return the shape of each line. Raises ValueError where one has none, or it is not earned yet."""
        skeletons = piece.translate(None, DIGITS).split(b"\n")[:-1]
        found = list(map(self._known.get, skeletons))
        if None in found:
            for skeleton, line in zip(skeletons, piece.split(b"\n"), strict=False):
                if skeleton not in self._known:
                    self._learn(skeleton, line + b"\n")
            found = list(map(self._known.get, skeletons))
        shapes = [shape for shape in found if shape is not None]
        require(len(shapes) == len(skeletons))
        return shapes

    def _learn(self, skeleton: bytes, line: bytes) -> None:
        require(self._earned >= LEARNING and len(line) <= LINE_MAX)
        self._earned -= LEARNING
        self.learned += 1
        if len(self._known) >= SHAPES_MAX:
            self._known.clear()
        self._known[skeleton] = shape_of(line)


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    """Yield lines, about so many bytes at a time."""
    start = 0
    while start < len(body):
        end = body.find(b"\n", start + size) + 1 or len(body)
        yield body[start:end]
        start = end


def _take(piece: bytes, shapes: list[LineShape], taken: Taken, tx: bytes) -> bytes:
    """Take lines of these shapes in. Returns the transaction of the last one; `tx` is the one before.

    Raises ValueError, without a word, where anything seems to be wrong.
    """
    places: dict[LineShape, list[int]] = {shape: [] for shape in shapes}
    for place, shape in enumerate(shapes):
        places[shape].append(place)
    lines = piece.split(b"\n")
    columns = {shape: _Columns(shape, [lines[place] for place in at]) for shape, at in places.items()}
    envelopes = {shape: of.envelope() for shape, of in columns.items()}
    tx = _in_order(map(next, [envelopes[shape] for shape in shapes]), taken, tx)
    assigned = _Assigned()
    for shape, of in columns.items():
        of.require_order()
        of.move(taken.moved)
        of.assign(places[shape], assigned)
    assigned.put(taken.tables)
    return tx


def _in_order(envelopes: Iterator[Envelope], taken: Taken, last: bytes) -> bytes:
    """Hold seq, time, transaction and cause of each line against those of the line before."""
    seq, at, led = taken.seq, b"%d" % taken.at, b""
    for number, now, tx, cause in envelopes:
        if number != b"%d" % seq or (tx != number and (tx != last or now != at)):
            raise ValueError
        if now != at:
            require(len(now) <= _TIME_DIGITS_MAX and int(now) >= int(at) and _is_plain(now))
            at = now
        if cause != led:
            require(not cause or (int(cause) < seq and _is_plain(cause)))
            led = cause
        last = tx
        seq += 1
    taken.seq, taken.at = seq, int(at)
    return last


def _is_plain(run: bytes) -> bool:
    """Say whether a run of digits is how its integer is spelled: only a zero begins with a zero."""
    return run == b"0" or not run.startswith(b"0")


def _texts(column: list[bytes]) -> list[str]:
    return b" ".join(column).decode().split(" ")


class _Columns:
    """The runs of digits of lines of a shape."""

    def __init__(self, shape: LineShape, lines: list[bytes]) -> None:
        """Raise ValueError unless the pattern, with its holes filled, gives the lines, and all is plain."""
        self._shape = shape
        self._length = len(lines)
        self._names: list[tuple[Sequence[str], list[list[bytes]], list[str]]] = []
        text = b"\n".join(lines)
        self._runs = text.translate(_GAPS).split()
        require(len(self._runs) == shape.count * len(lines))
        fill = b"\n".join([shape.pattern] * len(lines)).__mod__
        require(fill(tuple(self._runs)) == text)
        if max(map(len, lines)) - len(shape.skeleton) >= DIGITS_MAX:  # else no run can be as long as that
            require(max(map(len, self._runs)) < DIGITS_MAX)
        for place in shape.numerals:
            column = self._column(place)
            require(min(column) >= b"1" or all(map(_is_plain, column)))
        for place in shape.positive:
            require(min(self._column(place)) >= b"1")
        for place, run in shape.forbidden:
            require(run not in self._column(place))

    def _column(self, place: int) -> list[bytes]:
        return self._runs[place :: self._shape.count]

    def _filled(self, text: Text) -> list[str]:
        """Return a text as each of the lines has it: made once, however often a line names it."""
        columns = [self._column(place) for place, _ in enumerate(text.words[1:], text.place)]
        for words, of, filled in self._names:
            if words == text.words and of == columns:
                return filled
        filled = [text.words[0]] * self._length
        for column, word in zip(columns, text.words[1:], strict=True):
            filled = [before + run + word for before, run in zip(filled, _texts(column), strict=True)]
        self._names.append((text.words, columns, filled))
        return filled

    def _only(self, *texts: Text) -> list[str]:
        """Return texts that are the same in all of the lines; nothing where one differs."""
        found = []
        for text in texts:
            only = text.words[0]
            for place, word in enumerate(text.words[1:], text.place):
                column = self._column(place)
                if column.count(column[0]) != self._length:
                    return []
                only += column[0].decode() + word
            found.append(only)
        return found

    def envelope(self) -> Iterator[Envelope]:
        """Return (seq, t, tx, cause) of each line; the cause is empty where there is none."""
        of = self._shape.envelope
        causes = self._column(of["cause"]) if "cause" in of else repeat(b"", self._length)
        seqs, times, txs = (self._column(of[name]) for name in ("seq", "t", "tx"))
        return zip(seqs, times, txs, causes, strict=True)

    def require_order(self) -> None:
        """Raise ValueError where keys do not stand in their order, or one stands there twice."""
        for one, other in self._shape.ordered:
            require(all(map(lt, self._filled(one), self._filled(other))))

    def move(self, moved: Moved) -> None:
        """Add up what the lines move."""
        for debit, credit, asset, place in self._shape.transfers:
            amounts = map(int, self._column(place))
            only = self._only(debit, credit, asset)
            if only:
                key = only[0], only[1], only[2]
                moved[key] = moved.get(key, 0) + sum(amounts)
                continue
            keys = zip(self._filled(debit), self._filled(credit), self._filled(asset), strict=True)
            for key, amount in zip(keys, amounts, strict=True):
                moved[key] = moved.get(key, 0) + amount

    def assign(self, seqs: list[int], assigned: _Assigned) -> None:
        """Note what the lines assign; `seqs` are theirs."""
        for table, key, sign, place in self._shape.cells:
            only = self._only(table)
            if only and key.is_same:  # of all values only the last one counts
                value = sign + self._column(place)[-1].decode()
                assigned.note(only[0], key.words[0], seqs[-1], value)
                continue
            values = _texts(self._column(place))
            if sign:
                values = [sign + value for value in values]
            if only:
                assigned.columns.setdefault(only[0], []).append((seqs, self._filled(key), values))
                continue
            for name, each, seq, value in zip(
                self._filled(table), self._filled(key), seqs, values, strict=True
            ):
                if key.is_same:
                    assigned.note(name, each, seq, value)
                else:
                    assigned.columns.setdefault(name, []).append(([seq], [each], [value]))


class _Assigned:
    """The cells that lines assign, shape by shape: the last line counts, whatever its shape.

    A key with digits is never one without, so that those that are the same for all lines of a shape stand
    apart from those that are not.
    """

    def __init__(self) -> None:
        self._single: dict[tuple[str, str], tuple[int, str]] = {}
        self.columns: dict[str, list[tuple[list[int], Sequence[str], list[str]]]] = {}
        """By table: the seqs of lines, the keys with digits that they assign, and the values."""

    def note(self, table: str, key: str, seq: int, value: str) -> None:
        """Note one cell whose key has no digits, and the line that assigns it."""
        cell = table, key
        if cell not in self._single or self._single[cell][0] < seq:
            self._single[cell] = seq, value

    def put(self, tables: Tables) -> None:
        """Assign all cells."""
        for (table, key), (_, value) in self._single.items():
            tables.setdefault(table, {})[key] = value
        for table, columns in self.columns.items():
            cells = tables.setdefault(table, {})
            parts = [dict(zip(keys, values, strict=True)) for _, keys, values in columns]
            for part in parts:
                cells.update(part)
            if len(parts) > 1 and len(set().union(*parts)) != sum(map(len, parts)):
                # lines of two shapes assign one cell: once more, in the order of lines
                rows = chain.from_iterable(zip(*each, strict=True) for each in columns)
                cells.update({key: value for _, key, value in sorted(rows)})
