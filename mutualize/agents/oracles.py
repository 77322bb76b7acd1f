"""Oracles and halts on the clock. The next publication is computed from the path; nobody asks every second.

market ─▶ observed (deviation or heartbeat) ─▶ delay, then the next block ─▶ PublishPrice
                                                 └─▶ or the mempool, until there is room for its bid
with an OSM: market, or such a feed ─▶ its source ─▶ a poke each hop, which tells what the last one saw
hole in the table ─▶ HaltMarket, on and off
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from mutualize.accounts import OUTSIDE
from mutualize.agents.mempool import Act, Sending, until_ended
from mutualize.agents.signals import traded_signal
from mutualize.commands import Command, HaltMarket, PublishPrice
from mutualize.errors import Reason
from mutualize.market.chain import Chain
from mutualize.market.market import Market
from mutualize.market.oracle import Oracle, Osm
from mutualize.units import Ratio
from mutualize.world import Phase, Steps, World

ORACLE: Final = "oracle"
"""The venue that prices are published to, and the account that publishes them and pays for it."""


def feed_signal(asset: str) -> str:
    """Name the signal that a feed is another one from now on."""
    return f"feed:{asset}"


def publish(asset: str, price: int, market: int | None) -> PublishPrice:
    """Return the command that tells a price; while the market is halted it says what was observed last."""
    return PublishPrice(
        venue=ORACLE, account=ORACLE, asset=asset, price=price, market=price if market is None else market
    )


Tell = Callable[[World, int, Sequence[Command]], None]
"""Hands a price on, in one transaction with the commands that pay its gas."""


class PriceFeed:
    """The oracle of one asset. Without an `oracle`, every block (every second) is told the market's price.

    Its first price is published at the start by somebody else: `Genesis` and this feed read the same market.
    With `sending`, a publication waits in the mempool, with the price that was observed; until it is in a
    block (or dropped) nothing else is observed. `tell` is to whom a price goes, if not to protocols.
    """

    phase: Final = Phase.ORACLE

    def __init__(
        self,
        market: Market,
        oracle: Oracle | None,
        chain: Chain | None,
        *,
        sending: Sending | None = None,
        tell: Tell | None = None,
        changes: bool = False,
        follows: Market | None = None,
    ) -> None:
        """Make a feed. `changes`: it may be another one some day, at the signal of `feed_signal`.

        `follows` is the place that it looks at, where that is another than the market of its asset.
        """
        self.name = f"oracle:{market.asset}"
        self._market = market
        self._seen_at = follows or market
        self._oracle = oracle or Oracle(asset=market.asset, heartbeat_s=2**40, deviation=Ratio(0))
        self._direct = oracle is None
        self._chain = chain
        self._sending = sending
        self._tell = tell or self._publish
        self._signals = [traded_signal(market.asset)] if self._seen_at.depth.permanent else []
        if changes:
            self._signals.append(feed_signal(market.asset))
        self._is_other = False
        self._under_way: deque[tuple[int, int]] = deque()

    def run(self, world: World) -> Steps:
        """Observe, and publish what was observed when it has arrived."""
        if self._sending is not None:
            return self._bid(world, self._sending)
        return self._observe(world)

    def change(self, oracle: Oracle) -> None:
        """Go by another oracle from now on.

        What is under way arrives as it would have, unless what is observed later is there before it.
        """
        self._oracle, self._is_other = oracle, True

    def _observe(self, world: World) -> Steps:
        """Publish in the next block after the delay."""
        price, at = self._seen(world), world.now
        while True:
            due = self._next(world, price, at)
            moments = [moment for moment in (due, self._arrival()) if moment is not None]
            if not moments and not self._signals:
                return
            yield world.wait(self, *self._signals, until=min(moments) if moments else None)
            seen = self._seen(world) if self._is_due(world, due, price, at) else None
            if seen is not None:
                price, at = seen, world.now
                self._set_out(self._arrives(world.now), price)
            self._arrive(world)

    def _bid(self, world: World, sending: Sending) -> Steps:
        """Publish in the block that has room for what is bid: one transaction at a time."""
        price, at = self._seen(world), world.now
        while True:
            due = self._next(world, price, at)
            if due is None and not self._signals:
                return
            yield world.wait(self, *self._signals, until=due)
            if not self._is_due(world, due, price, at):
                continue
            seen, seen_at = self._seen(world), world.now
            if seen is None:
                continue
            yield world.sleep(self, self._oracle.delay_s)
            sent = sending.send(world, ORACLE, ("publish",), self._carrying(seen))
            yield from until_ended(world, self, sent)
            if sent.included:
                price, at = seen, seen_at

    def _seen(self, world: World) -> int | None:
        """Return its answer to what the market says now."""
        price = self._seen_at.mid(world.now)
        return None if price is None else self._oracle.answer(price)

    def _next(self, world: World, price: int | None, at: int) -> int | None:
        """Return when the next price is observed, given the last one that was."""
        due = self._oracle.next_publication(self._seen_at, world.now, price, at, world.end)
        return self._included(due, 0) if due is not None and self._direct else due

    def _is_due(self, world: World, due: int | None, price: int | None, at: int) -> bool:
        """Say whether a price is observed now: where the feed has just become another, as that one has it."""
        if not self._is_other:
            return world.now == due
        self._is_other = False
        now = world.now
        return self._oracle.next_publication(self._market, now - 1, price, at, now) == now

    def _set_out(self, arrives: int, price: int) -> None:
        """Send an observation. An older one that would come after it (the delay was longer) is dropped."""
        while self._under_way and self._under_way[-1][0] > arrives:
            self._under_way.pop()
        self._under_way.append((arrives, price))

    def _arrival(self) -> int | None:
        return self._under_way[0][0] if self._under_way else None

    def _arrives(self, observed: int) -> int:
        return observed if self._direct else self._included(observed, self._oracle.delay_s)

    def _included(self, at: int, delay_s: int) -> int:
        return at + delay_s if self._chain is None else self._chain.inclusion(at, delay_s)

    def _arrive(self, world: World) -> None:
        """Publish what has arrived; of several observations that arrive together, the last."""
        arrived = None
        while self._under_way and self._under_way[0][0] <= world.now:
            arrived = self._under_way.popleft()[1]
        if arrived is not None:
            self._tell(world, arrived, ())

    def _carrying(self, price: int) -> Act:
        """Return what a transaction does that carries a price."""

        def act(world: World, gas: Sequence[Command]) -> None:
            self._tell(world, price, gas)

        return act

    def _publish(self, world: World, price: int, gas: Sequence[Command]) -> None:
        world.submit(publish(self._market.asset, price, self._market.mid(world.now)), *gas)


class DelayedFeed:
    """An OSM: it tells protocols what its source said a hop ago or longer, when it is poked.

    The source is what a feed of its own told it (`hear`), or without one (`fed` is False) the market's price
    at the moment of the poke. Its first price is the one that `Genesis` publishes, as if it had long been so.
    With `sending`, a poke waits in the mempool; one that was dropped is sent again at once. Of one instant, a
    free poke comes after what its feed tells.
    """

    phase: Final = Phase.BLOCK

    def __init__(
        self,
        market: Market,
        oracle: Oracle,
        hop_s: int,
        chain: Chain | None,
        *,
        fed: bool,
        sending: Sending | None = None,
        follows: Market | None = None,
    ) -> None:
        self.name = f"osm:{market.asset}"
        self._market = market
        self._seen_at = follows or market
        self._oracle = oracle
        self._hop_s = hop_s
        self._chain = chain
        self._fed = fed
        self._sending = sending
        self._heard: int | None = None
        self._osm: Osm

    def hear(self, world: World, price: int, gas: Sequence[Command]) -> None:
        """Take the price that its feed tells; nobody else can read it yet."""
        self._heard = price
        if gas:
            world.submit(*gas)

    def run(self, world: World) -> Steps:
        """Have it poked as soon as it may be, again and again."""
        price = self._seen_at.mid(world.now)
        assert price is not None, "a market has a price at the start"
        self._heard = self._oracle.clip(price)
        self._osm = Osm.begin(self._hop_s, self._heard, world.now)
        while (due := self._due(world)) is not None:
            yield world.sleep_until(self, due)
            if self._sending is None:
                self._poke(world, ())
            else:
                yield from until_ended(world, self, self._sending.send(world, ORACLE, ("poke",), self._poke))

    def _due(self, world: World) -> int | None:
        """Return when it is poked next: once it may be, outside of outages, when its source has a price."""
        earliest = max(self._osm.due, world.now)
        if self._fed:
            due: int | None = self._oracle.next_open(earliest)
        else:
            due = self._oracle.next_observable(self._seen_at, earliest, world.end)
        if due is None or self._sending is not None or self._chain is None:
            return due
        return self._chain.next_block(due)

    def _source(self, world: World) -> int | None:
        price = self._seen_at.mid(world.now)
        if self._fed:
            return self._heard
        return None if price is None else self._oracle.answer(price)

    def _poke(self, world: World, gas: Sequence[Command]) -> Reason | None:
        """Poke it. Where its source has no price that changes nothing, and costs the gas."""
        price = self._source(world)
        commands = list(gas)
        if price is not None:
            self._osm = self._osm.poke(price, world.now)
            market = self._market.mid(world.now)
            commands.insert(0, publish(self._market.asset, self._osm.current, market))
        if commands:
            world.submit(*commands)
        return None


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
