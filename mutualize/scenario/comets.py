"""Compound v3 in a scenario: one base asset, which is lent, and collateral that has a liquidation threshold.

    of a collateral      ltv ─▶ borrow factor     liquidation_threshold ─▶ liquidate factor
    of the base asset    base, slope1, slope2 ─▶ what debts cost     supply_… ─▶ what suppliers get

Both curves bend at `optimal`, as wherever the contract was deployed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from mutualize.compound_commands import Donate
from mutualize.scenario.model import Scenario
from mutualize.scenario.noting import Note
from mutualize.scenario.venue import COMET_CELLS, Reserve, Rules, Venue
from mutualize.scenario.waterfalls import stakes_of, waterfall_of
from mutualize.units import BPS, UINT128_MAX, WAD, mul_div_down
from mutualize.venues.comet import Comet
from mutualize.venues.comet_lending import CometLending

if TYPE_CHECKING:
    from mutualize.protocol import Reactor
    from mutualize.protocol import Venue as Decider

Terms = tuple[tuple[str, int], ...]

COMET_DECIMALS_MAX: Final = 18
"""`BadDecimals`."""
_COLLATERAL: Final = ("asset", "ltv", "liquidation_threshold", "liquidation_factor", "supply_cap")
_BASE: Final = (
    "asset", "optimal", "base", "slope1", "slope2", "supply_base", "supply_slope1", "supply_slope2",
    "store_front_factor", "target_reserves", "borrow_min", "reserves_initial",
)  # fmt: skip


class Comets:
    """One Compound v3 of a scenario, and all that decides or reacts with it."""

    def __init__(self, scenario: Scenario, name: str) -> None:
        venue = scenario.venues[name]
        self.comet = Comet(name, in_order(venue))
        self.lending = CometLending(self.comet)
        self.stakes = stakes_of(scenario, venue)
        self.waterfall = waterfall_of(scenario, venue, self.comet.cover(), self.stakes)
        self.deciders: list[Decider] = [self.comet, *self.stakes.values(), self.waterfall]
        self.reactors: list[Reactor] = [self.waterfall]


def in_order(venue: Venue) -> tuple[str, ...]:
    """Return the assets: the base first, then collateral as it stands in the file."""
    return tuple(sorted(venue.reserves, key=lambda asset: venue.reserves[asset].liquidation_threshold > 0))


def terms_of_comet(scenario: Scenario, venue: Venue) -> Iterator[tuple[str, Terms]]:
    """Yield what the contract lists, and what each asset begins with: rates per year, all in WAD."""
    base, *collaterals = in_order(venue)
    yield base, _terms_of_base(venue.reserves[base], scenario.assets[base].decimals)
    for asset in collaterals:
        yield asset, _terms_of_collateral(venue.reserves[asset], scenario.assets[asset].decimals)


def _terms_of_base(reserve: Reserve, decimals: int) -> Terms:
    kink = mul_div_down(reserve.optimal, WAD, BPS)
    supply = _curve("supply", kink, reserve.supply_base, reserve.supply_slope1, reserve.supply_slope2)
    borrow = _curve("borrow", kink, reserve.base, reserve.slope1, reserve.slope2)
    return (
        ("decimals", decimals),
        *supply,
        *borrow,
        ("borrow_min", reserve.borrow_min),
        ("target_reserves", reserve.target_reserves or 0),
        ("store_front_factor", mul_div_down(reserve.store_front_factor or 0, WAD, BPS)),
    )


def _curve(side: str, kink: int, base: int, slope1: int, slope2: int) -> Terms:
    """Return a curve in the contract's terms, which are per unit of use; rounded down."""
    return (
        (f"{side}_kink", kink),
        (f"{side}_base", mul_div_down(base, WAD, BPS)),
        (f"{side}_low", mul_div_down(slope1 * WAD, WAD, BPS * kink)),
        (f"{side}_high", mul_div_down(slope2 * WAD, WAD, BPS * (WAD - kink))),
    )


