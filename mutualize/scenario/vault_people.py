"""Everybody who acts on a scenario's vault engines: feeds, biters, bidders, takers, keepers, buyers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mutualize.agents.bidders import Bidder, Policy
from mutualize.agents.fees import Fees
from mutualize.agents.hall import Hall, Row
from mutualize.agents.members import draw, member_names
from mutualize.agents.mempool import Sending
from mutualize.agents.sender import Sender
from mutualize.agents.stock import Stock, quote_of
from mutualize.agents.takers import Floor, Taker, Terms
from mutualize.agents.vault_governance import TermsAct
from mutualize.agents.vault_index import VaultIndex
from mutualize.agents.vault_keepers import Biter, Bites, FeedKeeper
from mutualize.agents.vow_keepers import DebtBidder, Habits, VowKeeper
from mutualize.market.market import Market
from mutualize.protocol import Protocol
from mutualize.scenario.market import Bid as BidTable
from mutualize.scenario.model import Scenario
from mutualize.scenario.vaults import Bidders, Biters, DebtBidders, Takers, given
from mutualize.units import PRICE_UNIT
from mutualize.venues.auction import OLD
from mutualize.venues.cdp import Vaults
from mutualize.world import Agent, World

if TYPE_CHECKING:
    from mutualize.randomness import Distribution


class VaultPeople:
    """Makes the agents of vault engines."""

    def __init__(
        self,
        venues: Mapping[str, Vaults],
        world: World,
        protocol: Protocol,
        markets: Mapping[str, Market],
        fees: Fees,
        sending: Callable[[BidTable | None], Sending | None],
    ) -> None:
        self._venues = venues
        self._world = world
        self._protocol = protocol
        self._markets = markets
        self._fees = fees
        self._sending = sending
        self._bites: dict[tuple[str, str], Bites] = {}
        self._halls: dict[tuple[str, str], Hall] = {}
        self._floors: dict[tuple[str, str], Floor] = {}

    def agents(self, scenario: Scenario) -> list[Agent]:
        """Return them all: feeds, biters, bidders, takers, acts, keepers of the vow, buyers of tokens."""
        found: list[Agent] = []
        for keeper in scenario.feed_keepers:
            latency = self._latency(keeper.name, keeper.latency_s)
            sender = self._sender(keeper.name, keeper.bid)
            found.append(FeedKeeper(keeper.name, self._venues[keeper.venue], keeper.ilk, sender, latency))
        for biters in scenario.biters:
            found += self._biters(biters)
        for bidders in scenario.bidders:
            found += self._bidders(bidders)
        for takers in scenario.takers:
            found += self._takers(takers)
        for act in scenario.acts:
            old = scenario.venues[act.venue].auctions == OLD
            terms = [(act.ilk or "", *term) for term in given(act.terms, old=old).items()]
            terms += [("", *term) for term in given(act.system, old=old).items()]
            found.append(TermsAct(act.name, self._venues[act.venue], act.at, act.delay_s, terms, self._fees))
        for vow in scenario.vow_keepers:
            habits = Habits(
                every_s=vow.every_s,
                fees_every_s=vow.fees_every_s,
                debt_auctions_max=vow.debt_auctions_max,
            )
            agent = VowKeeper(vow.name, self._venues[vow.venue], habits, self._sender(vow.name, vow.bid))
            self._protocol.observe(agent.observe)
            found.append(agent)
        return [*found, *(self._debt_bidder(group) for group in scenario.debt_bidders)]

    def _latency(self, name: str, distribution: Distribution) -> int:
        return draw(self._world.seed, name, "latency", distribution)

    def _sender(self, name: str, bid: BidTable | None, at_once: int = 1) -> Sender:
        return Sender(name, self._fees, self._sending(bid), at_once)

    def _biters(self, group: Biters) -> list[Agent]:
        key = (group.venue, group.ilk)
        if key not in self._bites:
            index = VaultIndex(*key)
            self._protocol.observe(index.observe)
            self._bites[key] = Bites(self._venues[group.venue], index)
        return [
            Biter(
                name,
                self._bites[key],
                self._sender(name, group.bid, group.at_once),
                self._latency(name, group.latency_s),
            )
            for name in member_names(group.name, group.count)
        ]

    def _hall(self, venue: str, ilk: str) -> Hall:
        if (venue, ilk) not in self._halls:
            hall = self._halls[venue, ilk] = Hall(venue, ilk)
            self._protocol.observe(hall.observe)
        return self._halls[venue, ilk]

    def _floor(self, venue: str, ilk: str) -> Floor:
        if (venue, ilk) not in self._floors:
            floor = self._floors[venue, ilk] = Floor(self._venues[venue], ilk)
            self._protocol.observe(floor.observe)
        return self._floors[venue, ilk]

    def _stock(self, name: str, group: Bidders | Takers) -> Stock:
        venue = self._venues[group.venue]
        market = self._markets[venue.names.ilks[group.ilk]]
        money = self._markets.get(venue.names.stablecoin)
        stable = (lambda _: PRICE_UNIT) if money is None else money.mid
        quote = quote_of(market.mid, stable, lambda: market.cost)
        cycle_s = draw(self._world.seed, name, "cycle", group.cycle_s)
        return Stock(name, venue, group.ilk, quote, cycle_s)

    def _bidders(self, group: Bidders) -> list[Agent]:
        venue, hall = self._venues[group.venue], self._hall(group.venue, group.ilk)
        found: list[Agent] = []
        for name in member_names(group.name, group.count):
            row = Row(
                name,
                hall,
                self._latency(name, group.latency_s),
                self._world.stream(name),
                fresh_only=group.offer == "nothing",
            )
            policy = Policy(
                offers_value=group.offer == "value",
                margin=draw(self._world.seed, name, "margin", group.margin),
                arrives_at=group.arrives_at or self._world.start_at,
                bids_max=group.bids_max,
                bids_window_s=group.bids_window_s,
            )
            sender = self._sender(name, group.bid, group.at_once)
            stock = self._stock(name, group)
            found.append(Bidder(name, venue, hall, row, policy, stock, sender))
        return found

    def _takers(self, group: Takers) -> list[Agent]:
        floor = self._floor(group.venue, group.ilk)
        found: list[Agent] = []
        for name in member_names(group.name, group.count):
            terms = Terms(
                margin=draw(self._world.seed, name, "margin", group.margin),
                arrives_at=group.arrives_at or self._world.start_at,
                latency_s=self._latency(name, group.latency_s),
            )
            sender = self._sender(name, group.bid, group.at_once)
            found.append(Taker(name, floor, terms, self._stock(name, group), sender))
        return found

    def _debt_bidder(self, group: DebtBidders) -> Agent:
        paid = [(row.lots, row.price) for row in group.paid]
        latency = self._latency(group.name, group.latency_s)
        agent = DebtBidder(
            group.name, self._venues[group.venue], paid, latency, self._sender(group.name, group.bid)
        )
        self._protocol.observe(agent.observe)
        return agent
