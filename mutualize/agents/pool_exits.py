"""Who leaves a stability pool, and what he has to look at: nobody leaves while a trove is to be liquidated.

every trove safe ─▶ the door is open: whoever asked first is paid first, down to what the contract keeps
one trove unsafe ─▶ the door is shut, and who waits goes on losing with the pool, until it was liquidated
"""

from __future__ import annotations

from mutualize.agents.signals import deficit_gauge, price_signal
from mutualize.book import View
from mutualize.events import Entry, LossAbsorbed
from mutualize.units import WAD, mul_div_down
from mutualize.venues.stability import Stability
from mutualize.venues.stability_pool import POOL
from mutualize.world import World


class PoolDoor:
    """A stability pool as those see it who want to leave."""

    def __init__(self, venue: Stability) -> None:
        self.name = venue.name
        self.opens = (price_signal(venue.assets[1]),)
        """What may open the door, beside a loss."""
        self._venue = venue

    def held(self, view: View, holder: str, asset: str) -> int:
        """Return what is left of somebody's deposit, base units, rounded as the contract rounds."""
        return self._venue.troves(view).pool.worth(holder)

    def cash(self, view: View, asset: str) -> int:
        """Return how many stablecoins may be taken out now, base units; none while a trove is unsafe."""
        troves = self._venue.troves(view)
        if troves.ratio(troves.order.prev(""), troves.price) < troves.rules.minimum_ratio:
            return 0
        return max(0, troves.pool["total"] - troves.pool.index.kept)


class PoolGauge:
    """An observer of entries that tells what share of a stability pool liquidations have used so far."""

    def __init__(self, world: World, venue: Stability) -> None:
        self._world = world
        self._total = (f"{venue.name}.{POOL}", "total")
        self._gauge = deficit_gauge(venue.name, venue.assets[0])
        self._used = 0

    def observe(self, entry: Entry) -> None:
        """Report the share after each loss that the pool bore: used / (used + left), WAD, rounded down."""
        event = entry.event
        assert isinstance(event, LossAbsorbed), "it is told of losses alone"
        left = next((value for table, key, value in event.cells if (table, key) == self._total), None)
        if left is not None:
            self._used += event.amount
            self._world.report(self._gauge, mul_div_down(self._used, WAD, self._used + left), entry.seq)
