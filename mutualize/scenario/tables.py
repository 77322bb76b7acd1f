"""Tables beside a scenario: bars of prices, gas prices, positions. CSV, read strictly, row by row.

    # source: …            lines that begin with '#' come first and are kept as notes
    timestamp_utc,open,high,low,close,volume
    2022-11-22T17:00:00Z,0.4641,0.4700,0.4450,0.4512,1234

Times are UTC (or whole seconds), strictly rising; a missing row is a hole and is never filled. Problems are
told with the line of the file, as an editor counts.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import attrs

from mutualize.errors import Exit
from mutualize.scenario.files import Loaded
from mutualize.scenario.limits import LIMITS, Limits, remedy_of
from mutualize.scenario.market import PRICE_MAX, Candle
from mutualize.scenario.place import Problems, did_you_mean, shown
from mutualize.scenario.scalars import parse_row_time, read_decimal

TIME_COLUMN: Final = "timestamp_utc"
PRICE_COLUMNS: Final = ("open", "high", "low", "close")
PROBLEMS_MAX: Final = 10
"""How many problems of one file are told."""


class Row(NamedTuple):
    """One row of a table: its line in the file, and its cells by column."""

    line: int
    cells: dict[str, str]


@attrs.define
class CsvTable:
    """A CSV file whose rows are handed out one by one; problems are noted with file and line."""

    loaded: Loaded
    problems: Problems
    limits: Limits = LIMITS
    notes: tuple[str, ...] = ()
    told: int = 0

    def bad(self, line: int, problem: str, remedy: str = "", code: Exit = Exit.USAGE) -> None:
        """Note a problem, up to a few a file."""
        self.told += 1
        if self.told <= PROBLEMS_MAX:
            self.problems.add_file(self.loaded.name, line, problem, remedy, code)
        elif self.told == PROBLEMS_MAX + 1:
            self.problems.add_file(self.loaded.name, 0, f"reading stopped after {PROBLEMS_MAX} problems.")

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """Hand out the rows as far as they have the right number of cells; `columns` must be there."""
        lines = self.loaded.text.split("\n")
        while lines and not lines[-1].strip():
            lines.pop()
        start = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
        self.notes = tuple(_cleaned(line) for line in lines[:start])
        most = self.limits.row_characters
        too_long = next((n for n, line in enumerate(lines, 1) if len(line) > most), None)
        if too_long is not None:
            remedy = remedy_of("row_characters", max(map(len, lines)))
            self.bad(too_long, f"the row is longer than {most:,} characters.", remedy, Exit.LIMIT)
        elif start == len(lines):
            self.bad(0, "the table is empty.", f"Its first row names the columns: {','.join(columns)}.")
        else:
            yield from self._below(lines[start:], start, columns)

    def first_of(self, names: Sequence[str]) -> str:
        """Return which of some columns the table has; the first of them where it has none.

        What is no table at all is told by whoever reads its rows.
        """
        lines = (line for line in self.loaded.text.split("\n") if not line.startswith("#"))
        try:
            header = next(csv.reader(lines), [])
        except csv.Error:
            header = []
        return next((name for name in names if name in header), names[0])

    def _below(self, lines: list[str], start: int, columns: Sequence[str]) -> Iterator[Row]:
        """Read the row of names and hand out the rows below."""
        reader = csv.reader(lines, strict=True)
        try:
            header = next(reader)
            if not self._has(header, start + reader.line_num, columns):
                return
            for cells in reader:
                line = start + reader.line_num
                if self.told > PROBLEMS_MAX:
                    return
                if len(cells) != len(header):
                    self.bad(line, f"the row has {len(cells)} cells, the columns are {len(header)}.")
                    continue
                yield Row(line, dict(zip(header, cells, strict=True)))
        except csv.Error as error:
            self.bad(start + reader.line_num, f"not a CSV table: {error}.")

    def _has(self, header: list[str], line: int, columns: Sequence[str]) -> bool:
        """Check the row of names."""
        twice = next((name for name in header if header.count(name) > 1), None)
        if twice is not None:
            self.bad(line, f"the column {shown(twice)} is there twice.")
        missing = [name for name in columns if name not in header]
        for name in missing:
            self.bad(line, f"there is no column {shown(name)}.", did_you_mean(name, header))
        return twice is None and not missing


def _cleaned(line: str) -> str:
    return "".join(c for c in line.lstrip("# ").rstrip()[:400] if c.isprintable())


def timed(table: CsvTable, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Hand out rows with their times, as long as these strictly rise."""
    before: tuple[int, int] | None = None
    for row in table.rows((TIME_COLUMN, *columns)):
        text = row.cells[TIME_COLUMN]
        try:
            at = parse_row_time(text)
        except ValueError as error:
            table.bad(row.line, f"{TIME_COLUMN}: {error}")
            continue
        if before is not None and at <= before[0]:
            how = "is the moment of" if at == before[0] else "comes after the later moment of"
            table.bad(
                row.line, f"{TIME_COLUMN}: {shown(text)} {how} line {before[1]}.", "Sort the rows by time."
            )
            continue
        before = at, row.line
        yield at, row


