"""Venues of a scenario: the rules of a lending pool and its reserves, balances, stakes; who pays a loss.

What a contract keeps in bps is in bps here; other shares are WAD. `Rules` has the defaults of the deployed
contract (Aave v3.7), as `mutualize.venues.pool.PoolRules` has.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

import attrs

from mutualize.scenario.fields import (
    Amount,
    Choice,
    Flag,
    Funds,
    Key,
    Name,
    Ref,
    Refs,
    Rows,
    Table,
    Tables,
    Weights,
    bps,
    money,
    of,
    ratio,
    seconds,
    whole,
)
from mutualize.scenario.tier_rows import Recovery, Tier
from mutualize.scenario.troves import INDEX_NAMES, TroveTerms
from mutualize.scenario.vaults import CODES, RAD, WEI, Ilk, SystemTerms
from mutualize.units import BPS, PRICE_UNIT

KINDS: Final = ("pool", "custody", "cdp", "isolated", "compound", "comet", "stability")
CELLS: Final[Mapping[str, str]] = {
    "ltv": "ltv",
    "liquidation_threshold": "threshold",
    "liquidation_bonus": "bonus",
    "reserve_factor": "reserve_factor",
    "protocol_fee": "protocol_fee",
    "fund_fee_share": "fund_fee_share",
    "fund_reserve_share": "fund_reserve_share",
    "optimal": "optimal",
    "base": "base",
    "slope1": "slope1",
    "slope2": "slope2",
    "paused": "paused",
}
"""The reserve parameters of a scenario, and what the pool calls each."""
COMET_CELLS: Final[Mapping[str, str]] = {
    "ltv": "borrow_factor",
    "liquidation_threshold": "liquidate_factor",
    "liquidation_factor": "liquidation_factor",
    "store_front_factor": "store_front_factor",
}
"""Those that a vote may set in Compound v3, and what that calls each."""


@attrs.frozen(kw_only=True)
class Rules:
    """What differs between versions of a lending pool."""

    close_factor: str = of(
        Choice(("aave-v3", "half", "full")), "how much of a debt one liquidation may repay", default="aave-v3"
    )
    half_above_health: int = ratio(
        "aave-v3: above this health factor only half may be repaid", default=95 * 10**16
    )
    full_below_value: int = money(
        "aave-v3: below this value the whole debt may be repaid", default=2_000 * PRICE_UNIT
    )
    dust_rule: bool = of(Flag(), "refuse a liquidation that leaves dust on either side", default=True)
    leftover_min: int = money("what the dust rule calls dust", default=1_000 * PRICE_UNIT)
    recognition: str = of(
        Choice(("at-zero-collateral", "never")),
        "when a shortfall becomes a deficit; never: the debt goes on accruing",
        default="at-zero-collateral",
    )
    zero_price_seizes: bool = of(Flag(), "collateral worth nothing is seized for nothing", default=True)


@attrs.frozen(kw_only=True)
class Reserve:
    """One asset of a venue that lends. Shares in bps (a bonus of 0.045 is 10,450), amounts in base units."""

    asset: str = of(Key(), "the asset that is lent")
    ltv: int = bps("how much may be borrowed against it", default=0)
    liquidation_threshold: int = bps("up to which debt a position is safe", default=0)
    liquidation_bonus: int = bps("what a liquidator gets on top", added=BPS, default=BPS)
    reserve_factor: int = bps("the treasury's share of interest", default=0)
    protocol_fee: int = bps("the treasury's share of a liquidation's bonus", default=0)
    fund_fee_share: int = bps("the fund's share of liquidation fees", default=0)
    fund_reserve_share: int = bps("the fund's share of the treasury's interest", default=0)
    optimal: int = bps("the utilization at which the rate bends", 100, 9_900, default=8_000)
    base: int = bps("the rate at no utilization, a year", 0, 10 * BPS, default=0)
    slope1: int = bps("by how much the rate rises up to the bend, a year", 0, 10 * BPS, default=0)
    slope2: int = bps("by how much it rises beyond, a year", 0, 10 * BPS, default=0)
    paused: int = whole("1: nothing moves", 0, 1, default=0)
    liquidation_factor: int | None = bps(
        "comet, of a collateral: which share of its worth the reserves pay for it", default=None
    )
    supply_cap: int | None = of(
        Amount("asset"), "comet, of a collateral: how much may be put up; left out: any amount", default=None
    )
    store_front_factor: int | None = bps(
        "comet, of the base asset: which part of what the reserves did not pay for collateral is its buyers'",
        default=None,
    )
    target_reserves: int | None = of(
        Amount("asset"),
        "comet, of the base asset: reserves from which on no collateral is sold",
        default=None,
    )
    borrow_min: int = of(Amount("asset"), "comet, of the base asset: the least debt", default=0)
    reserves_initial: int = of(
        Amount("asset"), "comet, of the base asset: what the reserves have at the start", default=0
    )
    supply_base: int = bps("comet: as base, of what suppliers get", 0, 10 * BPS, default=0)
    supply_slope1: int = bps("comet: as slope1, of what suppliers get", 0, 10 * BPS, default=0)
    supply_slope2: int = bps("comet: as slope2, of what suppliers get", 0, 10 * BPS, default=0)

    def parameters(self, decimals: int) -> tuple[tuple[str, int], ...]:
        """Return what the command `ListReserve` takes: (the pool's name of a parameter, integer)."""
        return (("decimals", decimals), *((cell, getattr(self, name)) for name, cell in CELLS.items()))

    def says_beside(self, has: Container[str]) -> list[str]:
        """Return the fields that say something, but for those that the reserve of a venue `has`."""
        return [
            field.name
            for field in attrs.fields(Reserve)
            if field.name not in has and getattr(self, field.name) != field.default
        ]


@attrs.frozen(kw_only=True)
class Stake:
    """Assets that people put at risk for a venue, held as shares."""

    name: str = of(Key(), "how the stake is called")
    asset: str = of(Ref("assets"), "what is staked")
    form: str = of(
        Choice(("shares", "exchange-rate")),
        "shares with a virtual offset (ERC-4626), or the older exchange rate",
        default="shares",
    )
    cooldown_s: int = seconds("from announcing to leave until leaving is allowed, seconds", default=0)
    window_s: int = seconds("how long leaving is then allowed, seconds", default=172_800)
    offset_digits: int = whole("shares: decimals of the virtual offset", 0, 36, default=0)


@attrs.frozen(kw_only=True)
class Umbrella:
    """Aave's Umbrella on one reserve: a stake that is slashed by anybody once a deficit is open."""

    reserve: str = of(Key(), "whose deficit is covered")
    stake: str = of(Ref("stakes"), "which stake pays")
    slash_after_s: int | None = seconds(
        "how long after a shortfall somebody calls the slash; left out: at once, in the same transaction",
        default=None,
    )
    liquidation_fee: int = bps("what is slashed on top of the deficit", default=0)
    deficit_offset: int = of(Amount("reserve"), "a deficit up to this does not slash", default=0)


@attrs.frozen(kw_only=True)
class Venue:
    """Where people hold money and shortfalls are born."""

    name: str = of(Key(), "how the venue is called")
    kind: str = of(
        Choice(KINDS),
        "pool: pooled lending, Aave v3 rules; custody: balances by name, of an exchange, a vault or a "
        "mutual; cdp: a vault engine, Maker rules; isolated: one asset lent against one other, Morpho Blue "
        "rules; compound: pooled lending, Compound v2 rules; comet: one asset lent against several, Compound "
        "v3 rules; stability: troves and a stability pool, Liquity rules",
    )
    rules: Rules = of(Table(Rules), "what differs between versions", factory=Rules)
    reserves: Mapping[str, Reserve] = of(
        Tables(Reserve, Ref("assets")), "pool: what is lent, by asset, in order", factory=dict
    )
    holds: tuple[str, ...] = of(Refs("assets"), "custody: the assets that balances are in", default=())
    balances: Mapping[str, Mapping[str, int]] = of(
        Funds(), "custody: what each has at the start: holder, asset, base units", factory=dict
    )
    gains_period_s: int = seconds("custody: over which period gains are counted", 1, default=86_400)
    preset: str | None = of(
        Name(), "a table of tiers that is shipped, instead of one here: `mutualize waterfall`", default=None
    )
    waterfall: tuple[Tier, ...] = of(Rows(Tier, "tier"), "who pays, in order", default=())
    freeze_exits: bool = of(
        Flag(), "nobody leaves from the moment a loss is recognised until none is open", default=False
    )
    funds: Mapping[str, Mapping[str, int]] = of(
        Funds(), "opening money of fund tiers: tier, asset, base units", factory=dict
    )
    members: Mapping[str, Mapping[str, Mapping[str, int]]] = of(
        Funds(2), "what members have contributed at the start: fund, member, asset, base units", factory=dict
    )
    numbers: Mapping[str, Mapping[str, int]] = of(
        Weights(), "weights or ranks that tiers share by: table, name, number", factory=dict
    )
    recoveries: tuple[Recovery, ...] = of(
        Rows(Recovery, "row"), "what recovered money repays, in order", default=()
    )
    seize_share: int = ratio("compound: the reserves' share of what is seized", default=28 * 10**15)
    absorb_after_s: int | None = seconds(
        "comet: how long an account is unsafe until somebody has it absorbed, for nothing; left out: only"
        " liquidators do, to buy its collateral",
        default=None,
    )
    stakes: Mapping[str, Stake] = of(Tables(Stake), "the stakes, by name", factory=dict)
    umbrella: Mapping[str, Umbrella] = of(
        Tables(Umbrella, Ref("reserves")),
        "Aave's Umbrella, by reserve whose deficit is covered",
        factory=dict,
    )
    stablecoin: str | None = of(
        Ref("assets"), "cdp: what vaults owe; stability: what troves owe", default=None
    )
    governance_token: str | None = of(
        Ref("assets"), "cdp: what is minted where surplus does not suffice", default=None
    )
    auctions: str = of(
        Choice(CODES, "liquidation code"),
        "cdp: the code of 12 March 2020, of Liquidations 1.2, or of 2.0",
        default="clip",
    )
    ilks: Mapping[str, Ilk] = of(Tables(Ilk), "cdp: kinds of collateral, by name", factory=dict)
    system: SystemTerms = of(Table(SystemTerms), "cdp: terms of the whole engine", factory=SystemTerms)
    buffer: int = of(RAD, "cdp: the surplus that it begins with, stablecoins", default=0)
    governance_supply: int = of(WEI, "cdp: governance tokens that there are at first", default=0)
    collateral: str | None = of(Ref("assets"), "stability: what troves hold", default=None)
    index: str = of(
        Choice(INDEX_NAMES),
        "stability: how the pool follows deposits, as the contract of 2021, its revision of 2025, or v2",
        default=INDEX_NAMES[0],
    )
    trove_terms: TroveTerms = of(Table(TroveTerms), "stability: terms of its troves", factory=TroveTerms)

    @property
    def assets(self) -> tuple[str, ...]:
        """The assets that can be missing here."""
        if self.kind == "stability":
            return () if self.stablecoin is None else (self.stablecoin,)
        return self.holds or tuple(self.reserves)

    def pays_in(self, tier: Tier, missing: str) -> str:
        """Return the asset in which `tier` pays a loss in the asset `missing`."""
        if tier.asset is not None:
            return tier.asset
        return self.stakes[tier.stake].asset if tier.stake is not None else missing

    def purse_of(self, tier: Tier) -> str:
        """Return the name of the purse or fund that a tier's money is in."""
        return tier.purse or tier.tier
