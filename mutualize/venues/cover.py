"""How an open deficit is paid: the face that a venue shows to a waterfall, and a lending pool's.

    from a tier      deficit falls, the tier's money becomes the venue's
    from outside     deficit falls, cash rises
    by claims        deficit falls, and with it what the venue owes:   li' = ⌊li · (A − L) / T⌋
    by a holder      deficit falls, and one holder's claim
    by loans         deficit falls, and what borrowers owe rises:      bi' = ⌈bi · (D + L) / D⌉
    by revenue       deficit falls, and what the venue had earned
    recovered        cash rises, and whatever had fallen; an index is rounded so that nobody gains more

with A what claims and treasury are worth, T ≥ A their exact worth rounded up, so that what is left is never
more than A − L, and D what is lent. A cut is one number, whatever the count of holders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from typing import Protocol as Face

from mutualize.accounts import Transfer
from mutualize.events import Cell, Event
from mutualize.tier import CLAIMS, HOLDER, LOANS, REVENUE, Tier
from mutualize.units import (
    AMOUNT_MAX,
    RAY,
    mul_div_down,
    mul_div_up,
    ray_div_down,
    ray_div_up,
    ray_mul_up,
)

if TYPE_CHECKING:
    from mutualize.book import View
    from mutualize.venues.pool import Pool
    from mutualize.venues.reserve import Reserve
    from mutualize.venues.work import Work


NOBODY: Final[Mapping[str, int]] = {}
INDEX_MAX: Final = 10**20 * RAY
"""No recovery raises an index beyond this: what it is multiplied with later still fits a machine word."""


class Change(NamedTuple):
    """What paying does to a venue: events that go before, then the transfers and cells of the payment.

    `parts` says who bears how much of it, in base units of the lost asset, where holders are known by name.
    """

    before: list[Event]
    transfers: tuple[Transfer, ...]
    cells: tuple[Cell, ...]
    parts: Mapping[str, int] = NOBODY


class Cover(Face):
    """What a venue lets its tiers do. Amounts are base units of the missing asset; what is left is down."""

    name: str
    assets: tuple[str, ...]
    payers: tuple[str, ...]
    """The payers that only a venue can offer, and this one does."""
    named: tuple[str, ...]
    """Those of them who are known by name, so that each can be owed what he lost."""

    def decimals(self, view: View, asset: str) -> int:
        """Return the decimals of an asset."""

    def from_tier(self, view: View, asset: str, tier: str, amount: int, at: int) -> Change:
        """Pay with money that a tier holds in the same asset."""

    def from_outside(self, view: View, asset: str, amount: int, at: int) -> Change:
        """Pay with money that comes in."""

    def left(self, view: View, tier: Tier, asset: str, at: int, debtor: str) -> int:
        """Return what a payer of `payers` has left."""

    def take(self, view: View, tier: Tier, asset: str, amount: int, at: int, debtor: str) -> Change:
        """Let a payer of `payers` pay; `amount` is at most what it has left."""

    def entitled(self, view: View, tier: Tier, asset: str, at: int) -> Mapping[str, int]:
        """Return what a payer's accounts are worth now, where they are known by name."""

    def room(self, view: View, tier: Tier, asset: str, at: int) -> int:
        """Return how much a payer of `payers` can be given back."""

    def give(
        self, view: View, tier: Tier, asset: str, amount: int, parts: Mapping[str, int], at: int
    ) -> Change:
        """Give recovered money that comes in to a payer of `payers`; `parts` to those known by name."""

    def credit(self, view: View, asset: str, parts: Mapping[str, int], at: int) -> Change:
        """Give money that comes in to holders by name."""


