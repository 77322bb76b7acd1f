"""Liquidators, oracles and halts, on a real pool with real markets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from mutualize.agents.desk import Desk, Habits
from mutualize.agents.fees import Fees
from mutualize.agents.genesis import Beginning, Genesis
from mutualize.agents.liquidators import Liquidator
from mutualize.agents.oracles import Halts, PriceFeed, publish
from mutualize.agents.signals import Signals
from mutualize.agents.targets import Pair, Targets
from mutualize.agents.trading import Markets
from mutualize.commands import (
    Command,
    ListReserve,
    OpenPosition,
    Repay,
    Supply,
)
from mutualize.ending import Ending
from mutualize.events import (
    AgentFailed,
    Cell,
    Entry,
    Event,
    GasPaid,
    Liquidated,
    MarketHalted,
    MarketResumed,
    PricePublished,
    ShortfallRecognised,
    Traded,
    TransactionFailed,
)
from mutualize.market.chain import Chain
from mutualize.market.depth import DEEP, Depth
from mutualize.market.market import Market
from mutualize.market.oracle import Oracle
from mutualize.market.path import Bar, ConstantPath, Path, PointPath, PricePath
from mutualize.protocol import Protocol
from mutualize.randomness import Stream
from mutualize.units import PRICE_UNIT, WAD, Ratio
from mutualize.venues.lending import PoolLending
from mutualize.venues.outside import Feed, Outside
from mutualize.venues.pool import Pool
from mutualize.venues.rules import PoolRules
from mutualize.watchlist import Watchlist
from mutualize.world import Phase, Steps, World

USD = 10**6
ETH = 10**18
HOUR = 3_600
DECIMALS = {"USDC": 6, "ETH": 18, "BTC": 8}


class Pages:
    """A journal in memory."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, entries: Sequence[Entry]) -> bool:
        self.entries += entries
        return False

    def close_batch(self) -> None:
        pass

    def seal(self, state: str, status: str = "complete") -> str:
        return f"{status} {state}"


class Script:
    """An agent that does what is written, when it is written."""

    name = "script"
    phase = Phase.ORACLE

    def __init__(self, lines: list[tuple[int, Command]]) -> None:
        self.lines = lines

    def run(self, world: World) -> Steps:
        for at, command in self.lines:
            yield world.sleep_until(self, at)
            receipt = world.submit(command)
            assert receipt, receipt.refused


