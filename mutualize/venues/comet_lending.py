"""What Compound v3 tells of itself, as every venue that lends does (`lending.Lending`).

Who is liquidated there is absorbed, and what is earned is the discount on what the reserves sell of his
collateral: all of it, whatever he owed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mutualize.book import View
from mutualize.commands import Liquidate
from mutualize.errors import Reason, Refused
from mutualize.events import Event
from mutualize.tables import ORACLE, debt_table, exits_table, flags_table, reserve_table, supply_table
from mutualize.units import RAY, UINT256_MAX, WAD, div_up, mul_div_down
from mutualize.venues import absorption
from mutualize.venues.comet import Comet
from mutualize.venues.comet_figures import TO_RAY
from mutualize.venues.comet_work import BORROW, LIQUIDATE, Work
from mutualize.venues.lending import DEBTORS, Counted, Rate


class CometLending:
    """One base asset is lent, against any of the others."""

    whole = WAD
    tells_cash = True

    def __init__(self, venue: Comet) -> None:
        self.venue = venue
        self.name, self.assets, self.bits = venue.name, venue.assets, venue.bits
        self.flags_table = flags_table(venue.name)
        self._base = venue.asset
        self._debts = debt_table(venue.name, venue.asset)
        self._held = {asset: supply_table(venue.name, asset) for asset in venue.assets[1:]}
        self._listed = {asset: reserve_table(venue.name, asset) for asset in venue.assets}

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables, keyed by account, that say what somebody has put up or owes."""
        return (self.flags_table, *self._held.values(), self._debts)

    @property
    def books(self) -> Mapping[str, str]:
        """The tables of the base asset and of each collateral."""
        return self._listed

    def _now(self, view: View, at: int) -> Work:
        """Return copies for reading, with interest up to now; where an index cannot grow, as last accrued."""
        work = self.venue.work(view, at)
        try:
            work.accrue()
        except Refused:
            return self.venue.work(view, at)
        return work

    # --- debtors -----------------------------------------------------------------------------------------

    def flags(self, view: View) -> Mapping[str, int]:
        """Return the flags of all who have a position."""
        return view.table(self.flags_table)

    def held(self, view: View, asset: str) -> Mapping[str, int]:
        """Return the collateral of each, base units; the base asset is none."""
        return view.table(self._held[asset]) if asset in self._held else {}

    def owed(self, view: View, asset: str) -> Mapping[str, int]:
        """Return the principal of each one's debt."""
        return view.table(self._debts) if asset == self._base else {}

    def counted(self, view: View, asset: str, at: int) -> Counted | None:
        """Return what an asset comes to; None where it is not listed, or has no price."""
        price = view.table(ORACLE).get(asset)
        if not price or not view.has(self._listed[asset], "decimals"):
            return None
        work = self._now(view, at)
        if asset == self._base:
            base = work.base
            return Counted(price, RAY, base.borrow_index * TO_RAY, 0, WAD, int(10**base.decimals))
        figures = work.collateral(asset)
        threshold, discount = figures.factor(LIQUIDATE), absorption.discount(work, figures)
        return Counted(
            price=price,
            income=RAY,
            debt=RAY,
            threshold=threshold,
            bonus=mul_div_down(WAD, WAD, WAD - discount) if discount < WAD else WAD,
            unit=figures.unit,
            reach=div_up(WAD, threshold) if threshold else WAD,
        )

    def factor(self, view: View, at: int) -> Callable[[str], int]:
        """Return the function that tells an account's health factor; interest is reckoned once for all.

        Where a price is missing nobody can be absorbed: then it is as high as it can be.
        """
        work = self._now(view, at)

        def factor(name: str) -> int:
            try:
                return work.standing(name).factor
            except Refused:
                return UINT256_MAX

        return factor

    def moves_all(self, event: Event) -> str:
        """Say whom a loss that was absorbed moves: all who owe, where loans bear it. Claims carry no debt."""
        return DEBTORS if any(key == "borrow_index" for _, key, _ in event.cells) else ""

    def debt(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what an account owes, base units, rounded down."""
        return self._now(view, at).debt(account) if asset == self._base else 0

    def ltv(self, view: View, asset: str) -> int:
        """Return the share of an asset's worth that may be borrowed against it (WAD)."""
        return 0 if asset == self._base else self.venue.work(view, 0).collateral(asset).factor(BORROW)

    def room(self, view: View, account: str, at: int) -> int:
        """Return how much more an account may borrow, 8-decimals money at the oracle's prices, at most."""
        try:
            carried, debt = self._now(view, at).standing(account, BORROW)
        except Refused:
            return 0
        return max(0, carried - debt)

    def lends(self, view: View, asset: str, amount: int, at: int) -> int:
        """Return how much more may be borrowed against `amount` more of an asset, money, rounded down."""
        counted = self.counted(view, asset, at)
        if counted is None:
            return 0
        return mul_div_down(mul_div_down(amount, counted.price, counted.unit), self.ltv(view, asset), WAD)

    def rate(self, view: View, at: int, collateral: str, debt: str) -> Rate | None:
        """Return how much collateral the reserves sell per unit paid; None where it is worth nothing."""
        work = self.venue.work(view, at)
        if debt != self._base or collateral not in self._held:
            return None
        try:
            above, below = absorption.terms(work, work.collateral(collateral))
        except Refused:
            return None
        return above, below * int(10**work.base.decimals)

    def for_sale(self, view: View, at: int) -> Mapping[str, int]:
        """Return what the reserves sell now: collateral, and what all of it costs in the base asset."""
        taken = [asset for asset in self._held if view.cell(self._listed[asset], "reserves")]
        if not taken:
            return {}
        work = self._now(view, at)
        if not absorption.is_selling(work.base):
            return {}
        prices = {asset: self._price_of_all(work, asset) for asset in taken}
        return {asset: price for asset, price in prices.items() if price}

    def _price_of_all(self, work: Work, asset: str) -> int:
        """Return what all that the reserves have of a collateral costs; 0 where it has no price."""
        figures = work.collateral(asset)
        try:
            return absorption.price_of(work, figures, figures.reserves)
        except Refused:
            return 0

    def smaller(self, view: View, at: int, wish: Liquidate, refused: Reason) -> int:
        """Return 0: an account is absorbed as a whole, and what is bought of it is any amount."""
        return 0

    # --- lenders -----------------------------------------------------------------------------------------

    def claim(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what an account may take out, base units, rounded down."""
        return self._now(view, at).claim(asset, account)

    def claims(self, view: View, asset: str) -> int:
        """Return all claims to an asset as last written, base units."""
        work = self.venue.work(view, 0)
        return work.base.claims() if asset == self._base else work.collateral(asset).supply_scaled

    def deficit(self, view: View, asset: str) -> int:
        """Return the recognised shortfall that nobody has paid yet, base units."""
        return self.venue.work(view, 0).base.deficit if asset == self._base else 0

    def cash(self, view: View, asset: str) -> int:
        """Return how much of an asset can be borrowed or taken out, base units: what is there."""
        return self.venue.work(view, 0).figures(asset).virtual

    def is_closed(self, view: View, asset: str) -> bool:
        """Say whether withdrawals are paused, or exits are frozen."""
        paused = self.venue.work(view, 0).base.withdraw_paused
        return bool(paused or view.cell(exits_table(self.name), "frozen"))

    def utilization(self, view: View, asset: str) -> int:
        """Return loans over claims, in WAD, as last written."""
        return self.venue.utilization(view, asset)
