"""A second opinion on Compound v2: CToken.sol and Comptroller.sol written down once more, as they stand.

The rule: nothing here is taken from the program. Storage has the contracts' names, arithmetic is that of a
256-bit machine with checks, and what the contracts revert raises `Revert`; what was done before is undone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

EXP = 10**18
WORD = 2**256 - 1


class Revert(Exception):
    """The contract reverts."""


def need(condition: object, why: str = "") -> None:
    """Revert unless a condition holds (`require`)."""
    if not condition:
        raise Revert(why)


def word(value: int) -> int:
    """Return what an unsigned machine word holds, or revert (checked arithmetic)."""
    need(0 <= value <= WORD, "panic 0x11")
    return value


def over(a: int, b: int) -> int:
    """Divide, or revert by zero."""
    need(b, "panic 0x12")
    return a // b


def mul_exp(a: int, b: int) -> int:
    """Return a·b/1e18, cut off (`mul_`, `mul_ScalarTruncate`)."""
    return word(a * b) // EXP


class Market:
    """One cToken: its storage, and the storage of its holders."""

    def __init__(self, terms: dict[str, int], block: int) -> None:
        self.terms = terms
        self.cash = self.total_borrows = self.total_reserves = self.total_supply = 0
        self.borrow_index, self.accrual_block = EXP, block
        self.tokens: dict[str, int] = {}
        self.borrows: dict[str, tuple[int, int]] = {}
        self.members: set[str] = set()

    def shown(self) -> tuple[int, ...]:
        """Return what a reader of the contract sees."""
        return (
            self.cash,
            self.total_borrows,
            self.total_reserves,
            self.total_supply,
            self.borrow_index,
            self.accrual_block,
        )

    def exchange_rate(self) -> int:
        """ExchangeRateStoredInternal."""
        if self.total_supply == 0:
            return self.terms["initial_rate"]
        net = word(word(self.cash + self.total_borrows) - self.total_reserves)
        return word(net * EXP) // self.total_supply

    def borrow_rate(self) -> int:
        """BaseJumpRateModelV2, with its constructor."""
        t = self.terms
        blocks = t["blocks_per_year"]
        base, jump = t["base"] // blocks, t["jump"] // blocks
        multiplier = word(t["multiplier"] * EXP) // word(blocks * t["kink"])
        util = 0
        if self.total_borrows:
            net = word(word(self.cash + self.total_borrows) - self.total_reserves)
            util = over(word(self.total_borrows * EXP), net)
        if util <= t["kink"]:
            return word(word(util * multiplier) // EXP + base)
        normal = word(t["kink"] * multiplier) // EXP + base
        return word(word((util - t["kink"]) * jump) // EXP + normal)

    def govern(self, block: int, name: str, value: int) -> None:
        """Change a term; interest so far is earned at the old ones."""
        self.accrue(block)
        self.terms[name] = value

    def accrue(self, block: int) -> None:
        """AccrueInterest."""
        if block == self.accrual_block:
            return
        rate = self.borrow_rate()
        need(rate <= 5 * 10**12, "borrow rate is absurdly high")
        factor = word(rate * (block - self.accrual_block))
        interest = mul_exp(factor, self.total_borrows)
        self.total_reserves = word(self.total_reserves + mul_exp(self.terms["reserve_factor"], interest))
        self.total_borrows = word(self.total_borrows + interest)
        self.borrow_index = word(self.borrow_index + mul_exp(factor, self.borrow_index))
        self.accrual_block = block

    def borrow_balance(self, account: str) -> int:
        """BorrowBalanceStoredInternal."""
        principal, index = self.borrows.get(account, (0, 0))
        return word(principal * self.borrow_index) // index if principal else 0

    def set_borrow(self, account: str, principal: int) -> None:
        """Write a borrow snapshot."""
        self.borrows[account] = (principal, self.borrow_index)

    def pay_out(self, amount: int) -> None:
        """Transfer out of the contract."""
        need(self.cash >= amount, "cash")
        self.cash -= amount

    def change_tokens(self, account: str, change: int) -> None:
        """Change a holder's tokens."""
        self.tokens[account] = word(self.tokens.get(account, 0) + change)


