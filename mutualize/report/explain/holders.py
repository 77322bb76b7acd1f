"""What each holder bears of a loss, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mutualize.book import Book
from mutualize.events import Event, LossAbsorbed
from mutualize.report.cuts import cut_of
from mutualize.report.explain.redistributed import redistribution_of
from mutualize.report.explain.steps import share
from mutualize.report.sentences.words import Words
from mutualize.report.text import listing, plural
from mutualize.tables import balance_table

NAMED = 3
"""How many holders are named."""


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
    elif (given := redistribution_of(event, book)) is not None:
        owes = {name: given.debt(name) for name, stake in given.stakes.items() if stake}
        largest = _largest(owes, given.stablecoin, words)
        owe = "owes" if len(owes) == 1 else "owe"
        yield f"{plural(len(owes), 'other trove')} {owe} it now, by stake: {largest}."
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


def visited(event: Event, book: Book) -> int:
    """Return how many holders are looked at to say what each of them bears."""
    cut = cut_of(event, book)
    given = redistribution_of(event, book) if cut is None else None
    return len(cut.units) if cut else len(given.stakes) if given else 0


def _largest(lost: Mapping[str, int], asset: str, words: Words) -> str:
    """Name those who lost most, and count the rest."""
    names = sorted(lost, key=lambda name: (-lost[name], name))
    told = [f"{words.name(name)} {words.amount(asset, lost[name])}" for name in names[:NAMED]]
    rest = len(names) - NAMED
    if rest > 0:
        left = sum(lost[name] for name in names[NAMED:])
        told.append(f"{plural(rest, 'other')} {words.amount(asset, left)}")
    return listing(told)
