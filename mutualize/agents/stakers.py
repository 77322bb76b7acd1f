"""Stakers who leave. Those who stay are no agents: shares in the book are all there is of them.

    a moment, or a loss ─▶ reaction time ─▶ free to go? Redeem
                                        └─▶ StartCooldown ─▶ its end ─▶ Redeem, within the window

Stake is slashed in cooldown all the same: whoever hears of a loss has mostly borne it already.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

import attrs

from mutualize.agents.fees import Fees
from mutualize.agents.members import Draw, draw, member_names
from mutualize.agents.signals import slash_signal
from mutualize.commands import Redeem, StartCooldown
from mutualize.events import CooldownStarted
from mutualize.staking import StakePool
from mutualize.units import RAY, WAD, mul_div_down
from mutualize.world import Phase, Steps, World


@attrs.frozen(kw_only=True)
class Leaving:
    """What makes a population leave: the first of these that comes true. `loss` in WAD, `at` a time."""

    loss: int | None = None
    at: int | None = None


class Departure(NamedTuple):
    """When a member next tries to leave, whether he has announced it, and what led to it."""

    at: int
    tie: int
    number: int
    name: str
    announced: bool
    cause: int | None


class Leavers:
    """A population of stakers that leaves when it has reason to. One agent, whatever their number."""

    phase: Final = Phase.WITHDRAWAL

    def __init__(
        self, name: str, count: int, stake: StakePool, *, leaving: Leaving, reaction_s: Draw, fees: Fees
    ) -> None:
        self.name = name
        self._count = count
        self._stake = stake
        self._leaving = leaving
        self._reaction_s = reaction_s
        self._fees = fees
        self._due: list[Departure] = []

    def run(self, world: World) -> Steps:
        """Sleep until there is reason to leave; then let each member go as soon as he may."""
        cause = None
        worth = self._worth(world)
        leaving = self._leaving
        while not (leaving.at is not None and world.now >= leaving.at) and not self._lost(world, worth):
            signals = () if leaving.loss is None else (slash_signal(self._stake.venue, self._stake.stake),)
            wake = yield world.wait(self, *signals, until=leaving.at)
            cause = wake.cause
        for number, name in enumerate(member_names(self.name, self._count)):
            wait = draw(world.seed, name, "reaction", self._reaction_s)
            self._due.append(Departure(world.now + wait, world.tie(), number, name, False, cause))
        heapify(self._due)
        while self._due:
            departure = heappop(self._due)
            if departure.at > world.now:
                yield world.sleep_until(self, departure.at)
            self._leave(world, departure)

    def _worth(self, world: World) -> int:
        """Return what a fixed number of shares is worth, whatever the form of the stake."""
        return self._stake.to_assets_down(world.book, RAY * RAY)

    def _lost(self, world: World, worth: int) -> bool:
        if self._leaving.loss is None:
            return False
        return WAD - mul_div_down(self._worth(world), WAD, worth) >= max(1, self._leaving.loss)

    def _leave(self, world: World, departure: Departure) -> None:
        """Redeem where that is free or was announced; else announce it, and come back when it is allowed."""
        stake, name = self._stake, departure.name
        shares = stake.shares_of(world.book, name)
        if not shares:
            return
        redeem = Redeem(venue=stake.name, account=name, stake=stake.stake, shares=shares)
        if departure.announced or isinstance(world.would(redeem), list):
            world.submit(redeem, *self._fees.pay(name, world.now, "redeem"), cause=departure.cause)
            return
        start = StartCooldown(venue=stake.name, account=name, stake=stake.stake)
        receipt = world.submit(start, *self._fees.pay(name, world.now, "cooldown"), cause=departure.cause)
        if receipt:
            started = receipt.event(CooldownStarted)
            assert isinstance(started, CooldownStarted)
            again = Departure(started.ends, world.tie(), departure.number, name, True, receipt.seq)
            heappush(self._due, again)
