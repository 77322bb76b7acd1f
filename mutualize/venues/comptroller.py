"""Who may do what across the markets of Compound v2, and what holders have in them.

    C = Σ ⌊⌊⌊factor · rate⌋ · price⌋ · tokens⌋        D = Σ ⌊price · debt⌋        shortfall iff D > C

Only markets that an account entered count, as they were last accrued. Rules: Comptroller.sol, and
borrowBalanceStoredInternal of CToken.sol; compound-finance/compound-protocol a3214f67.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from mutualize.errors import Reason, require
from mutualize.events import Event, ShortfallRecognised
from mutualize.tables import ORACLE, debt_table, supply_table
from mutualize.units import (
    UINT256_MAX,
    WAD,
    capped,
    div_down,
    mul_div_down,
    plus,
    times,
    wad_div_down,
    wad_mul_down,
)
from mutualize.venues.ctoken import CToken, units_of
from mutualize.venues.rules import Flags
from mutualize.venues.sheet import Sheet

if TYPE_CHECKING:
    from mutualize.book import View


@attrs.frozen(kw_only=True)
class CompoundRules:
    """What all markets have in common. Factors in WAD.

    close_factor     how much of a debt one liquidation may repay
    incentive        what collateral a liquidator gets for a unit of value repaid
    seize_share      the part of it that goes to the reserves (`protocolSeizeShareMantissa`)
    block_s          seconds in a block: interest counts blocks
    price_decimals   those of what the oracle tells
    enters           whoever supplies enters the market, as front ends do it for him (the contract does not)
    """

    close_factor: int = 5 * 10**17
    incentive: int = 108 * 10**16
    seize_share: int = 28 * 10**15
    block_s: int = 15
    price_decimals: int = 8
    enters: bool = True
    governance: str = "governance"


class Liquidity(NamedTuple):
    """What an account's collateral carries, and what it owes (contract's money, 36 − 18 decimals)."""

    collateral: int
    debt: int

    @property
    def factor(self) -> int:
        """Return what is carried over what is owed, in WAD: below 10¹⁸ the account may be liquidated."""
        return mul_div_down(self.collateral, WAD, self.debt) if self.debt else UINT256_MAX


class Tables(NamedTuple):
    """Where holders' numbers of one market stand."""

    tokens: str
    debt: str
    principal: str
    snapshot: str


@cache
def tables_of(venue: str, asset: str) -> Tables:
    """Return the names of a market's tables of holders. Remembered: there are as many as markets."""
    market = f"{venue}.{asset}"
    debt = debt_table(venue, asset)
    return Tables(supply_table(venue, asset), debt, f"{market}.principal", f"{market}.snapshot")


NOTHING: Final = ""
"""No market is looked at as it would be."""