class Compound2:
    """All markets and their comptroller."""

    def __init__(self, close_factor: int, incentive: int, seize_share: int, *, enters: bool) -> None:
        self.close_factor, self.incentive, self.seize_share = close_factor, incentive, seize_share
        self.enters = enters
        self.markets: dict[str, Market] = {}
        self.prices: dict[str, int] = {}

    def attempt(self, act: Callable[[], object]) -> bool:
        """Do something, or nothing where the contracts revert; say which."""
        before = self.saved()
        try:
            act()
        except Revert:
            self.restore(before)
            return False
        return True

    def saved(self) -> dict[str, dict[str, Any]]:
        """Return the whole storage."""
        return {
            asset: {
                name: value.copy() if isinstance(value, dict | set) else value
                for name, value in vars(market).items()
            }
            for asset, market in self.markets.items()
        }

    def restore(self, saved: dict[str, dict[str, Any]]) -> None:
        """Take the storage back."""
        for asset, values in saved.items():
            for name, value in values.items():
                setattr(
                    self.markets[asset],
                    name,
                    value.copy() if isinstance(value, dict | set) else value,
                )

    # --- the comptroller -----------------------------------------------------------------------------------

    def liquidity(self, account: str, modify: str = "", redeem: int = 0, borrow: int = 0) -> tuple[int, int]:
        """GetHypotheticalAccountLiquidityInternal: (liquidity, shortfall)."""
        collateral = effects = 0
        for asset, market in self.markets.items():
            if account not in market.members:
                continue
            rate, price = market.exchange_rate(), self.prices[asset]
            need(price, "price")
            denom = mul_exp(mul_exp(market.terms["collateral_factor"], rate), price)
            collateral = word(collateral + mul_exp(denom, market.tokens.get(account, 0)))
            effects = word(effects + mul_exp(price, market.borrow_balance(account)))
            if asset == modify:
                effects = word(effects + mul_exp(denom, redeem))
                effects = word(effects + mul_exp(price, borrow))
        return max(0, collateral - effects), max(0, effects - collateral)

    def redeem_allowed(self, asset: str, account: str, tokens: int) -> None:
        """RedeemAllowedInternal."""
        if account in self.markets[asset].members:
            need(not self.liquidity(account, asset, redeem=tokens)[1], "liquidity")

    # --- verbs ---------------------------------------------------------------------------------------------

    def mint(self, block: int, account: str, asset: str, amount: int) -> None:
        """Mint; a front end enters the market beside it."""
        market = self.markets[asset]
        market.accrue(block)
        need(not market.terms["mint_paused"], "paused")
        tokens = over(word(amount * EXP), market.exchange_rate())
        market.cash = word(market.cash + amount)
        market.total_supply = word(market.total_supply + tokens)
        market.change_tokens(account, tokens)
        if tokens and self.enters:
            market.members.add(account)

    def redeem(self, block: int, account: str, asset: str, tokens: int, amount: int) -> None:
        """RedeemFresh: of tokens or of an amount, one of the two zero."""
        market = self.markets[asset]
        market.accrue(block)
        rate = market.exchange_rate()
        if tokens > 0:
            amount = mul_exp(rate, tokens)
        else:
            tokens = over(word(amount * EXP), rate)
        self.redeem_allowed(asset, account, tokens)
        market.pay_out(amount)
        market.total_supply = word(market.total_supply - tokens)
        market.change_tokens(account, -tokens)
        need(not (tokens == 0 and amount > 0), "redeemTokens zero")

    def borrow(self, block: int, account: str, asset: str, amount: int) -> None:
        """Borrow, and BorrowAllowed."""
        market = self.markets[asset]
        market.accrue(block)
        need(not market.terms["borrow_paused"], "paused")
        market.members.add(account)
        need(self.prices[asset], "price")
        cap = market.terms["borrow_cap"]
        need(not cap or word(market.total_borrows + amount) < cap, "cap")
        need(not self.liquidity(account, asset, borrow=amount)[1], "liquidity")
        need(market.cash >= amount, "cash")
        new = word(market.borrow_balance(account) + amount)
        market.total_borrows = word(market.total_borrows + amount)
        market.set_borrow(account, new)
        market.pay_out(amount)

    def repay(self, block: int, account: str, asset: str, amount: int) -> int:
        """RepayBorrow; return what was paid."""
        market = self.markets[asset]
        market.accrue(block)
        return self._repay(market, account, amount)

    def _repay(self, market: Market, account: str, amount: int) -> int:
        before = market.borrow_balance(account)
        final = before if amount == WORD else amount
        market.cash = word(market.cash + final)
        new = word(before - final)
        market.total_borrows = word(market.total_borrows - final)
        market.set_borrow(account, new)
        return final

    def liquidate(
        self, block: int, liquidator: str, borrower: str, asset: str, collateral: str, amount: int
    ) -> None:
        """LiquidateBorrow, LiquidateBorrowAllowed, LiquidateCalculateSeizeTokens, seize."""
        market, held = self.markets[asset], self.markets[collateral]
        market.accrue(block)
        held.accrue(block)
        owed = market.borrow_balance(borrower)
        t = market.terms
        if t["collateral_factor"] == 0 and t["borrow_paused"] and t["reserve_factor"] == EXP:
            need(owed >= amount, "more than the total borrow")
        else:
            need(self.liquidity(borrower)[1], "no shortfall")
            need(amount <= mul_exp(self.close_factor, owed), "too much")
        need(borrower != liquidator, "self")
        need(amount, "zero")
        need(amount != WORD, "max")
        paid = self._repay(market, borrower, amount)
        need(self.prices[asset] and self.prices[collateral], "price")
        above = mul_exp(self.incentive, self.prices[asset])
        below = mul_exp(self.prices[collateral], held.exchange_rate())
        seize = mul_exp(over(word(above * EXP), below), paid)
        need(held.tokens.get(borrower, 0) >= seize, "LIQUIDATE_SEIZE_TOO_MUCH")
        need(not held.terms["seize_paused"], "paused")
        protocol = mul_exp(seize, self.seize_share)
        held.total_reserves = word(held.total_reserves + mul_exp(held.exchange_rate(), protocol))
        held.total_supply = word(held.total_supply - protocol)
        held.change_tokens(borrower, -seize)
        held.change_tokens(liquidator, seize - protocol)

    def add_reserves(self, block: int, asset: str, amount: int) -> None:
        """Add to the reserves."""
        market = self.markets[asset]
        market.accrue(block)
        market.cash = word(market.cash + amount)
        market.total_reserves = word(market.total_reserves + amount)

    def reduce_reserves(self, block: int, asset: str, amount: int) -> None:
        """Take from the reserves."""
        market = self.markets[asset]
        market.accrue(block)
        need(market.cash >= amount, "cash")
        need(amount <= market.total_reserves, "reserves")
        market.total_reserves -= amount
        market.pay_out(amount)

    def enter(self, account: str, asset: str) -> None:
        """EnterMarkets."""
        self.markets[asset].members.add(account)

    def exit(self, account: str, asset: str) -> None:
        """ExitMarket."""
        market = self.markets[asset]
        if account not in market.members:
            return
        need(not market.borrow_balance(account), "borrows")
        self.redeem_allowed(asset, account, market.tokens.get(account, 0))
        market.members.discard(account)

    def transfer(self, account: str, to: str, asset: str, tokens: int) -> None:
        """TransferTokens."""
        market = self.markets[asset]
        self.redeem_allowed(asset, account, tokens)
        need(account != to, "self")
        market.change_tokens(account, -tokens)
        market.change_tokens(to, tokens)

    def donate(self, asset: str, amount: int) -> None:
        """Send the underlying to the contract."""
        self.markets[asset].cash = word(self.markets[asset].cash + amount)
