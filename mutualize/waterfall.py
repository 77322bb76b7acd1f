"""The waterfall: who pays when a venue falls short, tier by tier.

    ShortfallRecognised(loss)
        └▶ LossAllocated(tier 1, amount = min(rest above its offset, capacity))
              └▶ LossAbsorbed(tier 1)
                    └▶ LossAllocated(tier 2) ─▶ … ─▶ ShortfallUncovered(rest)

A tier is three answers: whose money (`payer`), up to how much (`limit`, `amount_max`, `min_left`,
`offset`), shared how (by the payer: a fund is one purse, a stake and claims share pro rata by one index).
The chain of events is the state; `react` reads where it stands and says what follows. Nothing is lost from
sight: what no tier pays stays in the deficit, with an event of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from typing import Protocol as Face

import attrs

from mutualize.accounts import Transfer, account, tier_account
from mutualize.book import balance
from mutualize.conversion import Conversion
from mutualize.events import (
    Cell,
    Event,
    LossAbsorbed,
    LossAllocated,
    ShortfallRecognised,
    ShortfallUncovered,
)
from mutualize.tables import ORACLE
from mutualize.units import WAD, mul_div_down
from mutualize.venues.cover import claims_capacity, cover_by_claims, cover_from_outside, cover_from_tier

if TYPE_CHECKING:
    from mutualize.book import View
    from mutualize.staking import StakePool
    from mutualize.venues.pool import Pool

FUND, STAKE, CLAIMS = "fund", "stake", "claims"
PAYERS = (FUND, STAKE, CLAIMS)


@attrs.frozen(kw_only=True)
class Tier:
    """One row of the table.

    name         what the tier is called, and whose account it is (`<venue>:tier:<name>`)
    payer        'fund', 'stake' or 'claims'
    limit        largest share of what is left that one shortfall may take, in WAD
    amount_max   largest amount one shortfall may take, in base units of the paying asset (None: no limit)
    min_left     base units that always stay
    offset       the part of the rest, in base units of the loss, that this tier leaves to those below
    used         False for a tier that exists and is not used
    asset        the asset it pays in, where that is not the asset of the loss
    stake        which stake pays (payer 'stake')
    price        fixed price of the paying asset, 8 decimals; None: what the oracle says
    loss_price   fixed price of the lost asset, 8 decimals; None: what the oracle says
    discount     what a buyer takes off the price, in WAD
    depth        (amount, impact in WAD): selling `amount` moves the price by `impact`; None: no slippage
    """

    name: str
    payer: str
    limit: int = WAD
    amount_max: int | None = None
    min_left: int = 0
    offset: int = 0
    used: bool = True
    asset: str = ""
    stake: str = ""
    price: int | None = None
    loss_price: int | None = None
    discount: int = 0
    depth: tuple[int, int] | None = None


@attrs.frozen
class Payment:
    """What a payer gave: `paid` base units of `asset` for the amount that it was made to owe."""

    bearer: str
    asset: str
    paid: int
    before: tuple[Event, ...]
    transfers: tuple[Transfer, ...]
    cells: tuple[Cell, ...]


class Payer(Face):
    """Whose money a kind of tier takes."""

    def capacity(self, view: View, tier: Tier, asset: str, at: int) -> int:
        """Return the most that this tier can pay of a loss in `asset`, in its base units, rounded down."""

    def pay(self, view: View, tier: Tier, asset: str, amount: int, at: int) -> Payment:
        """Pay exactly `amount` ≤ capacity."""


def allowed(tier: Tier, left: int) -> int:
    """Return how much of what is left a tier may use, by its own limits, rounded down."""
    most = mul_div_down(max(0, left - tier.min_left), tier.limit, WAD)
    return most if tier.amount_max is None else min(most, tier.amount_max)


class Waterfall:
    """The reactor of one pool: a recognised shortfall starts it, each answer leads to the next."""

    answers = (ShortfallRecognised, LossAllocated, LossAbsorbed)

    def __init__(
        self,
        pool: Pool,
        tiers: Sequence[Tier],
        *,
        stakes: Mapping[str, StakePool] | None = None,
        decimals: Mapping[str, int] | None = None,
    ) -> None:
        """`decimals` gives those of assets that tiers pay in."""
        self.pool = pool
        self.tiers = tuple(tiers)
        purse = Purse(pool, dict(decimals or {}), dict(stakes or {}))
        self._payers: Mapping[str, Payer] = {FUND: purse, STAKE: purse, CLAIMS: Claims(pool)}

    def react(self, view: View, event: Event, at: int) -> list[Event]:
        """Return what follows from an event, or nothing."""
        match event:
            case ShortfallRecognised() if event.venue == self.pool.name:
                return self._next(view, event.asset, 0, event.amount, at)
            case LossAllocated() if event.venue == self.pool.name and event.amount:
                return self._settle(view, event, at)
            case LossAllocated() | LossAbsorbed() if event.venue == self.pool.name:
                return self._next(view, event.asset, event.index + 1, event.rest, at)
        return []

    def _next(self, view: View, asset: str, index: int, rest: int, at: int) -> list[Event]:
        """Allocate to the tier at `index`, or say that nobody is left. An empty tier is recorded too."""
        if not rest:
            return []
        if index >= len(self.tiers):
            return [ShortfallUncovered(venue=self.pool.name, asset=asset, amount=rest)]
        tier = self.tiers[index]
        capacity = self._payers[tier.payer].capacity(view, tier, asset, at) if tier.used else 0
        amount = min(max(0, rest - tier.offset), capacity)
        return [
            LossAllocated(
                venue=self.pool.name,
                asset=asset,
                tier=tier.name,
                index=index,
                capacity=capacity,
                amount=amount,
                rest=rest - amount,
            )
        ]

    def _settle(self, view: View, owed: LossAllocated, at: int) -> list[Event]:
        tier = self.tiers[owed.index]
        payment = self._payers[tier.payer].pay(view, tier, owed.asset, owed.amount, at)
        oracle_price = view.cell(ORACLE, owed.asset)
        price = oracle_price if tier.loss_price is None else tier.loss_price
        same = payment.asset == owed.asset
        return [
            *payment.before,
            LossAbsorbed(
                venue=self.pool.name,
                asset=owed.asset,
                tier=tier.name,
                index=owed.index,
                bearer=payment.bearer,
                amount=owed.amount,
                rest=owed.rest,
                paid_asset=payment.asset,
                paid=payment.paid,
                price=price,
                paid_price=price if same else paying_price(view, tier),
                transfers=payment.transfers,
                cells=payment.cells,
            ),
        ]


def paying_price(view: View, tier: Tier) -> int:
    """Return the price of the asset that a tier pays in, 8 decimals."""
    return view.cell(ORACLE, tier.asset) if tier.price is None else tier.price


class Claims:
    """All claims of a pool's reserve: a haircut by index."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def capacity(self, view: View, tier: Tier, asset: str, at: int) -> int:
        """Return what the claims are worth, within the tier's limits."""
        return allowed(tier, claims_capacity(self._pool.work(view, at), asset))

    def pay(self, view: View, _tier: Tier, asset: str, amount: int, at: int) -> Payment:
        """Cut all claims pro rata."""
        work = self._pool.work(view, at)
        work.reserve(asset)
        before = work.accruals()
        cover_by_claims(work, asset, amount)
        return Payment("claims", asset, amount, tuple(before), *work.changes())


