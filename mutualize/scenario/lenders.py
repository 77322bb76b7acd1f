"""Venues that lend by other rules than a pool's: what their reserves say, in the terms of their contracts.

An isolated market has two reserves: the one with a liquidation threshold is put up, the other is lent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from mutualize.scenario.comets import Comets, check_comet, settable_of, terms_of_comet
from mutualize.scenario.model import Scenario
from mutualize.scenario.noting import Note
from mutualize.scenario.trove_systems import TroveSystem
from mutualize.scenario.venue import CELLS, Reserve, Rules, Venue
from mutualize.scenario.venues import Custodian, Venues
from mutualize.scenario.waterfalls import stakes_of, waterfall_of
from mutualize.units import BPS, WAD, YEAR, mul_div_down
from mutualize.venues.compound import Compound
from mutualize.venues.compound_lending import CompoundLending
from mutualize.venues.comptroller import CompoundRules
from mutualize.venues.isolated import FEE_MAX, IsolatedMarket
from mutualize.venues.isolated_lending import IsolatedLending

if TYPE_CHECKING:
    from mutualize.protocol import Reactor
    from mutualize.protocol import Venue as Decider

LENDERS: Final = ("isolated", "compound", "comet")
"""The kinds of venue that lend, beside a pool."""
BLOCK_S: Final = 15
"""Seconds in a block where a scenario has no chain."""
FACTOR_MAX: Final = 9_000
"""The highest collateral factor of a market, bps (`collateralFactorMaxMantissa`)."""
_MARKET: Final = (
    "asset", "liquidation_threshold", "liquidation_bonus", "reserve_factor", "optimal", "base", "slope1",
    "slope2",
)  # fmt: skip
_POOL: Final = ("asset", *CELLS)
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


class Markets:
    """The markets of one Compound of a scenario, and all that decides or reacts with them."""

    def __init__(self, scenario: Scenario, name: str) -> None:
        venue = scenario.venues[name]
        rules = CompoundRules(
            close_factor=WAD if venue.rules.close_factor == "full" else mul_div_down(WAD, 1, 2),
            incentive=mul_div_down(incentive_of(venue), WAD, BPS),
            seize_share=venue.seize_share,
            block_s=block_s_of(scenario),
        )
        self.compound = Compound(name, tuple(venue.reserves), rules)
        self.lending = CompoundLending(self.compound)
        self.stakes = stakes_of(scenario, venue)
        self.waterfall = waterfall_of(scenario, venue, self.compound.cover(), self.stakes)
        self.deciders: list[Decider] = [self.compound, *self.stakes.values(), self.waterfall]
        self.reactors: list[Reactor] = [self.waterfall]


Parts: TypeAlias = Venues | Custodian | Isolated | Markets | Comets | TroveSystem
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


_LENDERS: Final[Mapping[str, type[Isolated | Markets | Comets]]] = {
    "isolated": Isolated,
    "compound": Markets,
    "comet": Comets,
}


def lender_of(scenario: Scenario, name: str) -> Isolated | Markets | Comets:
    """Return a venue that lends by other rules than a pool's."""
    return _LENDERS[scenario.venues[name].kind](scenario, name)


def lent_at(venue: Venue) -> str | None:
    """Return the only asset that a venue lends; None where there are several, or none."""
    if venue.kind not in ("isolated", "comet"):
        return None
    return next(asset for asset, reserve in venue.reserves.items() if not reserve.liquidation_threshold)


def settable(venue: Venue, asset: str) -> tuple[str, ...]:
    """Return the parameters of an asset that a vote may set."""
    return settable_of(venue, asset) if venue.kind == "comet" else tuple(CELLS)


def block_s_of(scenario: Scenario) -> int:
    """Return the length of a block; without a chain that of Ethereum's in the contract's day."""
    return BLOCK_S if scenario.chain is None else scenario.chain.block_s


def incentive_of(venue: Venue) -> int:
    """Return what liquidators get for a unit of value, bps: one for all markets."""
    return max((each.liquidation_bonus for each in venue.reserves.values()), default=BPS)


