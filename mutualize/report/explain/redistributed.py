"""What other borrowers bear of a liquidated trove's debt, and the collateral that they get for it.

A redistribution visits nobody: it moves two numbers of the system, and each part follows from a stake.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from mutualize.book import View
from mutualize.events import Event, LossAbsorbed
from mutualize.tables import told_name
from mutualize.units import WAD, mul_div_down
from mutualize.venues.troves import SYSTEM


@attrs.frozen
class Redistribution:
    """One redistribution, between the numbers of before and of after it, for collateral and for debt."""

    venue: str
    stablecoin: str
    collateral: str
    book: View
    stakes: Mapping[str, int]
    per_stake: Mapping[str, tuple[int, int]]

    def debt(self, owner: str) -> int:
        """Return how much more somebody owes, base units."""
        return self._part("L_debt", owner)

    def coll(self, owner: str) -> int:
        """Return how much collateral somebody got, base units."""
        return self._part("L_coll", owner)

    def _part(self, key: str, owner: str) -> int:
        """Return what is pending after it less what was before, each rounded down as the contract does."""
        since, stake = self.book.cell(f"{self.venue}.{key}", owner), self.stakes.get(owner, 0)
        before, after = (mul_div_down(stake, now - since, WAD) for now in self.per_stake[key])
        return after - before


def redistribution_of(event: Event, book: View) -> Redistribution | None:
    """Return what an event gives all troves, if it does; `book` is as it was before."""
    if not isinstance(event, LossAbsorbed):
        return None
    table = f"{event.venue}.{SYSTEM}"
    after = {cell.key: cell.value for cell in event.cells if cell.table == table}
    before = {key: book.cell(table, key) for key in ("L_coll", "L_debt")}
    per_stake = {key: (was, after.get(key, was)) for key, was in before.items()}
    if all(was == now for was, now in per_stake.values()):
        return None
    collateral = told_name(book.cell(table, "collateral"))
    stakes = book.table(f"{event.venue}.stake")
    return Redistribution(event.venue, event.asset, collateral, book, stakes, per_stake)
