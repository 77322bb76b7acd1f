"""What every account of a run gained or lost, from its ledger; a summary has the ten largest.

Its one rule: it gives the figures of the summary, worked out in the same way, from the same events.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from mutualize.book import Book
from mutualize.errors import MutualizeError
from mutualize.ledger_reader import read
from mutualize.projections.closing import closing
from mutualize.projections.frame import Frame
from mutualize.projections.gains import Gains
from mutualize.projections.mirror import Mirror
from mutualize.report.about import frame_of
from mutualize.report.folder import SCENARIO
from mutualize.report.sentences.words import Words, units_beside
from mutualize.scenario.load import load
from mutualize.units import mul_div_down

NO_PEOPLE = ("market", "residue")
"""Roles that are nobody's: who trades with everybody, and what rounding leaves."""


@attrs.frozen
class Worth:
    """What one account gained: in money (8 decimals, at the last prices), and of each asset in base units."""

    account: str
    role: str
    money: int
    gains: dict[str, int]


def worth_of_accounts(ledger: Path) -> dict[str, Worth]:
    """Return what each account gained or lost, by name; a market and what rounding leaves are no accounts.

    What no oracle ever priced counts as nothing in money. Raises MutualizeError as `read` does.
    """
    frame, words = _frame(ledger), Words(units_beside(ledger))
    book, mirror, gains = Book(), Mirror(), Gains()
    for entry in read(ledger):
        gains.look(entry)
        book.apply(entry)
        mirror.take(entry)
        words.take(entry)
    found: dict[str, Worth] = {}
    for row in gains.rows(closing(book, mirror)):
        role = frame.role(row.account)
        if role in NO_PEOPLE:
            continue
        price, decimals = words.prices.get(row.asset, 0), words.decimals.get(row.asset, 0)
        money = mul_div_down(row.gain, price, 10**decimals)
        before = found.get(row.account) or Worth(row.account, role, 0, {})
        kept = {**before.gains, row.asset: row.gain}
        found[row.account] = Worth(row.account, role, before.money + money, kept)
    return found


def _frame(ledger: Path) -> Frame:
    """Return the names of the scenario beside a ledger; without one that can be read, nobody has a role."""
    try:
        return frame_of(load(ledger.parent / SCENARIO))
    except MutualizeError:
        return Frame()
