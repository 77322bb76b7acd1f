"""A scenario as the program knows it: frozen classes, all numbers integers, every mark kept beside them.

    scenario.toml ─▶ loader ─▶ Scenario ─▶ build ─▶ world
                        └─▶ inputs (every number with its mark), files (digests), gaps (holes in prices)

Amounts are base units, prices and money 8 decimals, ratios WAD (10¹⁸) or bps where the contract uses bps,
times integer seconds since 1970-01-01 UTC. What each field means stands beside it and is the JSON Schema's
text too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from mutualize.scenario.fields import (
    AssetName,
    Choice,
    Flag,
    Key,
    Name,
    Ref,
    Rows,
    Settings,
    Strings,
    Table,
    Tables,
    Text,
    Texts,
    Time,
    Value,
    Values,
    Whole,
    computed,
    of,
)
from mutualize.scenario.fields import Path as DottedPath
from mutualize.scenario.fields import Tolerance as ToleranceKind
from mutualize.scenario.fortunes import Loss, Members, Profits, Recovered
from mutualize.scenario.limits import LIMITS, Limits
from mutualize.scenario.market import Asset, Candle, Chain, Depth, Gap, GasFile, Market, Oracle, PriceFile
from mutualize.scenario.marks import Input
from mutualize.scenario.population import (
    Borrowers,
    Columns,
    Depositors,
    Governance,
    Liquidators,
    Opportunists,
    Position,
    PositionRow,
    Stakers,
)
from mutualize.scenario.tier_rows import Perimeter, Recovery, Tier
from mutualize.scenario.troves import Trove, TroveKeepers, TroveRows
from mutualize.scenario.vaults import (
    Acts,
    Bidders,
    Biters,
    DebtBidders,
    FeedKeepers,
    Takers,
    Vault,
    VaultRows,
    VowKeepers,
)
from mutualize.scenario.venue import Reserve, Rules, Stake, Umbrella, Venue

FORMAT: Final = "mutualize-scenario/1"
SEED_MAX: Final = 2**63 - 1


@attrs.frozen(kw_only=True)
class Says:
    """What one source says."""

    value: str = of(Text(), "what it says")
    source: str = of(Ref("sources"), "who says so")


@attrs.frozen(kw_only=True)
class Conflict:
    """What published sources disagree on."""

    about: str = of(Text(), "what is disputed")
    says: tuple[Says, ...] = of(Rows(Says), "who says what")
    remark: str = of(Text(1000), "what was made of it here", default="")


@attrs.frozen
class Tolerance:
    """By how much an outcome may differ: `amount` has 18 decimals, absolute or (`relative`) a share."""

    amount: int
    relative: bool


@attrs.frozen(kw_only=True)
class ExpectRow:
    """`[[expect]]` as it stands in the file: exactly one of the comparisons is given."""

    id: str = of(Name(), "how the expectation is called")
    metric: str = of(Text(120), "what is looked at: 'shortfall.CRV'")
    equals: str | None = of(Value(), "the outcome equals this", default=None)
    at_least: str | None = of(Value(), "the outcome is at least this", default=None)
    at_most: str | None = of(Value(), "the outcome is at most this", default=None)
    between: tuple[str, ...] | None = of(Values(), "the outcome is between these two", default=None)
    order: tuple[str, ...] | None = of(Values(), "these come in this order", default=None)
    first: str | None = of(Value(), "the first one is at this moment", default=None)
    last: str | None = of(Value(), "the last one is at this moment", default=None)
    absent: bool | None = of(Flag(), "there is none", default=None)
    tolerance: Tolerance | None = of(
        ToleranceKind(), "'10%' of the value, or absolute (for moments: seconds)", default=None
    )
    at: int | None = of(Time(), "at this moment; left out: at the end", default=None)
    kind: str = of(
        Choice(("fitted", "held-out", "identity")),
        "something was tuned to it, nothing was, or it follows from an input by arithmetic",
    )
    source: str | None = of(Ref("sources"), "who published it", default=None)
    remark: str = of(Text(1000), "what else there is to say", default="")
    variant: str | None = of(Name(), "in which variant; left out: the base run", default=None)
    over: str | None = of(
        Choice(("seeds",), "range"),
        "'seeds': it must hold for the median over many seeds, and no single run decides it",
        default=None,
    )


@attrs.frozen(kw_only=True)
class Expect:
    """One expected outcome. `op` is a comparison of `ExpectRow`; `values` holds its texts (none: absent)."""

    id: str
    metric: str
    op: str
    values: tuple[str, ...]
    tolerance: Tolerance | None
    at: int | None
    kind: str
    source: str | None
    remark: str
    variant: str | None
    over: str | None

    @property
    def value(self) -> str:
        """The value it is compared with, as it stands in the file; several are joined by ', '."""
        return ", ".join(self.values)


@attrs.frozen(kw_only=True)
class Variant:
    """The same scenario with some values set to others."""

    name: str = of(Key(), "how the variant is called")
    title: str = of(Text(), "what is different", default="")
    set: Mapping[str, Any] = of(Settings(), "dotted paths and their new values")


@attrs.frozen(kw_only=True)
class Vary:
    """One uncertain input: drawn evenly between `low` and `high`, as they stand in the file."""

    path: str = of(DottedPath(), "which value is varied")
    low: str = of(Value(), "the lowest it may be")
    high: str = of(Value(), "the highest it may be")


@attrs.frozen(kw_only=True)
class Spread:
    """How far chance and uncertain inputs spread the outcomes: over seeds, and over drawn sets of inputs."""

    seeds: int | None = of(
        Whole(1, 10**12, marked=False), "how many seeds, 1, 2, 3 …; left out: 50", default=None
    )
    draws: int | None = of(
        Whole(1, 10**12, marked=False), "how many sets of inputs are drawn; left out: 200", default=None
    )
    metrics: tuple[str, ...] = of(
        Texts(120), "outcomes beside those that are expected, and who paid", default=()
    )
    vary: tuple[Vary, ...] = of(Rows(Vary), "the inputs that are drawn", default=())


@attrs.frozen(kw_only=True)
class Fork:
    """What is different from a moment on; until then everything is as it stands in the file.

    Prices, feeds, reserve terms, tiers, liquidators' habits, later votes and the end can be changed so; what
    has begun before it cannot.
    """

    at: int = of(Time(), "from when on")
    set: Mapping[str, Any] = of(Settings(), "dotted paths and their values from then on")


@attrs.frozen
class DataFile:
    """A file beside the scenario: its name inside the folder, what it is, and where it comes from."""

    name: str
    sha256: str
    rows: int
    kind: str
    why: str
    notes: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Scenario:
    """A whole scenario, checked."""

    format: str = of(Choice((FORMAT,)), "the format of this file")
    name: str = of(Name(), "how the scenario is called")
    title: str = of(Text(), "what it is, in a line")
    summary: str = of(Text(4000), "what happens in it", default="")
    start: int = of(Time(), "where simulated time begins")
    end: int = of(Time(), "where it ends")
    seed: int = of(Whole(0, SEED_MAX, marked=False), "from which all random streams are derived", default=1)
    money: str = of(Text(16), "the money of account, in which all values are stated", default="USD")
    not_modelled: tuple[str, ...] = of(Texts(), "what was left out", default=())
    sources: Mapping[str, str] = of(Strings(1000), "what facts are taken from, by id", factory=dict)
    conflicts: tuple[Conflict, ...] = of(Rows(Conflict), "what sources disagree on", default=())
    assets: Mapping[str, Asset] = of(Tables(Asset, AssetName()), "tokens and money, by name")
    markets: Mapping[str, Market] = of(Tables(Market, Ref("assets")), "where each asset trades", factory=dict)
    oracles: Mapping[str, Oracle] = of(
        Tables(Oracle, Ref("assets")),
        "what protocols are told; left out: the market price, at once",
        factory=dict,
    )
    chain: Chain | None = of(Table(Chain), "the chain; left out: no blocks and no gas", default=None)
    venues: Mapping[str, Venue] = of(Tables(Venue), "where people hold money, by name")
    depositors: tuple[Depositors, ...] = of(Rows(Depositors, "name"), "who lends", default=())
    borrowers: tuple[Borrowers, ...] = of(Rows(Borrowers, "name"), "who borrows", default=())
    liquidators: tuple[Liquidators, ...] = of(Rows(Liquidators, "name"), "who liquidates", default=())
    opportunists: tuple[Opportunists, ...] = of(
        Rows(Opportunists, "name"), "who borrows against what the oracle overstates", default=()
    )
    stakers: tuple[Stakers, ...] = of(Rows(Stakers, "name"), "whose stake pays", default=())
    governance: tuple[Governance, ...] = of(Rows(Governance, "name"), "what is voted", default=())
    members: tuple[Members, ...] = of(Rows(Members, "name"), "who contributes to funds", default=())
    losses: tuple[Loss, ...] = of(Rows(Loss), "losses from outside", default=())
    profits: tuple[Profits, ...] = of(Rows(Profits), "settlements of gains in custody", default=())
    recovered: tuple[Recovered, ...] = of(Rows(Recovered), "money that comes back", default=())
    position_rows: tuple[PositionRow, ...] = of(
        Rows(PositionRow, "account", again=True),
        "single positions, or tables of them",
        default=(),
        named="positions",
    )
    vault_rows: tuple[VaultRows, ...] = of(
        Rows(VaultRows, "name"), "vaults of a vault engine", default=(), named="vaults"
    )
    feed_keepers: tuple[FeedKeepers, ...] = of(
        Rows(FeedKeepers, "name"), "who pokes a delayed price feed", default=()
    )
    biters: tuple[Biters, ...] = of(Rows(Biters, "name"), "who liquidates vaults", default=())
    bidders: tuple[Bidders, ...] = of(Rows(Bidders, "name"), "who bids for seized collateral", default=())
    takers: tuple[Takers, ...] = of(Rows(Takers, "name"), "who buys it at a falling price", default=())
    vow_keepers: tuple[VowKeepers, ...] = of(
        Rows(VowKeepers, "name"), "who heals bad debt, or auctions it", default=()
    )
    debt_bidders: tuple[DebtBidders, ...] = of(
        Rows(DebtBidders, "name"), "who buys new governance tokens", default=()
    )
    acts: tuple[Acts, ...] = of(Rows(Acts, "name"), "new terms of a vault engine, dated", default=())
    trove_rows: tuple[TroveRows, ...] = of(
        Rows(TroveRows, "name"), "troves of a trove system", default=(), named="troves"
    )
    trove_keepers: tuple[TroveKeepers, ...] = of(
        Rows(TroveKeepers, "name"), "who liquidates troves", default=()
    )
    variants: Mapping[str, Variant] = of(Tables(Variant), "the same with other values", factory=dict)
    expect_rows: tuple[ExpectRow, ...] = of(Rows(ExpectRow, "id"), "outcomes", default=(), named="expect")
    applied: str | None = of(
        Name(), "the variant whose values these are (written by the program into a run's copy)", default=None
    )
    overrides: Mapping[str, Any] = of(
        Settings(),
        "what was set for this run, as it was typed (written by the program into a run's copy)",
        factory=dict,
    )
    spread: Spread = of(
        Table(Spread), "how far chance and uncertain inputs spread the outcomes", factory=Spread
    )

    fork: Fork | None = of(
        Table(Fork),
        "other values from a moment on (`mutualize fork` writes it); left out: none",
        default=None,
    )

    positions: tuple[Position, ...] = computed("all positions, from the file and from tables", default=())
    vaults: tuple[Vault, ...] = computed("the vaults of all tables of vaults", default=())
    troves: tuple[Trove, ...] = computed("the troves of all tables of troves", default=())
    expect: tuple[Expect, ...] = computed("all expectations, of the base run and of variants", default=())
    inputs: tuple[Input, ...] = computed("every number with its mark", default=())
    gaps: tuple[Gap, ...] = computed("holes in the prices inside the window", default=())
    files: tuple[DataFile, ...] = computed("the files beside the scenario", default=())
    data: Mapping[str, Any] = computed("what was read, variant and overrides applied", factory=dict)
    after: Scenario | None = computed(
        "with a fork: the scenario whose values hold from then on", default=None
    )
    sha256: str = computed("digest over `data` and the files' digests", default="")
    folder: Path = computed("where it lies", default=Path())
    limits: Limits = computed("how large it might be when it was loaded", default=LIMITS)

    @property
    def variant(self) -> str | None:
        """The variant that was loaded; None for the base run."""
        return self.applied

    def expected(self) -> tuple[Expect, ...]:
        """Return the expectations of the variant that was loaded (of the base run, without one).

        A fork has none: what was published is about what happened.
        """
        if self.fork is not None:
            return ()
        return tuple(expect for expect in self.expect if expect.variant == self.variant)


__all__ = [
    "Asset",
    "Borrowers",
    "Candle",
    "Chain",
    "Columns",
    "Conflict",
    "DataFile",
    "Depositors",
    "Depth",
    "Expect",
    "ExpectRow",
    "Fork",
    "Gap",
    "GasFile",
    "Governance",
    "Input",
    "Liquidators",
    "Loss",
    "Market",
    "Members",
    "Opportunists",
    "Oracle",
    "Perimeter",
    "Position",
    "PositionRow",
    "PriceFile",
    "Profits",
    "Recovered",
    "Recovery",
    "Reserve",
    "Rules",
    "Says",
    "Scenario",
    "Spread",
    "Stake",
    "Stakers",
    "Tier",
    "Tolerance",
    "Umbrella",
    "Variant",
    "Vary",
    "Venue",
]
