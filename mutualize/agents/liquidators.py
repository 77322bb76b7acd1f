"""Liquidators: who close unsafe positions for profit, and compete for them.

    price ─▶ look: the best target, at its best size ─▶ nothing pays: sleep until a price, or until it will
                  └─▶ latency, then the next block ─▶ Liquidate + Trade + PayGas, all of it or none

With a latency the look comes before it, so another may have been faster: the transaction is included all
the same, fails, and its gas is gone. Without one the look happens in the block itself (as with a bundle
that its builder simulates first), and nothing is lost. One transaction a block each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from mutualize.agents.desk import Desk, Opening
from mutualize.agents.fees import OUTSIDE
from mutualize.agents.signals import cash_signal, loss_signal, market_signal, price_signal, terms_signal
from mutualize.agents.targets import Pair
from mutualize.commands import ALL, Command, Liquidate, Trade
from mutualize.errors import Reason
from mutualize.market.market import Fill
from mutualize.world import Phase, Steps, Wake, World


class Chance(NamedTuple):
    """A liquidation that pays, `seen` at an entry and time; `own` comes from the purse; profit after gas."""

    opening: Opening
    own: int
    profit: int
    seen: tuple[int, int]


class Liquidator:
    """One liquidator. `capital` is what he has, by asset; it changes with what he does."""

    phase: Final = Phase.LIQUIDATION

    def __init__(self, name: str, desk: Desk, capital: Mapping[str, int], latency_s: int) -> None:
        self.name = name
        self.capital = dict(capital)
        self._desk = desk
        self._latency_s = latency_s
        self._last: int | None = None
        self._cause: int | None = None
        self._wave = -1
        self._skip: dict[tuple[Pair, str], None] = {}
        self._dry: dict[str, None] = {}
        self._idle: list[tuple[Opening, int]] = []

    def run(self, world: World) -> Steps:
        """Look, act in the next block, look again; sleep while nothing pays."""
        while True:
            chance = self._look(world)
            if chance is None:
                wake = yield world.wait(self, *self._signals(), until=self._moment(world))
                self._woken(wake)
                continue
            block = self._block(world)
            if block > world.now:
                yield world.sleep_until(self, block)
                if not self._latency_s:
                    chance = self._look(world)
            if chance is not None:
                self._send(world, chance)
                self._last = world.now

    def _woken(self, wake: Wake) -> None:
        """Remember what woke him; collateral that could not be paid out may be there again."""
        if wake.signal:
            self._cause = wake.cause
        if self._dry:
            self._dry.clear()
            self._skip.clear()

    def _block(self, world: World) -> int:
        """Return the block in which a transaction that is written now would be included."""
        block = self._desk.block(world.now + self._latency_s)
        if self._last is not None and block <= self._last:
            block = self._desk.block(self._last + 1)
        return block

    def _signals(self) -> list[str]:
        pool = self._desk.pool
        signals = [terms_signal(pool.name)]
        for asset in pool.assets:
            signals += [price_signal(asset), market_signal(asset), loss_signal(pool.name, asset)]
        return signals + [cash_signal(pool.name, asset) for asset in self._dry]

    # --- looking -----------------------------------------------------------------------------------------

    def _look(self, world: World) -> Chance | None:
        """Return the chance that earns most now, or None; what does not pay yet is kept for `_moment`."""
        desk = self._desk
        desk.fresh(world)
        pairs = desk.targets.look(world)
        if self._wave != desk.targets.wave:
            self._wave = desk.targets.wave
            self._skip.clear()
        self._idle = []
        best: Chance | None = None
        for pair in pairs:
            chance = self._look_at(world, pair)
            if chance is not None and (best is None or chance.profit > best.profit):
                best = chance
        return best

    def _look_at(self, world: World, pair: Pair) -> Chance | None:
        """Return the chance that a pair offers now. Targets that the pool refuses are passed over."""
        desk = self._desk
        most = self._most(world, pair)
        stream = world.stream(self.name) if self._latency_s else None
        while most:
            target = desk.targets.pick(world, pair, self._skip, stream)
            if target is None:
                return None
            opening = desk.opening(world, pair, target.account, most)
            if isinstance(opening, Reason):
                self._skip[pair, target.account] = None
                if opening is Reason.LIQUIDITY_IS_INSUFFICIENT:
                    self._dry[pair.collateral] = None
                continue
            return self._weigh(world, opening)
        return None

    def _most(self, world: World, pair: Pair) -> int:
        """Return how much the purse can repay: with flash liquidity anything, else what it has or can buy."""
        if self._desk.habits.flash:
            return ALL
        have = self.capital.get(pair.debt, 0)
        buy = self._desk.markets.legs(pair).buy
        if buy is None:
            return have
        money = self.capital.get(buy.money, 0)
        return have + buy.amount_bought_for(money, at=world.now, most=ALL)

    def _weigh(self, world: World, opening: Opening) -> Chance | None:
        """Return an opening at its best size, or None where it does not pay now."""
        desk, pair = self._desk, opening.pair
        own = 0 if desk.habits.flash else self.capital.get(pair.debt, 0)
        sized = desk.size(world, opening, own, world.now)
        if sized is None:
            self._idle.append((opening, own))
            return None
        exact: Opening | Reason = opening
        if sized[0] < opening.paid:
            exact = desk.exact(world, pair, opening.account, sized[0])
        if isinstance(exact, Reason):
            self._skip[pair, opening.account] = None
            return None
        earned = desk.profit(pair, exact.paid, exact.seized, own, world.now)
        profit = None if earned is None else earned - desk.gas(pair, world.now)
        if profit is None or profit < desk.habits.profit_min:
            self._idle.append((opening, own))
            return None
        return Chance(exact, min(own, exact.paid), profit, (world.book.seq, world.now))

    def _moment(self, world: World) -> int | None:
        """Return the first moment at which something that does not pay now will."""
        moments = [self._desk.moment(world, opening, own) for opening, own in self._idle]
        return min((moment for moment in moments if moment is not None), default=None)

    # --- acting ------------------------------------------------------------------------------------------

    def _send(self, world: World, chance: Chance) -> None:
        """Send the transaction. What has changed since the look makes it fail, at the cost of its gas."""
        desk, (pair, account, asked, _, _) = self._desk, chance.opening
        now: Opening | Reason = chance.opening
        if chance.seen != (world.book.seq, world.now):
            now = self._look_again(world, chance)
        if isinstance(now, Reason):
            self._fail(world, pair, now)
            return
        own = min(chance.own, now.paid)
        fills = desk.markets.fills(pair, now.paid, now.seized, own, world.now)
        actions = desk.actions(pair)
        liquidate = Liquidate(
            venue=desk.pool.name,
            account=self.name,
            borrower=account,
            collateral=pair.collateral,
            debt=pair.debt,
            debt_to_cover=asked,
        )
        receipt = world.submit(
            liquidate,
            *(self._trade(fill) for _, fill in fills),
            *desk.fees.pay(self.name, world.now, *actions),
            cause=self._cause,
        )
        if receipt:
            for market, fill in fills:
                market.take(fill)
            self._book(pair, now, [fill for _, fill in fills])
        else:
            self._skip[pair, account] = None

    def _look_again(self, world: World, chance: Chance) -> Opening | Reason:
        """Return what a transaction would do now that it is included, or why it reverts."""
        desk, pair = self._desk, chance.opening.pair
        now = desk.would(world, pair, chance.opening.account, chance.opening.asked)
        if isinstance(now, Reason):
            return now
        own = min(chance.own, now.paid)
        flows = desk.markets.flows(pair, now.paid, now.seized, own, world.now)
        worth = None if flows is None else desk.markets.worth(flows, world.now)
        if worth is None:
            return Reason.MARKET_IS_HALTED
        if worth < 0:
            return Reason.PROFIT_IS_TOO_SMALL
        if desk.habits.flash:
            return now
        spent = {pair.debt: own}
        buy = desk.markets.legs(pair).buy
        if buy is not None:
            spent[buy.money] = buy.quote_buy(now.paid - own, at=world.now) or 0
        poor = any(self.capital.get(asset, 0) < amount for asset, amount in spent.items())
        return Reason.PURSE_IS_EMPTY if poor else now

    def _book(self, pair: Pair, done: Opening, fills: list[Fill]) -> None:
        """Book into the purse what a transaction brought and cost."""
        changes = [(pair.debt, -done.paid), (pair.collateral, done.seized)]
        for fill in fills:
            changes += [(fill.sold, -fill.sold_amount), (fill.bought, fill.bought_amount)]
        for asset, amount in changes:
            self.capital[asset] = self.capital.get(asset, 0) + amount

    def _fail(self, world: World, pair: Pair, reason: Reason) -> None:
        failed = self._desk.fees.fail(self.name, world.now, reason, *self._desk.actions(pair))
        if failed:
            world.submit(*failed, cause=self._cause)

    def _trade(self, fill: Fill) -> Command:
        return Trade(
            venue=OUTSIDE,
            account=self.name,
            sold=fill.sold,
            sold_amount=fill.sold_amount,
            bought=fill.bought,
            bought_amount=fill.bought_amount,
            place=fill.place,
            mid=fill.mid,
        )