class Exchange:
    """A pool, markets against USDC, an oracle that follows a script, and liquidators."""

    def __init__(
        self,
        *,
        paths: Mapping[str, Path] | None = None,
        depths: Mapping[str, Depth] | None = None,
        rules: PoolRules | None = None,
        gas: Mapping[str, int] | None = None,
        bonus: int = 10_500,
        end: int = 10 * HOUR,
    ) -> None:
        self.pages = Pages()
        self.pool = Pool("aave", list(DECIMALS), rules)
        venues: list[Any] = [self.pool, Feed(), Outside()]
        self.protocol = Protocol(venues, self.pages)
        self.world = World(self.protocol, start=0, end=end, seed=1)
        self.watchlist = Watchlist(PoolLending(self.pool))
        self.protocol.observe(self.watchlist.observe)
        self.protocol.observe(Signals(self.world, [PoolLending(self.pool)]).observe)
        self.paths: dict[str, Path] = {
            "USDC": ConstantPath(PRICE_UNIT),
            "ETH": ConstantPath(1_000 * PRICE_UNIT),
            "BTC": ConstantPath(20_000 * PRICE_UNIT),
            **(paths or {}),
        }
        self.markets = {asset: self.market(asset, depths or {}) for asset in DECIMALS}
        self.bourse = Markets(self.markets, DECIMALS)
        self.chain = Chain(start=0, block_s=12, native="ETH", gas_path=10**9, gas=gas or {})
        self.fees = Fees("ETH", self.chain.cost)
        self.targets = Targets(PoolLending(self.pool), self.watchlist)
        self.beginnings: list[Command] = []
        self.script: list[tuple[int, Command]] = []
        self.agents: list[Any] = []
        for asset, decimals in DECIMALS.items():
            terms = {"decimals": decimals, "ltv": 7_500, "threshold": 8_000, "bonus": bonus}
            terms |= {"optimal": 8_000, "slope1": 400, "slope2": 6_000, "protocol_fee": 1_000}
            parameters = tuple(terms.items())
            command = ListReserve(venue="aave", account="governance", asset=asset, parameters=parameters)
            price = self.paths[asset].at(0)
            assert price is not None
            self.beginnings += [command, publish(asset, price, price)]
        self.lend("lender", "USDC", 10**6 * USD)

    def market(self, asset: str, depths: Mapping[str, Depth]) -> Market:
        return Market(
            asset=asset,
            money="USD" if asset == "USDC" else "USDC",
            asset_decimals=DECIMALS[asset],
            money_decimals=8 if asset == "USDC" else 6,
            path=self.paths[asset],
            place=f"{asset} spot",
            depth=depths.get(asset, DEEP),
        )

    def lend(self, account: str, asset: str, amount: int) -> None:
        self.beginnings.append(Supply(venue="aave", account=account, asset=asset, amount=amount))

    def owe(self, account: str, held: int, owed: int, collateral: str = "ETH", debt: str = "USDC") -> None:
        self.beginnings.append(
            OpenPosition(
                venue="aave",
                account=account,
                collateral=collateral,
                collateral_amount=held,
                debt=debt,
                debt_amount=owed,
            )
        )

    def told(self, when: int, asset: str, price: int, market: int | None = None) -> None:
        seen = price if market is None else market
        self.script.append((when, publish(asset, price * PRICE_UNIT, seen * PRICE_UNIT)))

    def desk(self, **habits: Any) -> Desk:
        return Desk(self.targets, self.bourse, self.fees, self.chain, Habits(**habits), 86_400)

    def keepers(
        self,
        count: int = 1,
        *,
        capital: Mapping[str, int] | None = None,
        latency_s: int = 0,
        **habits: Any,
    ) -> list[Liquidator]:
        """Let liquidators of one group take part; with flash liquidity unless they have capital."""
        desk = self.desk(flash=capital is None, **habits)
        group = [Liquidator(f"keeper-{i}", desk, capital or {}, latency_s) for i in range(count)]
        self.agents += group
        return group

    def play(self) -> Ending:
        self.world.start(Genesis([Beginning("here", command) for command in self.beginnings]))
        self.world.start(Script(self.script))
        for agent in self.agents:
            self.world.start(agent)
        ending = self.world.run()
        assert not self.seen(AgentFailed), self.seen(AgentFailed)
        return ending

    def seen(self, kind: type[Event]) -> list[Any]:
        """Return (time, event) of all events of a kind."""
        return [(entry.at, entry.event) for entry in self.pages.entries if isinstance(entry.event, kind)]

    def transactions(self) -> list[list[Any]]:
        """Return the events of each transaction in which somebody was liquidated, accruals left out."""
        by: dict[int, list[Any]] = {}
        for entry in self.pages.entries:
            if type(entry.event).__name__ != "Accrued":
                by.setdefault(entry.tx, []).append(entry.event)
        return [events for events in by.values() if any(isinstance(e, Liquidated) for e in events)]


