"""What a venue that lends tells of itself, to all who act there: the same face, whatever its rules.

    held, owed     units by account          counted     what a unit of each asset comes to now
    flags          which assets somebody has put up, and which he owes
    factor         the venue's own answer: below 1 a position may be liquidated
    claim, cash    what somebody is owed, and what there is to pay him with

Its one rule: the venue's own integers decide. The rest says only where it is worth to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from typing import Protocol as Face

from mutualize.book import View
from mutualize.commands import Liquidate
from mutualize.errors import Reason
from mutualize.events import Event
from mutualize.tables import ORACLE, debt_table, exits_table, reserve_table, supply_table
from mutualize.units import BPS, WAD, mul_div_down
from mutualize.venues.pool import Pool
from mutualize.venues.rules import Flags


class Counted(NamedTuple):
    """What an asset comes to now: a price (8 decimals), two indexes in RAY, and shares of `Lending.whole`.

    A unit held is worth income/RAY base units, one that is owed debt/RAY; `unit` base units are one whole.
    `reach` is how many times his debt what is seized of somebody unsafe may have cost, at most.
    """

    price: int
    income: int
    debt: int
    threshold: int
    bonus: int
    unit: int
    reach: int = 1


DEBTORS, HOLDERS = "debtors", "holders"
"""Whom a loss moves: all who owe, or all who have put up the asset."""

Rate = tuple[int, int]
"""How much collateral is seized per base unit repaid, after fees, at the oracle's prices: a fraction."""


