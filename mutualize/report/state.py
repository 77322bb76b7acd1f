"""The state at one moment, from the ledger alone: what every account has, and every number of state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mutualize.accounts import OUTSIDE, is_debit_normal, split_account
from mutualize.book import Book
from mutualize.errors import Exit, MutualizeError
from mutualize.events import Entry
from mutualize.report.blocks import Block, Heading, Line, Table
from mutualize.report.figures import Data
from mutualize.report.text import plural, shown
from mutualize.scenario.scalars import parse_time
from mutualize.scenario.vaults import WAD_DECIMALS
from mutualize.tables import told_name
from mutualize.units import DECIMALS_MAX, format_decimal
from mutualize.venues.troves import SYSTEM

HOLDERS_SHOWN = 20
"""How many holders of each table are shown; `--json` has all."""


def state_at(entries: Iterable[Entry], *, time: int | str | None = None, seq: int | None = None) -> Book:
    """Fold entries up to and at a moment, or up to and with `seq`; all of them without either.

    Raises MutualizeError for a moment that cannot be read, a seq that is not there, or both at once.
    """
    if time is not None and seq is not None:
        raise MutualizeError("--seq", "a moment is given by --at or by --seq.", "Give one of them.")
    if seq is not None and seq < 0:
        raise MutualizeError("--seq", f"there is no entry {seq}: they are counted from 0.")
    try:
        until = parse_time(time) if isinstance(time, str) else time
    except ValueError as error:
        raise MutualizeError("--at", f"{error}.", "Write it as 2022-11-22T17:20:00Z.") from None
    book = Book()
    for entry in entries:
        if (until is not None and entry.at > until) or (seq is not None and entry.seq > seq):
            break
        book.apply(entry)
    if seq is not None and seq >= book.seq:
        problem = f"there is no entry {seq}: the ledger has {book.seq:,}, counted from 0."
        raise MutualizeError("--seq", problem, code=Exit.USAGE)
    return book


def state_data(book: Book) -> Data:
    """Return a state as plain data, `mutualize/state@1`: integers in base units, as texts."""
    return {
        "schema": "mutualize/state@1",
        "entries": book.seq,
        "digest": book.digest(),
        "balances": [
            {"account": name, "asset": asset, "balance": str(debits if is_debit_normal(name) else -debits)}
            for name, asset, debits in book.balances()
        ],
        "cells": {table: {key: str(v) for key, v in book.table(table).items()} for table in book.tables()},
    }


def state_page(book: Book, moment: str) -> list[Block]:
    """Return a state in words; `moment` says which one."""
    return list(_page(book, moment))


def _page(book: Book, moment: str) -> Iterator[Block]:
    yield Line(f"The state {moment}: {plural(book.seq, 'entry', 'entries')} were folded.", "strong")
    yield Line(f"balances' digest {book.digest()}", "quiet")
    yield Heading("Balances")
    decimals = _decimals(book)
    rows = [(name, asset, debits) for name, asset, debits in book.balances()]
    rows.sort(key=lambda row: (split_account(row[0])[0] == OUTSIDE, row[0], row[1]))
    yield Table(
        ("account", "asset", ">balance"),
        tuple((name, asset, _written(name, debits, decimals.get(asset))) for name, asset, debits in rows),
    )
    for table in book.tables():
        yield Heading(table)
        cells = book.table(table)
        shown_cells = tuple((key, str(value)) for key, value in sorted(cells.items())[:HOLDERS_SHOWN])
        yield Table(("key", ">integer"), shown_cells)
        if len(cells) > HOLDERS_SHOWN:
            yield Line(f"and {len(cells) - HOLDERS_SHOWN:,} more: --json has all", "quiet", indent=1)


def _decimals(book: Book) -> dict[str, int]:
    """Return the decimals of all assets of reserves and of trove systems: the rest is shown in base units.

    A forged ledger may say anything; what no asset can have is not believed.
    """
    tables = [table for table in book.tables() if "decimals" in book.table(table)]
    listed = {table.partition(".")[2]: book.cell(table, "decimals") for table in tables}
    for system in (table for table in book.tables() if table.endswith(f".{SYSTEM}")):
        named = (told_name(book.cell(system, key)) for key in ("stablecoin", "collateral"))
        listed = dict.fromkeys(named, WAD_DECIMALS) | listed
    return {asset: decimals for asset, decimals in listed.items() if 0 <= decimals <= DECIMALS_MAX}


def _written(name: str, debits: int, decimals: int | None) -> str:
    value = debits if is_debit_normal(name) else -debits
    if decimals is None:
        return f"{value:,} base units"
    return shown(format_decimal(value, decimals).replace(",", ""), decimals)
