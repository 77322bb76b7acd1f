"""The markets of a scenario, made from their tables: depth, cost, and the path that prices take."""

from __future__ import annotations

import attrs

from mutualize.agents.trading import MONEY_DECIMALS
from mutualize.market.depth import DEEP, Depth
from mutualize.market.market import Market
from mutualize.market.path import Bar, ConstantPath, Path, PointPath, PricePath
from mutualize.market.spliced import SplicedPath
from mutualize.scenario.market import Followed
from mutualize.scenario.market import Market as MarketTable
from mutualize.scenario.model import Scenario
from mutualize.units import Ratio


def markets_of(scenario: Scenario) -> dict[str, Market]:
    """Return its markets by asset; a path that is another one from a fork on goes on as that."""
    markets = {asset: _market(scenario, table) for asset, table in scenario.markets.items()}
    if scenario.fork is not None and scenario.after is not None:
        for asset, table in scenario.after.markets.items():
            if _told_of_path(table) != _told_of_path(scenario.markets[asset]):
                market = markets[asset]
                market.path = SplicedPath(market.path, scenario.fork.at, _path(table))
    return markets


def _market(scenario: Scenario, table: MarketTable) -> Market:
    """Return a market. Without a money of its own it trades against the money of account."""
    assets = scenario.assets
    depth = DEEP
    if table.depth is not None:
        depth = Depth(
            amount=table.depth.amount,
            impact=Ratio(table.depth.impact),
            recovery_s=table.depth.recovery_s,
            permanent=Ratio(table.depth.permanent),
        )
    return Market(
        asset=table.asset,
        money=table.money or scenario.money,
        asset_decimals=assets[table.asset].decimals,
        money_decimals=assets[table.money].decimals if table.money else MONEY_DECIMALS,
        path=_path(table),
        place=table.place,
        depth=depth,
        cost=Ratio(table.cost),
    )


def followed_of(scenario: Scenario) -> dict[str, Market]:
    """Return the places that feeds follow alone, by asset: quotes of them, on which nobody trades here."""
    return {
        asset: attrs.evolve(
            _market(scenario, scenario.markets[asset]),
            path=_path(oracle.follows),
            place=oracle.follows.place,
            depth=DEEP,
        )
        for asset, oracle in scenario.oracles.items()
        if oracle.follows is not None
    }


def _told_of_path(table: MarketTable) -> tuple[object, ...]:
    """Return all that a market's path comes from."""
    return table.price, table.points, table.prices, table.candles


def _path(table: MarketTable | Followed) -> Path:
    if table.price is not None:
        return ConstantPath(table.price)
    if table.points:
        return PointPath(table.points)
    assert table.prices is not None, "the loader asks for exactly one of price, points and prices"
    bars = [
        Bar(at=row.at, open=row.open, high=row.high, low=row.low, close=row.close) for row in table.candles
    ]
    return PricePath(bars, table.prices.bar_s)