class Lending(Face):
    """The face. Tables are those of the book, so that an observer sees whom an entry concerns."""

    name: str
    assets: tuple[str, ...]
    bits: Flags
    flags_table: str
    """The table that flags stand in as they are; empty where they follow from others."""
    tells_cash: bool
    """Whether what can be taken out of an asset stands in the cell 'virtual' of its book."""
    whole: int
    """What a threshold or a bonus of one is: BPS, or WAD."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables, keyed by account, that say what somebody has put up or owes."""

    def flags(self, view: View) -> Mapping[str, int]:
        """Return the flags of all who have a position."""

    def held(self, view: View, asset: str) -> Mapping[str, int]:
        """Return the units of an asset that each has put up."""

    def owed(self, view: View, asset: str) -> Mapping[str, int]:
        """Return the units of an asset that each owes."""

    def counted(self, view: View, asset: str, at: int) -> Counted | None:
        """Return what an asset comes to; None where it is not listed, or has no price."""

    def factor(self, view: View, at: int) -> Callable[[str], int]:
        """Return the function that tells an account's health factor (WAD)."""

    def moves_all(self, event: Event) -> str:
        """Say whom a loss that was absorbed moves: DEBTORS, HOLDERS, or nobody (an empty text)."""

    def debt(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what an account owes, base units, rounded as the venue collects it."""

    def claim(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what an account may take out, base units, rounded down."""

    def claims(self, view: View, asset: str) -> int:
        """Return all claims to an asset as last written, base units."""

    def deficit(self, view: View, asset: str) -> int:
        """Return the recognised shortfall that nobody has paid yet, base units."""

    def is_closed(self, view: View, asset: str) -> bool:
        """Say whether nothing of an asset may be taken out, whatever there is."""

    def utilization(self, view: View, asset: str) -> int:
        """Return what is lent over what there is to lend, in WAD, as last written."""

    @property
    def books(self) -> Mapping[str, str]:
        """The table of each asset's own numbers: whatever changes its cash changes a cell there."""

    def ltv(self, view: View, asset: str) -> int:
        """Return the share of an asset's worth that may be borrowed against it (WAD)."""

    def room(self, view: View, account: str, at: int) -> int:
        """Return how much more an account may borrow, 8-decimals money at the oracle's prices, at most."""

    def lends(self, view: View, asset: str, amount: int, at: int) -> int:
        """Return how much more may be borrowed against `amount` more of an asset, money, rounded down."""

    def cash(self, view: View, asset: str) -> int:
        """Return how much of an asset can be borrowed or taken out, base units: what is there."""

    def rate(self, view: View, at: int, collateral: str, debt: str) -> Rate | None:
        """Return the rate of a pair; None where the collateral is worth nothing."""

    def smaller(self, view: View, at: int, wish: Liquidate, refused: Reason) -> int:
        """Return a smaller amount to repay that may pass after a refusal; 0 where none is known."""


class PoolLending:
    """Those of a lending pool."""

    whole = BPS
    tells_cash = True

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.name, self.assets, self.bits = pool.name, pool.assets, pool.bits
        self.flags_table = pool.flags
        self._held = {asset: supply_table(pool.name, asset) for asset in pool.assets}
        self._owed = {asset: debt_table(pool.name, asset) for asset in pool.assets}
        self._listed = {asset: reserve_table(pool.name, asset) for asset in pool.assets}

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables, keyed by account, that say what somebody has put up or owes."""
        return (self.pool.flags, *self._held.values(), *self._owed.values())

    def flags(self, view: View) -> Mapping[str, int]:
        """Return the flags of all who have a position."""
        return view.table(self.pool.flags)

    def held(self, view: View, asset: str) -> Mapping[str, int]:
        """Return the scaled units of an asset that each has lent, put up or not."""
        return view.table(self._held[asset])

    def owed(self, view: View, asset: str) -> Mapping[str, int]:
        """Return the scaled units of an asset that each owes."""
        return view.table(self._owed[asset])

    def counted(self, view: View, asset: str, at: int) -> Counted | None:
        """Return what an asset comes to; None where it is not listed, or has no price."""
        price = view.table(ORACLE).get(asset)
        if price is None or not view.has(self._listed[asset], "decimals"):
            return None
        reserve = self.pool.reserve(view, asset)
        income, debt = reserve.income_index(at), reserve.debt_index(at)
        return Counted(price, income, debt, reserve.threshold, reserve.bonus, reserve.unit)

    def factor(self, view: View, at: int) -> Callable[[str], int]:
        """Return the function that tells an account's health factor; reserves are loaded once for all."""
        work = self.pool.work(view, at, accruing=False)
        for asset in self.assets:
            if view.has(self._listed[asset], "decimals"):
                work.reserve(asset)
        return lambda account: work.health(account).factor

    def moves_all(self, event: Event) -> str:
        """Say whom a loss that was absorbed moves: a redistribution all debtors, a haircut the holders."""
        keys = {key for _, key, _ in event.cells}
        if "borrow_index" in keys:
            return DEBTORS
        return HOLDERS if "liquidity_index" in keys else ""

    def debt(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what an account owes, base units, rounded up."""
        return self.pool.debt(view, account, asset, at)

    def claim(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what an account may take out, base units, rounded down."""
        return self.pool.claim(view, account, asset, at)

    def claims(self, view: View, asset: str) -> int:
        """Return all claims to an asset as last written, base units."""
        return self.pool.reserve(view, asset).claims()

    def deficit(self, view: View, asset: str) -> int:
        """Return the recognised shortfall that nobody has paid yet, base units."""
        return self.pool.reserve(view, asset).deficit

    def is_closed(self, view: View, asset: str) -> bool:
        """Say whether a reserve is paused, or exits are frozen."""
        paused = self.pool.reserve(view, asset).paused
        return bool(paused or view.cell(exits_table(self.name), "frozen"))

    def utilization(self, view: View, asset: str) -> int:
        """Return loans over loans and cash as last written, in WAD, rounded down."""
        return self.pool.utilization(view, asset)

    @property
    def books(self) -> Mapping[str, str]:
        """The tables of reserves, by asset."""
        return self._listed

    def ltv(self, view: View, asset: str) -> int:
        """Return the share of an asset's worth that may be borrowed against it (WAD)."""
        return mul_div_down(self.pool.reserve(view, asset).ltv, WAD, BPS)

    def room(self, view: View, account: str, at: int) -> int:
        """Return how much more an account may borrow, 8-decimals money at the oracle's prices, at most."""
        health = self.pool.health(view, account, at)
        return mul_div_down(health.borrowable, 1, BPS) - health.debt

    def lends(self, view: View, asset: str, amount: int, at: int) -> int:
        """Return how much more may be borrowed against `amount` more of an asset, money, rounded down."""
        counted = self.counted(view, asset, at)
        if counted is None:
            return 0
        return mul_div_down(mul_div_down(amount, counted.price, counted.unit), self.ltv(view, asset), WAD)

    def cash(self, view: View, asset: str) -> int:
        """Return how much of an asset can be borrowed or taken out, base units: what is there."""
        return self.pool.reserve(view, asset).virtual

    def rate(self, view: View, at: int, collateral: str, debt: str) -> Rate | None:
        """Return the rate of a pair; None where the collateral is worth nothing."""
        work = self.pool.work(view, at, accruing=False)
        seized, owed = work.reserve(collateral), work.reserve(debt)
        price = work.price(collateral)
        if not price:
            return None
        kept = seized.bonus * BPS - (seized.bonus - BPS) * seized.protocol_fee
        return work.price(debt) * seized.unit * kept, price * owed.unit * BPS * BPS

    def smaller(self, view: View, at: int, wish: Liquidate, refused: Reason) -> int:
        """Return an amount that leaves no dust, or that the pool's cash can pay; 0 for other refusals."""
        work = self.pool.work(view, at, accruing=False)
        if refused is Reason.LEFTOVER_IS_DUST:
            dust = mul_div_down(work.rules.leftover_min, work.reserve(wish.debt).unit, work.price(wish.debt))
            return work.debt(wish.debt, wish.borrower) - dust - 1
        rate = self.rate(view, at, wish.collateral, wish.debt)
        if refused is Reason.LIQUIDITY_IS_INSUFFICIENT and rate is not None:
            return mul_div_down(work.reserve(wish.collateral).virtual, rate[1], rate[0])
        return 0
