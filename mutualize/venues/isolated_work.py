"""The working copy of one isolated market: its storage, the arithmetic of shares, interest, and the books.

    shares↓ = ⌊a·(S + 10⁶) / (A + 1)⌋    assets↓ = ⌊s·(A + 1) / (S + 10⁶)⌋    ↑ the same, rounded up

    claims = assets of the supply    loans = assets of the borrow    cash = claims + residue − loans − deficit

Verbs change a `Market`; `tell` makes an event of all that was changed. Its one rule: the totals are what the
books say, to the unit; what somebody pays beyond the debt (a unit at most, by rounding) is residue.

Rules: Morpho Blue (morpho-org/morpho-blue 3085651a): Morpho, SharesMathLib, MathLib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from mutualize.accounts import Transfer, account, transfers_between
from mutualize.book import balance
from mutualize.errors import Reason, require
from mutualize.events import Accrued, Cell, Event
from mutualize.tables import ORACLE, balance_table, debt_table, reserve_table, supply_table
from mutualize.units import (
    UINT128_MAX,
    WAD,
    mul_div_down,
    plus,
    times,
    word_mul_div_down,
    word_mul_div_up,
)

if TYPE_CHECKING:
    from mutualize.book import View

VIRTUAL_ASSETS: Final = 1
VIRTUAL_SHARES: Final = 10**6
PRICE_SCALE: Final = 10**36
"""An oracle's price is that of a base unit of collateral in base units of the loan, times this."""
INCENTIVE_MAX: Final = 115 * 10**16
CURSOR: Final = 3 * 10**17

TERMS: Final = ("lltv", "rate_base", "rate_slope", "fee")
"""What `ListReserve` may give: liquidation loan to value, the rate per second at no use and what full use
adds to it, and the share of interest that is the fee. All in WAD."""


@attrs.frozen(kw_only=True)
class Names:
    """What a market, its two assets, its price and who gets its fee are called."""

    venue: str
    loan: str
    collateral: str
    loan_decimals: int
    collateral_decimals: int
    feed: str
    fee_recipient: str

    @property
    def market(self) -> str:
        """The table of the market's numbers."""
        return reserve_table(self.venue, self.loan)

    @property
    def supply(self) -> str:
        """The table of suppliers' shares."""
        return supply_table(self.venue, self.loan)

    @property
    def debt(self) -> str:
        """The table of borrowers' shares."""
        return debt_table(self.venue, self.loan)

    @property
    def pledged(self) -> str:
        """The table of borrowers' collateral, base units."""
        return balance_table(self.venue, self.collateral)


@attrs.define
class Side:
    """All assets and all shares of one side: of suppliers, or of borrowers (SharesMathLib)."""

    assets: int
    shares: int

    def to_shares_down(self, assets: int) -> int:
        """Return the shares of an amount, rounded down."""
        return word_mul_div_down(assets, self.shares + VIRTUAL_SHARES, self.assets + VIRTUAL_ASSETS)

    def to_shares_up(self, assets: int) -> int:
        """Return the shares of an amount, rounded up."""
        return word_mul_div_up(assets, self.shares + VIRTUAL_SHARES, self.assets + VIRTUAL_ASSETS)

    def to_assets_down(self, shares: int) -> int:
        """Return what shares are worth, rounded down."""
        return word_mul_div_down(shares, self.assets + VIRTUAL_ASSETS, self.shares + VIRTUAL_SHARES)

    def to_assets_up(self, shares: int) -> int:
        """Return what shares are worth, rounded up."""
        return word_mul_div_up(shares, self.assets + VIRTUAL_ASSETS, self.shares + VIRTUAL_SHARES)

    def add(self, assets: int, shares: int) -> None:
        """Add to both. Refuses what 128 bits cannot hold."""
        require(self.assets + assets <= UINT128_MAX, Reason.AMOUNT_IS_TOO_LARGE)
        require(self.shares + shares <= UINT128_MAX, Reason.AMOUNT_IS_TOO_LARGE)
        self.assets += assets
        self.shares += shares
        assert self.assets >= 0 <= self.shares, "what is taken is there: holders' shares are checked before"


