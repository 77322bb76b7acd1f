"""The desk of a group of liquidators: what they all see alike, computed once for all of them.

    worth the while?      profit(q) = what flows in and out, trades included; the largest q whose last step
                          still earns something, at most what the rules and the purse allow
    not now? when?        the first moment at which it will be, as prices move along and depth recovers

The rule: the answer to "when" is computed from the knots of the price paths, so nobody has to ask again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import attrs

from mutualize.agents.fees import Fees
from mutualize.agents.targets import Pair, Targets
from mutualize.agents.trading import Markets
from mutualize.commands import ALL, Liquidate
from mutualize.compound_commands import BuyCollateral
from mutualize.compound_events import CollateralBought
from mutualize.errors import Reason, Refused
from mutualize.events import Liquidated, Slashed, Traded
from mutualize.market.chain import Chain
from mutualize.market.market import Market
from mutualize.protocol import Planned
from mutualize.stretch import could_be_holes
from mutualize.units import WAD, mul_div_down
from mutualize.venues.comet_lending import CometLending
from mutualize.venues.lending import PoolLending, Rate
from mutualize.venues.sweep import Sweep
from mutualize.waterfall import Waterfall
from mutualize.world import World

RESERVES: Final = ""
"""Instead of a debtor: the venue itself, where it sells what it took over."""
STEPS: Final = 1024
"""A size is found to one part in this of the most that is allowed."""


@attrs.frozen(kw_only=True)
class Habits:
    """What a group of liquidators has in common. Money with 8 decimals, shares in WAD.

    flash            repay with borrowed liquidity, as long as the trades pay it back
    profit_min       the least profit, after gas and slippage, that makes them act
    fraction_max     the largest share of a debt that one transaction repays
    lot_max          the most that one transaction repays, by asset of the debt
    """

    flash: bool = False
    profit_min: int = 0
    fraction_max: int = WAD
    lot_max: Mapping[str, int] = attrs.field(factory=dict)


class Opening(NamedTuple):
    """What the pool would do with a target when asked to liquidate up to `asked`: `paid` for `seized`.

    It is carried out with `asked` again: to repeat what is `paid` may leave a unit of collateral behind; or
    by its `plan` (in which nobody is the liquidator yet), where nothing has happened since.
    """

    pair: Pair
    account: str
    asked: int
    paid: int
    seized: int
    plan: tuple[Planned, ...]


def done(plan: Iterable[Planned]) -> tuple[int, int]:
    """Return what was paid and what was got for it, in a plan that holds one liquidation or purchase."""
    for event, _ in plan:
        if isinstance(event, Liquidated):
            return event.paid, event.seized
        if isinstance(event, CollateralBought):
            return event.paid, event.amount
    raise AssertionError("a plan that was not refused holds one of them")


class Desk:
    """Shared by liquidators of one group. `horizon_s` is how far ahead a moment is looked for."""

    def __init__(
        self,
        targets: Targets,
        markets: Markets,
        fees: Fees,
        chain: Chain | None,
        habits: Habits,
        horizon_s: int,
    ) -> None:
        self.targets = targets
        self.lending = targets.lending
        self.markets = markets
        self.fees = fees
        self.habits = habits
        self.chain = chain
        self._horizon_s = horizon_s
        self._tag = (-1, -1)
        self._openings: dict[tuple[Pair, str, int], Opening | Reason] = {}
        self._moments: dict[tuple[Pair, str, int, int], int | None] = {}
        self._rates: dict[Pair, Rate | None] = {}
        self._sizes: dict[tuple[Pair, str, int, int, int], tuple[int, int] | None] = {}
        self._exact: dict[tuple[Pair, str, int], Opening | Reason] = {}
        targets.asking.append(lambda pair, at: self.habits.profit_min + self.gas(pair, at))

    def change(self, habits: Habits) -> None:
        """Go by other habits from now on; nothing that was worked out before is kept."""
        self.habits = habits
        self._tag = (-1, -1)
        for kept in (self._openings, self._moments, self._rates, self._sizes, self._exact):
            kept.clear()

    def block(self, at: int) -> int:
        """Return the first block at or after a moment: without a chain, that moment."""
        return at if self.chain is None else self.chain.next_block(at)

    def gas(self, pair: Pair, at: int) -> int:
        """Return what a liquidation with its trades costs in gas, in money of account, rounded up."""
        cost = self.fees.cost(at, *self.actions(pair))
        return -(self.markets.worth({self.fees.native: -cost}, at) or 0) if cost else 0

    def actions(self, pair: Pair) -> tuple[str, ...]:
        """Return what a liquidation does on the chain."""
        legs = self.markets.legs(pair)
        return ("liquidate", *("trade" for leg in (legs.sell, legs.buy) if leg is not None))

    def seller(self, pair: Pair) -> Market | None:
        """Return where the collateral of a pair is sold, if nothing else weighs on what a liquidation earns.

        So it is where liquidity is borrowed, gas is free, sizes have no limit and no influence on the price,
        and the sale brings the asset that is owed. None where any of this does not hold.
        """
        habits, legs = self.habits, self.markets.legs(pair)
        if not isinstance(self.lending, PoolLending):
            return None
        if not habits.flash or habits.lot_max or habits.fraction_max < WAD or self.fees.native:
            return None
        if legs.sell is None or legs.buy is not None or legs.sell.money != pair.debt:
            return None
        return legs.sell if legs.sell.is_linear else None

    def worth_of(self, asset: str, at: int) -> tuple[int, int] | None:
        """Return the fraction that turns base units into money of account; None where there is no price."""
        price = self.markets.price(asset, at)
        return None if price is None else (price, self.markets.unit(asset))

    def sweep(self, world: World, pair: Pair, liquidator: str) -> Sweep | None:
        """Return many liquidations of a pair at this moment, or None where it cannot be liquidated."""
        assert isinstance(self.lending, PoolLending), "only there is a `seller`"
        protocol, pool = world.protocol, self.lending.pool
        reactors = protocol.reactors_to(Liquidated, Traded, Slashed, *Waterfall.answers)
        waterfall = reactors[0] if len(reactors) == 1 and isinstance(reactors[0], Waterfall) else None
        tiers = () if waterfall is None else waterfall.tiers(pair.debt)
        sold_at = self.markets.legs(pair).sell
        names = [pool.name, *pool.assets, liquidator, "" if sold_at is None else sold_at.place]
        names += [each for tier in tiers for each in tier.names]
        joins = not (protocol.reactors_to(Liquidated, Traded, Slashed) or could_be_holes(names))
        try:
            return Sweep(pool, world.book, world.now, pair, liquidator, waterfall, joins=joins)
        except Refused:
            return None

    # --- what the pool would do --------------------------------------------------------------------------

    def fresh(self, world: World) -> None:
        """Forget what was true before the last entry, or at another moment."""
        tag = (world.book.seq, world.now)
        if tag != self._tag:
            self._tag = tag
            self._openings.clear()
            self._moments.clear()
            self._rates.clear()
            self._sizes.clear()
            self._exact.clear()

    def rate(self, world: World, pair: Pair) -> Rate | None:
        """Return the rate of a pair, or None where the collateral is worth nothing."""
        if pair not in self._rates:
            self._rates[pair] = self.lending.rate(world.book, world.now, pair.collateral, pair.debt)
        return self._rates[pair]

    def exact(self, world: World, pair: Pair, account: str, amount: int) -> Opening | Reason:
        """Return what `would` says, found once for all liquidators who look at the same moment."""
        key = (pair, account, amount)
        if key not in self._exact:
            self._exact[key] = self.would(world, pair, account, amount)
        return self._exact[key]

    def would(self, world: World, pair: Pair, account: str, amount: int) -> Opening | Reason:
        """Return what the pool would do with a liquidation of at most `amount`, or why it would refuse it."""
        if account == RESERVES and pair.collateral not in self._for_sale(world):
            return Reason.RESERVES_ARE_INSUFFICIENT
        plan = world.plan(self.wish(world, pair, account, amount))
        if isinstance(plan, Reason):
            return plan
        return Opening(pair, account, amount, *done(plan), tuple(plan))

    def wish(self, world: World, pair: Pair, account: str, amount: int) -> Liquidate | BuyCollateral:
        """Return what liquidates somebody, or buys of the reserves, up to an amount: by nobody yet."""
        if account == RESERVES:
            price = self._for_sale(world).get(pair.collateral, amount)
            return BuyCollateral(
                venue=self.lending.name, account="", collateral=pair.collateral, amount=min(amount, price)
            )
        return Liquidate(
            venue=self.lending.name,
            account="",
            borrower=account,
            collateral=pair.collateral,
            debt=pair.debt,
            debt_to_cover=amount,
        )

    def opening(self, world: World, pair: Pair, account: str, most: int) -> Opening | Reason:
        """Return what can be done with a target up to `most`; if refused, a smaller amount is tried."""
        key = (pair, account, most)
        if key not in self._openings:
            self._openings[key] = self._opening(world, pair, account, most)
        return self._openings[key]

    def _opening(self, world: World, pair: Pair, account: str, most: int) -> Opening | Reason:
        limit = min(most, self.habits.lot_max.get(pair.debt, ALL))
        if self.habits.fraction_max < WAD and account != RESERVES:
            owed = self.lending.debt(world.book, account, pair.debt, world.now)
            limit = min(limit, mul_div_down(owed, self.habits.fraction_max, WAD))
        found = self.would(world, pair, account, limit)
        if not isinstance(found, Reason):
            return found
        wish = self.wish(world, pair, account, limit)
        if isinstance(wish, BuyCollateral):
            return found
        smaller = self.lending.smaller(world.book, world.now, wish, found)
        return self.would(world, pair, account, min(limit, smaller)) if smaller > 0 else found

    def on_sale(self, world: World) -> list[Pair]:
        """Return what the reserves of a venue sell of what they took over, and for what."""
        return [Pair(asset, self.lending.assets[0]) for asset in self._for_sale(world)]

    def _for_sale(self, world: World) -> Mapping[str, int]:
        """Return the same with the price of all of it; only Compound v3 has any."""
        if not isinstance(self.lending, CometLending):
            return {}
        return self.lending.for_sale(world.book, world.now)

    # --- what is worth the while -------------------------------------------------------------------------

    def profit(self, pair: Pair, paid: int, seized: int, own: int, at: int) -> int | None:
        """Return what a liquidation earns before gas, money of account; None while a market is halted."""
        flows = self.markets.flows(pair, paid, seized, min(own, paid), at)
        return None if flows is None else self.markets.worth(flows, at)

    def size(self, world: World, opening: Opening, own: int, at: int) -> tuple[int, int] | None:
        """Return (the amount to repay, profit before gas), or None where already the first step loses.

        Found once for all liquidators who look at the same moment.
        """
        key = (opening.pair, opening.account, opening.asked, own, at)
        if key not in self._sizes:
            self._sizes[key] = self._size(world, opening, own, at)
        return self._sizes[key]

    def _size(self, world: World, opening: Opening, own: int, at: int) -> tuple[int, int] | None:
        """Search the best size. Where no trade moves a price, that is all of it or nothing.

        Profit is concave in size (a seizure sells ever lower, a purchase costs ever more), so the largest
        size whose last step does not lose is the best one.
        """
        rate = self.rate(world, opening.pair)
        if rate is None or not opening.paid or self.markets.are_linear(opening.pair):
            earned = self.profit(opening.pair, opening.paid, opening.seized, own, at)
            return None if earned is None else (opening.paid, earned)

        def earns(paid: int) -> int | None:
            seized = min(opening.seized, mul_div_down(paid, *rate))
            return self.profit(opening.pair, paid, seized, own, at)

        step = max(1, mul_div_down(opening.paid, 1, STEPS))
        first, most = earns(step), earns(opening.paid)
        if first is None or most is None or first <= 0:
            return None
        if most >= (earns(opening.paid - step) or 0):
            return opening.paid, most
        low, high = step, opening.paid
        while high - low > step:
            middle = mul_div_down(low + high, 1, 2)
            if (earns(middle) or 0) >= (earns(middle - step) or 0):
                low = middle
            else:
                high = middle
        return low, earns(low) or 0

    def pays(self, world: World, opening: Opening, own: int, at: int) -> bool:
        """Say whether a target will pay at a moment, as far as can be foreseen."""
        sized = self.size(world, opening, own, at)
        return sized is not None and sized[1] - self.gas(opening.pair, at) >= self.habits.profit_min

    def moment(self, world: World, opening: Opening, own: int) -> int | None:
        """Return the first block at which a target will pay, or None within the horizon.

        Between two knots prices run straight and pressure fades straight, so a target that does not pay at
        one and pays at the next begins to do so once in between.
        """
        key = (opening.pair, opening.account, opening.asked, own)
        if key not in self._moments:
            self._moments[key] = self._moment(world, opening, own)
        return self._moments[key]

    def _moment(self, world: World, opening: Opening, own: int) -> int | None:
        before = self.block(world.now + 1)
        if self.pays(world, opening, own, before):
            return before
        for knot in self._knots(world, opening.pair):
            block = self.block(knot)
            if block <= before:
                continue
            if self.pays(world, opening, own, block):
                return self._first(world, opening, own, before, block)
            before = block
        return None

    def _first(self, world: World, opening: Opening, own: int, before: int, after: int) -> int:
        """Return the first block in (before, after] that pays, given that the last one does."""
        while after - before > 1:
            middle = mul_div_down(before + after, 1, 2)
            if self.pays(world, opening, own, self.block(middle)):
                after = middle
            else:
                before = middle
        return self.block(after)

    def _knots(self, world: World, pair: Pair) -> list[int]:
        """Return the moments up to the horizon at which a path bends or a market is at rest again."""
        horizon = min(world.end, world.now + self._horizon_s)
        legs = self.markets.legs(pair)
        knots = {horizon: None}
        for market in (legs.sell, legs.buy):
            if market is not None:
                knots.update(dict.fromkeys(market.path.knots(world.now + 1, horizon)))
                knots[min(horizon, world.now + market.depth.recovery_s)] = None
        return sorted(knots)