class PoolCover:
    """A lending pool's deficit."""

    payers: tuple[str, ...] = (CLAIMS, HOLDER, LOANS, REVENUE)
    named: tuple[str, ...] = (HOLDER,)

    def __init__(self, pool: Pool) -> None:
        self.name, self.assets = pool.name, pool.assets
        self._pool = pool

    def decimals(self, view: View, asset: str) -> int:
        """Return the decimals of a reserve."""
        return self._pool.reserve(view, asset).decimals

    def from_tier(self, view: View, asset: str, tier: str, amount: int, at: int) -> Change:
        """Pay with money that a tier holds in the same asset."""
        work, before = self._begin(view, asset, at)
        reserve = work.reserve(asset)
        reserve.move_to_tier(tier, -amount)
        return _paid(work, before, asset, amount)

    def from_outside(self, view: View, asset: str, amount: int, at: int) -> Change:
        """Pay with money that comes in."""
        work, before = self._begin(view, asset, at)
        work.reserve(asset).receive(amount)
        return _paid(work, before, asset, amount)

    def left(self, view: View, tier: Tier, asset: str, at: int, _debtor: str) -> int:
        """Return what all claims, one holder's claim, all loans, or what was earned are worth."""
        work = self._pool.work(view, at)
        reserve = work.reserve(asset)
        match tier.payer:
            case "claims":
                return claims_capacity(work, asset)
            case "holder":
                return work.claim(asset, tier.holder)
            case "loans":
                return reserve.loans()
            case "revenue":
                return reserve.treasury()
        raise AssertionError(tier.payer)

    def take(self, view: View, tier: Tier, asset: str, amount: int, at: int, _debtor: str) -> Change:
        """Cut all claims, burn one holder's, raise all debts, or give up what was earned."""
        work, before = self._begin(view, asset, at)
        reserve = work.reserve(asset)
        match tier.payer:
            case "claims":
                cut_claims(work, asset, amount)
            case "holder":
                work.burn_claims(asset, tier.holder, ray_div_up(amount, reserve.liquidity_index))
            case "loans":
                loans = reserve.loans()
                assert 0 < amount <= loans, "a redistribution takes at most what is lent"
                reserve.borrow_index = mul_div_up(reserve.borrow_index, loans + amount, loans)
            case "revenue":
                reserve.accrued_scaled -= ray_div_up(amount, reserve.liquidity_index)
        paid = _paid(work, before, asset, amount)
        return paid._replace(parts={tier.holder: amount}) if tier.payer == HOLDER else paid

    def entitled(self, _view: View, _tier: Tier, _asset: str, _at: int) -> Mapping[str, int]:
        """Nobody: a cut of claims is one number."""
        return NOBODY

    def room(self, view: View, tier: Tier, asset: str, at: int) -> int:
        """Return how much can be given back to claims that are there, or taken off loans that are."""
        work = self._pool.work(view, at)
        reserve = work.reserve(asset)
        worth, index = claims_capacity(work, asset), reserve.liquidity_index
        match tier.payer:
            case "claims" if worth and index:
                highest = mul_div_down(INDEX_MAX, _worth_up(work, asset), index)
                return max(0, min(highest, AMOUNT_MAX) - worth)
            case "loans" if reserve.debt_scaled:
                loans = reserve.loans()
                return max(0, loans - mul_div_up(loans, RAY, reserve.borrow_index))
            case "holder" | "revenue" if index:
                return AMOUNT_MAX
        return 0

    def give(
        self, view: View, tier: Tier, asset: str, amount: int, parts: Mapping[str, int], at: int
    ) -> Change:
        """Raise all claims, lower all debts, or give claims to one holder or the treasury."""
        if tier.payer == HOLDER:
            return self.credit(view, asset, parts, at)
        work, before = self._begin(view, asset, at)
        reserve = work.reserve(asset)
        reserve.receive(amount)
        match tier.payer:
            case "claims":
                raise_claims(work, asset, amount)
            case "loans":
                loans = reserve.loans()
                reserve.borrow_index = mul_div_up(reserve.borrow_index, loans - amount, loans)
            case "revenue":
                reserve.accrued_scaled += ray_div_down(amount, reserve.liquidity_index)
        reserve.update_rates()
        return Change(before, *work.changes())

    def credit(self, view: View, asset: str, parts: Mapping[str, int], at: int) -> Change:
        """Give claims, rounded down, to holders by name."""
        work, before = self._begin(view, asset, at)
        reserve = work.reserve(asset)
        for name, part in sorted(parts.items()):
            reserve.receive(part)
            scaled = ray_div_down(part, reserve.liquidity_index)
            work.mint_claims(asset, name, scaled, collateral=False)
        reserve.update_rates()
        return Change(before, *work.changes())

    def _begin(self, view: View, asset: str, at: int) -> tuple[Work, list[Event]]:
        work = self._pool.work(view, at)
        work.reserve(asset)
        return work, work.accruals()


def _paid(work: Work, before: list[Event], asset: str, amount: int) -> Change:
    reserve = work.reserve(asset)
    reserve.deficit -= amount
    reserve.update_rates()
    return Change(before, *work.changes())


def claims_capacity(work: Work, asset: str) -> int:
    """Return how much a haircut could raise at most: all claims and the treasury's share, in base units."""
    reserve = work.reserve(asset)
    return reserve.claims() + reserve.treasury()


def cut_claims(work: Work, asset: str, amount: int) -> None:
    """Cut all claims pro rata. `amount` ≤ `claims_capacity`."""
    cut_index(work.reserve(asset), amount)


def cut_index(reserve: Reserve, amount: int) -> None:
    """Let the index of claims fall so far that all claims together are worth so much less."""
    worth = reserve.claims() + reserve.treasury()
    worth_up = ray_mul_up(reserve.supply_scaled + reserve.accrued_scaled, reserve.liquidity_index)
    assert 0 < amount <= worth, "a haircut takes at most all claims"
    reserve.liquidity_index = mul_div_down(reserve.liquidity_index, worth - amount, worth_up)


def raise_claims(work: Work, asset: str, amount: int) -> None:
    """Raise all claims pro rata, by no more than `amount`; they never fall by it."""
    reserve = work.reserve(asset)
    worth, index = claims_capacity(work, asset), reserve.liquidity_index
    reserve.liquidity_index = max(index, mul_div_down(index, worth + amount, _worth_up(work, asset)))


def _worth_up(work: Work, asset: str) -> int:
    reserve = work.reserve(asset)
    return ray_mul_up(reserve.supply_scaled + reserve.accrued_scaled, reserve.liquidity_index)
