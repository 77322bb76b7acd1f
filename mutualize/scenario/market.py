"""Assets, where they trade, what protocols are told about them, and the chain they live on.

Prices are integers with 8 decimals, amounts base units, shares WAD (10¹⁸), times seconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import attrs

from mutualize.scenario.fields import (
    Amount,
    Choice,
    Counts,
    File,
    Key,
    Numeral,
    Points,
    Ref,
    Rows,
    Table,
    Text,
    Time,
    computed,
    of,
    ratio,
    seconds,
    whole,
)
from mutualize.units import DECIMALS_MAX, PRICE_UNIT, WAD

GAS_ACTIONS: Final = (
    "supply",
    "withdraw",
    "borrow",
    "repay",
    "liquidate",
    "trade",
    "stake",
    "cooldown",
    "redeem",
    "slash",
    "propose",
    "execute",
    "publish",
    "poke",
    "settle",
    "bite",
    "bid",
    "deal",
    "take",
    "redo",
    "vow",
)
"""What costs gas; each has a number of gas units in `[chain.gas]`."""
PRICE_MAX: Final = 10**18 * PRICE_UNIT
RATIO_MAX: Final = 100 * WAD
"""The largest ratio that is no share: a health factor of 100."""
WEI: Final = Numeral(9, 0, 10**9 * 10**9)
"""A price of gas in gwei, kept in wei."""


class Candle(NamedTuple):
    """One row of a price table: the start of its bar, and four prices (8 decimals)."""

    at: int
    open: int
    high: int
    low: int
    close: int


class Gap(NamedTuple):
    """A hole in a price table: no price from `start` up to `end`, so trading is halted."""

    market: str
    start: int
    end: int


@attrs.frozen(kw_only=True)
class Asset:
    """A token, or money."""

    name: str = of(Key(), "how it is called")
    decimals: int = whole(
        "decimals of its base unit: 6 for USDC; a vault engine's stablecoin has 45", 0, DECIMALS_MAX
    )
    title: str = of(Text(), "its full name", default="")


@attrs.frozen(kw_only=True)
class PriceFile:
    """A table of bars: columns timestamp_utc, open, high, low, close."""

    file: str = of(File(), "a CSV file in the scenario's folder")
    bar_s: int = seconds("length of one bar, seconds", 1)


@attrs.frozen(kw_only=True)
class GasFile:
    """A table of gas prices: a column timestamp_utc, and one of prices in gwei."""

    file: str = of(File(), "a CSV file in the scenario's folder")
    bar_s: int = seconds("how long each row holds, seconds", 1)
    column: str = of(Text(64), "the column that is meant", default="gwei")


@attrs.frozen(kw_only=True)
class Depth:
    """What trading does to a price: a sale of `amount` moves it by `impact`; the pressure decays to zero."""

    asset: str = of(Key(), "whose depth this is")
    amount: int = of(Amount("asset", low=1), "the sale that moves the price by `impact`")
    impact: int = ratio("by what share of the price that sale moves it")
    recovery_s: int = seconds("how long the pressure of a trade takes to be gone, seconds", 1)
    permanent: int = ratio("what share of a trade's impact stays for good", default=0)


@attrs.frozen(kw_only=True)
class Market:
    """Where an asset trades. Exactly one of `price`, `prices` and `points` is given."""

    asset: str = of(Key(), "what is traded")
    money: str | None = of(
        Ref("assets"), "the asset it is priced in; left out: money of account", default=None
    )
    place: str = of(Text(), "the place of trading", default="")
    price: int | None = of(Numeral(8, 0, PRICE_MAX), "one price for the whole run", default=None)
    prices: PriceFile | None = of(Table(PriceFile), "prices from a table of bars", default=None)
    points: tuple[tuple[int, int], ...] = of(Points(), "a price as (time, price), lines between", default=())
    cost: int = ratio("the share of every trade that it costs, whatever its size", 0, WAD - 1, default=0)
    depth: Depth | None = of(Table(Depth), "left out: any amount trades at the price", default=None)
    candles: tuple[Candle, ...] = computed("the rows of `prices`, in order of time", default=())


@attrs.frozen(kw_only=True)
class Followed:
    """A place of trading that a feed follows alone, wherever else the asset trades. One price of three."""

    place: str = of(Text(), "the place of trading")
    price: int | None = of(Numeral(8, 0, PRICE_MAX), "one price for the whole run", default=None)
    prices: PriceFile | None = of(Table(PriceFile), "prices from a table of bars", default=None)
    points: tuple[tuple[int, int], ...] = of(Points(), "a price as (time, price), lines between", default=())
    candles: tuple[Candle, ...] = computed("the rows of `prices`, in order of time", default=())


@attrs.frozen(kw_only=True)
class Bid:
    """How transactions bid for block space (`[chain.space]`): exactly one of `gwei` and `multiple`."""

    gwei: int | None = of(WEI, "one price for a unit of gas, whatever others pay", default=None)
    multiple: int | None = of(
        Numeral(18, 0, RATIO_MAX), "or this many times the gas price when it is sent", default=None
    )
    escalation: int = ratio("by what share it is raised while it waits", 0, RATIO_MAX, default=0)
    every_blocks: int = whole("after how many blocks it is raised each time", 1, 10**6, default=1)
    gwei_max: int | None = of(WEI, "the most that is ever bid", default=None)
    deadline_s: int | None = seconds("how long it waits before it is given up", 1, default=None)


@attrs.frozen(kw_only=True)
class Outage:
    """A span in which an oracle tells nothing new."""

    start: int = of(Time(), "the first moment of it")
    end: int = of(Time(), "the first moment after it")


@attrs.frozen(kw_only=True)
class Osm:
    """A delay as Maker's: each hop a poke makes live what the poke before it saw of the source."""

    hop_s: int = seconds("how long a price waits at least, seconds: Maker's is 3600", 1)
    bid: Bid | None = of(
        Table(Bid), "how pokes bid for block space; left out: free, in the next block", default=None
    )


