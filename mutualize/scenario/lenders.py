"""Venues that lend by other rules than a pool's: what their reserves say, in the terms of their contracts.

An isolated market has two reserves: the one with a liquidation threshold is put up, the other is lent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from mutualize.scenario.model import Scenario
from mutualize.scenario.noting import Note
from mutualize.scenario.venue import Reserve, Rules, Venue
from mutualize.scenario.venues import Custodian, Venues
from mutualize.scenario.waterfalls import stakes_of, waterfall_of
from mutualize.units import BPS, WAD, YEAR, mul_div_down
from mutualize.venues.isolated import FEE_MAX, IsolatedMarket
from mutualize.venues.isolated_lending import IsolatedLending

if TYPE_CHECKING:
    from mutualize.protocol import Reactor
    from mutualize.protocol import Venue as Decider

LENDERS: Final = ("isolated",)
"""The kinds of venue that lend, beside a pool."""
_COLLATERAL: Final = ("asset", "liquidation_threshold")
_LOAN: Final = ("asset", "reserve_factor", "base", "slope1")


class Isolated:
    """One isolated market of a scenario, and all that decides or reacts with it."""

    def __init__(self, scenario: Scenario, name: str) -> None:
        venue = scenario.venues[name]
        collateral, loan = pair_of(venue)
        decimals = {asset: scenario.assets[asset].decimals for asset in (collateral, loan)}
        self.market = IsolatedMarket(name, collateral, loan, decimals)
        self.lending = IsolatedLending(self.market)
        self.stakes = stakes_of(scenario, venue)
        self.waterfall = waterfall_of(scenario, venue, self.market.cover(), self.stakes)
        self.deciders: list[Decider] = [self.market, *self.stakes.values(), self.waterfall]
        self.reactors: list[Reactor] = [self.waterfall]


Parts: TypeAlias = Venues | Custodian | Isolated
"""A venue, and all that decides or reacts with it."""


def pair_of(venue: Venue) -> tuple[str, str]:
    """Return the collateral and the loan of an isolated market."""
    collateral = next(asset for asset, reserve in venue.reserves.items() if reserve.liquidation_threshold)
    return collateral, next(asset for asset in venue.reserves if asset != collateral)


def terms_of_isolated(venue: Venue) -> tuple[tuple[str, int], ...]:
    """Return what the market begins with. Rates per second, rounded down; all in WAD."""
    collateral, loan = (venue.reserves[asset] for asset in pair_of(venue))
    return (
        ("lltv", mul_div_down(collateral.liquidation_threshold, WAD, BPS)),
        ("rate_base", mul_div_down(loan.base, WAD, BPS * YEAR)),
        ("rate_slope", mul_div_down(loan.slope1, WAD, BPS * YEAR)),
        ("fee", mul_div_down(loan.reserve_factor, WAD, BPS)),
    )


# --- checks ----------------------------------------------------------------------------------------------


def check_isolated(venue: Venue, note: Note) -> bool:
    """Hold an isolated market to what it has; returns whether it is one."""
    put_up = [asset for asset, reserve in venue.reserves.items() if reserve.liquidation_threshold]
    if len(venue.reserves) != 2 or len(put_up) != 1:
        problem = (
            "an isolated market has two reserves, one of them with a liquidation_threshold: the collateral."
        )
        note("reserves", problem)
        return False
    for asset, reserve in venue.reserves.items():
        has = _COLLATERAL if asset in put_up else _LOAN
        for field in _said(reserve, has):
            side = "the collateral" if asset in put_up else "the loan"
            note(("reserves", asset, field), f"{side} of an isolated market has no {field}.", "Leave it out.")
        if mul_div_down(reserve.reserve_factor, WAD, BPS) > FEE_MAX:
            note(("reserves", asset, "reserve_factor"), "an isolated market's fee is at most 25 %.")
    if venue.umbrella:
        note("umbrella", "an isolated market has no umbrella.", "Leave it out, or write kind = 'pool'.")
    if venue.rules != Rules():
        note("rules", "an isolated market's rules are its contract's.", "Leave them out.")
    return True


def _said(reserve: Reserve, has: tuple[str, ...]) -> list[str]:
    """Return the fields that say something that the reserve does not have."""
    return [
        field.name
        for field in attrs.fields(Reserve)
        if field.name not in has and getattr(reserve, field.name) != field.default
    ]