class Purse:
    """Money that is held for a tier: a fund, or what a stake's shares stand for. Converts where it must."""

    def __init__(self, pool: Pool, decimals: Mapping[str, int], stakes: Mapping[str, StakePool]) -> None:
        self._pool = pool
        self._decimals = decimals
        self._stakes = stakes

    def _left(self, view: View, tier: Tier, asset: str) -> int:
        if tier.payer == STAKE:
            stake = self._stakes[tier.stake]
            if stake.asset != asset and not tier.asset:
                return 0
            return allowed(tier, stake.slashable(view))
        return allowed(tier, balance(view, tier_account(self._pool.name, tier.name), tier.asset or asset))

    def _conversion(self, view: View, tier: Tier, asset: str) -> Conversion:
        oracle_price = view.cell(ORACLE, asset)
        return Conversion(
            price=paying_price(view, tier),
            decimals=self._decimals[tier.asset],
            loss_price=oracle_price if tier.loss_price is None else tier.loss_price,
            loss_decimals=self._pool.reserve(view, asset).decimals,
            discount=tier.discount,
            depth=tier.depth,
        )

    def _converts(self, tier: Tier, asset: str) -> bool:
        return bool(tier.asset) and tier.asset != asset

    def capacity(self, view: View, tier: Tier, asset: str, _at: int) -> int:
        """Return what the money at hand is worth in the asset of the loss, rounded down."""
        left = self._left(view, tier, asset)
        if not left or not self._converts(tier, asset):
            return left
        return self._conversion(view, tier, asset).worth_down(left)

    def pay(self, view: View, tier: Tier, asset: str, amount: int, at: int) -> Payment:
        """Pay from the purse; a stake is slashed for it, shares untouched."""
        converts = self._converts(tier, asset)
        paid_asset, paid = asset, amount
        if converts:
            paid_asset = tier.asset
            paid = self._conversion(view, tier, asset).needed_up(amount, self._left(view, tier, asset))
        work = self._pool.work(view, at)
        work.reserve(asset)
        events = work.accruals()
        name, bearer = tier.name, tier.name
        if tier.payer == STAKE:
            stake = self._stakes[tier.stake]
            name, bearer = stake.stake, stake.stake
            events.append(stake.slashed(view, paid, leaves=converts))
        if not converts:
            cover_from_tier(work, asset, name, amount)
            return Payment(bearer, paid_asset, paid, tuple(events), *work.changes())
        cover_from_outside(work, asset, amount)
        transfers, cells = work.changes()
        if tier.payer == FUND:
            venue = self._pool.name
            transfers += (Transfer(tier_account(venue, name), account(venue, "cash"), paid_asset, paid),)
        return Payment(bearer, paid_asset, paid, tuple(events), transfers, cells)
