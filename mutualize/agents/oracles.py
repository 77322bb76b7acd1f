"""Oracles and halts on the clock. The next publication is computed from the path; nobody asks every second.

market ─▶ observed (deviation or heartbeat) ─▶ delay, then the next block ─▶ PublishPrice
hole in the table ─▶ HaltMarket, on and off
"""

from __future__ import annotations

from collections import deque
from typing import Final

from mutualize.agents.fees import OUTSIDE
from mutualize.agents.signals import traded_signal
from mutualize.commands import HaltMarket, PublishPrice
from mutualize.market.chain import Chain
from mutualize.market.market import Market
from mutualize.market.oracle import Oracle
from mutualize.units import Ratio
from mutualize.world import Phase, Steps, World

ORACLE: Final = "oracle"
"""The venue that prices are published to, and the account that publishes them."""


def publish(asset: str, price: int, market: int | None) -> PublishPrice:
    """Return the command that tells a price; while the market is halted it says what was observed last."""
    return PublishPrice(
        venue=ORACLE, account=ORACLE, asset=asset, price=price, market=price if market is None else market
    )


class PriceFeed:
    """The oracle of one asset. Without an `oracle`, every block (every second) is told the market's price.

    Its first price is published at the start by somebody else: `Genesis` and this feed read the same market.
    """

    phase: Final = Phase.ORACLE

    def __init__(self, market: Market, oracle: Oracle | None, chain: Chain | None) -> None:
        self.name = f"oracle:{market.asset}"
        self._market = market
        self._oracle = oracle or Oracle(asset=market.asset, heartbeat_s=2**40, deviation=Ratio(0))
        self._direct = oracle is None
        self._chain = chain
        self._under_way: deque[tuple[int, int]] = deque()

    def run(self, world: World) -> Steps:
        """Observe, and publish what was observed when it has arrived."""
        price, at = self._market.mid(world.now), world.now
        signals = (traded_signal(self._market.asset),) if self._market.depth.permanent else ()
        while True:
            due = self._next(world, price, at)
            moments = [moment for moment in (due, self._arrival()) if moment is not None]
            if not moments and not signals:
                return
            yield world.wait(self, *signals, until=min(moments) if moments else None)
            seen = self._market.mid(world.now) if world.now == due else None
            if seen is not None:
                price, at = seen, world.now
                self._under_way.append((self._arrives(world.now), price))
            self._publish(world)

    def _next(self, world: World, price: int | None, at: int) -> int | None:
        """Return when the next price is observed, given the last one that was."""
        due = self._oracle.next_publication(self._market, world.now, price, at, world.end)
        return self._included(due, 0) if due is not None and self._direct else due

    def _arrival(self) -> int | None:
        return self._under_way[0][0] if self._under_way else None

    def _arrives(self, observed: int) -> int:
        return observed if self._direct else self._included(observed, self._oracle.delay_s)

    def _included(self, at: int, delay_s: int) -> int:
        return at + delay_s if self._chain is None else self._chain.inclusion(at, delay_s)

    def _publish(self, world: World) -> None:
        """Publish what has arrived; of several observations that arrive together, the last."""
        arrived = None
        while self._under_way and self._under_way[0][0] <= world.now:
            arrived = self._under_way.popleft()[1]
        if arrived is not None:
            world.submit(publish(self._market.asset, arrived, self._market.mid(world.now)))


class Halts:
    """Records when a market stops trading, and when it trades again."""

    phase: Final = Phase.MARKET

    def __init__(self, market: Market) -> None:
        self.name = f"halts:{market.asset}"
        self._market = market

    def run(self, world: World) -> Steps:
        """Sleep from one edge of a hole to the next."""
        if self._market.mid(world.now) is None:
            self._record(world)
        while (at := self._market.next_halt_change(world.now, world.end)) is not None:
            yield world.sleep_until(self, at)
            self._record(world)

    def _record(self, world: World) -> None:
        halted = self._market.mid(world.now) is None
        market = self._market
        world.submit(
            HaltMarket(venue=OUTSIDE, account=OUTSIDE, asset=market.asset, place=market.place, on=halted)
        )