def thin(amount: int) -> Depth:
    """Return a depth in which a sale of `amount` moves the price by 1 %, for ten minutes."""
    return Depth(amount=amount, impact=Ratio(WAD // 100), recovery_s=600)


# --- one transaction -------------------------------------------------------------------------------------


def test_a_liquidation_is_one_transaction() -> None:
    """Repaying, selling what was seized and paying gas happen together, caused by the price."""
    world = Exchange(gas={"liquidate": 300_000, "trade": 100_000})
    world.owe("anna", 10 * ETH, 7_500 * USD)
    world.told(HOUR, "ETH", 930)
    [keeper] = world.keepers()
    world.play()
    [[liquidated, traded, gas]] = world.transactions()
    assert isinstance(liquidated, Liquidated)
    assert (traded.sold, traded.sold_amount) == ("ETH", liquidated.seized)
    assert (traded.bought, traded.place, traded.mid) == ("USDC", "ETH spot", 1_000 * PRICE_UNIT)
    assert isinstance(gas, GasPaid)
    assert (gas.account, gas.amount) == ("keeper-0", 400_000 * 10**9)
    assert keeper.capital["USDC"] == traded.bought_amount - liquidated.paid > 0
    entry = next(entry for entry in world.pages.entries if entry.event is liquidated)
    assert entry.at == HOUR
    cause = world.pages.entries[entry.cause or 0].event
    assert cause == PricePublished(
        asset="ETH",
        price=930 * PRICE_UNIT,
        market=930 * PRICE_UNIT,
        cells=(Cell("oracle", "ETH", 930 * PRICE_UNIT),),
    )


def test_a_short_position_is_closed_by_buying() -> None:
    """Where the debt is the risky asset, the liquidator buys it with the money that he then seizes."""
    world = Exchange(paths={"ETH": PointPath([(0, 1_000 * PRICE_UNIT), (HOUR, 1_080 * PRICE_UNIT)])})
    world.paths["ETH"] = world.markets["ETH"].path
    world.lend("lender", "ETH", 100 * ETH)
    world.owe("short", 10_000 * USD, 75 * ETH // 10, collateral="USDC", debt="ETH")
    world.told(HOUR, "ETH", 1_080)
    [keeper] = world.keepers()
    world.play()
    [[liquidated, traded]] = world.transactions()
    assert (traded.sold, traded.bought) == ("USDC", "ETH")
    assert traded.bought_amount == liquidated.paid
    assert keeper.capital == {"ETH": 0, "USDC": liquidated.seized - traded.sold_amount}
    assert keeper.capital["USDC"] > 0


def test_two_risky_assets_take_two_trades() -> None:
    """Neither side is money: the seized one is sold and the owed one bought, and gas is paid for both."""
    world = Exchange(gas={"trade": 100_000})
    world.lend("lender", "BTC", 100 * 10**8)
    world.owe("anna", 100 * ETH, 35 * 10**7, debt="BTC")
    world.told(HOUR, "ETH", 800, 1_000)
    world.keepers()
    world.play()
    [[liquidated, sale, purchase, gas]] = world.transactions()
    assert (sale.sold, sale.bought) == ("ETH", "USDC")
    assert (purchase.sold, purchase.bought, purchase.bought_amount) == ("USDC", "BTC", liquidated.paid)
    assert gas.amount == 2 * 100_000 * 10**9


def test_the_last_unit_is_seized_too() -> None:
    """When all collateral goes, rounding leaves nothing behind, and the shortfall is recognised."""
    for seed in range(20):
        stream = Stream(seed, "last unit")
        world = Exchange()
        world.owe("anna", ETH + stream.below(ETH), 700 * USD + stream.below(USD))
        world.told(HOUR, "ETH", 100 + stream.below(200), 1_000)
        world.keepers()
        world.play()
        assert world.pool.claim(world.world.book, "anna", "ETH", world.world.now) == 0
        assert len(world.seen(ShortfallRecognised)) == 1


def test_worthless_collateral_is_seized_for_nothing() -> None:
    """At a price of zero the collateral is taken for nothing and the whole debt is a shortfall."""
    path = PointPath([(0, 1_000 * PRICE_UNIT), (HOUR, 0), (10 * HOUR, 0)])
    world = Exchange(paths={"ETH": path})
    world.owe("anna", ETH, 700 * USD)
    world.told(HOUR, "ETH", 0)
    world.keepers()
    world.play()
    [(_, liquidated)] = world.seen(Liquidated)
    assert world.seen(Traded) == []
    assert (liquidated.paid, liquidated.seized) == (0, ETH)
    [(_, shortfall)] = world.seen(ShortfallRecognised)
    assert shortfall.amount >= 700 * USD


# --- whether, and how much -------------------------------------------------------------------------------


def test_a_bonus_below_gas_tempts_nobody() -> None:
    """A small position whose bonus does not pay for the gas is left alone; the large one beside it is not."""
    world = Exchange(gas={"liquidate": 10**8})
    world.owe("small", ETH, 750 * USD)
    world.owe("large", 10 * ETH, 7_500 * USD)
    world.told(HOUR, "ETH", 930)
    world.keepers()
    world.play()
    assert {event.account for _, event in world.seen(Liquidated)} == {"large"}


def test_a_least_profit_is_asked_for() -> None:
    """Who wants a hundred does not act for ten."""
    for profit_min, count in ((10 * PRICE_UNIT, 1), (1_000 * PRICE_UNIT, 0)):
        world = Exchange()
        world.owe("anna", ETH, 750 * USD)
        world.told(HOUR, "ETH", 930)
        world.keepers(profit_min=profit_min)
        world.play()
        assert len(world.seen(Liquidated)) == count


def test_the_best_size_is_where_the_last_step_still_earns() -> None:
    """In a thin market a liquidator takes a part: a little more or less would both earn less."""
    world = Exchange(depths={"ETH": thin(10 * ETH)}, end=2 * HOUR - 1)
    world.owe("whale", 500 * ETH, 375_000 * USD)
    world.told(2 * HOUR - 12, "ETH", 930, 1_000)
    desk = world.desk(flash=True)
    keeper = Liquidator("keeper-0", desk, {}, 0)
    world.agents.append(keeper)
    world.play()
    [(at, done)] = world.seen(Liquidated)
    assert done.seized < 250 * ETH
    rate = done.seized * WAD // done.paid
    pair = Pair("ETH", "USDC")
    untouched = Markets({asset: world.market(asset, {"ETH": thin(10 * ETH)}) for asset in DECIMALS}, DECIMALS)

    def earned(paid: int) -> int:
        flows = untouched.flows(pair, paid, paid * rate // WAD, 0, at)
        assert flows is not None
        return flows["USDC"]

    assert earned(done.paid * 97 // 100) < earned(done.paid) > earned(done.paid * 103 // 100)


def test_lots_and_shares_limit_a_transaction() -> None:
    """A lot or a share of the debt limits each transaction; the next block brings the next one."""
    for habits, paid in (
        ({"lot_max": {"USDC": 1_000 * USD}}, 1_000 * USD),
        ({"fraction_max": WAD // 10}, 7_500 * USD),
    ):
        world = Exchange()
        world.owe("anna", 100 * ETH, 75_000 * USD)
        world.told(HOUR, "ETH", 850, 1_000)
        world.keepers(**habits)
        world.play()
        done = world.seen(Liquidated)
        assert len(done) > 3
        assert paid <= done[0][1].paid <= paid + USD
        assert [at for at, _ in done[:3]] == [HOUR, HOUR + 12, HOUR + 24]


def test_capital_is_all_one_has() -> None:
    """Without flash liquidity the purse limits what is repaid, and what was earned can be used again."""
    world = Exchange()
    world.owe("anna", 100 * ETH, 75_000 * USD)
    world.told(HOUR, "ETH", 930)
    [keeper] = world.keepers(capital={"USDC": 2_000 * USD})
    world.play()
    paid = [event.paid for _, event in world.seen(Liquidated)]
    assert paid[0] == 2_000 * USD
    assert paid == sorted(paid), "each time a little more"
    assert keeper.capital["USDC"] > 2_000 * USD
    assert keeper.capital["ETH"] == 0


def test_capital_in_money_buys_what_is_owed() -> None:
    """A purse of USDC buys the ETH that is owed, as much as it can pay, before anything is seized."""
    world = Exchange(depths={"ETH": thin(1_000 * ETH)})
    world.lend("lender", "ETH", 100 * ETH)
    world.owe("short", 10_000 * USD, 75 * ETH // 10, collateral="USDC", debt="ETH")
    world.told(HOUR, "ETH", 1_080, 1_000)
    [keeper] = world.keepers(capital={"USDC": 500 * USD})
    world.play()
    [liquidated, traded] = world.transactions()[0]
    assert 499 * USD < traded.sold_amount <= 500 * USD
    assert traded.bought_amount == liquidated.paid
    assert keeper.capital["USDC"] > 500 * USD


def test_own_stock_is_used_before_anything_is_bought() -> None:
    """Who has the asset that is owed pays with it, and buys only what is missing."""
    world = Exchange()
    world.lend("lender", "ETH", 100 * ETH)
    world.owe("short", 10_000 * USD, 75 * ETH // 10, collateral="USDC", debt="ETH")
    world.told(HOUR, "ETH", 1_080, 1_000)
    world.keepers(capital={"ETH": 2 * ETH})
    world.play()
    [liquidated] = world.transactions()[0]
    assert liquidated.paid == 2 * ETH


def test_dust_is_not_left_behind() -> None:
    """Where a lot would leave dust, which the pool refuses, a smaller one is chosen."""
    world = Exchange()
    world.owe("anna", 35 * ETH // 10, 2_600 * USD)
    world.told(HOUR, "ETH", 850, 1_000)
    world.keepers(lot_max={"USDC": 2_000 * USD})
    world.play()
    first = world.seen(Liquidated)[0][1]
    assert 1_500 * USD < first.paid < 1_601 * USD


def test_collateral_that_is_lent_out_is_seized_when_it_comes_back() -> None:
    """The pool has lent the seized asset to others: nobody can be paid in it until somebody repays."""
    world = Exchange()
    world.owe("anna", 10 * ETH, 7_500 * USD)
    world.owe("other", 100_000 * USD, 10 * ETH, collateral="USDC", debt="ETH")
    world.told(HOUR, "ETH", 930)
    repay = Repay(venue="aave", account="other", asset="ETH", amount=10 * ETH)
    world.script.append((2 * HOUR, repay))
    world.keepers()
    world.play()
    [(at, liquidated)] = world.seen(Liquidated)
    assert at == 2 * HOUR
    assert liquidated.account == "anna"


# --- when ------------------------------------------------------------------------------------------------


def test_depth_that_recovers_wakes_who_waits_for_it() -> None:
    """After the first seizure nothing pays; liquidators sleep until the moment at which it does again."""
    world = Exchange(depths={"ETH": thin(10 * ETH)}, gas={"liquidate": 10**8}, end=2 * HOUR)
    world.owe("whale", 500 * ETH, 375_000 * USD)
    world.told(HOUR, "ETH", 860, 1_000)
    world.keepers()
    before = world.world.wakes
    world.play()
    times = [at for at, _ in world.seen(Liquidated)]
    assert len(times) == 5
    assert all(at % 12 == 0 for at in times)
    assert times[1] - times[0] > 12, "the first took all that the market gave"
    assert world.world.wakes - before < 2 * len(times) + 12, "nobody asked every block"


def test_a_market_that_moves_under_a_still_oracle_wakes_too() -> None:
    """The oracle stands still; once the market's own price makes it pay, the liquidator acts."""
    points = [(0, 1_000 * PRICE_UNIT), (HOUR, 800 * PRICE_UNIT), (5 * HOUR, 1_000 * PRICE_UNIT)]
    world = Exchange(paths={"ETH": PointPath([*points, (10 * HOUR, 1_000 * PRICE_UNIT)])})
    world.owe("anna", 10 * ETH, 7_500 * USD)
    world.told(HOUR, "ETH", 930, 800)
    world.keepers()
    world.play()
    at = world.seen(Liquidated)[0][0]
    fair = 930 * 10_000 // 10_450  # with a tenth of the bonus for the treasury
    assert at % 12 == 0
    before, after = (world.paths["ETH"].at(t) for t in (at - 12, at))
    assert before is not None
    assert after is not None
    assert before < fair * PRICE_UNIT + PRICE_UNIT
    assert after >= fair * PRICE_UNIT
    assert world.world.wakes < 20


def test_a_halt_stops_liquidations_until_it_ends() -> None:
    """Nothing can be sold in a halt; when trading resumes, the liquidator is there."""
    flat = {"open": 1_000 * PRICE_UNIT, "high": 1_000 * PRICE_UNIT, "low": 1_000 * PRICE_UNIT}
    bars = [Bar(at=at, close=1_000 * PRICE_UNIT, **flat) for at in (0, 3 * HOUR, 4 * HOUR, 5 * HOUR)]
    world = Exchange(paths={"ETH": PricePath(bars, HOUR)}, end=6 * HOUR - 1)
    world.owe("anna", 10 * ETH, 7_500 * USD)
    world.told(2 * HOUR, "ETH", 930, 1_000)
    world.keepers()
    world.agents.append(Halts(world.markets["ETH"]))
    world.play()
    assert [at for at, _ in world.seen(MarketHalted)] == [HOUR]
    assert [at for at, _ in world.seen(MarketResumed)] == [3 * HOUR]
    assert [at for at, _ in world.seen(Liquidated)] == [3 * HOUR]


# --- competition -----------------------------------------------------------------------------------------


def test_who_comes_second_has_paid_gas_for_nothing() -> None:
    """Two with the same latency aim at the same position: one gets it, the other's gas is gone."""
    world = Exchange(gas={"liquidate": 300_000, "trade": 100_000})
    world.owe("anna", 10 * ETH, 7_500 * USD)
    world.told(HOUR, "ETH", 700, 1_000)
    world.keepers(2, latency_s=5)
    world.play()
    [(at, liquidated)] = world.seen(Liquidated)
    [(failed_at, failed)] = world.seen(TransactionFailed)
    assert at == failed_at == HOUR + 12
    assert {liquidated.liquidator, failed.account} == {"keeper-0", "keeper-1"}
    assert failed.amount == 400_000 * 10**9
    assert failed.reason in {"POSITION_IS_HEALTHY", "COLLATERAL_IS_NOT_ENABLED", "DEBT_IS_NOT_OWED"}


def test_the_faster_one_wins() -> None:
    """Of two liquidators the one with the shorter way gets the position; the slower sees it in time."""
    world = Exchange()
    world.owe("anna", 10 * ETH, 7_500 * USD)
    world.told(HOUR, "ETH", 700, 1_000)
    desk = world.desk(flash=True)
    world.agents += [Liquidator("slow", desk, {}, 30), Liquidator("fast", desk, {}, 5)]
    world.play()
    assert [event.liquidator for _, event in world.seen(Liquidated)] == ["fast"]


def test_a_look_in_the_block_itself_loses_nothing() -> None:
    """Without latency many share a thin market, each sees what the one before left, and nobody fails."""
    world = Exchange(depths={"ETH": thin(100 * ETH)}, gas={"liquidate": 300_000})
    world.owe("whale", 500 * ETH, 375_000 * USD)
    world.told(HOUR, "ETH", 850, 1_000)
    world.keepers(5, lot_max={"USDC": 20_000 * USD})
    world.play()
    assert len({event.liquidator for _, event in world.seen(Liquidated)}) == 5
    assert world.seen(TransactionFailed) == []
    assert not world.protocol.refusals


def test_nobody_acts_at_a_loss() -> None:
    """In many crashes, each transaction that was looked at in its block earns its least profit."""
    done = 0
    for seed in range(12):
        stream = Stream(seed, "crash")
        price, points = 1_000, [(0, 1_000 * PRICE_UNIT)]
        for hour in range(1, 11):
            price = price * stream.choice([85, 93, 97, 104]) // 100
            points.append((hour * HOUR, price * PRICE_UNIT))
        gas = {"liquidate": 300_000, "trade": 100_000}
        world = Exchange(paths={"ETH": PointPath(points)}, depths={"ETH": thin(5 * ETH)}, gas=gas)
        for i in range(30):
            world.owe(f"b-{i:02}", ETH * stream.between(1, 5), stream.between(300, 790) * USD)
        world.keepers(3, profit_min=5 * PRICE_UNIT)
        oracle = Oracle(asset="ETH", heartbeat_s=86_400, deviation=Ratio(WAD // 100), delay_s=30)
        world.agents.append(PriceFeed(world.markets["ETH"], oracle, world.chain))
        world.play()
        for events in world.transactions():
            liquidated, *trades, paid = events[0], *events[1:]
            worth = -liquidated.paid + sum(t.bought_amount for t in trades if isinstance(t, Traded))
            mid = next(t.mid for t in trades if isinstance(t, Traded))
            assert worth * 100 >= 5 * PRICE_UNIT + 400_000 * 10**9 * mid // ETH, paid
            done += 1
    assert done > 40


# --- oracles ---------------------------------------------------------------------------------------------


def feed(world: Exchange, oracle: Oracle | None, chain: Chain | None) -> list[tuple[int, int, int]]:
    """Play with one oracle and return (time, price, market) of its publications."""
    world.agents.append(PriceFeed(world.markets["ETH"], oracle, chain))
    world.play()
    return [
        (at, event.price // PRICE_UNIT, event.market // PRICE_UNIT)
        for at, event in world.seen(PricePublished)
        if at
    ]


def test_an_oracle_publishes_at_its_deviation_and_its_heartbeat() -> None:
    """A price that falls is told at every two per cent; one that stands, at each heartbeat."""
    points = [(0, 1_000), (HOUR, 900), (10 * HOUR, 900)]
    path = PointPath([(at, price * PRICE_UNIT) for at, price in points])
    oracle = Oracle(asset="ETH", heartbeat_s=4 * HOUR, deviation=Ratio(WAD // 50), delay_s=0)
    told = feed(Exchange(paths={"ETH": path}), oracle, None)
    assert [price for _, price, _ in told[:5]] == [980, 960, 941, 922, 903]
    assert told[0][0] == HOUR // 5
    beats = [at for at, _, _ in told[5:]]
    assert beats == [told[4][0] + 4 * HOUR, told[4][0] + 8 * HOUR]


def test_a_delay_tells_what_was_true_before() -> None:
    """What arrives is the price of the moment of observation, in the next block; the market has moved on."""
    path = PointPath([(0, 1_000 * PRICE_UNIT), (HOUR, 1_360 * PRICE_UNIT)])
    oracle = Oracle(asset="ETH", heartbeat_s=86_400, deviation=Ratio(WAD // 10), delay_s=100)
    world = Exchange(paths={"ETH": path}, end=HOUR)
    told = feed(world, oracle, world.chain)
    assert told[0] == (1_104, 1_100, 1_110)


def test_without_an_oracle_every_block_tells_the_market() -> None:
    """A scenario without an oracle tells protocols the market's price: in each block in which it changed."""
    path = PointPath([(0, 1_000 * PRICE_UNIT), (60, 1_060 * PRICE_UNIT), (HOUR, 1_060 * PRICE_UNIT)])
    world = Exchange(paths={"ETH": path}, end=HOUR)
    told = feed(world, None, world.chain)
    assert told == [(12 * k, 1_000 + 12 * k, 1_000 + 12 * k) for k in range(1, 6)]


def test_a_trade_that_moves_the_market_for_good_moves_the_oracle() -> None:
    """With a permanent impact the oracle sees what liquidators did, a second later."""
    deep = Depth(amount=10 * ETH, impact=Ratio(WAD // 100), recovery_s=600, permanent=Ratio(WAD))
    world = Exchange(depths={"ETH": deep})
    world.owe("anna", 100 * ETH, 75_000 * USD)
    world.told(HOUR, "ETH", 930, 1_000)
    world.keepers(lot_max={"USDC": 10_000 * USD})
    oracle = Oracle(asset="ETH", heartbeat_s=86_400, deviation=Ratio(WAD // 200), delay_s=0)
    told = feed(world, oracle, None)
    assert told[0] == (HOUR, 930, 1_000)
    assert told[1][0] == HOUR + 1
    assert told[1][1] < 1_000
    assert len(told) >= 2


@pytest.mark.parametrize("delay_s", [0, 5])
def test_no_price_is_observed_in_a_halt(delay_s: int) -> None:
    """While the market is halted the oracle is silent; it catches up when trading resumes."""
    bars = [
        Bar(at=at, open=p * PRICE_UNIT, high=p * PRICE_UNIT, low=p * PRICE_UNIT, close=p * PRICE_UNIT)
        for at, p in ((0, 1_000), (3 * HOUR, 700))
    ]
    world = Exchange(paths={"ETH": PricePath(bars, HOUR)}, end=4 * HOUR - 1)
    oracle = Oracle(asset="ETH", heartbeat_s=HOUR // 2, deviation=Ratio(WAD // 10), delay_s=delay_s)
    told = feed(world, oracle, None)
    assert [at for at, _, _ in told][:2] == [HOUR // 2 + delay_s, 3 * HOUR + delay_s]
