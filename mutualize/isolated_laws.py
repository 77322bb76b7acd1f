"""The laws of isolated markets: what their totals, positions and accounts owe to each other.

    claims = supply_assets    loans = borrow_assets    loans + deficit ≤ claims    no collateral: no debt

Each is a function of a book that returns what is wrong, or None. A market is known by the `lltv` in the table
`<venue>.<loan>`. Registered by `invariants`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from mutualize.accounts import account
from mutualize.book import EMPTY, Book
from mutualize.tables import balance_table, debt_table, supply_table
from mutualize.units import UINT128_MAX

Law = Callable[[Book], str | None]


@attrs.frozen
class Totals:
    """One market in a book: its numbers, and who holds what."""

    book: Book
    venue: str
    loan: str
    numbers: Mapping[str, int]

    def number(self, name: str) -> int:
        """Return one number of the market; 0 where a forged ledger has none."""
        return self.numbers.get(name, 0)

    def balance(self, part: str) -> int:
        """Return one account in the loan, in its natural direction."""
        return self.book.balance(account(self.venue, part), self.loan)


def markets(book: Book) -> Iterable[Totals]:
    """Return the isolated markets of a book."""
    for table in book.tables():
        venue, _, loan = table.partition(".")
        cells = book.table(table)
        if "lltv" in cells:
            yield Totals(book, venue, loan, cells)


def totals_are_money(book: Book) -> str | None:
    """Hold a market's accounts against its totals; they fit 128 bits, and what is lent is covered."""
    for market in markets(book):
        supply, borrow, deficit = (
            market.number("supply_assets"), market.number("borrow_assets"), market.balance("deficit")
        )  # fmt: skip
        found = market.balance("claims"), market.balance("loans")
        if found != (supply, borrow):
            return f"{market.venue}: claims and loans are {found}, not {(supply, borrow)}"
        if borrow + deficit > supply:
            return f"{market.venue} lent {borrow} and lacks {deficit}, of {supply} supplied"
        if max(supply, market.number("supply_shares"), market.number("borrow_shares")) > UINT128_MAX:
            return f"{market.venue}: a total has more than 128 bits"
        if market.balance("residue") < 0:
            return f"{market.venue}: the residue is {market.balance('residue')}"
    return None


def positions_sum_up(book: Book) -> str | None:
    """Sum all holders' shares: they are the totals, and none is below 0. A debt has collateral behind it."""
    for market in markets(book):
        debts = book.table(debt_table(market.venue, market.loan))
        sides = ((book.table(supply_table(market.venue, market.loan)), "supply"), (debts, "borrow"))
        for shares, side in sides:
            total = market.number(f"{side}_shares")
            if sum(shares.values()) != total or any(value < 0 for value in shares.values()):
                return f"{market.venue}: {side} shares sum to {sum(shares.values())}, the total is {total}"
        pledged = _pledged(market)
        bare = [name for name, shares in debts.items() if shares and not pledged.get(name, 0)]
        if bare:
            return f"{market.venue}: {bare[0]} owes and has no collateral"
    return None


def _pledged(market: Totals) -> Mapping[str, int]:
    """Return the collateral of all borrowers: the one table of balances that a market has."""
    start, end = balance_table(market.venue, "/").split("/")
    found = [name for name in market.book.tables() if name.startswith(start) and name.endswith(end)]
    return market.book.table(found[0]) if found else EMPTY


CHEAP: Final[dict[str, Law]] = {"market-totals": totals_are_money}
DEEP: Final[dict[str, Law]] = {"market-positions-sum-up": positions_sum_up}
