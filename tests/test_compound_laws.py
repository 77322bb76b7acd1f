"""The laws of Compound's markets see what is wrong in a book, and fall over nothing that is forged."""

from __future__ import annotations

from typing import Any

import comet_game
import compound_game
import pytest

from mutualize import compound_laws
from mutualize.book import Book, replay
from mutualize.events import Cell, CollateralSet, Entry
from mutualize.invariants import check

LAWS = {**compound_laws.CHEAP, **compound_laws.DEEP}


def forged(venue: str, table: str, key: str, value: int) -> Book:
    """Return the book of a game in which somebody set one cell."""
    games: dict[str, Any] = {"comp": compound_game.Game, "comet": comet_game.Game}
    game = games[venue](3)
    for _ in range(80):
        game.step()
    book = replay(game.ledger.entries)
    check(book, deep=True)
    change = CollateralSet(
        venue=venue, account="x", asset="", on=True, cells=(Cell(f"{venue}.{table}", key, value),)
    )
    book.apply(Entry(book.seq, game.at, book.seq, None, change))
    return book


@pytest.mark.parametrize(
    ("venue", "table", "key", "value", "law"),
    [
        ("comp", "USD", "total_borrows", 7, "compound-books"),
        ("comp", "USD", "supply_scaled", 7, "compound-books"),
        ("comp", "ETH", "total_reserves", -1, "compound-signs"),
        ("comp", "USD.principal", "ann", 7, "compound-debts"),
        ("comp", "USD.snapshot", "zoe", 0, ""),
        ("comet", "USD", "total_supply", 7, "compound-books"),
        ("comet", "USD", "absorbed", 10**40, "compound-absorbed"),
        ("comet", "USD", "debt_scaled", 10**40, "compound-signs"),
        ("comet", "ETH", "reserves", 7, "compound-books"),
        ("comet", "ETH", "cost", 10**40, "compound-absorbed"),
    ],
)
def test_a_wrong_figure_is_noticed(venue: str, table: str, key: str, value: int, law: str) -> None:
    """A cell that does not fit the others breaks a law named for it."""
    book = forged(venue, table, key, value)
    broken = [name for name, holds in LAWS.items() if holds(book)]
    assert law in broken if law else not broken


@pytest.mark.parametrize("mark", compound_laws.MARKS)
def test_a_forged_market_breaks_no_law_but_by_what_it_says(mark: str) -> None:
    """A table that lacks most of a market's cells is looked at all the same, and nothing falls over."""
    book = Book()
    cells = (
        Cell("x.USD", mark, 1),
        Cell("x.USD", "liquidity_index", 5),
        Cell("x.USD.principal", "ann", 3),
        Cell("x.EUR.supply", mark, 4),
    )
    change = CollateralSet(venue="x", account="x", asset="", on=True, cells=cells)
    book.apply(Entry(0, 0, 0, None, change))
    told = {name: law(book) for name, law in LAWS.items()}
    expected = {"accrual_block": {"compound-debts"}, "absorbed": {"compound-books", "compound-absorbed"}}
    assert {name for name, problem in told.items() if problem} == expected.get(mark, set())
