"""A venue's waterfall out of its scenario: the engine's rows from the file's, with amounts by asset.

A tier says in the scenario, per asset, how much it pays and from which deficit on; so a waterfall gets a
table for each asset that can be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mutualize.rate_stake import RateStakePool
from mutualize.recoveries import Row
from mutualize.scenario.model import Recovery, Scenario, Venue
from mutualize.scenario.model import Stake as StakeTable
from mutualize.scenario.model import Tier as TierTable
from mutualize.staking import StakePool
from mutualize.tier import Perimeter, Quota, Tier
from mutualize.units import BPS, WAD, mul_div_down
from mutualize.waterfall import Waterfall

if TYPE_CHECKING:
    from mutualize.venues.cover import Cover

UMBRELLA_MIN_LEFT = 10**6
"""Base units of stake that an umbrella never slashes (Umbrella's MIN_ASSETS_REMAINING)."""


def waterfall_of(
    scenario: Scenario, venue: Venue, cover: Cover, stakes: Mapping[str, StakePool]
) -> Waterfall:
    """Return a venue's waterfall."""
    return Waterfall(
        cover,
        {
            asset: [tier_of(scenario, venue, row, asset, stakes) for row in venue.waterfall]
            for asset in venue.assets
        },
        stakes=stakes,
        decimals={asset: table.decimals for asset, table in scenario.assets.items()},
        freezes=venue.freeze_exits,
        recoveries=[row_of(row) for row in venue.recoveries] or None,
    )


def tier_of(
    scenario: Scenario, venue: Venue, table: TierTable, missing: str, stakes: Mapping[str, StakePool]
) -> Tier:
    """Return a tier as it answers for one asset. A stake by exchange rate keeps its limit itself."""
    pays, stake = venue.pays_in(table, missing), stakes.get(table.stake or "")
    quota = table.quota.get(missing)
    return Tier(
        name=table.tier,
        payer=table.payer,
        limit=WAD if isinstance(stake, RateStakePool) else table.limit,
        of_loss=table.of_loss,
        amount_max=table.amount_max.get(pays),
        quota=None if quota is None else Quota(amount=quota, period_s=table.period_s or 1),
        multiple=table.multiple,
        multiple_max=table.multiple_max,
        period_s=table.period_s or 0,
        min_left=table.min_left.get(pays, 0),
        offset=table.offset.get(missing, 0),
        used=table.used,
        wait_s=table.wait_s,
        vote=table.vote or "",
        due_s=table.due_s,
        asset="" if pays == missing else pays,
        purse=table.purse or "",
        stake=table.stake or "",
        holder=table.holder or "",
        sharing=table.sharing,
        by=table.by or "",
        snapshot=table.snapshot,
        perimeter=Perimeter(
            assets=table.perimeter.assets, since=table.perimeter.since, before=table.perimeter.before
        ),
        every_asset=table.every_asset,
        iou=table.iou or "",
        iou_asset=table.iou_asset or "",
        price=table.price if isinstance(table.price, int) else None,
        loss_price=table.loss_price,
        discount=table.discount,
        depth=_depth(scenario, pays) if table.price == "market" else None,
    )


def _depth(scenario: Scenario, asset: str) -> tuple[int, int] | None:
    market = scenario.markets.get(asset)
    if market is None or market.depth is None:
        return None
    return market.depth.amount, market.depth.impact


def row_of(table: Recovery) -> Row:
    """Return a row of the table of recoveries."""
    return Row(
        name=table.row,
        rule=table.rule,
        tier=table.tier or "",
        iou=table.iou or "",
        limit=table.limit,
        asset=table.asset or "",
        amount=table.amount,
        target=table.target,
        donors=table.donors,
        skip=table.skip,
    )


def stakes_of(scenario: Scenario, venue: Venue) -> dict[str, StakePool]:
    """Return a venue's stakes by name."""
    return {name: _stake(scenario, venue, table) for name, table in venue.stakes.items()}


def _stake(scenario: Scenario, venue: Venue, table: StakeTable) -> StakePool:
    if table.form == "exchange-rate":
        shares = [tier.limit for tier in venue.waterfall if tier.stake == table.name]
        return RateStakePool(
            venue.name,
            table.name,
            table.asset,
            cooldown_s=table.cooldown_s,
            window_s=table.window_s,
            lower_bound=int(10 ** scenario.assets[table.asset].decimals),
            **({"slash_max": mul_div_down(max(shares), BPS, WAD)} if shares else {}),
        )
    covers = any(umbrella.stake == table.name for umbrella in venue.umbrella.values())
    return StakePool(
        venue.name,
        table.name,
        table.asset,
        offset_digits=table.offset_digits,
        cooldown_s=table.cooldown_s,
        window_s=table.window_s,
        min_left=UMBRELLA_MIN_LEFT if covers else 0,
    )