def _numbers(table: CsvTable, row: Row, columns: Sequence[str], places: int, high: int) -> list[int] | None:
    """Read the cells of some columns as numerals; None where one is none."""
    read = []
    for column in columns:
        try:
            read.append(read_decimal(row.cells[column], places, 0, high))
        except ValueError as error:
            table.bad(row.line, f"{column}: {error}")
    return read if len(read) == len(columns) else None


def read_candles(table: CsvTable, bar_s: int) -> tuple[Candle, ...]:
    """Read bars of prices. A price of zero is one; a negative one is a problem."""
    candles: list[Candle] = []
    before_line = 0
    for at, row in timed(table, PRICE_COLUMNS):
        prices = _numbers(table, row, PRICE_COLUMNS, 8, PRICE_MAX)
        if prices is None:
            continue
        candle = Candle(at, *prices)
        if not candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high:
            table.bad(row.line, "open and close do not lie between low and high.")
        if candles and at < candles[-1].at + bar_s:
            table.bad(row.line, f"the bar begins before that of line {before_line} ends ({bar_s} s).")
        candles.append(candle)
        before_line = row.line
    if not candles and not table.told:
        table.bad(0, "the table has no rows.")
    return tuple(candles)


def read_gas(table: CsvTable, column: str) -> tuple[tuple[int, int], ...]:
    """Read gas prices in gwei as (time, wei for a unit of gas)."""
    return tuple((at, prices[0]) for at, prices in read_demand(table, (column,)))


def read_demand(table: CsvTable, columns: Sequence[str]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Read gas prices in gwei as (time, wei a unit, by column); in a row none is below the one before."""
    rows = []
    for at, row in timed(table, columns):
        prices = _numbers(table, row, columns, 9, 10**18)
        if prices is None:
            continue
        for (before, low), (column, high) in pairwise(zip(columns, prices, strict=True)):
            if high < low:
                table.bad(
                    row.line, f"{column} is below {before}.", "More of the gas cannot pay less at most."
                )
        rows.append((at, tuple(prices)))
    if not rows and not table.told:
        table.bad(0, "the table has no rows.")
    return tuple(rows)


def read_each(table: CsvTable, columns: dict[str, str], read: Callable[[dict[str, str]], Any]) -> list[Any]:
    """Read rows by their columns' meanings: `columns` maps a meaning to a column's name.

    `read` makes something of the cells by meaning; the ValueErrors that it raises are noted.
    """
    made = []
    for row in table.rows(tuple(columns.values())):
        try:
            made.append(read({meaning: row.cells[column] for meaning, column in columns.items()}))
        except ValueError as error:
            table.bad(row.line, str(error))
    if not made and not table.told:
        table.bad(0, "the table has no rows.")
    return made
