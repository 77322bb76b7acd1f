"""Bidders for seized collateral: they have so much money, look at so much at a time, and pay for room.

    a lot ─▶ offer: value · (1 − margin), up to the tab; then a smaller lot for it ─▶ RaiseBid, LowerLot
    won   ─▶ EndAuction ─▶ a cycle ─▶ the collateral is sold, and the money is there again

An offer of nothing is one of 10⁻¹⁸ stablecoins, made where nobody else has bid. Whoever bids again has the
state of the moment at which his transaction is carried out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from heapq import heappop
from typing import Final

import attrs

from mutualize.agents.hall import Hall, Lot, Row
from mutualize.agents.sender import Sender, carry_out
from mutualize.agents.stock import Stock
from mutualize.agents.vault_signals import flip_signal
from mutualize.commands import Command
from mutualize.errors import Reason
from mutualize.units import RAY, WAD, div_up, mul_div_down
from mutualize.vault_commands import EndAuction, LowerLot, RaiseBid
from mutualize.venues.auction import FLIP
from mutualize.venues.cdp import Vaults
from mutualize.world import Phase, Steps, World

DEALS: Final = 20
"""How many auctions are ended in one transaction at most."""
LEAST: Final = RAY
"""A bid of nothing: the smallest part of a stablecoin, which has 18 decimals elsewhere."""


@attrs.frozen(kw_only=True)
class Policy:
    """How a bidder acts: see the fields of `[[bidders]]`. `margin` is WAD, times are seconds."""

    offers_value: bool
    margin: int
    arrives_at: int
    bids_max: int | None
    bids_window_s: int


class Bidder:
    """One bidder."""

    phase: Final = Phase.SETTLEMENT

    def __init__(
        self, name: str, venue: Vaults, hall: Hall, row: Row, policy: Policy, stock: Stock, sender: Sender
    ) -> None:
        self.name = name
        self._venue = venue
        self._hall = hall
        self._row = row
        self._policy = policy
        self._stock = stock
        self._sender = sender
        self._sent: deque[int] = deque()
        self._promised: dict[int, int] = {}
        self._dealing: set[int] = set()

    def run(self, world: World) -> Steps:
        """Look when there is something to look at and something to bid with."""
        yield world.sleep_until(self, self._policy.arrives_at)
        flips = flip_signal(self._venue.name, self._hall.ilk)
        while True:
            self._stock.sell(world)
            self._deal(world)
            is_done = self._bid(world)
            until = self._next(world, is_done)
            yield world.wait(self, self._sender.ended, *((flips,) if is_done else ()), until=until)

    def _next(self, world: World, is_done: bool) -> int | None:
        """Return the next moment that concerns him whatever others do."""
        now, due = world.now, self._stock.next()
        moments = [] if due is None else [due]
        won = self._row.won
        while won and self._is_lost(won[0][1]):
            heappop(won)
        if won and self._sender.room() > 0:
            moments.append(max(now + 1, won[0][0] + 1))
        if is_done:
            look = self._row.next_look(now)
            moments += [] if look is None else [max(now + 1, look)]
        elif self._is_full(now):
            moments.append(self._sent[0] + self._policy.bids_window_s)
        return min(moments, default=None)

    # --- bids ----------------------------------------------------------------------------------------------

    def _bid(self, world: World) -> bool:
        """Bid as often as he can. Returns whether he could do more, if there were more to look at."""
        now = world.now
        while True:
            if self._is_full(now) or self._sender.room() <= 0:
                return False
            lot = self._row.draw(now)
            if lot is None:
                return True
            offer = self._offer(world, lot)
            if offer is None:
                continue
            if offer.bid > self._free(world):
                self._row.put_back(lot)
                return False
            self._promised[lot.id] = offer.bid
            self._sent.append(now)
            self._sender.send(world, ("bid",), partial(self._carry_out, lot))

    def _is_full(self, now: int) -> bool:
        """Say whether he has bid as often as he can in so much time."""
        policy, sent = self._policy, self._sent
        while sent and sent[0] + policy.bids_window_s <= now:
            sent.popleft()
        return policy.bids_max is not None and len(sent) >= policy.bids_max

    def _free(self, world: World) -> int:
        held = world.book.cell(f"{self._venue.name}.dai", self.name)
        return held - sum(self._promised.values())

    def _offer(self, world: World, lot: Lot) -> RaiseBid | LowerLot | None:
        """Return what he bids for a lot as it stands, or None where he does not."""
        common = {"venue": self._venue.name, "account": self.name, "auction": FLIP, "ilk": self._hall.ilk}
        if not self._policy.offers_value:
            return None if lot.bid else RaiseBid(**common, id=lot.id, lot=lot.lot, bid=LEAST)
        quote = self._stock.quote(world.now)
        if quote is None:
            return None
        price = mul_div_down(quote, WAD - self._policy.margin, WAD)
        beg = world.book.cell(f"{self._venue.name}.{self._hall.ilk}", "beg")
        bid = min(lot.tab, lot.lot * price)
        if lot.bid < lot.tab:
            rises = bid > lot.bid and (bid == lot.tab or bid * WAD >= beg * lot.bid)
            return RaiseBid(**common, id=lot.id, lot=lot.lot, bid=bid) if rises else None
        smaller = max(div_up(lot.tab, price), 1) if price else lot.lot
        falls = smaller < lot.lot and beg * smaller <= lot.lot * WAD
        return LowerLot(**common, id=lot.id, lot=smaller, bid=lot.bid) if falls else None

    def _carry_out(self, lot: Lot, world: World, gas: Sequence[Command]) -> Reason | None:
        """Bid what is right now, or find that somebody was faster."""
        self._promised.pop(lot.id, None)
        if lot.id not in self._hall.lots or lot.guy == self.name or not lot.is_open(world.now):
            return Reason.AUCTION_IS_OVER
        offer = self._offer(world, lot)
        if offer is None:
            return Reason.BID_IS_NOT_HIGHER
        return carry_out(world, offer, *gas)

    # --- what was won --------------------------------------------------------------------------------------

    def _is_lost(self, number: int) -> bool:
        lot = self._hall.lots.get(number)
        return lot is None or lot.guy != self.name or number in self._dealing

    def _deal(self, world: World) -> None:
        """End the auctions that he has won."""
        now, won, numbers = world.now, self._row.won, list[int]()
        while won and won[0][0] < now and len(numbers) < DEALS and self._sender.room() > 0:
            _, number = heappop(won)
            if not self._is_lost(number) and self._hall.lots[number].is_final(now):
                numbers.append(number)
        if numbers:
            self._dealing.update(numbers)
            act = partial(self._carry_out_deals, tuple(numbers))
            self._sender.send(world, ("deal",) * len(numbers), act)

    def _carry_out_deals(
        self, numbers: tuple[int, ...], world: World, gas: Sequence[Command]
    ) -> Reason | None:
        self._dealing.difference_update(numbers)
        mine = [number for number in numbers if not self._is_lost(number)]
        lots = sum(self._hall.lots[number].lot for number in mine)
        deals = [
            EndAuction(venue=self._venue.name, account=self.name, auction=FLIP, ilk=self._hall.ilk, id=number)
            for number in mine
        ]
        failure = carry_out(world, *deals, *gas)
        if failure is None:
            self._stock.add(world.now, lots)
        return failure
