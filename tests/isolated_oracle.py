"""A second opinion on isolated markets: Morpho.sol written down once more, over plain numbers.

The rule: it shares no code with what decides. A machine word is a checked integer, a panic is a refusal; what
it answers is the reason for which a command is refused, or all numbers of the market afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from mutualize import commands as c
from mutualize import isolated_commands as i
from mutualize.errors import Reason

WAD: Final = 10**18
WORD, HALF = 2**256 - 1, 2**128 - 1
FEE_MAX: Final = WAD // 4
Holdings = dict[str, int]


class Reverted(Exception):
    """The contract would have reverted."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason


def must(condition: bool, reason: Reason) -> None:
    """Revert unless it is so."""
    if not condition:
        raise Reverted(reason)


def word(value: int) -> int:
    """Return what a word of 256 bits holds, or revert."""
    must(value <= WORD, Reason.AMOUNT_IS_TOO_LARGE)
    return value


def half(value: int) -> int:
    """Return what 128 bits hold, or revert."""
    must(value <= HALF, Reason.AMOUNT_IS_TOO_LARGE)
    return value


def less(value: int, taken: int) -> int:
    """Return what is left, or revert."""
    must(taken <= value, Reason.BALANCE_IS_INSUFFICIENT)
    return value - taken


def down(x: int, y: int, d: int) -> int:
    """Return x·y/d."""
    return word(x * y) // d


def up(x: int, y: int, d: int) -> int:
    """Return x·y/d, rounded up."""
    return word(x * y + (d - 1)) // d


