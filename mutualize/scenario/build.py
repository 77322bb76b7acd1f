"""Build: a world out of a scenario. Everybody and everything in it is made here, and nothing is decided.

markets, oracles, chain ─┐
venues, waterfalls ──────┼─▶ protocol ─▶ world ◀─ genesis, oracles, halts, then the agents, in this order
populations, votes ──────┘
"""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from mutualize.agents.borrowers import MarginCalls, Plan
from mutualize.agents.depositors import Alarm, Runners
from mutualize.agents.desk import Desk, Habits
from mutualize.agents.fees import Fees
from mutualize.agents.genesis import Genesis
from mutualize.agents.governance import (
    Measure,
    Occasion,
    Proposal,
    cover_deficit,
    recognise_shortfall,
    repay_debt,
    set_parameter,
    set_paused,
)
from mutualize.agents.liquidators import Liquidator
from mutualize.agents.members import draw, is_member, member_names
from mutualize.agents.oracles import Halts, PriceFeed
from mutualize.agents.signals import Signals
from mutualize.agents.stakers import Leavers, Leaving
from mutualize.agents.targets import Targets
from mutualize.agents.trading import MONEY_DECIMALS, Markets
from mutualize.agents.withdrawals import WithdrawalQueue
from mutualize.market.chain import Chain
from mutualize.market.depth import DEEP, Depth
from mutualize.market.market import Market
from mutualize.market.oracle import Oracle
from mutualize.market.path import Bar, ConstantPath, Path, PointPath, PricePath
from mutualize.protocol import Journal, Protocol, Reactor, Venue
from mutualize.randomness import Stream
from mutualize.scenario.beginnings import Beginnings
from mutualize.scenario.model import Borrowers, Depositors, Governance, Liquidators, Scenario, Stakers
from mutualize.scenario.model import Market as MarketTable
from mutualize.scenario.venues import Venues
from mutualize.units import Ratio
from mutualize.venues.outside import Feed, Outside
from mutualize.watchlist import Watchlist
from mutualize.world import Agent, World

HORIZON_S = 86_400
"""How far ahead liquidators look for a moment that pays, where no oracle has a longer heartbeat."""


def build(
    scenario: Scenario,
    ledger: Journal,
    *,
    seed: int | None = None,
    log: FilteringBoundLogger | None = None,
    ties: Stream | None = None,
) -> World:
    """Return the world of a scenario, ready to run. `seed` replaces its own; `ties` draws who comes first.

    Raises MutualizeError where a market has no price at the start; running the world raises it where the
    pool refuses what the scenario begins with.
    """
    return Builder(scenario, ledger, scenario.seed if seed is None else seed, log, ties).world


