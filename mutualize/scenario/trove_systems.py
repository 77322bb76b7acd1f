"""Trove systems of a scenario: the venue with its tiers, what it begins with, and everybody who acts on it.

    first prices │ all troves, the safest first │ their stablecoins to holders │ from them to depositors

The stablecoins that troves draw go to whoever holds them (`market`); depositors of the stability pool have
theirs from there, so no more is deposited than was drawn. Troves are opened from the safest to the riskiest,
whatever the order of the file: the contract refuses one that would put all of them together below the
critical ratio, and so it refuses one if and only if all together are below it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING

import attrs

from mutualize.agents.exits import ExitQueue, Fleeing
from mutualize.agents.fees import Fees
from mutualize.agents.genesis import Beginning
from mutualize.agents.members import draw, member_names
from mutualize.agents.mempool import Sending
from mutualize.agents.pool_exits import PoolDoor, PoolGauge
from mutualize.agents.sender import Sender
from mutualize.agents.signals import deficit_gauge
from mutualize.agents.stock import HOLDERS
from mutualize.agents.trove_keepers import TroveKeeper
from mutualize.commands import Supply, TransferClaims
from mutualize.errors import MutualizeError
from mutualize.events import LossAbsorbed
from mutualize.scenario.market import Bid as BidTable
from mutualize.scenario.model import Depositors, Scenario, Venue
from mutualize.scenario.trove_checks import KIND
from mutualize.scenario.troves import TroveKeepers, TroveRows
from mutualize.scenario.waterfalls import stakes_of, waterfall_of
from mutualize.trove_commands import OpenTrove
from mutualize.units import PRICE_UNIT, WAD, format_decimal, mul_div_down, mul_div_up
from mutualize.venues.stability import Stability
from mutualize.venues.stability_pool import INDEXES
from mutualize.venues.troves import NOMINAL, Rules, ratio_of
from mutualize.world import Agent, World

if TYPE_CHECKING:
    from mutualize.protocol import Protocol, Reactor
    from mutualize.protocol import Venue as Decider


class TroveSystem:
    """One trove system of a scenario, and all that decides or reacts with it."""

    def __init__(self, scenario: Scenario, name: str) -> None:
        venue = scenario.venues[name]
        assert venue.stablecoin is not None, "the loader asks for it"
        assert venue.collateral is not None, "the loader asks for it"
        self.stability = Stability(
            name,
            venue.stablecoin,
            venue.collateral,
            rules=venue.trove_terms.rules,
            index=INDEXES[venue.index],
        )
        self.stakes = stakes_of(scenario, venue)
        self.waterfall = waterfall_of(scenario, venue, self.stability.cover(), self.stakes)
        self.deciders: list[Decider] = [self.stability, *self.stakes.values(), self.waterfall]
        self.reactors: list[Reactor] = [self.waterfall]


def systems_of(scenario: Scenario) -> dict[str, TroveSystem]:
    """Return all trove systems of a scenario, by name."""
    return {
        name: TroveSystem(scenario, name) for name, venue in scenario.venues.items() if venue.kind == KIND
    }


# --- the beginning ---------------------------------------------------------------------------------------


@attrs.frozen
class Opening:
    """A trove to be opened: its place in the scenario, whose it is, and what it holds and owes (wad)."""

    place: str
    owner: str
    collateral: int
    debt: int

    @property
    def nominal(self) -> int:
        """Its ratio without a price, by which troves stand in order."""
        return ratio_of(self.collateral, self.debt, NOMINAL)


def drawn_of(rules: Rules, debt: int) -> int:
    """Return the most that may be drawn for a debt with fee and reserve, wad: exact to one base unit of debt.

    amount + ⌊amount · fee⌋ + reserve ≤ debt: it is the largest number below (debt − reserve + 1)/(1 + fee).
    """
    net = debt - rules.reserve
    return max(0, mul_div_up((net + 1) * WAD, 1, WAD + rules.fee) - 1) if net >= 0 else 0


class TroveBeginning:
    """The commands with which one trove system begins, once prices are told."""

    def __init__(self, scenario: Scenario, venue: Venue, seed: int, price: int) -> None:
        """`price` is what the oracle tells first of the collateral, 8 decimals."""
        self._scenario = scenario
        self._venue = venue
        self._seed = seed
        self._price = price * mul_div_down(WAD, 1, PRICE_UNIT)

    def __iter__(self) -> Iterator[Beginning]:
        name, rules = self._venue.name, self._venue.trove_terms.rules
        stablecoin = self._venue.stablecoin or ""
        left = 0
        for opening in sorted(self._openings(), key=lambda each: -each.nominal):
            drawn = drawn_of(rules, opening.debt)
            left += drawn
            common = {"venue": name, "account": opening.owner}
            yield Beginning(opening.place, OpenTrove(**common, collateral=opening.collateral, amount=drawn))
            yield Beginning(
                opening.place, TransferClaims(**common, to=HOLDERS, asset=stablecoin, amount=drawn)
            )
        for group in self._scenario.depositors:
            if group.venue == name:
                left = yield from self._deposits(group, left)

    def _deposits(self, group: Depositors, left: int) -> Generator[Beginning, None, int]:
        """Hand each member his stablecoins, and let him put them into the pool; returns what holders keep.

        Raises MutualizeError where fewer were drawn.
        """
        place, venue = f"[[depositors]] {group.name}", group.venue
        for name in member_names(group.name, group.count):
            amount = draw(self._seed, name, "amount", group.amount)
            if amount > left:
                has, lacks = (f"{format_decimal(each, 18)} {group.asset}" for each in (amount, left))
                problem = f"{name} puts {has} into the pool; of what troves drew {lacks} is left."
                remedy = "Let troves owe more, or depositors put in less."
                raise MutualizeError(place, problem, remedy)
            left -= amount
            given = TransferClaims(venue=venue, account=HOLDERS, to=name, asset=group.asset, amount=amount)
            yield Beginning(place, given)
            yield Beginning(place, Supply(venue=venue, account=name, asset=group.asset, amount=amount))
        return left

    def _openings(self) -> Iterator[Opening]:
        for row in self._scenario.trove_rows:
            if row.venue == self._venue.name:
                yield from self._drawn(row)
        for trove in self._scenario.troves:
            if trove.venue == self._venue.name:
                debt = self._debt(trove.collateral, trove.debt, trove.ratio)
                yield Opening(f"[[troves]] {trove.table}", trove.owner, trove.collateral, debt)

    def _drawn(self, row: TroveRows) -> Iterator[Opening]:
        if row.file is not None:
            return
        assert row.collateral is not None, "the loader asks for it"
        for name in [row.name] if row.count is None else member_names(row.name, row.count):
            collateral = draw(self._seed, name, "collateral", row.collateral)
            debt = None if row.debt is None else draw(self._seed, name, "debt", row.debt)
            ratio = None if row.ratio is None else draw(self._seed, name, "ratio", row.ratio)
            yield Opening(f"[[troves]] {row.name}", name, collateral, self._debt(collateral, debt, ratio))

    def _debt(self, collateral: int, debt: int | None, ratio: int | None) -> int:
        """Return what a trove owes: as it is stated, or for its ratio at the first price, rounded down."""
        if debt is not None:
            return debt
        assert ratio is not None, "the loader asks for one of them"
        return mul_div_down(collateral, self._price, ratio)


# --- who acts --------------------------------------------------------------------------------------------


class TrovePeople:
    """Makes the agents of trove systems."""

    def __init__(
        self,
        systems: Mapping[str, TroveSystem],
        world: World,
        protocol: Protocol,
        fees: Fees,
        sending: Callable[[BidTable | None], Sending | None],
    ) -> None:
        self._systems = systems
        self._world = world
        self._protocol = protocol
        self._fees = fees
        self._sending = sending

    def keepers(self, group: TroveKeepers) -> list[Agent]:
        """Return the members of a group of keepers."""
        venue, sending = self._systems[group.venue].stability, self._sending(group.bid)
        return [
            TroveKeeper(
                name,
                venue,
                Sender(name, self._fees, sending),
                draw(self._world.seed, name, "latency", group.latency_s),
                group.together,
            )
            for name in member_names(group.name, group.count)
        ]

    def queue(self, venue: str, asset: str) -> ExitQueue:
        """Return the queue of those who want to leave a stability pool; asked for once."""
        stability = self._systems[venue].stability
        self._protocol.observe(PoolGauge(self._world, stability).observe, LossAbsorbed)
        door = PoolDoor(stability)
        return ExitQueue(door, asset, self._fees, door.opens)

    def runners(self, group: Depositors, queue: ExitQueue) -> Agent:
        """Return a population that runs from a stability pool."""
        level = group.run_at_deficit
        above = {} if level is None else {deficit_gauge(group.venue, group.asset): max(1, level)}
        return Fleeing(
            group.name,
            group.count,
            queue,
            rumour_at=group.rumour_at,
            reaction_s=group.reaction_s,
            above=above,
        )