class Market:
    """What one transaction sees and changes. Amounts in base units; shares have 6 decimals more at first."""

    def __init__(self, names: Names, view: View, at: int) -> None:
        """Read the market. Refuses one that was not created."""
        cells = view.table(names.market)
        require("lltv" in cells, Reason.RESERVE_IS_UNKNOWN)
        self.names, self.view, self.at = names, view, at
        self.lltv, self.fee, self.last_update = cells["lltv"], cells["fee"], cells["last_update"]
        self.rate_base, self.rate_slope = cells["rate_base"], cells["rate_slope"]
        self.supply = Side(cells["supply_assets"], cells["supply_shares"])
        self.borrow = Side(cells["borrow_assets"], cells["borrow_shares"])
        self.events: list[Event] = []
        self._written = self._numbers()
        self._holdings: dict[tuple[str, str], int] = {}
        self._before: dict[tuple[str, str], int] = {}
        self._moves: list[tuple[str, int]] = []
        self._pledges = 0

    # --- positions ---------------------------------------------------------------------------------------

    def supplied(self, holder: str) -> int:
        """Return a supplier's shares."""
        return self._held(self.names.supply, holder)

    def owed(self, borrower: str) -> int:
        """Return a borrower's shares of the debt."""
        return self._held(self.names.debt, borrower)

    def pledged(self, borrower: str) -> int:
        """Return a borrower's collateral."""
        return self._held(self.names.pledged, borrower)

    def _held(self, table: str, holder: str) -> int:
        held = self._holdings.get((table, holder))
        return self.view.cell(table, holder) if held is None else held

    def _hold(self, table: str, holder: str, change: int) -> None:
        """Change what somebody holds. Refuses to take what he does not have."""
        held = self._held(table, holder)
        self._before.setdefault((table, holder), held)
        self._holdings[table, holder] = plus(held, change)

    def mint_supply(self, holder: str, assets: int, shares: int) -> None:
        """Give shares of the supply."""
        self._hold(self.names.supply, holder, shares)
        self.supply.add(assets, shares)

    def burn_supply(self, holder: str, assets: int, shares: int) -> None:
        """Take shares of the supply."""
        self._hold(self.names.supply, holder, -shares)
        self.supply.add(-assets, -shares)

    def mint_debt(self, borrower: str, assets: int, shares: int) -> None:
        """Give shares of the debt."""
        self._hold(self.names.debt, borrower, shares)
        self.borrow.add(assets, shares)

    def burn_debt(self, borrower: str, assets: int, shares: int) -> None:
        """Take shares of the debt. What is paid may be a unit more than all debt (`zeroFloorSub`)."""
        require(shares <= UINT128_MAX, Reason.AMOUNT_IS_TOO_LARGE)
        self._hold(self.names.debt, borrower, -shares)
        self.borrow.add(-min(assets, self.borrow.assets), -shares)

    def pledge(self, borrower: str, amount: int) -> None:
        """Take collateral in, or (below zero) hand it out."""
        require(abs(amount) <= UINT128_MAX, Reason.AMOUNT_IS_TOO_LARGE)
        self._hold(self.names.pledged, borrower, amount)
        require(self.pledged(borrower) <= UINT128_MAX, Reason.AMOUNT_IS_TOO_LARGE)
        self._pledges += amount

    # --- health ------------------------------------------------------------------------------------------

    def price(self) -> int:
        """Return what the oracle says: a base unit of collateral in base units of the loan, times 10³⁶.

        That of the pair where a feed tells it, else the quotient of both assets' prices, rounded down (what
        morpho-blue-oracles' ChainlinkOracleV2 does). Refuses where a price is missing; 0 is a price.
        """
        names, told = self.names, self.view.cell
        if names.feed:
            price = told(ORACLE, names.feed, -1)
            require(price >= 0, Reason.PRICE_IS_MISSING)
            return price
        collateral, loan = told(ORACLE, names.collateral, -1), told(ORACLE, names.loan, -1)
        require(collateral >= 0 and loan > 0, Reason.PRICE_IS_MISSING)
        above, below = PRICE_SCALE * 10**names.loan_decimals, 10**names.collateral_decimals
        return mul_div_down(collateral, int(above), loan * int(below))

    def borrowable(self, borrower: str, price: int) -> int:
        """Return how much debt a borrower's collateral carries at a price, rounded down twice."""
        worth = word_mul_div_down(self.pledged(borrower), price, PRICE_SCALE)
        return word_mul_div_down(worth, self.lltv, WAD)

    def debt(self, borrower: str) -> int:
        """Return what a borrower owes, rounded up."""
        return self.borrow.to_assets_up(self.owed(borrower))

    def require_healthy(self, borrower: str) -> None:
        """Refuse what leaves a borrower unsafe. Without debt nobody asks the oracle. `_isHealthy`."""
        if self.owed(borrower):
            covered = self.borrowable(borrower, self.price()) >= self.debt(borrower)
            require(covered, Reason.COLLATERAL_IS_INSUFFICIENT)

    def unhealthy_price(self, borrower: str) -> int:
        """Return the price at which a borrower is unsafe. Refuses where he is not."""
        price = self.price()
        require(self.borrowable(borrower, price) < self.debt(borrower), Reason.POSITION_IS_HEALTHY)
        return price

    def incentive(self) -> int:
        """Return what a liquidator gets for a unit that he repays, in WAD (`liquidationIncentiveFactor`)."""
        kept = WAD - mul_div_down(CURSOR, WAD - self.lltv, WAD)
        return min(INCENTIVE_MAX, mul_div_down(WAD, WAD, kept))

    def shares_for(self, seized: int, price: int) -> int:
        """Return the shares of debt that are repaid for so much collateral, rounded up three times."""
        quoted = word_mul_div_up(seized, price, PRICE_SCALE)
        return self.borrow.to_shares_up(word_mul_div_up(quoted, WAD, self.incentive()))

    def seized_for(self, shares: int, price: int) -> int:
        """Return the collateral that is seized for so many shares of debt, rounded down three times."""
        require(price > 0, Reason.PRICE_IS_MISSING)  # the contract divides by it
        worth = word_mul_div_down(self.borrow.to_assets_down(shares), self.incentive(), WAD)
        return word_mul_div_down(worth, PRICE_SCALE, price)

    def liquidity(self) -> int:
        """Return what may be lent or paid out; while nothing is short, what is supplied and not lent."""
        short = balance(self.view, account(self.names.venue, "deficit"), self.names.loan)
        return self.supply.assets - self.borrow.assets - short

    def require_liquid(self) -> None:
        """Refuse what would lend or pay out more than there is."""
        require(self.liquidity() >= 0, Reason.LIQUIDITY_IS_INSUFFICIENT)

    # --- interest ----------------------------------------------------------------------------------------

    def rate(self) -> int:
        """Return the borrow rate per second, in WAD: a straight line by utilization."""
        if not self.supply.assets:
            return self.rate_base
        usage = word_mul_div_down(self.borrow.assets, WAD, self.supply.assets)
        return plus(self.rate_base, word_mul_div_down(self.rate_slope, usage, WAD))

    def accrue(self) -> None:
        """Bring interest up to now: borrowers owe it, suppliers have it, and the fee is given in shares."""
        elapsed = self.at - self.last_update
        if not elapsed:
            return
        growth = taylor_compounded(self.rate(), elapsed)
        interest = word_mul_div_down(self.borrow.assets, growth, WAD)
        self.borrow.add(interest, 0)
        self.supply.add(interest, 0)
        if self.fee:
            amount = word_mul_div_down(interest, self.fee, WAD)
            before_fee = Side(self.supply.assets - amount, self.supply.shares)
            self.mint_supply(self.names.fee_recipient, 0, before_fee.to_shares_down(amount))
        self.last_update = self.at
        self.tell(Accrued, asset=self.names.loan)

    # --- what became of it -------------------------------------------------------------------------------

    def receive(self, amount: int) -> None:
        """Take money in; below zero, pay it out."""
        self.move("cash", amount)

    def move(self, part: str, change: int) -> None:
        """Debit an account of the market in the loan's asset; below zero, credit it."""
        self._moves.append((account(self.names.venue, part), change))

    def tell(self, kind: type[Event], **fields: Any) -> None:
        """Make an event of all that was changed since the last one."""
        transfers, cells = self.changes()
        self.events.append(kind(**{"venue": self.names.venue, **fields}, transfers=transfers, cells=cells))

    def changes(self) -> tuple[tuple[Transfer, ...], tuple[Cell, ...]]:
        """Return the transfers and cells since the last time."""
        names, written, now = self.names, self._written, self._numbers()
        lent, claimed = (now[key] - written[key] for key in ("borrow_assets", "supply_assets"))
        parts = {name: account(names.venue, name) for name in ("cash", "loans", "claims", "residue")}
        moves = [*self._moves, (parts["loans"], lent), (parts["claims"], -claimed)]
        transfers = transfers_between([move for move in moves if move[1]], parts["residue"], names.loan)
        if self._pledges:
            pledged = [(parts["cash"], self._pledges), (parts["claims"], -self._pledges)]
            transfers += transfers_between(pledged, parts["residue"], names.collateral)
        cells = [Cell(names.market, key, value) for key, value in now.items() if value != written[key]]
        for (table, holder), before in self._before.items():
            held = self._holdings[table, holder]
            cells += [Cell(table, holder, held)] * (held != before)
        self._written, self._moves, self._pledges = now, [], 0
        self._before.clear()
        return transfers, tuple(sorted(cells))

    def _numbers(self) -> dict[str, int]:
        return {
            "supply_assets": self.supply.assets,
            "supply_shares": self.supply.shares,
            "borrow_assets": self.borrow.assets,
            "borrow_shares": self.borrow.shares,
            "last_update": self.last_update,
            "fee": self.fee,
        }


def taylor_compounded(rate: int, elapsed: int) -> int:
    """Return e^(rate·elapsed) − 1 by its first three terms, in WAD (`wTaylorCompounded`)."""
    first = times(rate, elapsed)
    second = word_mul_div_down(first, first, 2 * WAD)
    third = word_mul_div_down(second, first, 3 * WAD)
    return plus(plus(first, second), third)
