"""Liquidators: who close unsafe positions for profit, and compete for them.

    price ─▶ look: the best target, at its best size ─▶ nothing pays: sleep until a price, or until it will
                  └─▶ latency, then the next block ─▶ Liquidate + Trade + PayGas, all of it or none

With a latency the look comes before it, so another may have been faster: the transaction is included all
the same, fails, and its gas is gone. Without one the look happens in the block itself (as with a bundle
that its builder simulates first), and nothing is lost. Each sends `per_block` transactions a block at most.

Who bids for block space sends after the latency to the mempool instead, up to `per_block` transactions at a
time, and nobody sees what others have sent: what is stale when there is room for it fails and pays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import attrs

from mutualize.agents.bundling import Bundle
from mutualize.agents.desk import RESERVES, Desk, Opening
from mutualize.agents.mempool import Act, Sending, Sent, ended_signal
from mutualize.agents.signals import (
    cash_signal,
    loss_signal,
    market_signal,
    price_signal,
    sale_signal,
    terms_signal,
)
from mutualize.agents.sweeping import Sweeper
from mutualize.agents.targets import Pair
from mutualize.agents.trading import trade_of
from mutualize.commands import ALL, Command
from mutualize.compound_events import Absorbed, CollateralBought
from mutualize.errors import Reason
from mutualize.events import Liquidated
from mutualize.protocol import Planned
from mutualize.world import Phase, Steps, Wake, World


class Chance(NamedTuple):
    """A liquidation that pays, `seen` at an entry and time; `own` comes from the purse; profit after gas."""

    opening: Opening
    own: int
    profit: int
    seen: tuple[int, int]


class Liquidator:
    """One liquidator. `capital` is what he has, by asset; it changes with what he does.

    `per_block` is how many transactions he gets into one block, or has waiting, where he bids (`sending`).
    """

    phase: Final = Phase.LIQUIDATION

    def __init__(
        self,
        name: str,
        desk: Desk,
        capital: Mapping[str, int],
        latency_s: int,
        per_block: int = 1,
        sending: Sending | None = None,
        together: int = 1,
    ) -> None:
        """`together` is how many liquidations one transaction may hold, where they are not bid for."""
        self.name = name
        self.capital = dict(capital)
        self._desk = desk
        self._latency_s = latency_s
        self._per_block = per_block
        self._sending = sending
        self._together = together
        self._waiting: dict[tuple[Pair, str], Sent] = {}
        self._sent = 0
        self._last: int | None = None
        self._cause: int | None = None
        self._wave = -1
        self._skip: dict[tuple[Pair, str], None] = {}
        self._dry: dict[str, None] = {}
        self._idle: list[tuple[Opening, int]] = []
        self._sweeper = Sweeper(name, desk, self._book)

    def change(self, *, per_block: int, latency_s: int) -> None:
        """Be as fast as that from now on; what was sent before is on its way."""
        self._per_block, self._latency_s = per_block, latency_s

    def run(self, world: World) -> Steps:
        """Look, act in the next block, look again; sleep while nothing pays."""
        return self._act(world) if self._sending is None else self._bid(world, self._sending)

    def _act(self, world: World) -> Steps:
        """Act in the next block, by himself."""
        while True:
            if self._per_block > 1 and not self._latency_s and self._together == 1:
                self._sweep(world)
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
                self._sent = self._sent + 1 if self._last == world.now else 1
                self._last = world.now
                self._send(world, chance)

    def _bid(self, world: World, sending: Sending) -> Steps:
        """Send to the mempool, as long as he may have another transaction waiting there."""
        ended = ended_signal(self.name)
        while True:
            self._forget_ended()
            if len(self._waiting) >= self._per_block:
                yield world.wait(self, ended)
                continue
            chance = self._look(world)
            if chance is None:
                self._woken((yield world.wait(self, ended, *self._signals(), until=self._moment(world))))
                continue
            if self._latency_s:
                yield world.sleep(self, self._latency_s)
            pair, account = chance.opening.pair, chance.opening.account
            self._waiting[pair, account] = sending.send(
                world, self.name, self._desk.actions(pair), self._liquidating(chance), self._cause
            )

    def _forget_ended(self) -> None:
        """Let targets be looked at again whose transactions no longer wait."""
        for target in [target for target, sent in self._waiting.items() if sent.ended]:
            del self._waiting[target]
            self._skip.pop(target, None)

    def _liquidating(self, chance: Chance) -> Act:
        """Return what a transaction of his does in its block."""
        return lambda world, gas: self._carry_out(world, chance, gas)

    def _woken(self, wake: Wake) -> None:
        """Remember what woke him; collateral that could not be paid out may be there again.

        What others bought is no reason for what he does next: it only lets him look.
        """
        if wake.signal and wake.signal != sale_signal(self._desk.lending.name):
            self._cause = wake.cause
        if self._dry:
            self._dry.clear()
            self._skip.clear()

    def _block(self, world: World) -> int:
        """Return the block in which a transaction that is written now would be included."""
        block = self._desk.block(world.now + self._latency_s)
        if self._last is not None and (block < self._last or self._is_full(block)):
            block = self._desk.block(self._last + 1)
        return block

    def _is_full(self, block: int) -> bool:
        """Say whether he got all into a block that he can get into one."""
        return block == self._last and self._sent >= self._per_block

    def _signals(self) -> list[str]:
        pool = self._desk.lending
        signals = [terms_signal(pool.name), sale_signal(pool.name)]
        for asset in pool.assets:
            signals += [price_signal(asset), market_signal(asset), loss_signal(pool.name, asset)]
        return signals + [cash_signal(pool.name, asset) for asset in self._dry]

    # --- looking -----------------------------------------------------------------------------------------

    def _look(self, world: World) -> Chance | None:
        """Return the chance that earns most now, or None; what does not pay yet is kept for `_moment`."""
        desk = self._desk
        desk.fresh(world)
        pairs = desk.targets.look(world)
        self._renew()
        if self._waiting:
            self._skip.update(dict.fromkeys(self._waiting))
        self._idle = []
        best: Chance | None = None
        for chance in self._chances(world, pairs):
            if chance is not None and (best is None or chance.profit > best.profit):
                best = chance
        return best

    def _chances(self, world: World, pairs: Sequence[Pair]) -> Iterator[Chance | None]:
        """Yield the best that each pair offers: of debtors, then of what the venue took over."""
        for pair in pairs:
            yield self._look_at(world, pair)
        for pair in self._desk.on_sale(world):
            yield self._look_at_reserves(world, pair)

    def _look_at_reserves(self, world: World, pair: Pair) -> Chance | None:
        """Return the chance to buy what the venue's reserves sell."""
        most = self._most(world, pair)
        if not most or (pair, RESERVES) in self._skip:
            return None
        opening = self._desk.opening(world, pair, RESERVES, most)
        return None if isinstance(opening, Reason) else self._weigh(world, opening)

    def _renew(self) -> None:
        """Give nobody up any more, where everybody was ranked anew."""
        if self._wave != self._desk.targets.wave:
            self._wave = self._desk.targets.wave
            self._skip.clear()

    def _look_at(self, world: World, pair: Pair) -> Chance | None:
        """Return the chance that a pair offers now. Targets that the pool refuses are passed over."""
        desk = self._desk
        most = self._most(world, pair)
        stream = world.stream(self.name) if self._latency_s or self._sending else None
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

    # --- many at a time ------------------------------------------------------------------------------------

    def _sweep(self, world: World) -> None:
        """Do what looking and sending would do, many at a time, where targets of one pair are in this block.

        What is not like the others is left to the plain way, after which this goes on.
        """
        now, pairs = world.now, self._desk.targets.look(world)
        if len(pairs) != 1 or self._block(world) != now:
            return
        self._renew()
        free = self._per_block - (self._sent if self._last == now else 0)
        done = self._sweeper.run(world, pairs[0], self._skip, free, self._cause)
        if done:
            self._last, self._sent = now, self._per_block - free + done

    # --- acting ------------------------------------------------------------------------------------------

    def _send(self, world: World, chance: Chance) -> None:
        """Send the transaction. What has changed since the look makes it fail, at the cost of its gas."""
        if self._together > 1 and self._send_bundle(world, chance):
            return
        fees, actions = self._desk.fees, self._desk.actions(chance.opening.pair)
        reverts = self._carry_out(world, chance, fees.pay(self.name, world.now, *actions))
        failed = fees.fail(self.name, world.now, reverts, *actions) if reverts else ()
        if failed:
            world.submit(*failed, cause=self._cause)

    def _send_bundle(self, world: World, chance: Chance) -> bool:
        """Send a transaction of several liquidations, the best first; returns whether there is any in it."""
        bundle, skip = Bundle(self._desk, self._desk.chain, self._together), dict(self._skip)
        best: Chance | None = chance
        while best is not None and bundle.has_room(best.opening.pair):
            self._skip[best.opening.pair, best.opening.account] = None
            bundle.add(world, best.opening, best.own, self._signed, self.name)
            found = [*self._chances(world, self._desk.targets.look(world))]
            best = max((one for one in found if one is not None), key=lambda one: one.profit, default=None)
        self._skip = skip
        if not bundle.parts:
            return False
        gas = self._desk.fees.pay(self.name, world.now, *bundle.actions)
        planned = world.plan(*gas, first=bundle.planned)
        assert not isinstance(planned, Reason), "gas can always be paid"
        world.carry_out(planned, self._cause)
        for part in bundle.parts:
            done = [(fill.sold, fill.sold_amount, fill.bought, fill.bought_amount) for _, fill in part.fills]
            self._book(part.pair, part.paid, part.seized, done)
        return True

    def _carry_out(self, world: World, chance: Chance, gas: Sequence[Command]) -> Reason | None:
        """Do what the look said, paying that gas; or do nothing, and return why it reverts by now."""
        desk, pair = self._desk, chance.opening.pair
        now: Opening | Reason = chance.opening
        if chance.seen != (world.book.seq, world.now):
            now = self._look_again(world, chance)
        if isinstance(now, Reason):
            return now
        own = min(chance.own, now.paid)
        fills = desk.markets.fills(pair, now.paid, now.seized, own, world.now)
        trades = [trade_of(self.name, fill) for _, fill in fills]
        planned = world.plan(*trades, *gas, first=[self._signed(plan) for plan in now.plan])
        assert not isinstance(planned, Reason), "what was quoted can be traded"
        world.carry_out(planned, self._cause)
        for market, fill in fills:
            market.take(fill)
        done = [(fill.sold, fill.sold_amount, fill.bought, fill.bought_amount) for _, fill in fills]
        self._book(pair, now.paid, now.seized, done)
        return None

    def _signed(self, planned: Planned) -> Planned:
        """Return what was planned for nobody with this liquidator's name in it."""
        event, cause = planned
        if isinstance(event, Liquidated | Absorbed):
            return Planned(attrs.evolve(event, liquidator=self.name), cause)
        if isinstance(event, CollateralBought):
            return Planned(attrs.evolve(event, account=self.name), cause)
        return planned

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

    def _book(self, pair: Pair, paid: int, seized: int, trades: list[tuple[str, int, str, int]]) -> None:
        """Book into the purse what a transaction brought and cost."""
        changes = [(pair.debt, -paid), (pair.collateral, seized)]
        for sold, sold_amount, bought, bought_amount in trades:
            changes += [(sold, -sold_amount), (bought, bought_amount)]
        for asset, amount in changes:
            self.capital[asset] = self.capital.get(asset, 0) + amount
