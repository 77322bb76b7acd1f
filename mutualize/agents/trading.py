"""Trading: the markets by asset, and what a liquidation brings in and costs when its legs are traded.

collateral is the money of the debt's market     buy the debt with it           (CRV owed against USDC)
debt is the money of the collateral's market     sell the collateral for it     (USDC owed against ETH)
otherwise                                        sell one, buy the other
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from mutualize.accounts import OUTSIDE
from mutualize.agents.targets import Pair
from mutualize.commands import Trade
from mutualize.market.market import Fill, Market
from mutualize.units import PRICE_UNIT, mul_div_down, mul_div_up

Flows = dict[str, int]
"""What comes into a purse (or goes out, if negative), by asset, in base units."""

MONEY_DECIMALS: Final = 8
"""Decimals of the money of account, where an asset is traded against it directly."""


def trade_of(account: str, fill: Fill) -> Trade:
    """Return somebody's command to trade on the terms of a fill."""
    return Trade(
        venue=OUTSIDE,
        account=account,
        sold=fill.sold,
        sold_amount=fill.sold_amount,
        bought=fill.bought,
        bought_amount=fill.bought_amount,
        place=fill.place,
        mid=fill.mid,
    )


@attrs.frozen
class Legs:
    """Where the collateral of a pair is sold and its debt is bought; None where no trade is needed."""

    sell: Market | None
    buy: Market | None


class Markets:
    """All markets, by the asset that is traded. What has no market is worth its face: money of account."""

    def __init__(self, markets: Mapping[str, Market], decimals: Mapping[str, int]) -> None:
        self._markets = dict(markets)
        self._decimals = dict(decimals)

    def get(self, asset: str) -> Market | None:
        """Return the market of an asset."""
        return self._markets.get(asset)

    def price(self, asset: str, at: int) -> int | None:
        """Return what a whole unit is worth in money of account (8 decimals), or None while it is halted."""
        market = self._markets.get(asset)
        if market is None:
            return PRICE_UNIT
        mid = market.mid(at)
        if mid is None or market.money not in self._markets:
            return mid
        money = self.price(market.money, at)
        return None if money is None else mul_div_down(mid, money, PRICE_UNIT)

    def unit(self, asset: str) -> int:
        """Return base units in one whole unit of an asset."""
        return int(10 ** self._decimals.get(asset, MONEY_DECIMALS))

    def worth(self, flows: Mapping[str, int], at: int) -> int | None:
        """Return what flows are worth in money of account, rounded down, or None while one has no price."""
        worth = 0
        for asset, amount in flows.items():
            price = self.price(asset, at) if amount else 0
            if price is None:
                return None
            unit = self.unit(asset)
            worth += mul_div_down(amount, price, unit) if amount >= 0 else -mul_div_up(-amount, price, unit)
        return worth

    def legs(self, pair: Pair) -> Legs:
        """Return where a pair's collateral is sold and where its debt is bought."""
        held, owed = self._markets.get(pair.collateral), self._markets.get(pair.debt)
        if pair.collateral == pair.debt:
            return Legs(None, None)
        if owed is not None and owed.money == pair.collateral:
            return Legs(None, owed)
        if held is not None and held.money == pair.debt:
            return Legs(held, None)
        return Legs(held, owed)

    def are_linear(self, pair: Pair) -> bool:
        """Say whether the prices of a pair's trades do not depend on their size."""
        legs = self.legs(pair)
        return (legs.sell is None or legs.sell.is_linear) and (legs.buy is None or legs.buy.is_linear)

    def flows(self, pair: Pair, paid: int, seized: int, own: int, at: int) -> Flows | None:
        """Return what a liquidation brings and costs, trades included, or None where a market is halted.

        `own` of what is `paid` comes out of the purse and is not bought.
        """
        legs = self.legs(pair)
        flows = {pair.debt: -paid}
        flows[pair.collateral] = flows.get(pair.collateral, 0) + seized
        if legs.sell is not None:
            got = legs.sell.quote_sell(seized, at=at)
            if got is None:
                return None
            flows[pair.collateral] -= seized
            flows[legs.sell.money] = flows.get(legs.sell.money, 0) + got
        if legs.buy is not None:
            cost = legs.buy.quote_buy(paid - own, at=at)
            if cost is None:
                return None
            flows[pair.debt] += paid - own
            flows[legs.buy.money] = flows.get(legs.buy.money, 0) - cost
        return flows

    def fills(self, pair: Pair, paid: int, seized: int, own: int, at: int) -> list[tuple[Market, Fill]]:
        """Return the trades behind `flows`, with their markets, to be taken once they happened.

        What would bring nothing at all is kept instead.
        """
        legs = self.legs(pair)
        fills = []
        if legs.sell is not None and seized:
            fills.append((legs.sell, legs.sell.offer_sell(seized, at=at)))
        if legs.buy is not None and paid > own:
            fills.append((legs.buy, legs.buy.offer_buy(paid - own, at=at)))
        return [
            (m, fill) for m, fill in fills if fill is not None and fill.sold_amount and fill.bought_amount
        ]
