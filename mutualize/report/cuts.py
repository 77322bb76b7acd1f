"""What a holder had, before and after an event that visits nobody: a haircut, a slash.

Claims and stakes are shares of a pool. A haircut or a slash moves one number, and what each holder lost by it
follows from his units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import attrs

from mutualize.book import View
from mutualize.events import Event, LossAbsorbed, Slashed
from mutualize.tables import reserve_table, stake_table, supply_table, told_name
from mutualize.units import RAY, mul_div_down
from mutualize.venues.isolated_work import VIRTUAL_ASSETS, VIRTUAL_SHARES
from mutualize.venues.stability_pool import DEPOSIT, POOL, pool_of


class Numbers(Protocol):
    """A book, or as much of one as is asked here."""

    def cell(self, table: str, key: str) -> int:
        """Return a number; 0 where nothing was written."""

    def table(self, name: str) -> Mapping[str, int]:
        """Return a table."""


@attrs.frozen
class Cut:
    """What an event took from all holders of something: `before` and `after` are of one of them, per unit."""

    what: str
    asset: str
    table: str
    """Where the units stand."""
    units: Mapping[str, int]
    before: int
    after: int
    scale: int

    def had(self, holder: str) -> int:
        """Return what a holder had before, in base units."""
        return mul_div_down(self.units.get(holder, 0), self.before, self.scale)

    def lost(self, holder: str) -> int:
        """Return what a holder lost, in base units."""
        return self.had(holder) - mul_div_down(self.units.get(holder, 0), self.after, self.scale)


def cut_of(event: Event, book: View) -> Cut | None:
    """Return what an event takes from holders whom it does not visit; `book` is as it was before."""
    cut = units_cut(event, book)
    return _pool_cut(event, book) if cut is None and isinstance(event, LossAbsorbed) else cut


def units_cut(event: Event, book: Numbers) -> Cut | None:
    """Return what an event takes from each unit of claims or of a stake, if it does."""
    match event:
        case Slashed():
            table = stake_table(event.venue, event.stake)
            before = book.cell(table, "total_assets")
            after = _cell(event, table, "total_assets", before)
            shares = f"{table}.shares"
            units = book.table(shares)
            return Cut("stake", event.asset, shares, units, before, after, max(1, sum(units.values())))
        case LossAbsorbed():
            table = reserve_table(event.venue, event.paid_asset)
            before = book.cell(table, "liquidity_index")
            after = _cell(event, table, "liquidity_index", before)
            if after < before:
                claims = supply_table(event.venue, event.paid_asset)
                return Cut("claim", event.paid_asset, claims, book.table(claims), before, after, RAY)
            return _shares_cut(event, book, table)
    return None


def _shares_cut(event: LossAbsorbed, book: Numbers, table: str) -> Cut | None:
    """Return what a payment takes from the shares of an isolated market's suppliers, if it does."""
    before, issued = book.cell(table, "supply_assets"), book.cell(table, "supply_shares")
    after = _cell(event, table, "supply_assets", before)
    if after >= before or _cell(event, table, "supply_shares", issued) != issued:
        return None
    claims = supply_table(event.venue, event.paid_asset)
    had, left, scale = before + VIRTUAL_ASSETS, after + VIRTUAL_ASSETS, issued + VIRTUAL_SHARES
    return Cut("claim", event.paid_asset, claims, book.table(claims), had, left, scale)


class Deposits(Mapping[str, int]):
    """What is left of each deposit in a stability pool, worked out when it is asked for."""

    def __init__(self, book: View, venue: str) -> None:
        index = told_name(book.cell(f"{venue}.troves", "index"))
        self._pool = pool_of(book, venue, index)
        self._names = book.table(f"{venue}.{DEPOSIT}")

    def __getitem__(self, name: str) -> int:
        """Return what is left of somebody's deposit, base units."""
        if name not in self._names:
            raise KeyError(name)
        return self._pool.worth(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _pool_cut(event: LossAbsorbed, book: View) -> Cut | None:
    """Return what a liquidation takes from the deposits of a stability pool, if it does."""
    table = f"{event.venue}.{POOL}"
    before = book.cell(table, "total")
    after = _cell(event, table, "total", before)
    if after >= before:
        return None
    deposits = Deposits(book, event.venue)
    return Cut("deposit", event.paid_asset, f"{event.venue}.{DEPOSIT}", deposits, before, after, before)


def _cell(event: Event, table: str, key: str, default: int) -> int:
    return next((cell.value for cell in event.cells if cell[:2] == (table, key)), default)
