"""Stakers who leave. Those who stay are no agents: shares in the book are all there is of them.

    a moment, a loss, or a fall of a price ─▶ reaction time ─▶ free to go? Redeem
                         a cooldown runs already? its end ─▶ Redeem, within the window
                                         else StartCooldown ─▶ its end ─▶ Redeem, within the window

Stake is slashed in cooldown all the same: whoever hears of a loss has mostly borne it already. A freeze of
exits stops whoever is free to go; once it is over he tries again.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

import attrs

from mutualize.agents.fees import Fees
from mutualize.agents.members import Draw, draw, member_names
from mutualize.agents.signals import exits_signal, price_signal, slash_signal
from mutualize.commands import Redeem, StartCooldown
from mutualize.events import CooldownStarted
from mutualize.staking import StakePool
from mutualize.tables import ORACLE, exits_table
from mutualize.units import RAY, WAD, mul_div_down
from mutualize.world import Phase, Steps, World


@attrs.frozen(kw_only=True)
class Leaving:
    """What makes a population leave: the first of these that comes true.

    loss     the share (WAD) of the stake that was slashed
    at       a time
    fall     how far (WAD) the price of `watches` is below the highest that was told
    """

    loss: int | None = None
    at: int | None = None
    fall: int | None = None
    watches: str = ""


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
        self._stopped: list[Departure] = []
        """Who was free to go, and met a freeze of exits."""
        self._highest = 1
        """The highest price of what is watched, so far."""

    def run(self, world: World) -> Steps:
        """Sleep until there is reason to leave; then let each member go as soon as he may."""
        cause = None
        worth = self._worth(world)
        leaving, signals = self._leaving, self._signals()
        while not (
            (leaving.at is not None and world.now >= leaving.at)
            or self._lost(world, worth)
            or self._fell(world)
        ):
            wake = yield world.wait(self, *signals, until=leaving.at)
            cause = wake.cause
        for number, name in enumerate(member_names(self.name, self._count)):
            wait = draw(world.seed, name, "reaction", self._reaction_s)
            self._due.append(Departure(world.now + wait, world.tie(), number, name, False, cause))
        heapify(self._due)
        while self._due or self._stopped:
            if self._stopped:
                yield world.wait(self, exits_signal(self._stake.venue), until=self._next())
                self._set_off_again(world)
            elif self._due[0].at > world.now:
                yield world.sleep_until(self, self._due[0].at)
            while self._due and self._due[0].at <= world.now:
                self._leave(world, heappop(self._due))

    def _next(self) -> int | None:
        return self._due[0].at if self._due else None

    def _set_off_again(self, world: World) -> None:
        """Let those whom a freeze stopped try anew, once it is over: their window may have passed."""
        if not world.book.cell(exits_table(self._stake.venue), "frozen"):
            for stopped in self._stopped:
                heappush(self._due, stopped._replace(at=world.now, announced=False))
            self._stopped.clear()

    def _signals(self) -> tuple[str, ...]:
        """Return what has to be heard of, for there to be a reason to leave."""
        heard = []
        if self._leaving.loss is not None:
            heard.append(slash_signal(self._stake.venue, self._stake.stake))
        if self._leaving.fall is not None:
            heard.append(price_signal(self._leaving.watches))
        return tuple(heard)

    def _worth(self, world: World) -> int:
        """Return what a fixed number of shares is worth, whatever the form of the stake."""
        return self._stake.to_assets_down(world.book, RAY * RAY)

    def _lost(self, world: World, worth: int) -> bool:
        if self._leaving.loss is None:
            return False
        return WAD - mul_div_down(self._worth(world), WAD, worth) >= max(1, self._leaving.loss)

    def _fell(self, world: World) -> bool:
        if self._leaving.fall is None:
            return False
        price = world.book.cell(ORACLE, self._leaving.watches)
        self._highest = max(self._highest, price)
        return WAD - mul_div_down(price, WAD, self._highest) >= self._leaving.fall

    def _leave(self, world: World, departure: Departure) -> None:
        """Redeem where that is free or was announced; else announce it, and come back when it is allowed."""
        stake, name = self._stake, departure.name
        shares = stake.shares_of(world.book, name)
        if not shares:
            return
        redeem = Redeem(venue=stake.name, account=name, stake=stake.stake, shares=shares)
        if departure.announced and world.book.cell(exits_table(stake.venue), "frozen"):
            self._stopped.append(departure)
            return
        if departure.announced or isinstance(world.would(redeem), list):
            world.submit(redeem, *self._fees.pay(name, world.now, "redeem"), cause=departure.cause)
            return
        _, ends, _ = stake.cooldown(world.book, name)
        if ends > world.now:  # it runs already: to announce it again would begin it anew
            self._again(world, departure, ends, departure.cause)
            return
        start = StartCooldown(venue=stake.name, account=name, stake=stake.stake)
        receipt = world.submit(start, *self._fees.pay(name, world.now, "cooldown"), cause=departure.cause)
        if receipt:
            started = receipt.event(CooldownStarted)
            assert isinstance(started, CooldownStarted)
            self._again(world, departure, started.ends, receipt.seq)

    def _again(self, world: World, before: Departure, at: int, cause: int | None) -> None:
        """Come back when it is allowed to go."""
        heappush(self._due, Departure(at, world.tie(), before.number, before.name, True, cause))
