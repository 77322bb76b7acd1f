"""Who keeps a vault engine going for others: pokes of its price feed, and liquidations ("bites").

poke due ─▶ AdvanceFeed, TakePrice ─▶ vaults below the price ─▶ LiquidateVault, a transaction each

Both send transactions, and wait for room in a block like anybody else: a price that was not taken liquidates
nobody, however low the market is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mutualize.agents.sender import Sender, carry_out
from mutualize.agents.signals import price_signal, terms_signal
from mutualize.agents.vault_index import VaultIndex
from mutualize.agents.vault_signals import spot_signal
from mutualize.commands import Command
from mutualize.errors import Reason
from mutualize.vault_commands import AdvanceFeed, LiquidateVault, TakePrice
from mutualize.venues.cdp import Vaults
from mutualize.world import Phase, Steps, World


class FeedKeeper:
    """Pokes the delayed feed of one ilk as soon as it may be, and has its vaults valued at what it says."""

    phase: Final = Phase.ORACLE

    def __init__(self, name: str, venue: Vaults, ilk: str, sender: Sender, latency_s: int) -> None:
        self.name = name
        self._venue = venue
        self._ilk = ilk
        self._sender = sender
        self._latency_s = latency_s

    def run(self, world: World) -> Steps:
        """Sleep from one poke to the next; a feed without delay is taken whenever its source told a price."""
        told = price_signal(self._venue.names.ilks[self._ilk])
        while True:
            hop = self._terms(world, "hop")
            if hop:
                due = max(world.now, self._terms(world, "zzz") + hop) + self._latency_s
                yield world.sleep_until(self, due)
            else:
                yield world.wait(self, told, terms_signal(self._venue.name))
                yield world.sleep(self, self._latency_s)
            before = self._terms(world, "zzz")
            self._sender.send(world, ("poke",), self._poke)
            while not self._sender.room():
                yield world.wait(self, self._sender.ended)
            if hop and self._terms(world, "zzz") == before:  # given up, or its source had no price
                yield world.sleep(self, hop)

    def _terms(self, world: World, name: str) -> int:
        return world.book.cell(f"{self._venue.name}.{self._ilk}", name)

    def _poke(self, world: World, gas: Sequence[Command]) -> Reason | None:
        venue, ilk = self._venue.name, self._ilk
        advance = AdvanceFeed(venue=venue, account=self.name, ilk=ilk)
        take = TakePrice(venue=venue, account=self.name, ilk=ilk)
        return carry_out(world, *((advance,) if self._terms(world, "hop") else ()), take, *gas)


class Bites:
    """What the biters of one ilk share: who is unsafe, and how many liquidations are under way."""

    def __init__(self, venue: Vaults, index: VaultIndex) -> None:
        self.venue = venue
        self.index = index
        self.held: dict[str, str] = {}
        """Which vault each biter is busy with: a large one keeps him for long, and the others come first."""
        self._senders: list[Sender] = []

    def join(self, sender: Sender) -> None:
        """Count the transactions of one more biter."""
        self._senders.append(sender)

    def open(self, world: World, most: int) -> int:
        """Return how many auctions, up to `most`, are to be started and nobody is about to start."""
        self.index.look(world.book)
        under_way = sum(sender.under_way for sender in self._senders)
        return max(0, self.index.lots(world.book, most + under_way) - under_way)


class Biter:
    """Liquidates unsafe vaults, each transaction whichever is next when it is carried out."""

    phase: Final = Phase.LIQUIDATION

    def __init__(self, name: str, bites: Bites, sender: Sender, latency_s: int) -> None:
        self.name = name
        self._bites = bites
        self._sender = sender
        self._latency_s = latency_s
        bites.join(sender)

    def run(self, world: World) -> Steps:
        """Wake when vaults are valued at another price, then send until none is left to be liquidated."""
        spot = spot_signal(self._bites.venue.name, self._bites.index.ilk)
        while True:
            wake = yield world.wait(self, spot)
            yield world.sleep(self, self._latency_s)
            while self._send(world, wake.cause) or self._sender.under_way:
                if self._sender.under_way:
                    yield world.wait(self, self._sender.ended, spot)

    def _send(self, world: World, cause: int | None) -> int:
        """Send as many as are to be sent, and return how many that were and did not fail at once."""
        room = self._sender.room()
        count = self._bites.open(world, room) if room > 0 else 0
        return sum(self._sender.send(world, ("bite",), self._bite, cause) for _ in range(count))

    def _bite(self, world: World, gas: Sequence[Command]) -> Reason | None:
        """Go on with his vault, or take the next one."""
        index, held = self._bites.index, self._bites.held
        vault: str | None = held.pop(self.name, "")
        if not vault or not index.is_unsafe(world.book, vault):
            vault = index.next(world.book, held.values())
        if vault is None:
            return Reason.VAULT_IS_SAFE
        held[self.name] = vault
        bite = LiquidateVault(venue=self._bites.venue.name, account=self.name, ilk=index.ilk, vault=vault)
        return carry_out(world, bite, *gas)
