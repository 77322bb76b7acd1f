"""Who liquidates troves for others: the riskiest first, several in one transaction.

price told ─▶ latency ─▶ is the riskiest due? ─▶ LiquidateTroves ─▶ again, until none is due

Nobody looks at a trove that is safe: the system's own list says who is the riskiest. A keeper is paid by the
reserve of each trove and a part of its collateral, whatever the market does; so he asks for no profit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mutualize.agents.sender import Sender, carry_out
from mutualize.agents.signals import price_signal
from mutualize.commands import Command
from mutualize.errors import Reason
from mutualize.trove_commands import LiquidateTroves
from mutualize.venues.stability import Stability
from mutualize.venues.trove_liquidation import foreseen
from mutualize.world import Phase, Steps, World

ACTION: Final = "liquidate"
"""What each trove of a transaction costs gas for."""


class TroveKeeper:
    """Goes through the `together` riskiest troves of a system in one transaction, and then again."""

    phase: Final = Phase.LIQUIDATION

    def __init__(self, name: str, venue: Stability, sender: Sender, latency_s: int, together: int) -> None:
        self.name = name
        self._venue = venue
        self._sender = sender
        self._latency_s = latency_s
        self._together = together

    def run(self, world: World) -> Steps:
        """Wake when the price of the collateral is told, then send until no trove is due."""
        _, collateral = self._venue.assets
        told = price_signal(collateral)
        while True:
            wake = yield world.wait(self, told)
            yield world.sleep(self, self._latency_s)
            while self._send(world, wake.cause):
                while self._sender.under_way:
                    yield world.wait(self, self._sender.ended)

    def _send(self, world: World, cause: int | None) -> bool:
        """Send a transaction if any trove is due. Returns whether it is under way, or has succeeded."""
        due = foreseen(self._venue.troves(world.book, world.now), self._together)
        return bool(due) and self._sender.send(world, (ACTION,) * due, self._liquidate, cause)

    def _liquidate(self, world: World, gas: Sequence[Command]) -> Reason | None:
        wish = LiquidateTroves(venue=self._venue.name, account=self.name, count=self._together)
        return carry_out(world, wish, *gas)
