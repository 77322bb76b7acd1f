"""The venues of a scenario: each with all that decides or reacts with it, stakes and waterfall included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from mutualize.scenario.model import Scenario
from mutualize.scenario.model import Umbrella as UmbrellaTable
from mutualize.scenario.waterfalls import stakes_of, waterfall_of
from mutualize.umbrella import Umbrella
from mutualize.venues.custody import Custody
from mutualize.venues.lending import PoolLending
from mutualize.venues.pool import Pool
from mutualize.venues.rules import PoolRules
from mutualize.waterfall import Waterfall

if TYPE_CHECKING:
    from mutualize.protocol import Reactor, Venue


class Venues:
    """One pool of a scenario, and all that decides or reacts with it."""

    def __init__(self, scenario: Scenario, name: str) -> None:
        self._scenario = scenario
        self._venue = scenario.venues[name]
        self.pool = Pool(name, tuple(self._venue.reserves), PoolRules(**attrs.asdict(self._venue.rules)))
        self.lending = PoolLending(self.pool)
        self.stakes = stakes_of(scenario, self._venue)
        self.umbrellas = {asset: self._umbrella(table) for asset, table in self._venue.umbrella.items()}
        self.deciders: list[Venue] = [self.pool, *self.stakes.values()]
        self.reactors: list[Reactor] = []
        self.waterfall: Waterfall | None = None
        if self._venue.waterfall or not self.umbrellas:
            self.waterfall = waterfall_of(scenario, self._venue, self.pool.cover(), self.stakes)
            self.deciders.append(self.waterfall)
            self.reactors.append(self.waterfall)
        self.deciders += self.umbrellas.values()
        self.reactors += self.umbrellas.values()

    def _umbrella(self, table: UmbrellaTable) -> Umbrella:
        stake = self.stakes[table.stake]
        return Umbrella(
            self.pool,
            stake,
            table.reserve,
            stake_decimals=self._scenario.assets[stake.asset].decimals,
            liquidation_fee=table.liquidation_fee,
            automatic=table.slash_after_s is None,
            managers=[
                vote.payer
                for vote in self._scenario.governance
                if vote.payer is not None and (vote.venue, vote.action) == (self.pool.name, "cover-deficit")
            ],
        )


class Custodian:
    """One venue of balances, and all that decides or reacts with it."""

    def __init__(self, scenario: Scenario, name: str) -> None:
        venue = scenario.venues[name]
        decimals = {asset: scenario.assets[asset].decimals for asset in venue.holds}
        self.custody = Custody(name, decimals, period_s=venue.gains_period_s)
        self.stakes = stakes_of(scenario, venue)
        self.waterfall = waterfall_of(scenario, venue, self.custody.cover(), self.stakes)
        self.deciders: list[Venue] = [self.custody, *self.stakes.values(), self.waterfall]
        self.reactors: list[Reactor] = [self.waterfall]
