"""Who pays the bad debt of a vault engine: keepers of the vow, and who buys new governance tokens.

liquidation ─▶ queue ─ wait ─▶ flog ─▶ heal what surplus there is ─▶ none left: flop
flop ─▶ LowerLot at a price of the table ─▶ EndAuction once the bid has stood ─▶ kiss
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final

import attrs

from mutualize.agents.sender import Sender, carry_out
from mutualize.agents.signals import terms_signal
from mutualize.agents.vault_signals import flop_signal, sin_signal
from mutualize.commands import Command
from mutualize.errors import Reason
from mutualize.events import Entry
from mutualize.units import PRICE_UNIT, RAY, div_up
from mutualize.vault_commands import (
    AccrueRate,
    EndAuction,
    FlogSin,
    HealDebt,
    KissDebt,
    LowerLot,
    StartDebtAuction,
)
from mutualize.vault_events import AuctionEnded, AuctionStarted, BidPlaced, VaultLiquidated
from mutualize.venues import vow
from mutualize.venues.auction import FLOP
from mutualize.venues.cdp import Vaults
from mutualize.venues.vat import VOW
from mutualize.world import Phase, Steps, World

ERAS: Final = 50
"""How many moments' debt one transaction takes out of the queue at most."""


@attrs.frozen(kw_only=True)
class Habits:
    """How often the vow's keeper acts, and how many debt auctions it starts at most (None: any number)."""

    every_s: int
    fees_every_s: int | None
    debt_auctions_max: int | None


class VowKeeper:
    """Flogs, heals, kisses and starts debt auctions, as soon as each may be."""

    phase: Final = Phase.SETTLEMENT

    def __init__(self, name: str, venue: Vaults, habits: Habits, sender: Sender) -> None:
        self.name = name
        self._venue = venue
        self._habits = habits
        self._sender = sender
        self._eras: deque[int] = deque()
        self._started = 0

    def observe(self, entry: Entry) -> None:
        """Note every moment whose debt is queued."""
        event = entry.event
        is_mine = isinstance(event, VaultLiquidated) and event.venue == self._venue.name
        if is_mine and (not self._eras or self._eras[-1] != entry.at):
            self._eras.append(entry.at)

    def run(self, world: World) -> Steps:
        """Sleep until some debt may leave the queue, a bid came in, or fees are due."""
        name = self._venue.name
        signals = (sin_signal(name), flop_signal(name), terms_signal(name))
        fees_at = world.now
        while True:
            acted_at = world.now
            if self._habits.fees_every_s is not None and fees_at <= world.now:
                fees_at = world.now + self._habits.fees_every_s
                self._sender.send(world, ("vow",), self._collect)
            if self._next(world):
                self._sender.send(world, ("vow",), self._act)
            moments = [fees_at] if self._habits.fees_every_s is not None else []
            if self._eras:
                moments.append(self._eras[0] + self._wait(world))
            yield world.wait(self, *signals, until=min(moments, default=None))
            yield world.sleep_until(self, acted_at + self._habits.every_s)
            while self._sender.room() <= 0:
                yield world.wait(self, self._sender.ended)

    def _wait(self, world: World) -> int:
        return world.book.cell(f"{self._venue.name}.system", "wait")

    def _collect(self, world: World, gas: Sequence[Command]) -> Reason | None:
        """Bring every ilk's fees in."""
        drips = [
            AccrueRate(venue=self._venue.name, account=self.name, ilk=ilk) for ilk in self._venue.names.ilks
        ]
        return carry_out(world, *drips, *gas)

    def _next(self, world: World) -> list[Command]:
        """Return what can be done now, one kind of thing at a time."""
        common = {"venue": self._venue.name, "account": self.name}
        due = [era for era in self._first_eras() if era + self._wait(world) <= world.now]
        if due:
            return [FlogSin(**common, era=era) for era in due]
        vat = self._venue.vat(world.book, world.now)
        surplus, free, ash = vat.get("dai", VOW), vow.free_debt(vat), vat.system("Ash")
        if min(surplus, ash):  # what a debt auction raised is to pay its own debt
            return [KissDebt(**common, amount=min(surplus, ash))]
        if min(surplus, free):
            return [HealDebt(**common, amount=min(surplus, free))]
        most, sump = self._habits.debt_auctions_max, vat.system("sump")
        is_left = most is None or self._started < most
        return [StartDebtAuction(**common)] if is_left and sump and not surplus and free >= sump else []

    def _first_eras(self) -> list[int]:
        return [era for _, era in zip(range(ERAS), self._eras, strict=False)]

    def _act(self, world: World, gas: Sequence[Command]) -> Reason | None:
        """Do all that can be done; the gas goes into the first step."""
        while commands := self._next(world):
            failure = carry_out(world, *commands, *gas)
            if failure is not None:
                return failure
            gas = ()
            for command in commands:
                if isinstance(command, FlogSin):
                    self._eras.popleft()
                self._started += isinstance(command, StartDebtAuction)
        return None


class DebtBidder:
    """Buys new governance tokens: each auction at the next price of his table, until that ends."""

    phase: Final = Phase.SETTLEMENT

    def __init__(
        self, name: str, venue: Vaults, paid: Sequence[tuple[int, int]], latency_s: int, sender: Sender
    ) -> None:
        self.name = name
        self._venue = venue
        self._prices = deque(price for lots, price in paid for _ in range(lots))
        self._latency_s = latency_s
        self._sender = sender
        self._new: deque[tuple[int, int]] = deque()
        self._leads: dict[int, int] = {}

    def observe(self, entry: Entry) -> None:
        """Note the auctions that began, those that he leads, and those that are over."""
        event = entry.event
        match event:
            case AuctionStarted() if event.venue == self._venue.name and event.auction == FLOP:
                self._new.append((event.id, event.bid))
            case BidPlaced() if event.venue == self._venue.name and event.auction == FLOP:
                key = f"{event.id}.tic"
                before = self._leads.pop(event.id, 0)
                tic = next((value for _, name, value in event.cells if name == key), before)
                if event.account == self.name:
                    self._leads[event.id] = tic
            case AuctionEnded() if event.venue == self._venue.name and event.auction == FLOP:
                self._leads.pop(event.id, None)

    def run(self, world: World) -> Steps:
        """Bid for what is new, and end what he has won."""
        while True:
            until = min(self._leads.values(), default=None)
            yield world.wait(
                self,
                flop_signal(self._venue.name),
                until=None if until is None else max(world.now + 1, until + 1),
            )
            yield world.sleep(self, self._latency_s)
            while self._new and self._prices:
                number, bid = self._new.popleft()
                lot = div_up(bid * PRICE_UNIT, self._prices.popleft() * RAY)
                self._sender.send(world, ("bid",), partial(self._bid, number, lot, bid))
            over = [number for number, tic in self._leads.items() if tic < world.now]
            if over:
                self._sender.send(world, ("deal",) * len(over), partial(self._deal, over))
            while self._sender.room() <= 0:
                yield world.wait(self, self._sender.ended)

    def _bid(self, number: int, lot: int, bid: int, world: World, gas: Sequence[Command]) -> Reason | None:
        command = LowerLot(
            venue=self._venue.name, account=self.name, auction=FLOP, id=number, lot=lot, bid=bid
        )
        return carry_out(world, command, *gas)

    def _deal(self, numbers: Sequence[int], world: World, gas: Sequence[Command]) -> Reason | None:
        deals = [
            EndAuction(venue=self._venue.name, account=self.name, auction=FLOP, id=number)
            for number in numbers
        ]
        return carry_out(world, *deals, *gas)
