"""Build: a world out of a scenario. Everybody and everything in it is made here, and nothing is decided.

markets, oracles, chain ─┐
venues, waterfalls ──────┼─▶ protocol ─▶ world ◀─ genesis, oracles, halts, then the agents, in this order
populations, votes ──────┘
"""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from mutualize.agents.absorbers import Absorber
from mutualize.agents.borrowers import MarginCalls, Plan
from mutualize.agents.depositors import Alarm, Runners
from mutualize.agents.desk import Desk, Habits
from mutualize.agents.exits import ExitQueue, Fleeing
from mutualize.agents.fees import Fees
from mutualize.agents.genesis import Genesis
from mutualize.agents.liquidators import Liquidator
from mutualize.agents.members import draw, is_member, member_names
from mutualize.agents.mempool import Mempool, Sending
from mutualize.agents.opportunists import Lure, Opportunist, Scheme
from mutualize.agents.oracles import DelayedFeed, Halts, PriceFeed
from mutualize.agents.signals import Signals
from mutualize.agents.slashers import Slasher
from mutualize.agents.stakers import Leavers, Leaving
from mutualize.agents.targets import Targets
from mutualize.agents.trading import Markets
from mutualize.agents.withdrawals import WithdrawalQueue
from mutualize.market.chain import Chain
from mutualize.market.market import Market
from mutualize.market.path import ConstantPath
from mutualize.market.space import Bid, Space
from mutualize.protocol import Journal, Protocol, Reactor, Venue
from mutualize.randomness import Stream
from mutualize.scenario.beginnings import Beginnings, oracle_of
from mutualize.scenario.comets import Comets
from mutualize.scenario.engines import Engines
from mutualize.scenario.lenders import LENDERS, Parts, lender_of
from mutualize.scenario.market import Bid as BidTable
from mutualize.scenario.market import Oracle as OracleTable
from mutualize.scenario.market import Space as SpaceTable
from mutualize.scenario.markets import followed_of, markets_of
from mutualize.scenario.model import (
    Borrowers,
    Depositors,
    Liquidators,
    Opportunists,
    Scenario,
    Stakers,
)
from mutualize.scenario.tier_agents import TierAgents
from mutualize.scenario.trove_systems import TrovePeople, systems_of
from mutualize.scenario.turns import Movers, turn_of
from mutualize.scenario.venues import Custodian, Venues
from mutualize.scenario.votes import proposal_of
from mutualize.units import PRICE_UNIT, Ratio, mul_div_down
from mutualize.venues.lending import Lending
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
        self.markets, self.followed = markets_of(scenario), followed_of(scenario)
        self._feeds_by_asset: dict[str, PriceFeed] = {}
        self._groups: dict[str, tuple[Desk, list[Liquidator]]] = {}
        self.chain = _chain(scenario)
        self.mempool = Mempool(self.chain) if self.chain and self.chain.space else None
        self.fees = Fees(self.chain.native, self.chain.cost) if self.chain and self.chain.gas else Fees()
        self.engines = Engines(scenario)
        kinds = {name: venue.kind for name, venue in scenario.venues.items()}
        self.venues = {name: Venues(scenario, name) for name, kind in kinds.items() if kind == "pool"}
        self.custodians = {
            name: Custodian(scenario, name) for name, kind in kinds.items() if kind == "custody"
        }
        self.lenders = {name: lender_of(scenario, name) for name, kind in kinds.items() if kind in LENDERS}
        self.systems = systems_of(scenario)
        self.pools = {name: venues.pool for name, venues in self.venues.items()}
        self._targets: dict[str, Targets] = {}
        self._queues: dict[tuple[str, str], WithdrawalQueue | ExitQueue] = {}
        deciders: list[Venue] = [Feed(), Outside(), *self.engines.venues.values()]
        reactors: list[Reactor] = []
        for parts in self._parts.values():
            deciders += parts.deciders
            reactors += parts.reactors
        self.protocol = Protocol(deciders, ledger, reactors=reactors)
        self.world = World(
            self.protocol, start=scenario.start, end=scenario.end, seed=seed, log=log, ties=ties
        )
        self._trove_people = TrovePeople(self.systems, self.world, self.protocol, self.fees, self._sending)
        self.world.start(Genesis(Beginnings(scenario, self.markets, seed, self.followed)))
        for agent in self._agents():
            self.world.start(agent)
        self._turn()
        signals = Signals(self.world, map(self._lending, (*self.pools, *self.lenders)))
        self.protocol.observe(signals.observe, summary=signals.observe_stretch)

    def _agents(self) -> list[Agent]:
        """Return all agents, in the order in which they stand in line where an instant is shared."""
        agents: list[Agent] = [self.mempool] if self.mempool is not None else []
        for asset, market in self.markets.items():
            agents += self._price_agents(asset, market)
        for liquidators in self.scenario.liquidators:
            agents += self._liquidators(liquidators)
        for opportunists in self.scenario.opportunists:
            agents += self._opportunists(opportunists)
        for borrowers in self.scenario.borrowers:
            if borrowers.behaviour != "passive":
                agents.append(self._margin_calls(borrowers))
        votes, parts = self.scenario.governance, self._parts
        agents += [proposal_of(self.scenario, vote, parts[vote.venue], self.fees) for vote in votes]
        agents += [*self._slashers(), *self._absorbers()]
        agents += [self._leavers(group) for group in self.scenario.stakers if group.behaviour == "leave"]
        agents += self.engines.agents(self.world, self.protocol, self.markets, self.fees, self._sending)
        for keepers in self.scenario.trove_keepers:
            agents += self._trove_people.keepers(keepers)
        runs = [self._runners(group) for group in self.scenario.depositors if group.behaviour == "run"]
        tiers = TierAgents(self.scenario, self._parts, self.fees).agents()
        return [*agents, *self._queues.values(), *runs, *tiers]

    @property
    def _parts(self) -> dict[str, Parts]:
        """All venues of the scenario, in its order."""
        every: dict[str, Parts] = {**self.venues, **self.custodians, **self.lenders, **self.systems}
        return {name: every[name] for name in self.scenario.venues if name in every}

    # --- a fork ------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        """Let other terms hold from a fork on."""
        scenario = self.scenario
        if scenario.fork is None or scenario.after is None:
            return
        movers = Movers(
            markets=self.markets,
            later=markets_of(scenario.after),
            feeds=self._feeds_by_asset,
            venues=self._parts,
            groups=self._groups,
            habits={group.name: _habits(group) for group in scenario.after.liquidators},
        )
        self.world.start(turn_of(scenario, scenario.after, scenario.fork.at, movers))

    # --- prices ------------------------------------------------------------------------------------------

    def _price_agents(self, asset: str, market: Market) -> list[Agent]:
        """Return what publishes an asset's price. A price that never moves is told once, at the start."""
        table = self.scenario.oracles.get(asset)
        feeds = self._feeds(market, table)
        if isinstance(market.path, ConstantPath):
            return feeds if table or market.depth.permanent else []
        return [Halts(market), *feeds]

    def _feeds(self, market: Market, table: OracleTable | None) -> list[Agent]:
        """Return the feed of a market, and the delayed one that it is the source of."""
        if table is None:
            return [PriceFeed(market, None, self.chain)]
        oracle, sending, osm = oracle_of(table), self._sending(table.bid), table.osm
        follows = self.followed.get(market.asset)
        if osm is None:
            changes = self.scenario.fork is not None
            feed = PriceFeed(market, oracle, self.chain, sending=sending, changes=changes, follows=follows)
            self._feeds_by_asset[market.asset] = feed
            return [feed]
        is_fed = table.heartbeat_s is not None
        delayed = DelayedFeed(
            market,
            oracle,
            osm.hop_s,
            self.chain,
            fed=is_fed,
            sending=self._sending(osm.bid),
            follows=follows,
        )
        if not is_fed:
            return [delayed]
        source = PriceFeed(market, oracle, self.chain, sending=sending, tell=delayed.hear, follows=follows)
        return [source, delayed]

    def _sending(self, table: BidTable | None) -> Sending | None:
        """Return what somebody sends with who bids so; None where his transactions are in the next block."""
        if table is None:
            return None
        assert self.mempool is not None, "the loader asks for block space where somebody bids"
        return Sending(self.mempool, _bid(table))

    # --- populations -------------------------------------------------------------------------------------

    def _watchlist(self, watchlist: Watchlist) -> Watchlist:
        self.protocol.observe(watchlist.observe, summary=watchlist.observe_stretch)
        return watchlist

    def _liquidators(self, group: Liquidators) -> list[Agent]:
        if group.venue not in self._targets:
            lending = self._lending(group.venue)
            self._targets[group.venue] = Targets(lending, self._watchlist(Watchlist(lending)))
        decimals = {name: asset.decimals for name, asset in self.scenario.assets.items()}
        desk = Desk(
            self._targets[group.venue],
            Markets(self.markets, decimals),
            self._fees_of(group.bid),
            self.chain,
            _habits(group),
            max((_silence(oracle) for oracle in self.scenario.oracles.values()), default=HORIZON_S),
        )
        sending = self._sending(group.bid)
        members = [
            Liquidator(
                name,
                desk,
                group.capital,
                draw(self.world.seed, name, "latency", group.latency_s),
                group.per_block,
                sending,
                group.together,
            )
            for name in member_names(group.name, group.count)
        ]
        self._groups[group.name] = desk, members
        return [*members]

    def _opportunists(self, group: Opportunists) -> list[Agent]:
        scheme = Scheme(
            collateral=group.collateral,
            borrows=group.borrows,
            premium=group.premium,
            at=group.at,
            again=group.again,
        )
        lure = Lure(scheme, self._lending(group.venue), self.markets)
        seed, unit = self.world.seed, 10 ** self.markets[group.collateral].money_decimals
        return [
            Opportunist(
                name,
                lure,
                self.chain,
                self.fees,
                held=draw(seed, name, "collateral", group.collateral_amount),
                budget=mul_div_down(draw(seed, name, "budget", group.budget), unit, PRICE_UNIT),
                reaction_s=draw(seed, name, "reaction", group.reaction_s),
            )
            for name in member_names(group.name, group.count)
        ]

    def _lending(self, venue: str) -> Lending:
        """Return what a venue that lends tells of itself."""
        return (self.venues.get(venue) or self.lenders[venue]).lending

    def _fees_of(self, table: BidTable | None) -> Fees:
        """Return what gas costs somebody who bids so, at his first bid."""
        chain = self.chain
        if table is None or chain is None:
            return self.fees
        bid = _bid(table)
        return Fees(chain.native, lambda action, at: chain.units(action) * bid.opening(chain.gas_price(at)))

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
        watchlist = self._watchlist(Watchlist(self._lending(group.venue), members))
        return MarginCalls(group.name, group.count, pool, watchlist, plan, self.fees)

    def _runners(self, group: Depositors) -> Agent:
        key = (group.venue, group.asset)
        if group.venue in self.custodians or group.venue in self.systems:
            return self._fleeing(group)
        if key not in self._queues:
            self._queues[key] = WithdrawalQueue(self._lending(group.venue), group.asset, self.fees)
        alarm = Alarm(
            utilization=group.run_at_utilization, deficit=group.run_at_deficit, rumour_at=group.rumour_at
        )
        queue = self._queues[key]
        assert isinstance(queue, WithdrawalQueue), "a pool's queue"
        return Runners(group.name, group.count, queue, alarm=alarm, reaction_s=group.reaction_s)

    def _fleeing(self, group: Depositors) -> Agent:
        key = (group.venue, group.asset)
        if key not in self._queues:
            self._queues[key] = self._exits(*key)
        queue = self._queues[key]
        assert isinstance(queue, ExitQueue), "a queue of a venue of balances"
        if group.venue in self.systems:
            return self._trove_people.runners(group, queue)
        assert group.rumour_at is not None, "the loader asks for one"
        return Fleeing(group.name, group.count, queue, rumour_at=group.rumour_at, reaction_s=group.reaction_s)

    def _exits(self, venue: str, asset: str) -> ExitQueue:
        if venue in self.systems:
            return self._trove_people.queue(venue, asset)
        return ExitQueue(self.custodians[venue].custody, asset, self.fees)

    def _leavers(self, group: Stakers) -> Agent:
        stake = self._parts[group.venue].stakes[group.stake]
        leaving = Leaving(
            loss=group.leave_at_loss,
            at=group.leave_at,
            fall=group.leave_at_fall,
            watches=group.watches or "",
        )
        return Leavers(
            group.name, group.count, stake, leaving=leaving, reaction_s=group.reaction_s, fees=self.fees
        )

    # --- umbrellas and governance ------------------------------------------------------------------------

    def _absorbers(self) -> list[Agent]:
        """Return who has the accounts of Compound v3 absorbed for nothing, where somebody does."""
        absorbers: list[Agent] = []
        for name, parts in self.lenders.items():
            delay_s = self.scenario.venues[name].absorb_after_s
            if isinstance(parts, Comets) and delay_s is not None:
                watchlist = self._watchlist(Watchlist(parts.lending))
                absorbers.append(Absorber(parts.lending, watchlist, delay_s, self.chain, self.fees))
        return absorbers

    def _slashers(self) -> list[Agent]:
        """Return who calls each slash that is nobody's transaction but his own."""
        return [
            Slasher(self.venues[name].umbrellas[asset], table.slash_after_s, self.fees)
            for name, venue in self.scenario.venues.items()
            for asset, table in venue.umbrella.items()
            if table.slash_after_s is not None
        ]


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
        space=_space(table.space) if table.space is not None else None,
    )


def _space(table: SpaceTable) -> Space:
    shares = tuple(Ratio(demand.share) for demand in table.demand)
    return Space(block_gas=table.block_gas, shares=shares, rows=table.rows)


def _bid(table: BidTable) -> Bid:
    return Bid(
        wei=table.gwei,
        multiple=Ratio(table.multiple or 0),
        escalation=Ratio(table.escalation),
        every_blocks=table.every_blocks,
        wei_max=table.gwei_max,
        deadline_s=table.deadline_s,
    )


def _silence(table: OracleTable) -> int:
    """Return how long an oracle may be silent as long as all goes well."""
    hop_s = table.osm.hop_s if table.osm is not None else 0
    return max(table.heartbeat_s or 0, hop_s)


def _habits(group: Liquidators) -> Habits:
    return Habits(
        flash=group.flash,
        profit_min=group.min_profit,
        fraction_max=group.fraction_max,
        lot_max=group.lot_max,
    )
