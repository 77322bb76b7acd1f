"""What Compound's markets tell of themselves, as every venue that lends does (`lending.Lending`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mutualize.book import View
from mutualize.commands import Liquidate
from mutualize.errors import Reason
from mutualize.events import Event
from mutualize.tables import ORACLE, debt_table, exits_table, flags_table, reserve_table, supply_table
from mutualize.units import WAD, mul_div_down
from mutualize.venues.compound import Compound
from mutualize.venues.comptroller import Work
from mutualize.venues.ctoken import TO_RAY
from mutualize.venues.lending import DEBTORS, HOLDERS, Counted, Rate

MONEY: int = 10**10
"""The contract's money has 18 decimals, ours 8."""


class CompoundLending:
    """The markets of Compound v2: pooled lending, with claims as collateral."""

    whole = WAD
    tells_cash = True

    def __init__(self, venue: Compound) -> None:
        self.venue = venue
        self.name, self.assets, self.bits = venue.name, venue.assets, venue.bits
        self.flags_table = flags_table(venue.name)
        self._held = {asset: supply_table(venue.name, asset) for asset in venue.assets}
        self._owed = {asset: debt_table(venue.name, asset) for asset in venue.assets}
        self._listed = {asset: reserve_table(venue.name, asset) for asset in venue.assets}

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables, keyed by account, that say what somebody has put up or owes."""
        return (self.flags_table, *self._held.values(), *self._owed.values())

    @property
    def books(self) -> Mapping[str, str]:
        """The tables of markets, by asset."""
        return self._listed

    def _now(self, view: View, at: int) -> Work:
        """Return copies for reading, with interest up to now in all markets."""
        work = self.venue.work(view, at)
        for asset in self.assets:
            if view.has(self._listed[asset], "decimals"):
                work.accrue(asset)
        return work

    # --- debtors -----------------------------------------------------------------------------------------

    def flags(self, view: View) -> Mapping[str, int]:
        """Return the flags of all who have a position."""
        return view.table(self.flags_table)

    def held(self, view: View, asset: str) -> Mapping[str, int]:
        """Return the claim tokens of each."""
        return view.table(self._held[asset])

    def owed(self, view: View, asset: str) -> Mapping[str, int]:
        """Return the units of each one's debt: principals, each over the index that it was drawn at."""
        return view.table(self._owed[asset])

    def counted(self, view: View, asset: str, at: int) -> Counted | None:
        """Return what an asset comes to; None where it is not listed, or has no price."""
        price = view.table(ORACLE).get(asset)
        if not price or not view.has(self._listed[asset], "decimals"):
            return None
        market = self.venue.work(view, at).accrue(asset)
        return Counted(
            price=price,
            income=market.exchange_rate() * TO_RAY,
            debt=market.borrow_index * TO_RAY,
            threshold=market.collateral_factor,
            bonus=self.venue.rules.incentive,
            unit=int(10**market.decimals),
        )

    def factor(self, view: View, at: int) -> Callable[[str], int]:
        """Return the function that tells an account's health factor; interest is reckoned once for all."""
        work = self._now(view, at)
        return lambda account: work.liquidity(account).factor

    def moves_all(self, event: Event) -> str:
        """Say whom a loss that was absorbed moves: a redistribution all debtors, a haircut the holders."""
        keys = {key for _, key, _ in event.cells}
        if "borrow_index" in keys:
            return DEBTORS
        return HOLDERS if "liquidity_index" in keys else ""

    def debt(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what an account owes, base units, rounded down."""
        return self.venue.debt(view, account, asset, at)

    def ltv(self, view: View, asset: str) -> int:
        """Return the share of an asset's worth that may be borrowed against it (WAD)."""
        return self.venue.market(view, asset).collateral_factor

    def room(self, view: View, account: str, at: int) -> int:
        """Return how much more an account may borrow, 8-decimals money at the oracle's prices, at most."""
        carried, owed = self._now(view, at).liquidity(account)
        return mul_div_down(carried - owed, 1, MONEY) if carried > owed else 0

    def lends(self, view: View, asset: str, amount: int, at: int) -> int:
        """Return how much more may be borrowed against `amount` more of an asset, money, rounded down."""
        counted = self.counted(view, asset, at)
        if counted is None:
            return 0
        return mul_div_down(mul_div_down(amount, counted.price, counted.unit), counted.threshold, WAD)

    def rate(self, view: View, at: int, collateral: str, debt: str) -> Rate | None:
        """Return how much collateral is seized per unit repaid, without the reserves' share."""
        held, owed = self.counted(view, collateral, at), self.counted(view, debt, at)
        if held is None or owed is None:
            return None
        rules = self.venue.rules
        kept = rules.incentive * (WAD - rules.seize_share)
        return owed.price * held.unit * kept, held.price * owed.unit * WAD * WAD

    def smaller(self, view: View, at: int, wish: Liquidate, refused: Reason) -> int:
        """Return the most that may be repaid, or what the cash can redeem; 0 for other refusals."""
        if refused in (Reason.REPAYMENT_IS_TOO_LARGE, Reason.SEIZURE_IS_TOO_LARGE):
            return self.venue.most_repaid(view, wish.borrower, wish.debt, wish.collateral, at)
        rate = self.rate(view, at, wish.collateral, wish.debt)
        if refused is Reason.LIQUIDITY_IS_INSUFFICIENT and rate is not None:
            return mul_div_down(self.cash(view, wish.collateral), rate[1], rate[0])
        return 0

    # --- lenders -----------------------------------------------------------------------------------------

    def claim(self, view: View, account: str, asset: str, at: int) -> int:
        """Return what an account may take out, base units, rounded down."""
        return self.venue.claim(view, account, asset, at)

    def claims(self, view: View, asset: str) -> int:
        """Return all claims to an asset as last written, base units."""
        return self.venue.market(view, asset).claims()

    def deficit(self, view: View, asset: str) -> int:
        """Return the recognised shortfall that nobody has paid yet, base units."""
        return self.venue.market(view, asset).deficit

    def cash(self, view: View, asset: str) -> int:
        """Return how much of an asset can be borrowed or taken out, base units: what is there."""
        return self.venue.market(view, asset).virtual

    def is_closed(self, view: View, asset: str) -> bool:
        """Say whether exits are frozen; the contract itself never closes redemptions."""
        return bool(view.cell(exits_table(self.name), "frozen"))

    def utilization(self, view: View, asset: str) -> int:
        """Return what is lent over what stands behind tokens, in WAD, as last written."""
        return self.venue.utilization(view, asset)