def terms_of_market(reserve: Reserve, decimals: int, block_s: int) -> tuple[tuple[str, int], ...]:
    """Return what a market begins with. Rates per year, in WAD; the jump is per unit beyond the kink."""
    kink = mul_div_down(reserve.optimal, WAD, BPS)
    return (
        ("decimals", decimals),
        ("collateral_factor", mul_div_down(reserve.liquidation_threshold, WAD, BPS)),
        ("reserve_factor", mul_div_down(reserve.reserve_factor, WAD, BPS)),
        ("initial_rate", int(2 * 10 ** (8 + decimals))),
        ("base", mul_div_down(reserve.base, WAD, BPS)),
        ("multiplier", mul_div_down(reserve.slope1, WAD, BPS)),
        ("jump", mul_div_down(reserve.slope2 * WAD, WAD, BPS * (WAD - kink))),
        ("kink", kink),
        ("blocks_per_year", mul_div_down(YEAR, 1, block_s)),
    )


def terms_of(scenario: Scenario, venue: Venue) -> Iterator[tuple[str, tuple[tuple[str, int], ...]]]:
    """Yield the assets that a venue lists, and what each begins with."""
    if venue.kind == "isolated":
        yield pair_of(venue)[1], terms_of_isolated(venue)
        return
    if venue.kind == "comet":
        yield from terms_of_comet(scenario, venue)
        return
    block_s = block_s_of(scenario)
    for asset, reserve in venue.reserves.items():
        decimals = scenario.assets[asset].decimals
        is_pool = venue.kind == "pool"
        yield asset, reserve.parameters(decimals) if is_pool else terms_of_market(reserve, decimals, block_s)


# --- checks ----------------------------------------------------------------------------------------------


def check_lender(venue: Venue, note: Note) -> bool:
    """Hold a venue that lends to what its kind has; returns whether it is told what is lent there."""
    if venue.kind != "comet" and venue.absorb_after_s is not None:
        note("absorb_after_s", "only Compound v3 absorbs accounts.", "Leave it out.")
    match venue.kind:
        case "isolated":
            return check_isolated(venue, note)
        case "comet":
            return check_comet(venue, note)
        case "compound":
            check_compound(venue, note)
        case "pool":
            check_pool(venue, note)
    return True


def check_pool(venue: Venue, note: Note) -> None:
    """Hold a pool to say nothing that only other venues' reserves have."""
    for asset, reserve in venue.reserves.items():
        for field in reserve.says_beside(_POOL):
            note(("reserves", asset, field), f"a reserve of a pool has no {field}.", "Leave it out.")


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
        for field in reserve.says_beside(has):
            side = "the collateral" if asset in put_up else "the loan"
            note(("reserves", asset, field), f"{side} of an isolated market has no {field}.", "Leave it out.")
        if mul_div_down(reserve.reserve_factor, WAD, BPS) > FEE_MAX:
            note(("reserves", asset, "reserve_factor"), "an isolated market's fee is at most 25 %.")
    if venue.umbrella:
        note("umbrella", "an isolated market has no umbrella.", "Leave it out, or write kind = 'pool'.")
    if venue.rules != Rules():
        note("rules", "an isolated market's rules are its contract's.", "Leave them out.")
    return True


def check_compound(venue: Venue, note: Note) -> None:
    """Hold Compound's markets to what they have."""
    bonuses = {each.liquidation_bonus for each in venue.reserves.values() if each.liquidation_threshold}
    if len(bonuses) > 1:
        note("reserves", "Compound has one liquidation_bonus for all markets.", "Give all the same.")
    for asset, reserve in venue.reserves.items():
        for field in reserve.says_beside(_MARKET):
            note(("reserves", asset, field), f"a market of Compound has no {field}.", "Leave it out.")
        if reserve.liquidation_threshold > FACTOR_MAX:
            problem = "a market of Compound counts at most 90 % of its collateral."
            note(("reserves", asset, "liquidation_threshold"), problem)
    if venue.umbrella:
        note("umbrella", "Compound has no umbrella.", "Leave it out, or write kind = 'pool'.")
    for rule in attrs.fields(Rules):
        if rule.name != "close_factor" and getattr(venue.rules, rule.name) != rule.default:
            note(("rules", rule.name), f"Compound has no {rule.name}.", "Leave it out.")
