"""What a holder had, before and after an event that visits nobody: a haircut, a slash.

Claims and stakes are shares of a pool. A haircut or a slash moves one number, and what each holder lost by it
follows from his units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from mutualize.book import Book
from mutualize.events import Event, LossAbsorbed, Slashed
from mutualize.report.explain.steps import share
from mutualize.report.sentences.words import Words
from mutualize.report.text import listing, plural
from mutualize.tables import as_name, balance_table, reserve_table, stake_table, supply_table
from mutualize.units import RAY, mul_div_down
from mutualize.venues.isolated_work import VIRTUAL_ASSETS, VIRTUAL_SHARES
from mutualize.venues.stability_pool import DEPOSIT, POOL, pool_of

NAMED = 3
"""How many holders are named."""


@attrs.frozen
class Cut:
    """What an event took from all holders of something: `before` and `after` are of one of them, per unit."""

    what: str
    asset: str
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


def cut_of(event: Event, book: Book) -> Cut | None:
    """Return what an event takes from holders whom it does not visit; `book` is as it was before."""
    match event:
        case Slashed():
            table = stake_table(event.venue, event.stake)
            before = book.cell(table, "total_assets")
            after = _cell(event, table, "total_assets", before)
            units = book.table(f"{table}.shares")
            return Cut("stake", event.asset, units, before, after, max(1, sum(units.values())))
        case LossAbsorbed():
            table = reserve_table(event.venue, event.paid_asset)
            before = book.cell(table, "liquidity_index")
            after = _cell(event, table, "liquidity_index", before)
            if after < before:
                units = book.table(supply_table(event.venue, event.paid_asset))
                return Cut("claim", event.paid_asset, units, before, after, RAY)
            return _shares_cut(event, book, table) or _pool_cut(event, book)
    return None


def _shares_cut(event: LossAbsorbed, book: Book, table: str) -> Cut | None:
    """Return what a payment takes from the shares of an isolated market's suppliers, if it does."""
    before, issued = book.cell(table, "supply_assets"), book.cell(table, "supply_shares")
    after = _cell(event, table, "supply_assets", before)
    if after >= before or _cell(event, table, "supply_shares", issued) != issued:
        return None
    units = book.table(supply_table(event.venue, event.paid_asset))
    had, left, scale = before + VIRTUAL_ASSETS, after + VIRTUAL_ASSETS, issued + VIRTUAL_SHARES
    return Cut("claim", event.paid_asset, units, had, left, scale)


class Deposits(Mapping[str, int]):
    """What is left of each deposit in a stability pool, worked out when it is asked for."""

    def __init__(self, book: Book, venue: str) -> None:
        index = as_name(book.cell(f"{venue}.troves", "index"))
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


def _pool_cut(event: LossAbsorbed, book: Book) -> Cut | None:
    """Return what a liquidation takes from the deposits of a stability pool, if it does."""
    table = f"{event.venue}.{POOL}"
    before = book.cell(table, "total")
    after = _cell(event, table, "total", before)
    if after >= before:
        return None
    return Cut("deposit", event.paid_asset, Deposits(book, event.venue), before, after, before)


def _cell(event: Event, table: str, key: str, default: int) -> int:
    return next((cell.value for cell in event.cells if cell[:2] == (table, key)), default)


def shares_of(event: Event, book: Book, words: Words) -> Iterator[str]:
    """Yield in sentences what each holder bears of a loss; `book` is as it was before the event."""
    cut = cut_of(event, book)
    if cut is not None and cut.before:
        holders = {name: units for name, units in cut.units.items() if units}
        of_each = share(cut.before - cut.after, cut.before, 4)
        largest = _largest({name: cut.lost(name) for name in holders}, cut.asset, words)
        yield (
            f"Each of {plural(len(holders), 'holder')} lost {of_each} of his {cut.what} in"
            f" {words.name(cut.asset)}: {largest}."
        )
    elif isinstance(event, LossAbsorbed):
        table = balance_table(event.venue, event.paid_asset)
        lost = {
            cell.key: book.cell(table, cell.key) - cell.value for cell in event.cells if cell.table == table
        }
        lost = {name: amount for name, amount in lost.items() if amount > 0}
        if lost:
            yield (
                f"{plural(len(lost), 'account')} paid it out of balances:"
                f" {_largest(lost, event.paid_asset, words)}."
            )


def _largest(lost: Mapping[str, int], asset: str, words: Words) -> str:
    """Name those who lost most, and count the rest."""
    names = sorted(lost, key=lambda name: (-lost[name], name))
    told = [f"{words.name(name)} {words.amount(asset, lost[name])}" for name in names[:NAMED]]
    rest = len(names) - NAMED
    if rest > 0:
        left = sum(lost[name] for name in names[NAMED:])
        told.append(f"{plural(rest, 'other')} {words.amount(asset, left)}")
    return listing(told)