class Builder:
    """What is made once and shared: markets, chain, pools, watchlists, queues."""

    def __init__(
        self,
        scenario: Scenario,
        ledger: Journal,
        seed: int,
        log: FilteringBoundLogger | None,
        ties: Stream | None = None,
    ) -> None:
        self.scenario = scenario
        self.markets = {asset: _market(scenario, table) for asset, table in scenario.markets.items()}
        self.chain = _chain(scenario)
        self.fees = Fees(self.chain.native, self.chain.cost) if self.chain and self.chain.gas else Fees()
        self.venues = {name: Venues(scenario, name) for name in scenario.venues}
        self.pools = {name: venues.pool for name, venues in self.venues.items()}
        self._targets: dict[str, Targets] = {}
        self._queues: dict[tuple[str, str], WithdrawalQueue] = {}
        deciders: list[Venue] = [Feed(), Outside()]
        reactors: list[Reactor] = []
        for venues in self.venues.values():
            deciders += venues.deciders
            reactors += venues.reactors
        self.protocol = Protocol(deciders, ledger, reactors=reactors)
        self.world = World(
            self.protocol, start=scenario.start, end=scenario.end, seed=seed, log=log, ties=ties
        )
        self.world.start(Genesis(Beginnings(scenario, self.markets, seed)))
        for agent in self._agents():
            self.world.start(agent)
        self.protocol.observe(Signals(self.world, self.pools.values()).observe)

    def _agents(self) -> list[Agent]:
        """Return all agents, in the order in which they stand in line where an instant is shared."""
        agents: list[Agent] = []
        for asset, market in self.markets.items():
            agents += self._price_agents(asset, market)
        for liquidators in self.scenario.liquidators:
            agents += self._liquidators(liquidators)
        for borrowers in self.scenario.borrowers:
            if borrowers.behaviour != "passive":
                agents.append(self._margin_calls(borrowers))
        agents += [self._proposal(vote) for vote in self.scenario.governance]
        agents += [self._leavers(group) for group in self.scenario.stakers if group.behaviour == "leave"]
        runs = [self._runners(group) for group in self.scenario.depositors if group.behaviour == "run"]
        return [*agents, *self._queues.values(), *runs]

    # --- prices ------------------------------------------------------------------------------------------

    def _price_agents(self, asset: str, market: Market) -> list[Agent]:
        """Return what publishes an asset's price. A price that never moves is told once, at the start."""
        table = self.scenario.oracles.get(asset)
        oracle = None
        if table is not None:
            oracle = Oracle(
                asset=asset,
                heartbeat_s=table.heartbeat_s,
                deviation=Ratio(table.deviation),
                delay_s=table.delay_s,
            )
        if isinstance(market.path, ConstantPath):
            return [PriceFeed(market, oracle, self.chain)] if oracle or market.depth.permanent else []
        return [Halts(market), PriceFeed(market, oracle, self.chain)]

    # --- populations -------------------------------------------------------------------------------------

    def _watchlist(self, watchlist: Watchlist) -> Watchlist:
        self.protocol.observe(watchlist.observe)
        return watchlist

    def _liquidators(self, group: Liquidators) -> list[Agent]:
        if group.venue not in self._targets:
            pool = self.pools[group.venue]
            self._targets[group.venue] = Targets(pool, self._watchlist(Watchlist(pool)))
        habits = Habits(
            flash=group.flash,
            profit_min=group.min_profit,
            fraction_max=group.fraction_max,
            lot_max=group.lot_max,
        )
        decimals = {name: asset.decimals for name, asset in self.scenario.assets.items()}
        heartbeats = [oracle.heartbeat_s for oracle in self.scenario.oracles.values()]
        desk = Desk(
            self._targets[group.venue],
            Markets(self.markets, decimals),
            self.fees,
            self.chain,
            habits,
            max(heartbeats, default=HORIZON_S),
        )
        return [
            Liquidator(
                name,
                desk,
                group.capital,
                draw(self.world.seed, name, "latency", group.latency_s),
                group.per_block,
            )
            for name in member_names(group.name, group.count)
        ]

    def _margin_calls(self, group: Borrowers) -> Agent:
        pool, members = self.pools[group.venue], is_member(group.name, group.count)
        plan = Plan(
            behaviour=group.behaviour,
            collateral=group.collateral,
            debt=group.debt,
            margin=group.margin_health,
            reaction_s=group.reaction_s,
            purse=group.purse,
        )
        return MarginCalls(
            group.name, group.count, self._watchlist(Watchlist(pool, members)), plan, self.fees
        )

    def _runners(self, group: Depositors) -> Agent:
        key = (group.venue, group.asset)
        if key not in self._queues:
            self._queues[key] = WithdrawalQueue(self.pools[group.venue], group.asset, self.fees)
        alarm = Alarm(
            utilization=group.run_at_utilization, deficit=group.run_at_deficit, rumour_at=group.rumour_at
        )
        queue = self._queues[key]
        return Runners(group.name, group.count, queue, alarm=alarm, reaction_s=group.reaction_s)

    def _leavers(self, group: Stakers) -> Agent:
        stake = self.venues[group.venue].stakes[group.stake]
        leaving = Leaving(loss=group.leave_at_loss, at=group.leave_at)
        return Leavers(
            group.name, group.count, stake, leaving=leaving, reaction_s=group.reaction_s, fees=self.fees
        )

    # --- governance --------------------------------------------------------------------------------------

    def _proposal(self, vote: Governance) -> Agent:
        pool = self.pools[vote.venue]
        reserves = pool.assets if vote.reserve is None else (vote.reserve,)
        occasion = Occasion(at=vote.at, on_deficit=reserves if vote.at is None else ())
        measure = _measure(self.venues[vote.venue], vote, reserves)
        return Proposal(vote.name, pool, occasion, vote.delay_s, measure, self.fees)


def _measure(venues: Venues, vote: Governance, reserves: tuple[str, ...]) -> Measure:
    """Return what a proposal does. The loader has checked that its action has what it needs."""
    pool = venues.pool
    asset, borrower, payer = reserves[0], vote.borrower or "", vote.payer or ""
    match vote.action:
        case "cover-deficit":
            return cover_deficit(pool, payer, asset, vote.amount, venues.umbrella)
        case "set-parameter":
            assert vote.cell is not None
            assert vote.value is not None
            return set_parameter(pool, asset, vote.cell, vote.value)
        case "pause" | "unpause":
            return set_paused(pool, reserves, int(vote.action == "pause"))
        case "recognise-shortfall":
            return recognise_shortfall(pool, borrower, asset)
        case "repay-debt":
            return repay_debt(pool, payer, borrower, asset, vote.amount)
    raise AssertionError(vote.action)


def _chain(scenario: Scenario) -> Chain | None:
    table = scenario.chain
    if table is None:
        return None
    price = table.gas_path or table.gas_price_gwei or 0
    return Chain(
        start=scenario.start,
        block_s=table.block_s,
        native=table.native or "",
        gas_path=price,
        gas=table.gas if table.native else {},
    )


def _market(scenario: Scenario, table: MarketTable) -> Market:
    """Return a market. Without a money of its own it trades against the money of account."""
    assets = scenario.assets
    depth = DEEP
    if table.depth is not None:
        depth = Depth(
            amount=table.depth.amount,
            impact=Ratio(table.depth.impact),
            recovery_s=table.depth.recovery_s,
            permanent=Ratio(table.depth.permanent),
        )
    return Market(
        asset=table.asset,
        money=table.money or scenario.money,
        asset_decimals=assets[table.asset].decimals,
        money_decimals=assets[table.money].decimals if table.money else MONEY_DECIMALS,
        path=_path(table),
        place=table.place,
        depth=depth,
        cost=Ratio(table.cost),
    )


def _path(table: MarketTable) -> Path:
    if table.price is not None:
        return ConstantPath(table.price)
    if table.points:
        return PointPath(table.points)
    assert table.prices is not None, "the loader asks for exactly one of price, points and prices"
    bars = [
        Bar(at=row.at, open=row.open, high=row.high, low=row.low, close=row.close) for row in table.candles
    ]
    return PricePath(bars, table.prices.bar_s)
