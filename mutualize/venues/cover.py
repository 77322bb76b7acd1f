"""How an open deficit of a pool is paid: by a tier's money, by money from outside, or by all claims.

    from a tier      deficit falls, the tier's money becomes the reserve's
    from outside     deficit falls, cash rises
    by claims        deficit falls, the liquidity index is cut:  li' = ⌊li · (A − L) / T⌋

with A what claims and treasury are worth, and T ≥ A their exact worth rounded up, so that what is left
is never more than A − L. The cut is one number, whatever the count of holders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutualize.units import mul_div_down, ray_mul_up

if TYPE_CHECKING:
    from mutualize.venues.work import Work


def claims_capacity(work: Work, asset: str) -> int:
    """Return how much a haircut could raise at most: all claims and the treasury's share, in base units."""
    reserve = work.reserve(asset)
    return reserve.claims() + reserve.treasury()


def cover_from_tier(work: Work, asset: str, tier: str, amount: int) -> None:
    """Pay `amount` of the deficit with money that a tier holds in the same asset."""
    reserve = work.reserve(asset)
    reserve.move_to_tier(tier, -amount)
    reserve.deficit -= amount
    reserve.update_rates()


def cover_from_outside(work: Work, asset: str, amount: int) -> None:
    """Pay `amount` of the deficit with money that comes in."""
    reserve = work.reserve(asset)
    reserve.receive(amount)
    reserve.deficit -= amount
    reserve.update_rates()


def cover_by_claims(work: Work, asset: str, amount: int) -> None:
    """Pay `amount` of the deficit by a haircut on all claims, pro rata. `amount` ≤ `claims_capacity`."""
    reserve = work.reserve(asset)
    worth = claims_capacity(work, asset)
    worth_up = ray_mul_up(reserve.supply_scaled + reserve.accrued_scaled, reserve.liquidity_index)
    assert 0 < amount <= worth, "a haircut takes at most all claims"
    reserve.liquidity_index = mul_div_down(reserve.liquidity_index, worth - amount, worth_up)
    reserve.deficit -= amount
    reserve.update_rates()
