"""How much is done on the vault engines of a scenario, at most: an estimate before anything is run.

pokes     = window / hop of each feed that delays, times who looks at each
visits    = window / how often each keeper of the vow acts
auctions  = collateral of all vaults / lump, or debt / dunk, times who bids in each
sales     = vaults, times the steps of a price until it is too old, times who looks at each

An auction holds as much as its code lets it: with a small lump even one vault is sold in millions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mutualize.randomness import Distribution
from mutualize.scenario.model import Scenario, Venue
from mutualize.units import PRICE_UNIT, RAD, RAY, WAD, div_up, mul_div_up
from mutualize.venues.auction import CLIP, OLD

Holding = tuple[int, int]
"""A vault's collateral (wad), and its debt (rad)."""
UNBOUNDED: Final = 10**60
"""More than any term that a scenario may state."""


def engine_steps(scenario: Scenario) -> int:
    """Return how many transactions are sent to vault engines, at most."""
    window = scenario.end - scenario.start
    total = 0
    for keeper in scenario.vow_keepers:
        total += div_up(window, keeper.every_s)
    for venue in scenario.venues.values():
        for ilk in venue.ilks:
            here = (venue.name, ilk)
            biters = sum(group.count for group in scenario.biters if (group.venue, group.ilk) == here)
            bidders = sum(group.count for group in scenario.bidders if (group.venue, group.ilk) == here)
            feeds = sum((keeper.venue, keeper.ilk) == here for keeper in scenario.feed_keepers)
            hop = _least(scenario, venue, ilk, "hop")
            total += feeds * div_up(window, hop) * (1 + biters) if hop < UNBOUNDED else 0
            total += auctions(scenario, venue, ilk) * (1 + bidders) if biters else 0
            total += _looks(scenario, venue, ilk) if biters and venue.auctions == CLIP else 0
    return total


def auctions(scenario: Scenario, venue: Venue, ilk: str) -> int:
    """Return in how many auctions all vaults of an ilk would be sold, each at its largest."""
    if venue.auctions == CLIP:
        return sum(count for count, _ in _holdings(scenario, venue, ilk))
    name = "lump" if venue.auctions == OLD else "dunk"
    most, side = _least(scenario, venue, ilk, name), 0 if venue.auctions == OLD else 1
    return sum(count * div_up(holding[side], most) for count, holding in _holdings(scenario, venue, ilk))


def _looks(scenario: Scenario, venue: Venue, ilk: str) -> int:
    """Return how often takers look at sales, each once begun again at most, and nobody buying."""
    takers = sum(group.count for group in scenario.takers if (group.venue, group.ilk) == (venue.name, ilk))
    step = _least(scenario, venue, ilk, "step")
    tail = max((value for value in _given(scenario, venue, ilk, "tail") if value), default=0)
    longest = min(scenario.end - scenario.start, 2 * tail)
    return takers * auctions(scenario, venue, ilk) * div_up(longest, 1 if step == UNBOUNDED else step)


def _given(scenario: Scenario, venue: Venue, ilk: str, name: str) -> list[int | None]:
    """Return what is stated for a term, now and by later acts."""
    acts = [act.terms for act in scenario.acts if (act.venue, act.ilk) == (venue.name, ilk)]
    return [getattr(terms, name) for terms in (venue.ilks[ilk], *acts) if terms is not None]


def _least(scenario: Scenario, venue: Venue, ilk: str, name: str) -> int:
    """Return the least that a term is, now or by a later act; zero and no term are no bound."""
    return min((value for value in _given(scenario, venue, ilk, name) if value), default=UNBOUNDED)


def _holdings(scenario: Scenario, venue: Venue, ilk: str) -> Iterator[tuple[int, Holding]]:
    """Yield how many vaults there are of each sort, and the most that each holds and owes, fees aside."""
    for row in scenario.vault_rows:
        if (row.venue, row.ilk) == (venue.name, ilk) and row.collateral is not None:
            ink = _most(row.collateral)
            count = 1 if row.count is None else row.count
            yield count, (ink, _debt(venue, ilk, ink, row.debt, row.liquidation_price))
    for vault in scenario.vaults:
        if (vault.venue, vault.ilk) == (venue.name, ilk):
            debt = _debt(venue, ilk, vault.collateral, vault.debt, vault.liquidation_price)
            yield 1, (vault.collateral, debt)


def _debt(
    venue: Venue, ilk: str, ink: int, debt: Distribution | int | None, price: Distribution | int | None
) -> int:
    """Return what a vault owes with its penalty, rad."""
    chop = venue.ilks[ilk].chop or WAD
    if debt is not None:
        owed = mul_div_up(_most(debt), RAD, WAD)
    else:
        mat = venue.ilks[ilk].mat or RAY
        owed = mul_div_up(ink * _most(price), RAY * RAY, PRICE_UNIT * mat)
    return mul_div_up(owed, chop, WAD)


def _most(drawn: Distribution | int | None) -> int:
    """Return the most that may be drawn."""
    if isinstance(drawn, Distribution):
        return drawn.support[1]
    return drawn or 0
