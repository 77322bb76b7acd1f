"""How the deficit of an isolated market is paid. By the contract's own table there is one row: claims.

    by claims        deficit falls, and with it the assets of the supply: every share is worth less
    by a holder      deficit falls, and one supplier's shares are burned for it, rounded up
    by loans         deficit falls, and the assets of the debt rise: every borrower owes more
    from a tier      deficit falls, the tier's money becomes the market's
    from outside     deficit falls, cash rises
    recovered        cash rises, and whatever had fallen

Shares are not touched where a whole side pays, so a cut is one number, whatever the count of holders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mutualize.tier import CLAIMS, HOLDER, LOANS, Tier
from mutualize.units import UINT128_MAX, mul_div_down
from mutualize.venues.cover import NOBODY, Change
from mutualize.venues.isolated_work import VIRTUAL_ASSETS, VIRTUAL_SHARES, Market, Names

if TYPE_CHECKING:
    from mutualize.book import View


class MarketCover:
    """An isolated market's deficit. Losses are in its loan; nothing is missing of its collateral."""

    payers: tuple[str, ...] = (CLAIMS, HOLDER, LOANS)
    named: tuple[str, ...] = (HOLDER,)

    def __init__(self, names: Names) -> None:
        self._names = names
        self.name = names.venue
        self.assets: tuple[str, ...] = (names.loan, names.collateral)

    def decimals(self, _view: View, asset: str) -> int:
        """Return the decimals of one of the two assets."""
        names = self._names
        return names.loan_decimals if asset == names.loan else names.collateral_decimals

    def from_tier(self, view: View, _asset: str, tier: str, amount: int, at: int) -> Change:
        """Pay with money that a tier holds in the same asset."""
        return _paid(self._market(view, at), f"tier:{tier}", amount)

    def from_outside(self, view: View, _asset: str, amount: int, at: int) -> Change:
        """Pay with money that comes in."""
        return _paid(self._market(view, at), "cash", amount)

    def left(self, view: View, tier: Tier, _asset: str, at: int, _debtor: str) -> int:
        """Return what all claims, one supplier's, or all loans come to."""
        market = self._market(view, at)
        match tier.payer:
            case "claims":
                return market.supply.assets
            case "holder":
                return market.supply.to_assets_down(market.supplied(tier.holder))
            case "loans":
                return market.borrow.assets
        raise AssertionError(tier.payer)

    def take(self, view: View, tier: Tier, _asset: str, amount: int, at: int, _debtor: str) -> Change:
        """Lower the assets of the supply, burn one supplier's shares, or raise the assets of the debt."""
        market = self._market(view, at)
        match tier.payer:
            case "claims":
                market.supply.add(-amount, 0)  # Morpho `liquidate`: totalSupplyAssets -= badDebtAssets
            case "holder":
                market.burn_supply(tier.holder, amount, market.supply.to_shares_up(amount))
            case "loans":
                market.borrow.add(amount, 0)
        paid = _paid(market, "", amount)
        return paid._replace(parts={tier.holder: amount}) if tier.payer == HOLDER else paid

    def entitled(self, _view: View, _tier: Tier, _asset: str, _at: int) -> Mapping[str, int]:
        """Nobody: a cut of claims is one number."""
        return NOBODY

    def room(self, view: View, tier: Tier, _asset: str, at: int) -> int:
        """Return how much can be given back to shares that are there, or to one supplier in new ones."""
        market = self._market(view, at)
        supply, borrow = market.supply, market.borrow
        most = UINT128_MAX - supply.assets
        match tier.payer:
            case "claims" if supply.shares:
                return most
            case "loans" if borrow.shares:
                return borrow.assets
            case "holder":
                room = UINT128_MAX - supply.shares
                return min(
                    most, mul_div_down(room, supply.assets + VIRTUAL_ASSETS, supply.shares + VIRTUAL_SHARES)
                )
        return 0

    def give(
        self, view: View, tier: Tier, asset: str, amount: int, parts: Mapping[str, int], at: int
    ) -> Change:
        """Raise the assets of the supply, lower those of the debt, or give one supplier shares."""
        if tier.payer == HOLDER:
            return self.credit(view, asset, parts, at)
        market = self._market(view, at)
        if tier.payer == CLAIMS:
            market.supply.add(amount, 0)
        else:
            market.borrow.add(-amount, 0)
        return _received(market, amount)

    def credit(self, view: View, _asset: str, parts: Mapping[str, int], at: int) -> Change:
        """Give suppliers by name shares, rounded down, as many as 128 bits hold."""
        market = self._market(view, at)
        for name, part in sorted(parts.items()):
            shares = min(market.supply.to_shares_down(part), UINT128_MAX - market.supply.shares)
            market.mint_supply(name, part, shares)
        return _received(market, sum(parts.values()))

    def _market(self, view: View, at: int) -> Market:
        market = Market(self._names, view, at)
        market.accrue()
        return market


def _paid(market: Market, source: str, amount: int) -> Change:
    """Let the deficit fall, by money of `source`, or ('') by what the market's own sides changed."""
    if source:
        market.move(source, amount)
    market.move("deficit", -amount)
    return Change(market.events, *market.changes())


def _received(market: Market, amount: int) -> Change:
    market.receive(amount)
    return Change(market.events, *market.changes())
