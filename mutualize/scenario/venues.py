"""The venues of a scenario: a pool with its stakes, its umbrella, and its waterfall.

A tier says in the scenario, per asset, how much it pays and from which deficit on; a `Waterfall` has one
table of rows. So each reserve gets a waterfall of its own, and `ByReserve` hands each shortfall to the one
that answers for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from mutualize.events import Event, LossAbsorbed, LossAllocated, ShortfallRecognised
from mutualize.rate_stake import RateStakePool
from mutualize.scenario.model import Scenario
from mutualize.scenario.model import Stake as StakeTable
from mutualize.scenario.model import Tier as TierTable
from mutualize.staking import StakePool
from mutualize.umbrella import Umbrella
from mutualize.units import BPS, WAD, mul_div_down
from mutualize.venues.pool import Pool
from mutualize.venues.rules import PoolRules
from mutualize.waterfall import Tier, Waterfall

if TYPE_CHECKING:
    from mutualize.book import View
    from mutualize.protocol import Reactor, Venue

UMBRELLA_MIN_LEFT = 10**6
"""Base units of stake that an umbrella never slashes (Umbrella's MIN_ASSETS_REMAINING)."""


class ByReserve:
    """The waterfalls of one pool, by the asset that is missing."""

    answers = Waterfall.answers

    def __init__(self, waterfalls: Mapping[str, Waterfall]) -> None:
        self._waterfalls = dict(waterfalls)

    def react(self, view: View, event: Event, at: int) -> list[Event]:
        """Return what follows, by the waterfall of the reserve that is concerned."""
        assert isinstance(event, ShortfallRecognised | LossAllocated | LossAbsorbed)
        waterfall = self._waterfalls.get(event.asset)
        return waterfall.react(view, event, at) if waterfall is not None else []


class Venues:
    """One pool of a scenario, and all that decides or reacts with it."""

    def __init__(self, scenario: Scenario, name: str) -> None:
        self._scenario = scenario
        self._venue = scenario.venues[name]
        self.pool = Pool(name, tuple(self._venue.reserves), PoolRules(**attrs.asdict(self._venue.rules)))
        self.stakes = {stake: self._stake(table) for stake, table in self._venue.stakes.items()}
        self.umbrella = self._umbrella()
        self.deciders: list[Venue] = [self.pool, *self.stakes.values()]
        self.reactors: list[Reactor] = []
        if self._venue.waterfall or self.umbrella is None:
            decimals = {asset: table.decimals for asset, table in scenario.assets.items()}
            waterfalls = {
                asset: Waterfall(
                    self.pool,
                    [self._tier(tier, asset) for tier in self._venue.waterfall],
                    stakes=self.stakes,
                    decimals=decimals,
                )
                for asset in self.pool.assets
            }
            self.reactors.append(ByReserve(waterfalls))
        if self.umbrella is not None:
            self.deciders.append(self.umbrella)
            self.reactors.append(self.umbrella)

    def _stake(self, table: StakeTable) -> StakePool:
        venue = self._venue
        if table.form == "exchange-rate":
            shares = [tier.limit for tier in venue.waterfall if tier.stake == table.name]
            return RateStakePool(
                venue.name,
                table.name,
                table.asset,
                cooldown_s=table.cooldown_s,
                window_s=table.window_s,
                lower_bound=int(10 ** self._scenario.assets[table.asset].decimals),
                **({"slash_max": mul_div_down(max(shares), BPS, WAD)} if shares else {}),
            )
        covers = venue.umbrella is not None and venue.umbrella.stake == table.name
        return StakePool(
            venue.name,
            table.name,
            table.asset,
            offset_digits=table.offset_digits,
            cooldown_s=table.cooldown_s,
            window_s=table.window_s,
            min_left=UMBRELLA_MIN_LEFT if covers else 0,
        )

    def _umbrella(self) -> Umbrella | None:
        table = self._venue.umbrella
        if table is None:
            return None
        stake = self.stakes[table.stake]
        return Umbrella(
            self.pool,
            stake,
            table.reserve,
            stake_decimals=self._scenario.assets[stake.asset].decimals,
            liquidation_fee=table.liquidation_fee,
            automatic=True,
        )

    def _tier(self, table: TierTable, missing: str) -> Tier:
        """Return a tier as it answers for one reserve. A stake by exchange rate keeps its limit itself."""
        pays = self._venue.pays_in(table, missing)
        stake = self.stakes.get(table.stake or "")
        return Tier(
            name=table.tier,
            payer=table.payer,
            limit=WAD if isinstance(stake, RateStakePool) else table.limit,
            amount_max=table.amount_max.get(pays),
            offset=table.offset.get(missing, 0),
            used=table.used,
            asset="" if pays == missing else pays,
            stake=table.stake or "",
            price=table.price if isinstance(table.price, int) else None,
            discount=table.discount,
            depth=self._depth(pays) if table.price == "market" else None,
        )

    def _depth(self, asset: str) -> tuple[int, int] | None:
        market = self._scenario.markets.get(asset)
        if market is None or market.depth is None:
            return None
        return market.depth.amount, market.depth.impact
