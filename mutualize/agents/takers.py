"""Takers: they buy seized collateral at a falling price, once it pays, and begin again what fell too far.

    sale ─▶ its price falls step by step ─▶ below value · (1 − margin): TakeCollateral ─▶ a cycle ─▶ sold
      └──▶ too old, or too low: ResetSale

Nobody's money is locked while a price falls: a taker pays and has the collateral in one step. He looks at
the steps at which a price changes and never in between. Whoever is slower finds less of the lot, or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import attrs

from mutualize.agents.sender import Sender, carry_out
from mutualize.agents.stock import Stock
from mutualize.agents.vault_signals import clip_signal
from mutualize.commands import Command
from mutualize.errors import Reason
from mutualize.events import Entry
from mutualize.units import RAD, WAD, div_down, mul_div_down
from mutualize.vault_commands import ResetSale, TakeCollateral
from mutualize.vault_events import AuctionCancelled, AuctionEnded, AuctionRestarted, VaultLiquidated
from mutualize.venues.auction import CLIP
from mutualize.venues.cdp import Vaults
from mutualize.venues.clip import Sale
from mutualize.world import Phase, Steps, World

LEAST: Final = RAD
"""Nobody buys for less than one stablecoin."""


class Floor:
    """The sales of one ilk that are open. `observe` is to be called with every entry from the first on."""

    def __init__(self, venue: Vaults, ilk: str) -> None:
        self.venue, self.ilk = venue, ilk
        self.open: dict[int, None] = {}

    def observe(self, entry: Entry) -> None:
        """Note which sales there are."""
        match entry.event:
            case VaultLiquidated() | AuctionRestarted() as begun if self._is_mine(begun):
                self.open[begun.id] = None
            case AuctionEnded() | AuctionCancelled() as over if self._is_mine(over):
                self.open.pop(over.id, None)

    def _is_mine(self, event: VaultLiquidated | AuctionRestarted | AuctionEnded | AuctionCancelled) -> bool:
        return (event.venue, event.ilk, event.auction) == (self.venue.name, self.ilk, CLIP)

    def sale(self, world: World, number: int) -> Sale:
        """Return a sale as it stands now."""
        return Sale(self.venue.vat(world.book, world.now), CLIP, self.ilk, number)


@attrs.frozen(kw_only=True)
class Terms:
    """How a taker acts: see the fields of `[[takers]]`. `margin` is WAD, times are seconds."""

    margin: int
    arrives_at: int
    latency_s: int


class Taker:
    """One taker."""

    phase: Final = Phase.SETTLEMENT

    def __init__(self, name: str, floor: Floor, terms: Terms, stock: Stock, sender: Sender) -> None:
        self.name = name
        self._floor = floor
        self._terms = terms
        self._stock = stock
        self._sender = sender
        self._sent: dict[int, int] = {}
        """What he has promised, by sale, while a transaction for it is under way."""
        self._failed: dict[int, tuple[int, ...]] = {}
        """What stood when he was refused, by sale: until something of it changes he does not try again."""

    def run(self, world: World) -> Steps:
        """Look whenever a price falls by a step, while there is something on sale."""
        yield world.sleep_until(self, self._terms.arrives_at)
        floor, latency = self._floor, self._terms.latency_s
        begun = clip_signal(floor.venue.name, floor.ilk)
        while True:
            self._stock.sell(world)
            if latency and any(self._offer(world, number) for number in floor.open):
                yield world.sleep(self, latency)
            for number in tuple(floor.open):
                self._try(world, number)
            yield world.wait(self, begun, self._sender.ended, until=self._next(world))

    def _next(self, world: World) -> int | None:
        """Return the next moment at which a price falls, a sale has become too old, or stock is sold."""
        due = self._stock.next()
        moments = [] if due is None else [due]
        for number in self._floor.open:
            sale = self._floor.sale(world, number)
            step, began = sale.vat.get(self._floor.ilk, "step"), sale["tic"]
            falls = began + (div_down(world.now - began, step) + 1) * step
            too_old = began + sale.vat.get(self._floor.ilk, "tail") + 1
            moments.append(min(falls, too_old) if too_old > world.now else falls)
        return min(moments, default=None)

    # --- what he does --------------------------------------------------------------------------------------

    def _offer(self, world: World, number: int) -> ResetSale | TakeCollateral | None:
        """Return what he would do about a sale now, or None."""
        sale, ilk = self._floor.sale(world, number), self._floor.ilk
        venue, name = self._floor.venue.name, self.name
        must_reset, price = sale.status()
        if must_reset:
            return ResetSale(venue=venue, account=name, ilk=ilk, id=number)
        quote = self._stock.quote(world.now)
        if quote is None or not price or price > mul_div_down(quote, WAD - self._terms.margin, WAD):
            return None
        amount = min(sale["lot"], div_down(self._free(world), price))
        if amount * price < LEAST:
            return None
        return TakeCollateral(venue=venue, account=name, ilk=ilk, id=number, amount=amount, price_max=price)

    def _free(self, world: World) -> int:
        held = world.book.cell(f"{self._floor.venue.name}.dai", self.name)
        return max(0, held - sum(self._sent.values()))

    def _try(self, world: World, number: int) -> None:
        """Send a transaction for a sale, unless one is under way, or has failed and nothing changed since."""
        if number in self._sent or self._sender.room() <= 0:
            return
        offer = self._offer(world, number)
        if offer is None or self._failed.get(number) == self._standing(world, number):
            return
        self._sent[number] = offer.amount * offer.price_max if isinstance(offer, TakeCollateral) else 0
        action = "take" if isinstance(offer, TakeCollateral) else "redo"
        self._sender.send(world, (action,), partial(self._act, number))

    def _standing(self, world: World, number: int) -> tuple[int, ...]:
        """Return what a refusal hangs on: the sale, the price that it would begin again at, and his money."""
        sale = self._floor.sale(world, number)
        return sale["lot"], sale["tab"], sale["tic"], sale.vat.price(self._floor.ilk), self._free(world)

    def _act(self, number: int, world: World, gas: Sequence[Command]) -> Reason | None:
        """Do what is right now, or find that somebody was faster."""
        self._sent.pop(number, None)
        if number not in self._floor.open:
            return Reason.SALE_IS_UNKNOWN
        offer = self._offer(world, number)
        if offer is None:
            return Reason.PRICE_IS_TOO_HIGH
        before = self._held(world)
        failure = carry_out(world, offer, *gas)
        if failure is None:
            self._failed.pop(number, None)
            self._stock.add(world.now, self._held(world) - before)
        else:
            self._failed[number] = self._standing(world, number)
        return failure

    def _held(self, world: World) -> int:
        return world.book.cell(f"{self._floor.venue.name}.gem.{self._floor.ilk}", self.name)
