"""Who bears a liquidated trove's debt: depositors of the stability pool, then all other troves.

    depositors    deficit and deposits fall; the pool gets the collateral that goes with that part of the debt
    loans         deficit falls, what all other troves owe rises, by stake; they get their part, too

Its one rule: a tier takes the collateral with the debt, in proportion. What other tiers pay (a fund, money
from outside) brings them no collateral: that stays with the venue, for the deficit that is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from mutualize.accounts import Transfer, account, tier_account
from mutualize.events import Cell
from mutualize.tables import balance_table
from mutualize.tier import DEPOSITORS, LOANS, Tier
from mutualize.units import PRICE_UNIT
from mutualize.venues.cover import NOBODY, Change
from mutualize.venues.troves import (
    DEFAULT_COLLATERAL,
    DEFAULT_DEBT,
    POOL_ACCOUNT,
    POOL_TIER,
    SEIZED_ACCOUNT,
    Terms,
    Troves,
)

if TYPE_CHECKING:
    from mutualize.book import View

TIERS: Final = (
    Tier(name=POOL_TIER, payer=DEPOSITORS, loss_price=PRICE_UNIT),
    Tier(name="redistribution", payer=LOANS, loss_price=PRICE_UNIT),
)
"""The contract's own table. With it, its integers are the contract's; see presets/liquity-v1.toml."""


class StabilityCover:
    """A trove system's deficit, as tiers see it."""

    payers: tuple[str, ...] = (DEPOSITORS, LOANS)
    named: tuple[str, ...] = ()
    by_debtor: tuple[str, ...] = payers
    """Payers who have to know whose loss it is."""

    def __init__(self, terms: Terms) -> None:
        self.name, self._terms = terms.venue, terms
        self.assets: tuple[str, ...] = (terms.stablecoin, terms.collateral)

    def decimals(self, _view: View, _asset: str) -> int:
        """Return the decimals of an asset: the contract counts both in 18."""
        return 18

    def from_tier(self, _view: View, asset: str, tier: str, amount: int, _at: int) -> Change:
        """Pay with money that a tier holds in the same asset."""
        return Change([], (self._to(tier_account(self.name, tier), "deficit", asset, amount),), ())

    def from_outside(self, _view: View, asset: str, amount: int, _at: int) -> Change:
        """Pay with money that comes in."""
        return Change([], (self._to(account(self.name, "cash"), "deficit", asset, amount),), ())

    def left(self, view: View, tier: Tier, _asset: str, at: int, debtor: str) -> int:
        """Return what of a trove's debt the pool may take as the contract has decided, or all others can."""
        troves = Troves(self._terms, view, at)
        debt = troves.get("seized.debt", debtor)
        if tier.payer == DEPOSITORS:
            return troves.pool.left(min(debt, troves.get("seized.pool", debtor)))
        return debt if troves["total_stakes"] else 0

    def take(self, view: View, tier: Tier, asset: str, amount: int, at: int, debtor: str) -> Change:
        """Let deposits shrink, or all other troves owe more; the collateral goes with it."""
        troves, collateral = Troves(self._terms, view, at), self._terms.collateral
        coll = troves.take_seized(debtor, amount)
        if tier.payer == DEPOSITORS:
            troves.put("seized.pool", debtor, troves.get("seized.pool", debtor) - amount)
            troves.pool.offset(amount, coll)
            troves.post(POOL_ACCOUNT, "deficit", asset, amount)
            troves.post(SEIZED_ACCOUNT, POOL_ACCOUNT, collateral, coll)
        else:
            troves.redistribute(coll, amount)
            troves["coll_snapshot"] += coll
            troves.post(DEFAULT_DEBT, "deficit", asset, amount)
            troves.post(SEIZED_ACCOUNT, DEFAULT_COLLATERAL, collateral, coll)
        return Change([], *troves.changes())

    def entitled(self, _view: View, _tier: Tier, _asset: str, _at: int) -> Mapping[str, int]:
        """Nobody: a liquidation visits no depositor and no trove."""
        return NOBODY

    def room(self, _view: View, _tier: Tier, _asset: str, _at: int) -> int:
        """Nothing can be given back: what was lost was paid with collateral."""
        return 0

    def give(
        self, view: View, _tier: Tier, asset: str, _amount: int, parts: Mapping[str, int], at: int
    ) -> Change:
        """Give back to holders by name."""
        return self.credit(view, asset, parts, at)

    def credit(self, view: View, asset: str, parts: Mapping[str, int], _at: int) -> Change:
        """Raise named holders' stablecoins by money that comes in."""
        table = balance_table(self.name, asset)
        cells = [Cell(table, name, view.cell(table, name) + part) for name, part in sorted(parts.items())]
        moved = self._to(account(self.name, "cash"), "claims", asset, sum(parts.values()))
        return Change([], (moved,), tuple(cells))

    def _to(self, debit: str, credit: str, asset: str, amount: int) -> Transfer:
        return Transfer(debit, account(self.name, credit), asset, amount)