@attrs.frozen(kw_only=True)
class Oracle:
    """When protocols are told a price: after a move of `deviation`, or `heartbeat_s`; `delay_s` late.

    With `osm` that is how its source is told; without `heartbeat_s` the source is the market itself.
    """

    asset: str = of(Key(), "whose price")
    heartbeat_s: int | None = seconds(
        "the longest time between two publications, seconds; needed, but for an osm", 1, default=None
    )
    deviation: int = ratio("the move that makes it publish, a share of the last price", default=0)
    delay_s: int = seconds("from the market's price to the protocol's, seconds", default=0)
    min_answer: int | None = of(Numeral(8, 0, PRICE_MAX), "the lowest price that it tells", default=None)
    max_answer: int | None = of(Numeral(8, 0, PRICE_MAX), "the highest price that it tells", default=None)
    at_bound: str = of(
        Choice(("stick", "stop"), "answer beyond a bound"),
        "what it tells of a price beyond these: the bound; or nothing until it is back",
        default="stick",
    )
    outages: tuple[Outage, ...] = of(Rows(Outage), "when it tells nothing new", default=())
    stopped_at: int | None = of(Time(), "from when on it tells nothing new for good", default=None)
    follows: Followed | None = of(
        Table(Followed),
        "the one place whose price it tells, in the same money; left out: the asset's market",
        default=None,
    )
    bid: Bid | None = of(
        Table(Bid), "how publications bid for block space; left out: free, in the next block", default=None
    )
    osm: Osm | None = of(Table(Osm), "a delay of a hop, as Maker's; left out: none", default=None)


@attrs.frozen(kw_only=True)
class Demand:
    """What others pay for a share of a block's gas, at most. Exactly one of `gwei` and `column`."""

    share: int = ratio("which share of the gas; a bid that pays more displaces it", 1)
    gwei: int | None = of(WEI, "one price for the whole run", default=None)
    column: str | None = of(Text(64), "or the column of the table that holds it, gwei", default=None)


@attrs.frozen(kw_only=True)
class Space:
    """How much a block holds, and what others bid for it: who bids less than they pay waits.

    The demand is what included transactions paid, such as percentiles of the gas price. Between two of its
    rows the share grows evenly with the bid; below the lowest nothing is taken in.
    """

    block_gas: int = whole("units of gas in one block", 1, 10**12)
    file: str | None = of(File(), "a CSV file with the columns of `demand`, by time", default=None)
    demand: tuple[Demand, ...] = of(
        Rows(Demand, "column"), "by rising share; left out: blocks are empty", default=()
    )
    rows: tuple[tuple[int, tuple[int, ...]], ...] = computed(
        "rows of the demand: (time, wei per unit, by share)", default=()
    )


@attrs.frozen(kw_only=True)
class Chain:
    """The chain: when transactions are taken in, and what they cost."""

    block_s: int = seconds("time between two blocks, seconds", 1)
    native: str | None = of(Ref("assets"), "the asset gas is paid in; left out: gas is free", default=None)
    gas_price_gwei: int | None = of(WEI, "one gas price for the whole run (kept in wei)", default=None)
    gas_prices: GasFile | None = of(Table(GasFile), "gas prices from a table", default=None)
    gas: Mapping[str, int] = of(Counts(GAS_ACTIONS), "gas units by action", factory=dict)
    space: Space | None = of(
        Table(Space), "how full blocks are; left out: the next block has room for everything", default=None
    )
    gas_path: tuple[tuple[int, int], ...] = computed("rows of `gas_prices`: (time, wei per unit)", default=())
