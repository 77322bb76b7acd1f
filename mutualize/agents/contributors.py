"""Contributors: members of a fund who join, answer a call for money each in his own time, and leave.

    a moment ─▶ JoinFund        called ─▶ reaction time ─▶ SettleTier, as much of his part as he pays
    a moment ─▶ reaction time ─▶ LeaveFund ── exits are frozen: waits, first come first served

Who contributed at the start and does nothing more is no agent: his contribution in the book is all of him.
"""

from __future__ import annotations

from enum import IntEnum
from heapq import heappop, heappush
from typing import Final, NamedTuple

import attrs

from mutualize.agents.fees import Fees
from mutualize.agents.members import Draw, draw
from mutualize.agents.signals import called_signal, exits_signal
from mutualize.commands import ALL
from mutualize.errors import Reason
from mutualize.payers import called_table
from mutualize.tables import exits_table
from mutualize.tier import ASSESSMENT
from mutualize.tier_commands import JoinFund, LeaveFund, SettleTier
from mutualize.units import WAD, mul_div_down
from mutualize.waterfall import Waterfall
from mutualize.world import Phase, Steps, World


class Verb(IntEnum):
    """What a member does next."""

    JOIN = 1
    ANSWER = 2
    LEAVE = 3


class Errand(NamedTuple):
    """When a member acts, his number, what he does, and (an answer) for which tier and how much."""

    at: int
    tie: int
    verb: Verb
    number: int
    tier: str = ""
    amount: int = 0
    cause: int | None = None


@attrs.frozen(kw_only=True)
class Habits:
    """What a group of members does: the share (WAD) of a call that each pays, and moments."""

    fund: str
    asset: str
    amount: Draw
    joins_at: int | None
    answers: int
    reaction_s: Draw
    leaves_at: int | None


class Contributors:
    """A group of members. One agent, whatever their number."""

    phase: Final = Phase.SETTLEMENT

    def __init__(
        self, name: str, members: list[str], waterfall: Waterfall, habits: Habits, fees: Fees
    ) -> None:
        self.name = f"members:{name}"
        self._members = members
        self._waterfall = waterfall
        self._habits = habits
        self._fees = fees
        self._due: list[Errand] = []
        self._stopped: list[Errand] = []
        self._answered: dict[tuple[str, str], int] = {}
        """What is left of a call after a member's answer: he does not answer it twice."""

    def run(self, world: World) -> Steps:
        """Sleep until there is something to do, and do it."""
        habits = self._habits
        signals = (called_signal(self._waterfall.venue), exits_signal(self._waterfall.venue))
        for number, name in enumerate(self._members):
            if habits.joins_at is not None:
                self._later(world, habits.joins_at, Verb.JOIN, number)
            if habits.leaves_at is not None:
                wait = draw(world.seed, name, "leaving", habits.reaction_s)
                self._later(world, habits.leaves_at + wait, Verb.LEAVE, number)
        while True:
            wake = yield world.wait(self, *signals, until=self._due[0].at if self._due else None)
            self._hear(world, wake.cause)
            while self._due and self._due[0].at <= world.now:
                self._do(world, heappop(self._due))

    def _later(self, world: World, at: int, verb: Verb, number: int) -> None:
        heappush(self._due, Errand(at, world.tie(), verb, number))

    def _hear(self, world: World, cause: int | None) -> None:
        """Take note of calls that are new, and of exits that are open again."""
        if not world.book.cell(exits_table(self._waterfall.venue), "frozen"):
            for errand in self._stopped:
                heappush(self._due, errand._replace(at=world.now))
            self._stopped.clear()
        for tier in self._waterfall.tiers(self._habits.asset):
            if tier.payer == ASSESSMENT and tier.account == self._habits.fund:
                self._hear_call(world, tier.name, cause)

    def _hear_call(self, world: World, tier: str, cause: int | None) -> None:
        called = world.book.table(called_table(self._waterfall.venue, tier, self._habits.asset))
        for number, name in enumerate(self._members):
            asked, known = called.get(name, 0), self._answered.get((tier, name), 0)
            if asked <= known:
                self._answered[tier, name] = asked
                continue
            amount = mul_div_down(asked - known, self._habits.answers, WAD)
            self._answered[tier, name] = asked
            wait = draw(world.seed, f"{name}/{world.now}", "reaction", self._habits.reaction_s)
            if amount:
                errand = Errand(world.now + wait, world.tie(), Verb.ANSWER, number, tier, amount, cause)
                heappush(self._due, errand)

    def _do(self, world: World, errand: Errand) -> None:
        name, habits, venue = self._members[errand.number], self._habits, self._waterfall.name
        match errand.verb:
            case Verb.JOIN:
                amount = draw(world.seed, name, "contribution", habits.amount)
                world.submit(
                    JoinFund(venue=venue, account=name, fund=habits.fund, asset=habits.asset, amount=amount),
                    *self._fees.pay(name, world.now, "stake"),
                )
            case Verb.ANSWER:
                self._answer(world, name, errand)
            case Verb.LEAVE:
                self._leave(world, name, errand)

    def _answer(self, world: World, name: str, errand: Errand) -> None:
        """Pay, as far as what is owed reaches: open calls are settled one after the other, oldest first."""
        left = errand.amount
        while left:
            receipt = world.submit(
                SettleTier(
                    venue=self._waterfall.name,
                    account=name,
                    tier=errand.tier,
                    asset=self._habits.asset,
                    amount=left,
                ),
                *self._fees.pay(name, world.now, "settle"),
                cause=errand.cause,
            )
            if not receipt:
                break
            before = self._answered[errand.tier, name]
            paid = before - self._called(world, errand.tier, name)
            left -= min(left, paid)
            self._answered[errand.tier, name] = before - paid

    def _called(self, world: World, tier: str, name: str) -> int:
        return world.book.cell(called_table(self._waterfall.venue, tier, self._habits.asset), name)

    def _leave(self, world: World, name: str, errand: Errand) -> None:
        command = LeaveFund(
            venue=self._waterfall.name,
            account=name,
            fund=self._habits.fund,
            asset=self._habits.asset,
            amount=ALL,
        )
        if world.would(command) is Reason.EXITS_ARE_FROZEN:
            self._stopped.append(errand)
        else:
            world.submit(command, *self._fees.pay(name, world.now, "redeem"))