@attrs.define
class Plain:
    """One market. `pair` is its price times 10³⁶, None where there is none; `short` the open deficit."""

    lltv: int
    base: int
    slope: int
    fee: int
    recipient: str
    last: int
    pair: int | None
    frozen: bool
    short: int
    supply_assets: int
    supply_shares: int
    borrow_assets: int
    borrow_shares: int
    suppliers: Holdings
    borrowers: Holdings
    pledges: Holdings
    cash: int = 0
    """By how much the cash of the loan moved."""
    bad: int = 0
    """Bad debt that a liquidation found."""
    forgiven: int = 0
    """Shares of debt that were left where no debt was."""

    # --- MathLib and SharesMathLib -----------------------------------------------------------------------

    def supply_shares_of(self, assets: int, div: Callable[[int, int, int], int]) -> int:
        """Return shares of the supply."""
        return div(assets, self.supply_shares + 1_000_000, self.supply_assets + 1)

    def supply_assets_of(self, shares: int, div: Callable[[int, int, int], int]) -> int:
        """Return assets of the supply."""
        return div(shares, self.supply_assets + 1, self.supply_shares + 1_000_000)

    def borrow_shares_of(self, assets: int, div: Callable[[int, int, int], int]) -> int:
        """Return shares of the debt."""
        return div(assets, self.borrow_shares + 1_000_000, self.borrow_assets + 1)

    def borrow_assets_of(self, shares: int, div: Callable[[int, int, int], int]) -> int:
        """Return assets of the debt."""
        return div(shares, self.borrow_assets + 1, self.borrow_shares + 1_000_000)

    # --- what verbs share --------------------------------------------------------------------------------

    def accrue(self, now: int) -> None:
        """Book interest up to now."""
        elapsed = now - self.last
        if elapsed == 0:
            return
        rate = self.base
        if self.supply_assets:
            usage = down(self.borrow_assets, WAD, self.supply_assets)
            rate = word(rate + down(self.slope, usage, WAD))
        first = word(rate * elapsed)
        second = down(first, first, 2 * WAD)
        third = down(second, first, 3 * WAD)
        interest = down(self.borrow_assets, word(word(first + second) + third), WAD)
        self.borrow_assets = half(self.borrow_assets + interest)
        self.supply_assets = half(self.supply_assets + interest)
        if self.fee:
            amount = down(interest, self.fee, WAD)
            minted = down(amount, self.supply_shares + 1_000_000, self.supply_assets - amount + 1)
            self.suppliers[self.recipient] = self.suppliers.get(self.recipient, 0) + minted
            self.supply_shares = half(self.supply_shares + minted)
        self.last = now

    def limit(self, who: str) -> int:
        """Return how much debt a borrower's collateral carries."""
        must(self.pair is not None, Reason.PRICE_IS_MISSING)
        assert self.pair is not None
        worth = down(self.pledges.get(who, 0), self.pair, 10**36)
        return down(worth, self.lltv, WAD)

    def stay_healthy(self, who: str) -> None:
        """Revert where a borrower is unsafe."""
        if self.borrowers.get(who, 0):
            limit, debt = self.limit(who), self.borrow_assets_of(self.borrowers[who], up)
            must(limit >= debt, Reason.COLLATERAL_IS_INSUFFICIENT)

    def stay_liquid(self) -> None:
        """Revert where more is lent, or missing, than is supplied."""
        fits = self.borrow_assets + self.short <= self.supply_assets
        must(fits, Reason.LIQUIDITY_IS_INSUFFICIENT)

    def draw(self, who: str, assets: int, shares: int) -> None:
        """Lend."""
        if assets:
            shares = self.borrow_shares_of(assets, up)
        else:
            assets = self.borrow_assets_of(shares, down)
        self.borrowers[who] = half(self.borrowers.get(who, 0) + shares)
        self.borrow_shares = half(self.borrow_shares + shares)
        self.borrow_assets = half(self.borrow_assets + assets)
        self.stay_healthy(who)
        self.stay_liquid()
        self.cash -= assets

    def add_pledge(self, who: str, amount: int) -> None:
        """Put collateral up."""
        self.pledges[who] = half(self.pledges.get(who, 0) + half(amount))

    def factor(self) -> int:
        """Return the liquidation incentive factor."""
        kept = WAD - 3 * 10**17 * (WAD - self.lltv) // WAD
        return min(1_150_000_000_000_000_000, WAD * WAD // kept)

    def cost(self, seized: int) -> int:
        """Return the shares that are repaid for collateral."""
        assert self.pair is not None
        quoted = up(seized, self.pair, 10**36)
        return self.borrow_shares_of(up(quoted, WAD, self.factor()), up)

    def gain(self, shares: int) -> int:
        """Return the collateral that is seized for shares."""
        must(self.pair != 0, Reason.PRICE_IS_MISSING)
        assert self.pair
        worth = down(self.borrow_assets_of(shares, down), self.factor(), WAD)
        return down(worth, 10**36, self.pair)

    def be_unhealthy(self, who: str) -> None:
        """Revert where a borrower is safe."""
        limit, debt = self.limit(who), self.borrow_assets_of(self.borrowers.get(who, 0), up)
        must(limit < debt, Reason.POSITION_IS_HEALTHY)

    def close(self, who: str, seized: int, shares: int) -> None:
        """Repay and seize, and find bad debt."""
        repaid = self.borrow_assets_of(shares, up)
        self.borrowers[who] = less(self.borrowers.get(who, 0), half(shares))
        self.borrow_shares -= shares
        self.borrow_assets = max(0, self.borrow_assets - repaid)
        self.pledges[who] = less(self.pledges.get(who, 0), half(seized))
        self.cash += repaid
        if self.pledges[who] == 0:
            shares = self.borrowers[who]
            self.bad = min(self.borrow_assets, self.borrow_assets_of(shares, up))
            self.forgiven = 0 if self.bad else shares
            self.borrow_assets -= self.bad
            self.borrow_shares -= shares
            self.borrowers[who] = 0


def either(cmd: Any) -> None:
    """Revert unless exactly one of the two is given."""
    must((cmd.amount == 0) != (cmd.shares == 0), Reason.INPUT_IS_INCONSISTENT)


def open_doors(market: Plain) -> None:
    """Revert while nobody may leave."""
    must(not market.frozen, Reason.EXITS_ARE_FROZEN)


# --- verbs -----------------------------------------------------------------------------------------------


def supply(market: Plain, cmd: i.SupplyShares, now: int) -> None:
    """Lend."""
    either(cmd)
    market.accrue(now)
    assets, shares = cmd.amount, cmd.shares
    if assets:
        shares = market.supply_shares_of(assets, down)
    else:
        assets = market.supply_assets_of(shares, up)
    market.suppliers[cmd.account] = word(market.suppliers.get(cmd.account, 0) + shares)
    market.supply_shares = half(market.supply_shares + shares)
    market.supply_assets = half(market.supply_assets + assets)
    market.cash += assets


def withdraw(market: Plain, cmd: i.WithdrawShares, now: int) -> None:
    """Take back."""
    either(cmd)
    open_doors(market)
    market.accrue(now)
    assets, shares = cmd.amount, cmd.shares
    if assets:
        shares = market.supply_shares_of(assets, up)
    else:
        assets = market.supply_assets_of(shares, down)
    market.suppliers[cmd.account] = less(market.suppliers.get(cmd.account, 0), shares)
    market.supply_shares -= shares
    market.supply_assets -= assets
    market.stay_liquid()
    market.cash -= assets


def borrow(market: Plain, cmd: i.BorrowShares, now: int) -> None:
    """Draw a loan."""
    either(cmd)
    market.accrue(now)
    market.draw(cmd.account, cmd.amount, cmd.shares)


def repay(market: Plain, cmd: i.RepayShares, now: int) -> None:
    """Repay."""
    either(cmd)
    market.accrue(now)
    assets, shares, who = cmd.amount, cmd.shares, cmd.on_behalf_of or cmd.account
    if assets:
        shares = market.borrow_shares_of(assets, down)
    else:
        assets = market.borrow_assets_of(shares, up)
    market.borrowers[who] = less(market.borrowers.get(who, 0), half(shares))
    market.borrow_shares -= shares
    market.borrow_assets = max(0, market.borrow_assets - assets)
    market.cash += assets


def pledge(market: Plain, cmd: c.Supply, _now: int) -> None:
    """Put collateral up."""
    must(cmd.amount > 0, Reason.AMOUNT_IS_ZERO)
    market.add_pledge(cmd.account, cmd.amount)


def take_pledge(market: Plain, cmd: i.WithdrawCollateral, now: int) -> None:
    """Take collateral back."""
    must(cmd.amount > 0, Reason.AMOUNT_IS_ZERO)
    open_doors(market)
    market.accrue(now)
    market.pledges[cmd.account] = less(market.pledges.get(cmd.account, 0), half(cmd.amount))
    market.stay_healthy(cmd.account)


def liquidate(market: Plain, cmd: i.LiquidatePosition, now: int) -> None:
    """Liquidate, by collateral or by shares."""
    must((cmd.seized == 0) != (cmd.shares == 0), Reason.INPUT_IS_INCONSISTENT)
    market.accrue(now)
    market.be_unhealthy(cmd.borrower)
    seized, shares = cmd.seized, cmd.shares
    if seized:
        shares = market.cost(seized)
    else:
        seized = market.gain(shares)
    market.close(cmd.borrower, seized, shares)


def set_fee(market: Plain, cmd: c.SetParameter, now: int) -> None:
    """Set the fee."""
    must(cmd.asset == "USD", Reason.RESERVE_IS_UNKNOWN)
    sound = cmd.name == "fee" and cmd.value != market.fee and cmd.value <= FEE_MAX
    must(sound, Reason.PARAMETER_IS_INVALID)
    market.accrue(now)
    market.fee = cmd.value


# --- by asset --------------------------------------------------------------------------------------------


def supply_asset(market: Plain, cmd: c.Supply, now: int) -> None:
    """Lend, or put collateral up."""
    must(cmd.asset in ("USD", "ETH"), Reason.RESERVE_IS_UNKNOWN)
    if cmd.asset == "ETH":
        pledge(market, cmd, now)
    else:
        supply(market, i.SupplyShares(venue="", account=cmd.account, amount=cmd.amount), now)


def withdraw_asset(market: Plain, cmd: c.Withdraw, now: int) -> None:
    """Take back; ALL for all of it."""
    must(cmd.asset in ("USD", "ETH"), Reason.RESERVE_IS_UNKNOWN)
    own: dict[str, Any] = {"venue": "", "account": cmd.account}
    if cmd.asset == "ETH":
        amount = market.pledges.get(cmd.account, 0) if cmd.amount == c.ALL else cmd.amount
        take_pledge(market, i.WithdrawCollateral(**own, amount=amount), now)
    elif cmd.amount == c.ALL:
        withdraw(market, i.WithdrawShares(**own, shares=market.suppliers.get(cmd.account, 0)), now)
    else:
        withdraw(market, i.WithdrawShares(**own, amount=cmd.amount), now)


def borrow_asset(market: Plain, cmd: c.Borrow, now: int) -> None:
    """Draw a loan."""
    must(cmd.asset == "USD", Reason.RESERVE_IS_UNKNOWN)
    borrow(market, i.BorrowShares(venue="", account=cmd.account, amount=cmd.amount), now)


def repay_asset(market: Plain, cmd: c.Repay, now: int) -> None:
    """Repay; ALL for all of it."""
    must(cmd.asset == "USD", Reason.RESERVE_IS_UNKNOWN)
    who = cmd.on_behalf_of or cmd.account
    all_of_it = market.borrowers.get(who, 0) if cmd.amount == c.ALL else 0
    amount = 0 if cmd.amount == c.ALL else cmd.amount
    repay(market, i.RepayShares(venue="", account=who, amount=amount, shares=all_of_it), now)


def open_position(market: Plain, cmd: c.OpenPosition, now: int) -> None:
    """Put collateral up and draw a loan."""
    must((cmd.collateral, cmd.debt) == ("ETH", "USD"), Reason.RESERVE_IS_UNKNOWN)
    must(cmd.collateral_amount > 0, Reason.AMOUNT_IS_ZERO)
    market.accrue(now)
    market.add_pledge(cmd.account, cmd.collateral_amount)
    if cmd.debt_amount:
        market.draw(cmd.account, cmd.debt_amount, 0)


def liquidate_asset(market: Plain, cmd: c.Liquidate, now: int) -> None:
    """Liquidate for assets: the fewest of what is offered, what is owed, and what pays for all collateral."""
    must((cmd.collateral, cmd.debt) == ("ETH", "USD"), Reason.RESERVE_IS_UNKNOWN)
    must(not cmd.receive_claims, Reason.PARAMETER_IS_INVALID)
    must(cmd.debt_to_cover > 0, Reason.AMOUNT_IS_ZERO)
    market.accrue(now)
    market.be_unhealthy(cmd.borrower)
    shares = owed = market.borrowers.get(cmd.borrower, 0)
    if cmd.debt_to_cover < market.borrow_assets_of(owed, up):
        shares = market.borrow_shares_of(cmd.debt_to_cover, down)
    held = market.pledges.get(cmd.borrower, 0)
    cost = market.cost(held)
    if cost <= shares:
        market.close(cmd.borrower, held, cost)
        return
    must(shares > 0, Reason.AMOUNT_IS_TOO_SMALL)
    market.close(cmd.borrower, market.gain(shares), shares)


VERBS: Final[Mapping[type[c.Command], Callable[[Plain, Any, int], None]]] = {
    c.SetParameter: set_fee,
    i.AccrueInterest: lambda market, _, now: market.accrue(now),
    c.Supply: supply_asset,
    i.SupplyShares: supply,
    c.Withdraw: withdraw_asset,
    i.WithdrawShares: withdraw,
    i.WithdrawCollateral: take_pledge,
    c.Borrow: borrow_asset,
    i.BorrowShares: borrow,
    c.Repay: repay_asset,
    i.RepayShares: repay,
    c.OpenPosition: open_position,
    c.Liquidate: liquidate_asset,
    i.LiquidatePosition: liquidate,
}


def create(market: Plain | None, cmd: c.ListReserve) -> None:
    """Begin."""
    must(cmd.asset == "USD", Reason.RESERVE_IS_UNKNOWN)
    most = {"lltv": WAD - 1, "fee": FEE_MAX, "rate_base": WORD, "rate_slope": WORD}
    sound = all(0 <= value <= most.get(name, -1) for name, value in cmd.parameters)
    must(market is None and sound, Reason.PARAMETER_IS_INVALID)


def carry_out(market: Plain | None, cmd: c.Command, now: int) -> Reason | None:
    """Carry a command out on the numbers of a market; return why it is refused, or None."""
    numbers = [value for value in attrs.astuple(cmd, recurse=False) if isinstance(value, int)]
    try:
        must(all(0 <= value <= WORD for value in numbers), Reason.AMOUNT_IS_TOO_LARGE)
        if isinstance(cmd, c.ContributeToFund):
            must(cmd.amount > 0, Reason.AMOUNT_IS_ZERO)
        elif isinstance(cmd, c.ListReserve):
            create(market, cmd)
        else:
            governed = isinstance(cmd, c.SetParameter) and cmd.account != "governance"
            must(not governed, Reason.CALLER_IS_NOT_GOVERNANCE)
            must(market is not None, Reason.RESERVE_IS_UNKNOWN)
            assert market is not None
            VERBS[type(cmd)](market, cmd, now)
    except Reverted as reverted:
        return reverted.reason
    return None
