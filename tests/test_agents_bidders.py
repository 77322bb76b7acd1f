"""Who sends to the mempool: liquidators who bid, feeds, and the pokes of an OSM."""

from __future__ import annotations

from typing import Any

import attrs
from test_agents_liquidators import ETH, HOUR, USD, Exchange

from mutualize.agents.fees import Fees
from mutualize.agents.liquidators import Liquidator
from mutualize.agents.mempool import Mempool, Sending
from mutualize.agents.oracles import DelayedFeed, PriceFeed
from mutualize.events import GasPaid, Liquidated, PricePublished, TransactionFailed
from mutualize.market.oracle import FOREVER, Oracle
from mutualize.market.path import Bar, Path, PointPath, PricePath
from mutualize.market.space import Bid, Space
from mutualize.units import PRICE_UNIT, WAD, Ratio

GWEI = 10**9
GAS = {"liquidate": 300_000, "trade": 100_000, "publish": 50_000, "poke": 100_000}
PERCENT = WAD // 100
FALLING = PointPath([(0, 1_000 * PRICE_UNIT), (10 * HOUR, 500 * PRICE_UNIT)])


class Auction(Exchange):
    """An exchange on a chain whose blocks are scarce: nine tenths of the gas pay `demand` gwei at most."""

    def __init__(self, *demand: tuple[int, int], block_gas: int = 1_000_000, **more: Any) -> None:
        super().__init__(gas=GAS, **more)
        rows = tuple((at, (price * GWEI,)) for at, price in demand)
        space = Space(block_gas=block_gas, shares=(Ratio(WAD * 9 // 10),) if rows else (), rows=rows)
        self.chain = attrs.evolve(self.chain, space=space)
        self.mempool = Mempool(self.chain)
        self.agents.append(self.mempool)

    def bidder(self, name: str, policy: Bid, *, per_block: int = 1, latency_s: int = 0) -> Liquidator:
        """Let a liquidator with flash liquidity take part who bids so."""
        self.fees = Fees("ETH", lambda action, _: self.chain.units(action) * policy.opening(GWEI))
        sending = Sending(self.mempool, policy)
        keeper = Liquidator(name, self.desk(flash=True), {}, latency_s, per_block, sending)
        self.agents.append(keeper)
        return keeper

    def liquidations(self) -> list[tuple[int, str, str]]:
        return [(at, event.liquidator, event.account) for at, event in self.seen(Liquidated)]

    def prices(self) -> list[tuple[int, int]]:
        """Return (time, dollars) of all that protocols were told of ETH after the start."""
        told = [
            (at, event.price // PRICE_UNIT) for at, event in self.seen(PricePublished) if event.asset == "ETH"
        ]
        return told[1:]


def gwei(price: int, **more: Any) -> Bid:
    return Bid(wei=price * GWEI, **more)


# --- liquidators -------------------------------------------------------------------------------------------


def test_a_stuck_bot_leaves_the_position_to_who_escalates() -> None:
    """A bid of 20 waits while others pay 100; one that is raised by a half each block is in after four.

    ---
    20 → 30 → 45 → 68 → 102: the block of 3,660 has room. The stuck bot is still waiting at the end.
    """
    world = Auction((0, 1), (HOUR, 100))
    world.owe("anna", 10 * ETH, 7_500 * USD)
    world.told(HOUR, "ETH", 900)
    world.bidder("stuck", gwei(20))
    world.bidder("eager", gwei(20, escalation=Ratio(WAD // 2)))
    world.play()
    assert {(at, who) for at, who, _ in world.liquidations()} == {(HOUR + 12 * 5, "eager")}
    assert len(world.mempool) == 1
    [(_, paid)] = world.seen(GasPaid)
    assert (paid.account, paid.amount) == ("eager", 400_000 * 1_012_500_000 * 100)
    assert not world.seen(TransactionFailed)


def test_of_two_who_want_the_same_the_higher_bid_gets_it_and_the_lower_pays_for_nothing() -> None:
    """Both are in one block; the second finds the position healthy, fails, and its gas is gone."""
    world = Auction((0, 1))
    world.owe("anna", 10 * ETH, 7_500 * USD)
    world.told(HOUR, "ETH", 930)
    world.bidder("low", gwei(20))
    world.bidder("high", gwei(21))
    world.play()
    assert world.liquidations()[0] == (HOUR + 12, "high", "anna")
    [(at, failed)] = world.seen(TransactionFailed)
    assert (at, failed.account, failed.reason) == (HOUR + 12, "low", "POSITION_IS_HEALTHY")
    assert failed.amount == 400_000 * 20 * GWEI


def test_a_full_block_makes_the_lower_bid_wait() -> None:
    """Two positions, room for one transaction a block: the lower bid is in the next one, and is not stale."""
    world = Auction(block_gas=500_000)
    for who in ("anna", "bob"):
        world.owe(who, 10 * ETH, 7_500 * USD)
    world.told(HOUR, "ETH", 930)
    world.bidder("keeper", gwei(20), per_block=2)
    world.play()
    at = [when for when, _, _ in world.liquidations()]
    assert at == [HOUR + 12, HOUR + 24]
    assert {account for _, _, account in world.liquidations()} == {"anna", "bob"}
    assert not world.seen(TransactionFailed)


def test_one_transaction_at_a_time_blocks_its_sender() -> None:
    """Who may have one waiting sends nothing else until it is in a block, or given up.

    ---
    Others pay 100 from 3,600 to 5,400. The bot gives up after ten minutes, twice, and sends the same again;
    at 5,400 they pay less, and what waits gets in.
    """
    world = Auction((0, 1), (HOUR, 100), (HOUR + 1_800, 1))
    for who in ("anna", "bob"):
        world.owe(who, 10 * ETH, 7_500 * USD)
    world.told(HOUR, "ETH", 930)
    world.bidder("bot", gwei(20, deadline_s=600))
    world.play()
    assert [at for at, _, _ in world.liquidations()] == [HOUR + 1_800, HOUR + 1_812]
    assert world.protocol.refusals["TRANSACTION_IS_DROPPED"] == 2


def test_a_bid_counts_when_a_liquidation_is_weighed() -> None:
    """A bonus of 23 dollars pays for gas at 20 gwei, not at 200."""
    for bid, count in ((20, 1), (200, 0)):
        world = Auction((0, 1))
        world.owe("anna", ETH, 750 * USD)
        world.told(HOUR, "ETH", 930)
        world.bidder("keeper", gwei(bid))
        world.play()
        assert min(1, len(world.seen(Liquidated))) == count
        assert len(world.seen(GasPaid)) == len(world.seen(Liquidated))


# --- feeds -------------------------------------------------------------------------------------------------


def oracle(**more: Any) -> Oracle:
    return Oracle(**{"asset": "ETH", "heartbeat_s": FOREVER, "deviation": Ratio(10 * PERCENT), **more})


def fed(world: Auction, policy: Bid | None, source: Oracle | None = None) -> None:
    sending = None if policy is None else Sending(world.mempool, policy)
    world.agents.append(PriceFeed(world.markets["ETH"], source or oracle(), world.chain, sending=sending))


def test_a_publication_that_waits_tells_the_price_that_was_observed() -> None:
    """While an update of 900 is stuck the market falls to 700; 900 arrives, then what is true by now.

    ---
    50 dollars an hour: 900 at 7,200. From 7,000 to 21,600 others pay 100, and the feed bids 30.
    """
    world = Auction((0, 1), (7_000, 100), (6 * HOUR, 1), paths={"ETH": FALLING}, end=7 * HOUR)
    fed(world, gwei(30))
    world.play()
    assert world.prices() == [(6 * HOUR, 900), (6 * HOUR + 12, 699)]
    assert [(event.account, event.amount) for _, event in world.seen(GasPaid)] == [
        ("oracle", 50_000 * 30 * GWEI)
    ] * 2


def test_an_update_that_was_dropped_is_observed_anew() -> None:
    """Given up after an hour each, the update that gets in at last carries the price of its own hour."""
    world = Auction((0, 1), (7_000, 100), (6 * HOUR, 1), paths={"ETH": FALLING}, end=6 * HOUR + 60)
    fed(world, gwei(30, deadline_s=3_600))
    world.play()
    [(at, told)] = world.prices()
    assert at == 6 * HOUR
    assert 740 <= told <= 750  # observed at about 18,100
    assert world.protocol.refusals["TRANSACTION_IS_DROPPED"] == 3


def delayed(
    world: Auction,
    source: Oracle | None = None,
    *,
    policy: Bid | None = None,
    is_fed: bool = False,
    hop_s: int = HOUR,
) -> DelayedFeed:
    sending = None if policy is None else Sending(world.mempool, policy)
    osm = DelayedFeed(
        world.markets["ETH"], source or oracle(), hop_s, world.chain, fed=is_fed, sending=sending
    )
    world.agents.append(osm)
    return osm


def test_an_osm_tells_the_price_of_an_hour_ago() -> None:
    """Each hour it tells what the market said an hour before: 1,000 twice, then 950, 900, …"""
    world = Auction(paths={"ETH": FALLING}, end=4 * HOUR)
    delayed(world)
    world.play()
    assert world.prices() == [(HOUR, 1_000), (2 * HOUR, 950), (3 * HOUR, 900), (4 * HOUR, 850)]


def test_a_poke_that_waits_lengthens_the_delay() -> None:
    """A bid of 50 is stuck from the second hour to half past five.

    ---
    949 was seen at 3,612 and should be live at 7,212; it is live at 19,800. The poke that makes it so sees
    725, which is live half an hour later, since the hops stand on a grid: the next poke may come at six.
    """
    world = Auction(
        (0, 1), (HOUR + 600, 100), (5 * HOUR + 1_800, 1), paths={"ETH": FALLING}, end=7 * HOUR - 1
    )
    delayed(world, policy=gwei(50))
    world.play()
    assert world.prices() == [
        (HOUR + 12, 1_000),
        (5 * HOUR + 1_800, 949),  # seen at 3,612
        (6 * HOUR + 12, 725),  # seen at half past five
    ]


def test_a_poke_that_escalates_keeps_the_hour() -> None:
    """The same hours with a bid that doubles each block: no hop is missed."""
    world = Auction((0, 1), (HOUR + 600, 100), (5 * HOUR + 1_800, 1), paths={"ETH": FALLING}, end=5 * HOUR)
    delayed(world, policy=gwei(50, escalation=Ratio(WAD)))
    world.play()
    assert [(at - at % HOUR) // HOUR for at, _ in world.prices()] == [1, 2, 3, 4]
    assert [price for _, price in world.prices()] == [1_000, 949, 899, 849]


def test_an_osm_behind_a_feed_sees_what_the_feed_told_it() -> None:
    """A feed that publishes each tenth is asked at each poke, whatever the market says by then."""
    world = Auction(paths={"ETH": FALLING}, end=5 * HOUR)
    osm = delayed(world, is_fed=True)
    world.agents.append(PriceFeed(world.markets["ETH"], oracle(), world.chain, tell=osm.hear))
    world.play()
    assert [price for _, price in world.prices()] == [1_000, 1_000, 900, 900, 810]


def test_a_feed_of_an_osm_pays_for_its_updates() -> None:
    """What the source is told costs gas as well, though protocols are told nothing by it."""
    world = Auction((0, 1), paths={"ETH": FALLING}, end=3 * HOUR)
    osm = delayed(world, is_fed=True, policy=gwei(2))
    sending = Sending(world.mempool, gwei(3))
    world.agents.append(
        PriceFeed(world.markets["ETH"], oracle(), world.chain, sending=sending, tell=osm.hear)
    )
    world.play()
    assert [event.amount for _, event in world.seen(GasPaid)] == [
        100_000 * 2 * GWEI,
        50_000 * 3 * GWEI,  # of one block the higher bid is first, so the poke behind it sees what it told
        100_000 * 2 * GWEI,
    ]
    assert len(world.prices()) == 2


def test_in_an_outage_nobody_pokes() -> None:
    """The poke of the second hour comes when the outage is over, and what it makes live is older by that."""
    world = Auction(paths={"ETH": FALLING}, end=4 * HOUR)
    delayed(world, oracle(outages=((2 * HOUR, 3 * HOUR + 1_800),)))
    world.play()
    assert world.prices() == [(HOUR, 1_000), (3 * HOUR + 1_800, 950), (4 * HOUR, 825)]


def test_an_osm_that_is_stopped_keeps_its_price() -> None:
    """From the day on that it is stopped, protocols believe what they were told last."""
    world = Auction(paths={"ETH": FALLING}, end=9 * HOUR)
    delayed(world, oracle(outages=((2 * HOUR + 1, FOREVER),)))
    world.play()
    assert world.prices() == [(HOUR, 1_000), (2 * HOUR, 950)]


def test_a_source_without_a_price_is_not_poked() -> None:
    """While the market is halted a poke would change nothing; the first second after it is poked."""
    bars = [Bar(at, p, p, p, p) for at, p in ((0, 900 * PRICE_UNIT), (HOUR + 600, 700 * PRICE_UNIT))]
    path: Path = PricePath(bars, 1_800)
    world = Auction(paths={"ETH": path}, end=2 * HOUR)
    delayed(world)
    world.play()
    assert world.prices() == [(HOUR + 600, 900)]


def test_a_poke_into_a_halt_costs_gas_and_changes_nothing() -> None:
    """Sent while there is a price, included while there is none, it leaves the OSM as it was."""
    bars = [Bar(at, p, p, p, p) for at, p in ((0, 900 * PRICE_UNIT), (3 * HOUR, 700 * PRICE_UNIT))]
    world = Auction((0, 100), (2 * HOUR, 1), paths={"ETH": PricePath(bars, HOUR + 300)}, end=4 * HOUR)
    delayed(world, policy=gwei(50))
    world.play()
    assert world.prices() == [(3 * HOUR + 12, 900)]
    assert [at for at, _ in world.seen(GasPaid)] == [2 * HOUR, 3 * HOUR + 12]


def test_a_poke_that_was_dropped_is_sent_again() -> None:
    """Given up after five minutes each time, it is in the first block that has room."""
    world = Auction((0, 100), (HOUR + 1_000, 1), paths={"ETH": FALLING}, end=2 * HOUR - 1)
    delayed(world, policy=gwei(50, deadline_s=300))
    world.play()
    assert world.prices() == [(HOUR + 1_008, 1_000)]
    assert world.protocol.refusals["TRANSACTION_IS_DROPPED"] == 3
