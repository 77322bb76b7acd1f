"""Many liquidations by one liquidator in one block: the best target, again and again, while all are alike.

    best target ─▶ as ranked, pays, fits ─▶ joined, joined, joined … ─▶ committed together
                      └─▶ else: looked at once more, then joined, or done singly, or left to the plain way

Its one rule: what looking and sending would do, one target after the other (`Liquidator`), this does faster.
Tests play both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import attrs

from mutualize.agents.desk import Desk
from mutualize.agents.targets import Pair, Skip, Target
from mutualize.events import Traded, trade
from mutualize.market.market import Market
from mutualize.units import mul_div_down
from mutualize.venues.liquidation import Amounts
from mutualize.venues.sweep import Sweep
from mutualize.world import World

Purse = Callable[[Pair, int, int, list[tuple[str, int, str, int]]], None]
"""Takes what was paid and seized, and the trades: (sold, amount, bought, amount) each."""


class Sale(NamedTuple):
    """Where what is seized is sold now: the price in the middle, and two fractions.

    `rate` turns collateral into what it brings, `worth` turns that into money of account.
    """

    market: Market
    mid: int
    rate: tuple[int, int]
    worth: tuple[int, int]


class Sweeper:
    """One liquidator's way of doing many at a time; `purse` is told what they came to."""

    def __init__(self, name: str, desk: Desk, purse: Purse) -> None:
        self._name, self._desk, self._purse = name, desk, purse
        self._sweep: Sweep | None = None

    def run(self, world: World, pair: Pair, skip: Skip, free: int, cause: int | None) -> int:
        """Liquidate targets of a pair, `free` at most, as long as they are alike; return how many.

        None are where anything but the sale weighs on what is earned, or the pair cannot be liquidated.
        """
        sale = self._sale(world, pair)
        if sale is None:
            return 0
        if self._sweep is None or not self._sweep.is_current(world.now, pair):
            self._sweep = self._desk.sweep(world, pair, self._name)
        if self._sweep is None:
            return 0
        return _Going(self._name, self._desk, self._purse, world, pair, skip, sale, cause, self._sweep).run(
            free
        )

    def _sale(self, world: World, pair: Pair) -> Sale | None:
        """Return where the collateral is sold, or None where more has to be reckoned with."""
        market = self._desk.seller(pair)
        rate = None if market is None else market.rate(world.now)
        if market is None or rate is None:
            return None
        mid, worth = market.mid(world.now), self._desk.worth_of(pair.debt, world.now)
        return None if mid is None or worth is None else Sale(market, mid, rate, worth)


@attrs.define
class _Going:
    """A sweep that goes on: at one moment, in one pair."""

    name: str
    desk: Desk
    purse: Purse
    world: World
    pair: Pair
    skip: Skip
    sale: Sale
    cause: int | None
    sweep: Sweep
    room: int = 0
    """How many entries there may be until what is joined has to be committed."""

    def run(self, free: int) -> int:
        """Liquidate the best target, again and again, as long as it is like the others and pays.

        What can be joined to the others is committed with them, all else at once. A haircut that makes others
        unsafe ends it: they have to be ranked first.
        """
        targets, left = self.desk.targets, free
        self._begin()
        while left and not targets.is_outdated:
            done = 0 if self.skip else self._join_all(left)
            if not done:
                target = targets.pick(self.world, self.pair, self.skip, ahead=self.sweep)
                if target is None or not target.is_all or not self._take(target):
                    break
                done = 1
            left -= done
            if self._is_to_be_told():
                self._extend()
                self._begin()
        self._extend()
        return free - left

    def _join_all(self, free: int) -> int:
        """Join the best targets, `free` at most, while each is as ranked, pays, and fits; return how many.

        `_take` of what `pick` returns would do the same; this is for those who need no second look.
        """
        targets, sweep, joined, room, done = self.desk.targets, self.sweep, self.sweep.joined, self.room, 0
        ranked, moved = targets.ranked(self.pair), targets.moved
        stops_at_cut = targets.would_move(self.pair.debt)
        while done < free and joined.count < room and ranked:
            _, account, held, owed, is_all = ranked[-1]
            if not is_all or account in joined.left or account in moved:
                break
            amounts = sweep.look(account, held, owed)
            got = None if amounts is None else self._sells(amounts)
            if got is None or not sweep.join(got):
                break
            done += 1
            if account in joined.flags:  # nothing is left to be liquidated
                ranked.pop()
            if stops_at_cut and joined.has_cut:
                break
        return done

    def _take(self, target: Target) -> bool:
        """Liquidate one target, joined to the others or singly; say whether that pays at all."""
        targets, sweep, pair = self.desk.targets, self.sweep, self.pair
        amounts = sweep.look(target.account, target.held, target.owed)
        got = None if amounts is None else self._sells(amounts)
        if amounts is None or got is None:
            return False
        if self.room and sweep.join(got):
            if target.account in sweep.joined.flags:
                targets.drop(pair, target.account)
            return True
        self._extend()
        sold, bought = (pair.collateral, amounts.seize), (pair.debt, got)
        traded = Traded(mid=self.sale.mid, transfers=trade(self.name, sold, bought, self.sale.market.place))
        self.world.enact(sweep.take(), self.cause, after=(traded,))
        self.purse(pair, amounts.pay, amounts.seize, [(*sold, *bought)])
        targets.forget(self.world, pair, target.account)
        self._begin()
        return True

    def _sells(self, amounts: Amounts) -> int | None:
        """Return what the sale of what is seized brings, or None where that earns too little."""
        least, sale = self.desk.habits.profit_min, self.sale
        got = mul_div_down(amounts.seize, *sale.rate)
        earned = got - amounts.pay
        return None if earned < 0 or (least and mul_div_down(earned, *sale.worth) < least) else got

    def _is_to_be_told(self) -> bool:
        """Say whether what is joined fills its room, or may have made others unsafe."""
        joined = self.sweep.joined
        is_cut = joined.has_cut and self.desk.targets.would_move(self.pair.debt)
        return joined.count >= self.room > 0 or is_cut

    def _begin(self) -> None:
        """Begin to join liquidations."""
        self.sweep.begin(self.sale.market.place, self.sale.mid, self.cause)
        self.room = self.world.room

    def _extend(self) -> None:
        """Commit what was joined."""
        joined = self.sweep.joined
        if joined.count:
            paid, seized, got = joined.paid, joined.seized, joined.got
            self.world.extend(self.sweep.close())
            self.purse(self.pair, paid, seized, [(self.pair.collateral, seized, self.pair.debt, got)])
