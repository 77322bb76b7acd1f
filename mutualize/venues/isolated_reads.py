"""What agents and reports ask an isolated market: claims, debts, health, and the price that makes it unsafe.

Its one rule: nothing is written. Interest is reckoned up to the moment that is asked about, as the contract
would if somebody came then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from mutualize.units import UINT256_MAX, WAD, mul_div_down, mul_div_up
from mutualize.venues.isolated_work import PRICE_SCALE, Market, Names

if TYPE_CHECKING:
    from mutualize.book import View


@attrs.frozen
class Health:
    """A position: collateral (base units), its worth, the debt and the debt it carries (of the loan)."""

    pledged: int
    collateral: int
    debt: int
    borrowable: int

    @property
    def factor(self) -> int:
        """Debt that the collateral carries over debt, in WAD, rounded down: unsafe below 10¹⁸."""
        return mul_div_down(self.borrowable, WAD, self.debt) if self.debt else UINT256_MAX


class MarketReads:
    """The reading half of a market; `names` is what it and its assets are called."""

    names: Names

    def market(self, view: View, at: int) -> Market:
        """Return working copies for one transaction, or for reading, as last written."""
        return Market(self.names, view, at)

    def accrued(self, view: View, at: int) -> Market:
        """Return the market with interest up to `at`, for reading only."""
        market = self.market(view, at)
        market.accrue()
        return market

    def claim(self, view: View, holder: str, asset: str, at: int) -> int:
        """Return what somebody may take out, rounded down: lent, with interest up to `at`, or pledged."""
        market = self.accrued(view, at)
        if asset == self.names.collateral:
            return market.pledged(holder)
        return market.supply.to_assets_down(market.supplied(holder))

    def debt(self, view: View, borrower: str, _asset: str, at: int) -> int:
        """Return a borrower's debt with interest up to `at`, rounded up; of the loan, the one there is."""
        return self.accrued(view, at).debt(borrower)

    def price(self, view: View) -> int:
        """Return a base unit of collateral in base units of the loan, times 10³⁶. Refuses without a price."""
        return self.market(view, 0).price()

    def health(self, view: View, borrower: str, at: int) -> Health:
        """Return a position's health with interest up to `at`. Refuses where a price is missing."""
        market, price = self.accrued(view, at), self.price(view)
        pledged = market.pledged(borrower)
        worth = mul_div_down(pledged, price, PRICE_SCALE)
        return Health(pledged, worth, market.debt(borrower), market.borrowable(borrower, price))

    def unsafe_below(self, view: View, borrower: str, at: int) -> int | None:
        """Return the lowest price (times 10³⁶) at which a position is safe with interest up to `at`.

        0 without debt; None where no price is enough.
        """
        market = self.accrued(view, at)
        debt, pledged = market.debt(borrower), market.pledged(borrower)
        if not debt:
            return 0
        if not pledged or not market.lltv:
            return None
        return mul_div_up(mul_div_up(debt, WAD, market.lltv), PRICE_SCALE, pledged)

    def incentive(self, view: View) -> int:
        """Return what a liquidator gets for a unit that he repays, in WAD, rounded down."""
        return self.market(view, 0).incentive()

    def rate(self, view: View) -> int:
        """Return the borrow rate per second as last written, in WAD."""
        return self.market(view, 0).rate()

    def liquidity(self, view: View) -> int:
        """Return what of the loan may be borrowed or withdrawn now, base units."""
        return self.market(view, 0).liquidity()

    def utilization(self, view: View, _asset: str = "") -> int:
        """Return what is lent over what was supplied, as last written, in WAD, rounded down."""
        market = self.market(view, 0)
        return mul_div_down(market.borrow.assets, WAD, market.supply.assets) if market.supply.assets else 0
