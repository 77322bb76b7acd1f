"""Borrowers who answer a margin call. Passive ones are no agents: a position in the book is all of them.

health < margin (the watchlist's second level) ─▶ reaction time ─▶ cured by the price: nothing to do
                                                               ─▶ top up, or repay, out of a purse
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Final

import attrs

from mutualize.agents.fees import Fees
from mutualize.agents.members import Draw, draw, is_member
from mutualize.agents.signals import loss_signal, price_signal, terms_signal
from mutualize.commands import Command, Repay, Supply
from mutualize.units import BPS, WAD, div_up, mul_div_up
from mutualize.venues.pool import Pool
from mutualize.venues.rules import Health
from mutualize.venues.work import Work
from mutualize.watchlist import Watchlist
from mutualize.world import Phase, Steps, World

TOP_UP: Final = "top-up"
DELEVERAGE: Final = "deleverage"


@attrs.frozen(kw_only=True)
class Plan:
    """What a population of borrowers does on a margin call. `margin` is a health factor (WAD)."""

    behaviour: str
    collateral: str
    debt: str
    margin: int
    reaction_s: Draw
    purse: Draw


class MarginCalls:
    """A population of borrowers who answer margin calls. One agent, whatever their number.

    `watchlist` is their own: a price that takes nobody below the margin costs nothing.
    """

    phase: Final = Phase.SETTLEMENT

    def __init__(
        self, name: str, count: int, pool: Pool, watchlist: Watchlist, plan: Plan, fees: Fees
    ) -> None:
        self.name = name
        self.is_member = is_member(name, count)
        self._pool = pool
        self._watchlist = watchlist
        self._plan = plan
        self._fees = fees
        self._called: dict[str, int | None] = {}
        self._purses: dict[str, int] = {}
        self._due: list[tuple[int, int, str]] = []

    def run(self, world: World) -> Steps:
        """Sleep until prices move or somebody's time to react is over."""
        venue, plan = self._watchlist.lending.name, self._plan
        signals = dict.fromkeys(
            [
                price_signal(plan.collateral),
                price_signal(plan.debt),
                loss_signal(venue, plan.collateral),
                terms_signal(venue),
            ]
        )
        self._call(world, None)
        while True:
            until = self._due[0][0] if self._due else None
            wake = yield world.wait(self, *signals, until=until)
            if wake.signal:
                self._call(world, wake.cause)
            while self._due and self._due[0][0] <= world.now:
                self._answer(world, heappop(self._due)[2])

    def _call(self, world: World, cause: int | None) -> None:
        """Call everybody who fell below the margin and is not called yet."""
        for name in self._watchlist.candidates(world.book, world.now, self._plan.margin):
            if name not in self._called:
                self._called[name] = cause
                wait = draw(world.seed, name, "reaction", self._plan.reaction_s)
                heappush(self._due, (world.now + wait, world.tie(), name))

    def _answer(self, world: World, name: str) -> None:
        """Restore the margin as far as the purse allows. Whose purse is empty is not called again."""
        if name not in self._purses:
            self._purses[name] = draw(world.seed, name, "purse", self._plan.purse)
        work = self._pool.work(world.book, world.now, accruing=False)
        health = work.health(name)
        if health.factor < self._plan.margin:
            amount = min(self._purses[name], self._needed(work, health))
            if amount:
                self._pay(world, name, amount)
        if self._purses[name]:
            del self._called[name]

    def _pay(self, world: World, name: str, amount: int) -> None:
        venue, plan = self._watchlist.lending.name, self._plan
        command: Command
        if plan.behaviour == TOP_UP:
            action = "supply"
            command = Supply(venue=venue, account=name, asset=plan.collateral, amount=amount)
        else:
            action = "repay"
            command = Repay(venue=venue, account=name, asset=plan.debt, amount=amount)
        fees = self._fees.pay(name, world.now, action)
        if world.submit(command, *fees, cause=self._called[name]):
            self._purses[name] -= amount
        else:
            self._purses[name] = 0  # a paused reserve, or a position that is gone: he gives up

    def _needed(self, work: Work, health: Health) -> int:
        """Return how much restores the margin, rounded up; 0 where no amount can.

        top-up:      weighted + Δ·threshold ≥ debt·goal          deleverage:  weighted ≥ (debt − Δ)·goal

        The goal is as far above the margin as the margin is above liquidation; at the margin itself an hour's
        interest would call again.
        """
        plan = self._plan
        goal = 2 * plan.margin - WAD
        asset = plan.collateral if plan.behaviour == TOP_UP else plan.debt
        reserve, price = work.reserve(asset), work.price(asset)
        lacking = mul_div_up(health.debt * BPS, goal, WAD) - health.weighted
        divisor = reserve.threshold * WAD if plan.behaviour == TOP_UP else goal * BPS
        if lacking <= 0 or not price or not divisor:
            return 0
        value = div_up(lacking * WAD, divisor) + 1
        return mul_div_up(value, reserve.unit, price) + 1