class Work(Sheet[CToken]):
    """What one transaction sees and changes in the markets of one venue."""

    def __init__(self, name: str, bits: Flags, rules: CompoundRules, view: View, at: int) -> None:
        super().__init__(name, bits, view, at)
        self.rules = rules

    def load(self, asset: str) -> CToken:
        """Read a market."""
        return CToken.load(self.view, self.name, asset)

    def accrue(self, asset: str) -> CToken:
        """Return a market with interest up to now."""
        market = self.figures(asset)
        if market.accrue(div_down(self.at, self.rules.block_s)):
            self.accrued(asset)
        return market

    def payable(self, asset: str) -> CToken:
        """Return a market as it last accrued, for tiers."""
        return self.figures(asset)

    def reckon(self, asset: str) -> CToken:
        """Return a market with interest up to now, for tiers."""
        return self.accrue(asset)

    # --- holders -----------------------------------------------------------------------------------------

    def tokens(self, asset: str, account: str) -> int:
        """Return a holder's claim tokens."""
        return self.get(tables_of(self.name, asset).tokens, account)

    def claim(self, asset: str, account: str) -> int:
        """Return what they are worth, rounded down."""
        tokens = self.tokens(asset, account)
        return wad_mul_down(self.figures(asset).exchange_rate(), tokens) if tokens else 0

    def debt(self, asset: str, account: str) -> int:
        """Return a borrower's debt as last accrued, rounded down (`borrowBalanceStoredInternal`)."""
        tables = tables_of(self.name, asset)
        principal = self.get(tables.principal, account)
        if not principal:
            return 0
        return div_down(
            times(principal, self.figures(asset).borrow_index), self.get(tables.snapshot, account)
        )

    def mint(self, asset: str, account: str, tokens: int) -> None:
        """Give new claim tokens."""
        market = self.figures(asset)
        market.total_supply = capped(market.total_supply + tokens)
        self.put(tables_of(self.name, asset).tokens, account, self.tokens(asset, account) + tokens)

    def burn(self, asset: str, account: str, tokens: int) -> None:
        """Take claim tokens away. Refuses more than there are."""
        market = self.figures(asset)
        self.put(tables_of(self.name, asset).tokens, account, plus(self.tokens(asset, account), -tokens))
        market.total_supply -= tokens

    def give(self, asset: str, source: str, to: str, tokens: int) -> None:
        """Move claim tokens from one holder to another. Refuses more than there are."""
        table = tables_of(self.name, asset).tokens
        self.put(table, source, plus(self.tokens(asset, source), -tokens))
        self.put(table, to, self.tokens(asset, to) + tokens)

    def owe(self, asset: str, account: str, principal: int) -> None:
        """Let a borrower owe so much as of the index now."""
        market, tables = self.figures(asset), tables_of(self.name, asset)
        units = units_of(principal, market.borrow_index)
        market.debt_units += units - self.get(tables.debt, account)
        self.put(tables.principal, account, principal)
        self.put(tables.snapshot, account, market.borrow_index)
        self.put(tables.debt, account, units)
        self.flag_debt(account, asset, on=principal > 0)

    def repay(self, asset: str, account: str, amount: int) -> None:
        """Lower a debt by what is paid (`repayBorrowFresh`). Refuses more than is owed, or than is lent."""
        market, owed = self.figures(asset), self.debt(asset, account)
        require(amount <= owed, Reason.REPAYMENT_IS_TOO_LARGE)
        total = plus(market.total_borrows, -amount)
        self.owe(asset, account, owed - amount)
        market.total_borrows = total

    def has_entered(self, account: str, asset: str) -> bool:
        """Say whether a market counts for an account (`accountMembership`)."""
        return self.bits.is_collateral(self.flags(account), asset)

    # --- liquidity ---------------------------------------------------------------------------------------

    def price(self, asset: str) -> int:
        """Return the price in the contract's money: 36 decimals less the asset's. Refuses a price of 0."""
        scale = int(10 ** (36 - self.figures(asset).decimals))
        price = mul_div_down(self.view.cell(ORACLE, asset), scale, int(10**self.rules.price_decimals))
        require(price > 0, Reason.PRICE_IS_MISSING)
        return price

    def liquidity(
        self, account: str, modify: str = NOTHING, *, redeem: int = 0, borrow: int = 0
    ) -> Liquidity:
        """Return what an account carries and owes if it redeemed tokens or borrowed in one more market.

        `getHypotheticalAccountLiquidityInternal`: the tokens redeemed count as owed, the others as held.
        """
        carried = owed = 0
        for asset, entered, _ in self.bits.used(self.flags(account)):
            if not entered:
                continue
            market, price = self.figures(asset), self.price(asset)
            worth = wad_mul_down(wad_mul_down(market.collateral_factor, market.exchange_rate()), price)
            carried = capped(carried + wad_mul_down(worth, self.tokens(asset, account)))
            owed = capped(owed + wad_mul_down(price, self.debt(asset, account)))
            if asset == modify:
                owed = capped(owed + wad_mul_down(worth, redeem))
                owed = capped(owed + wad_mul_down(price, borrow))
        return Liquidity(carried, owed)

    def require_redeemable(self, account: str, asset: str, tokens: int) -> None:
        """Refuse to redeem what the account's debts need (`redeemAllowedInternal`)."""
        if self.has_entered(account, asset):
            carried, owed = self.liquidity(account, asset, redeem=tokens)
            require(owed <= carried, Reason.POSITION_WOULD_BE_UNSAFE)

    def require_borrowable(self, account: str, asset: str, amount: int) -> None:
        """Refuse a debt that the collateral does not carry (`borrowAllowed`). Who borrows enters."""
        market = self.figures(asset)
        require(not market.borrow_paused, Reason.RESERVE_IS_PAUSED)
        self.flag_collateral(account, asset, on=True)
        self.price(asset)
        if market.borrow_cap:
            total = capped(market.total_borrows + amount)
            require(total < market.borrow_cap, Reason.BORROW_CAP_IS_REACHED)
        carried, owed = self.liquidity(account, asset, borrow=amount)
        require(owed <= carried, Reason.POSITION_WOULD_BE_UNSAFE)

    def require_liquidatable(self, borrower: str, asset: str, amount: int) -> None:
        """Refuse to repay a healthy borrower's debt, or too much of one (`liquidateBorrowAllowed`)."""
        if is_deprecated(self.figures(asset)):
            return  # more than all of it cannot be repaid
        carried, debts = self.liquidity(borrower)
        require(debts > carried, Reason.POSITION_IS_HEALTHY)
        most = wad_mul_down(self.rules.close_factor, self.debt(asset, borrower))
        require(amount <= most, Reason.REPAYMENT_IS_TOO_LARGE)

    def most_repaid(self, borrower: str, debt: str, collateral: str) -> int:
        """Return the most that one liquidation may repay: by the close factor, and by the tokens held."""
        market, most = self.figures(debt), self.debt(debt, borrower)
        if not is_deprecated(market):
            most = wad_mul_down(self.rules.close_factor, most)
        most = min(most, market.total_borrows)  # some units less than all debts, by rounding
        ratio = self.seize_ratio(debt, collateral)
        if not ratio:
            return most
        tokens = self.tokens(collateral, borrower)
        return min(most, div_down((tokens + 1) * WAD - 1, ratio))

    def seize_ratio(self, debt: str, collateral: str) -> int:
        """Return the claim tokens seized for each unit repaid, WAD (`liquidateCalculateSeizeTokens`)."""
        owed, held = self.price(debt), self.price(collateral)
        rate = self.figures(collateral).exchange_rate()
        return wad_div_down(wad_mul_down(self.rules.incentive, owed), wad_mul_down(held, rate))

    # --- what the contract never does --------------------------------------------------------------------

    def uncovered(self, asset: str, account: str) -> int:
        """Return how much of a debt an account's whole collateral does not cover, at the oracle's prices."""
        held = owed = 0
        for each, entered, _ in self.bits.used(self.flags(account)):
            if entered:
                price = self.price(each)
                held += wad_mul_down(price, self.claim(each, account))
                owed += wad_mul_down(price, self.debt(each, account))
        debt, price = self.debt(asset, account), self.price(asset)
        missing = max(0, owed - held)
        return debt if missing >= wad_mul_down(price, debt) else min(debt, mul_div_down(missing, WAD, price))

    def recognise(self, asset: str, account: str, amount: int) -> Event:
        """Take an amount off a borrower's debt, and book it as deficit."""
        self.repay(asset, account, amount)
        self.figures(asset).deficit += amount
        price = self.view.cell(ORACLE, asset)
        return self.write(ShortfallRecognised, account=account, asset=asset, amount=amount, price=price)


def is_deprecated(market: CToken) -> bool:
    """Say whether a market is being wound up: anybody's debt there may be liquidated (`isDeprecated`)."""
    closed = not market.collateral_factor and market.borrow_paused
    return bool(closed and market.reserve_factor == WAD)