def _terms_of_collateral(reserve: Reserve, decimals: int) -> Terms:
    return (
        ("decimals", decimals),
        ("borrow_factor", mul_div_down(reserve.ltv, WAD, BPS)),
        ("liquidate_factor", mul_div_down(reserve.liquidation_threshold, WAD, BPS)),
        ("liquidation_factor", mul_div_down(reserve.liquidation_factor or 0, WAD, BPS)),
        ("supply_cap", UINT128_MAX if reserve.supply_cap is None else reserve.supply_cap),
    )


def settable_of(venue: Venue, asset: str) -> tuple[str, ...]:
    """Return the fields of an asset that a vote may set: each is one number of the contract."""
    has = _COLLATERAL if venue.reserves[asset].liquidation_threshold else _BASE
    return tuple(field for field in COMET_CELLS if field in has)


def setting_of(field: str | None, value: int | None) -> tuple[str, int]:
    """Return what the contract calls a field that a vote may set, and the value in its terms (WAD)."""
    assert field is not None, "the loader asks for it"
    assert value is not None, "the loader asks for it"
    return COMET_CELLS[field], mul_div_down(value, WAD, BPS)


def reserves_of(venue: Venue, giver: str) -> Iterator[Donate]:
    """Yield what gives the reserves the money that they begin with."""
    for asset, reserve in venue.reserves.items():
        if reserve.reserves_initial:
            yield Donate(venue=venue.name, account=giver, asset=asset, amount=reserve.reserves_initial)


# --- checks ----------------------------------------------------------------------------------------------


def check_comet(venue: Venue, note: Note) -> bool:
    """Hold Compound v3 to what it has; returns whether it is told which asset is the base."""
    lent = [asset for asset, reserve in venue.reserves.items() if not reserve.liquidation_threshold]
    if len(lent) != 1 or len(venue.reserves) < 2:
        problem = "Compound v3 lends one asset, its base: the only one without a liquidation_threshold."
        note("reserves", problem, "Give every collateral one, and the base none.")
        return False
    for asset, reserve in venue.reserves.items():
        side, has = ("the base asset", _BASE) if asset in lent else ("a collateral", _COLLATERAL)
        for field in reserve.says_beside(has):
            note(("reserves", asset, field), f"{side} of Compound v3 has no {field}.", "Leave it out.")
        for field in ("store_front_factor", "target_reserves") if asset in lent else ("liquidation_factor",):
            if getattr(reserve, field) is None:
                note(("reserves", asset), f"{field!r} is missing: {side} of Compound v3 needs it.")
        if asset not in lent:
            _check_collateral(asset, reserve, note)
    _check_supply(lent[0], venue.reserves[lent[0]], note)
    if venue.umbrella:
        note("umbrella", "Compound v3 has no umbrella.", "Leave it out, or write kind = 'pool'.")
    if venue.rules != Rules():
        note("rules", "the rules of Compound v3 are its contract's.", "Leave them out.")
    return True


def _check_supply(asset: str, base: Reserve, note: Note) -> None:
    """Hold the curve of suppliers to what that of debts is held to everywhere."""
    if base.supply_slope1 > base.supply_slope2:
        problem = "supply_slope1 is above supply_slope2: the rate curve bends upwards."
        note(("reserves", asset, "supply_slope1"), problem)
    if base.supply_base + base.supply_slope1 + base.supply_slope2 > 10 * BPS:
        problem = "supply_base + supply_slope1 + supply_slope2 is above 1000 % a year."
        note(("reserves", asset, "supply_slope2"), problem)


def _check_collateral(asset: str, reserve: Reserve, note: Note) -> None:
    """Hold its three factors to be in order (`BorrowCFTooLarge`; the last is as wherever it was deployed)."""
    if reserve.ltv == reserve.liquidation_threshold:
        problem = "the ltv is not below the liquidation_threshold, as the contract has it."
        note(("reserves", asset, "ltv"), problem, "Lower it.")
    if reserve.liquidation_factor is not None and reserve.liquidation_factor < reserve.liquidation_threshold:
        problem = "it is below the liquidation_threshold: who is absorbed in time would leave debt behind."
        note(("reserves", asset, "liquidation_factor"), problem, "Raise it, or lower the threshold.")
