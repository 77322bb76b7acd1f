"""Assets, where they trade, what protocols are told about them, and the chain they live on.

Prices are integers with 8 decimals, amounts base units, shares WAD (10¹⁸), times seconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import attrs

from mutualize.scenario.fields import (
    Amount,
    Counts,
    File,
    Key,
    Numeral,
    Points,
    Ref,
    Table,
    Text,
    computed,
    of,
    ratio,
    seconds,
    whole,
)
from mutualize.units import PRICE_UNIT, WAD

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
    "propose",
    "execute",
)
"""What costs gas; each has a number of gas units in `[chain.gas]`."""
PRICE_MAX: Final = 10**18 * PRICE_UNIT


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
    decimals: int = whole("decimals of its base unit: 6 for USDC", 0, 36)
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
class Oracle:
    """When protocols are told a price: after a move of `deviation`, or `heartbeat_s`; `delay_s` late."""

    asset: str = of(Key(), "whose price")
    heartbeat_s: int = seconds("the longest time between two publications, seconds", 1)
    deviation: int = ratio("the move that makes it publish, a share of the last price", default=0)
    delay_s: int = seconds("from the market's price to the protocol's, seconds", default=0)


@attrs.frozen(kw_only=True)
class Chain:
    """The chain: when transactions are taken in, and what they cost."""

    block_s: int = seconds("time between two blocks, seconds", 1)
    native: str | None = of(Ref("assets"), "the asset gas is paid in; left out: gas is free", default=None)
    gas_price_gwei: int | None = of(
        Numeral(9, 0, 10**9 * 10**9), "one gas price for the whole run (kept in wei)", default=None
    )
    gas_prices: GasFile | None = of(Table(GasFile), "gas prices from a table", default=None)
    gas: Mapping[str, int] = of(Counts(GAS_ACTIONS), "gas units by action", factory=dict)
    gas_path: tuple[tuple[int, int], ...] = computed("rows of `gas_prices`: (time, wei per unit)", default=())


RATIO_MAX: Final = 100 * WAD
"""The largest ratio that is no share: a health factor of 100."""
