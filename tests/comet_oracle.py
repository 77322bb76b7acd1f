"""A second opinion on Compound v3: Comet.sol and CometCore.sol written down once more, as they stand.

The rule: nothing here is taken from the program. Principals are signed, as in storage; integers are checked
against the types of the contract; what it reverts raises `Revert`, and what was done before it is undone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from compound_oracle import EXP, WORD, Revert, need, over, word

SCALE = 10**15
MAX_INT = 2**255 - 1


def to_uint(value: int, bits: int) -> int:
    """Return a number that fits an unsigned type, or revert."""
    need(0 <= value < 2**bits, f"InvalidUInt{bits}")
    return value


def towards_zero(a: int, b: int) -> int:
    """Divide a signed number as the machine does."""
    return -(-a // b) if a < 0 else a // b


class Asset:
    """A collateral: its terms and totals."""

    def __init__(self, terms: dict[str, int]) -> None:
        self.scale: int = 10 ** terms["decimals"]
        for name in ("borrow_factor", "liquidate_factor", "liquidation_factor"):
            setattr(self, name, terms[name] // 10**14 * 10**14)
        self.cap = terms["supply_cap"] // self.scale * self.scale
        self.total = self.balance = 0

    borrow_factor: int
    liquidate_factor: int
    liquidation_factor: int


class Comet3:
    """The whole contract. `base` is the base asset's name."""

    def __init__(self, base: str, terms: dict[str, int], assets: dict[str, dict[str, int]], now: int) -> None:
        self.base, self.terms = base, terms
        self.base_scale: int = 10 ** terms["decimals"]
        self.assets = {name: Asset(values) for name, values in assets.items()}
        self.supply_index = self.borrow_index = SCALE
        self.total_supply = self.total_borrow = self.cash = 0
        self.last = now
        self.now = now
        self.principals: dict[str, int] = {}
        self.collateral: dict[tuple[str, str], int] = {}
        self.prices: dict[str, int] = {}

    def attempt(self, act: Callable[[], object]) -> bool:
        """Do something, or nothing where the contract reverts; say which."""
        before = self.saved()
        try:
            act()
        except Revert:
            self.restore(before)
            return False
        return True

    def saved(self) -> dict[str, Any]:
        """Return the whole storage."""
        own = {name: value for name, value in vars(self).items() if isinstance(value, int)}
        tables = {"principals": self.principals.copy(), "collateral": self.collateral.copy()}
        return {**own, **tables, "totals": {n: (a.total, a.balance) for n, a in self.assets.items()}}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take the storage back."""
        for name, (total, balance) in saved["totals"].items():
            self.assets[name].total, self.assets[name].balance = total, balance
        for name, value in saved.items():
            if name != "totals":
                setattr(self, name, value.copy() if isinstance(value, dict) else value)

    # --- interest ------------------------------------------------------------------------------------------

    def _present(self, principal: int, supply_index: int, borrow_index: int) -> int:
        if principal >= 0:
            return word(principal * supply_index) // SCALE
        return -(word(-principal * borrow_index) // SCALE)

    def present(self, principal: int) -> int:
        """PresentValue."""
        return self._present(principal, self.supply_index, self.borrow_index)

    def principal_of(self, present: int) -> int:
        """PrincipalValue."""
        if present >= 0:
            value = to_uint(word(present * SCALE) // self.supply_index, 104)
        else:
            value = -to_uint(word(word(-present * SCALE) + self.borrow_index - 1) // self.borrow_index, 104)
        need(-(2**103) < value < 2**103, "InvalidInt104")
        return value

    def utilization(self) -> int:
        """GetUtilization."""
        supply = self._present(self.total_supply, self.supply_index, self.borrow_index)
        borrow = -self._present(-self.total_borrow, self.supply_index, self.borrow_index)
        return word(borrow * EXP) // supply if supply else 0

    def _rate(self, side: str, usage: int) -> int:
        t = {name: self.terms[f"{side}_{name}"] // 31_536_000 for name in ("base", "low", "high")}
        kink = self.terms[f"{side}_kink"]
        if usage <= kink:
            return to_uint(t["base"] + word(t["low"] * usage) // EXP, 64)
        return to_uint(t["base"] + word(t["low"] * kink) // EXP + word(t["high"] * (usage - kink)) // EXP, 64)

    def indices(self) -> tuple[int, int]:
        """AccruedInterestIndices, up to now."""
        elapsed = self.now - self.last
        if not elapsed:
            return self.supply_index, self.borrow_index
        usage = self.utilization()
        supply = self.supply_index + word(self.supply_index * self._rate("supply", usage) * elapsed) // EXP
        borrow = self.borrow_index + word(self.borrow_index * self._rate("borrow", usage) * elapsed) // EXP
        return to_uint(supply, 64), to_uint(borrow, 64)

    def accrue(self) -> None:
        """AccrueInternal."""
        self.supply_index, self.borrow_index = self.indices()
        self.last = self.now

    def reserves(self) -> int:
        """GetReserves."""
        supply_index, borrow_index = self.indices()
        supply = self._present(self.total_supply, supply_index, borrow_index)
        borrow = -self._present(-self.total_borrow, supply_index, borrow_index)
        return self.cash - supply + borrow

    def balances(self, account: str) -> tuple[int, int]:
        """BalanceOf and BorrowBalanceOf."""
        value = self._present(self.principals.get(account, 0), *self.indices())
        return max(0, value), max(0, -value)

    # --- health --------------------------------------------------------------------------------------------

    def price(self, asset: str) -> int:
        """GetPrice."""
        need(self.prices[asset] > 0, "BadPrice")
        return self.prices[asset]

    def _liquidity(self, account: str, factor: str) -> int:
        """Return a number below zero where the collateral is too little, going no further than it must."""
        principal = self.principals.get(account, 0)
        liquidity = towards_zero(self.present(principal) * self.price(self.base), self.base_scale)
        for name, asset in self.assets.items():
            held = self.collateral.get((account, name), 0)
            if held:
                if liquidity >= 0:
                    return 0
                value = word(held * self.price(name)) // asset.scale
                liquidity += word(value * getattr(asset, factor)) // EXP
        return liquidity

    def is_collateralized(self, account: str) -> bool:
        """IsBorrowCollateralized."""
        return self.principals.get(account, 0) >= 0 or self._liquidity(account, "borrow_factor") >= 0

    def is_liquidatable(self, account: str) -> bool:
        """IsLiquidatable."""
        return self.principals.get(account, 0) < 0 and self._liquidity(account, "liquidate_factor") < 0

    # --- verbs ---------------------------------------------------------------------------------------------

    def supply(self, account: str, asset: str, amount: int) -> None:
        """SupplyInternal."""
        need(not self.terms["supply_paused"], "Paused")
        if asset == self.base:
            if amount == WORD:
                amount = self.balances(account)[1]
            self._supply_base(account, amount)
            return
        to_uint(amount, 128)
        need(asset in self.assets, "BadAsset")
        info = self.assets[asset]
        info.total = to_uint(info.total + amount, 128)
        need(info.total <= info.cap, "SupplyCapExceeded")
        info.balance += amount
        held = self.collateral.get((account, asset), 0)
        self.collateral[account, asset] = to_uint(held + amount, 128)

    def _supply_base(self, account: str, amount: int) -> None:
        self.cash = word(self.cash + amount)
        self.accrue()
        old = self.principals.get(account, 0)
        need(amount <= MAX_INT, "InvalidInt256")
        new = self.principal_of(self.present(old) + amount)
        self._count_up(old, new)
        self.principals[account] = new

    def _count_up(self, old: int, new: int) -> None:
        """RepayAndSupplyAmount."""
        if new < old:
            return
        if new <= 0:
            self.total_borrow = to_uint(self.total_borrow - (new - old), 104)
        elif old >= 0:
            self.total_supply = to_uint(self.total_supply + new - old, 104)
        else:
            self.total_borrow = to_uint(self.total_borrow + old, 104)
            self.total_supply = to_uint(self.total_supply + new, 104)

    def withdraw(self, account: str, asset: str, amount: int) -> None:
        """WithdrawInternal."""
        need(not self.terms["withdraw_paused"], "Paused")
        if asset == self.base:
            if amount == WORD:
                amount = self.balances(account)[0]
            self._withdraw_base(account, amount)
            return
        to_uint(amount, 128)
        held = self.collateral.get((account, asset), 0)
        self.collateral[account, asset] = to_uint(held - amount, 128)
        need(asset in self.assets, "BadAsset")
        info = self.assets[asset]
        info.total = to_uint(info.total - amount, 128)
        need(self.is_collateralized(account), "NotCollateralized")
        info.balance = to_uint(info.balance - amount, 256)

    def _withdraw_base(self, account: str, amount: int) -> None:
        self.accrue()
        old = self.principals.get(account, 0)
        need(amount <= MAX_INT, "InvalidInt256")
        balance = self.present(old) - amount
        new = self.principal_of(balance)
        if new <= old:
            if new >= 0:
                self.total_supply = to_uint(self.total_supply - (old - new), 104)
            elif old <= 0:
                self.total_borrow = to_uint(self.total_borrow + old - new, 104)
            else:
                self.total_supply = to_uint(self.total_supply - old, 104)
                self.total_borrow = to_uint(self.total_borrow - new, 104)
        self.principals[account] = new
        if balance < 0:
            need(-balance >= self.terms["borrow_min"], "BorrowTooSmall")
            need(self.is_collateralized(account), "NotCollateralized")
        need(self.cash >= amount, "cash")
        self.cash -= amount

    def absorb(self, accounts: tuple[str, ...]) -> None:
        """Absorb, AbsorbInternal."""
        need(not self.terms["absorb_paused"], "Paused")
        self.accrue()
        for account in accounts:
            need(self.is_liquidatable(account), "NotLiquidatable")
            old = self.principals[account]
            price, value = self.price(self.base), 0
            for name, info in self.assets.items():
                seized = self.collateral.get((account, name), 0)
                if seized:
                    self.collateral[account, name] = 0
                    info.total -= seized
                    worth = word(seized * self.price(name)) // info.scale
                    value += word(worth * info.liquidation_factor) // EXP
            delta = word(value * self.base_scale) // price
            new = self.principal_of(max(0, self.present(old) + delta))
            self.principals[account] = new
            self._count_up(old, new)

    def buy(self, asset: str, least: int, amount: int) -> int:
        """BuyCollateral; return how much was bought."""
        need(not self.terms["buy_paused"], "Paused")
        reserves = self.reserves()
        need(reserves < 0 or reserves < self.terms["target_reserves"], "NotForSale")
        self.cash = word(self.cash + amount)
        out = self.quote(asset, amount)
        need(out >= least, "TooMuchSlippage")
        info = self.assets[asset]
        need(out <= info.balance - info.total, "InsufficientReserves")
        info.balance -= to_uint(out, 128)
        return out

    def quote(self, asset: str, amount: int) -> int:
        """QuoteCollateral."""
        need(asset in self.assets, "BadAsset")
        info, price = self.assets[asset], self.price(asset)
        discount = word(self.terms["store_front_factor"] * (EXP - info.liquidation_factor)) // EXP
        discounted = word(price * (EXP - discount)) // EXP
        return over(word(self.price(self.base) * amount * info.scale), discounted) // self.base_scale

    def withdraw_reserves(self, amount: int) -> None:
        """WithdrawReserves."""
        reserves = self.reserves()
        need(reserves >= 0, "InsufficientReserves")
        need(amount <= reserves, "InsufficientReserves")
        need(self.cash >= amount, "cash")
        self.cash -= amount

    def govern(self, name: str, value: int) -> None:
        """Change a term; interest so far is earned at the old ones."""
        self.accrue()
        self.terms[name] = value

    def liquidate(self, borrower: str, asset: str, least: int, amount: int) -> None:
        """Absorb an account and buy from it."""
        self.absorb((borrower,))
        self.buy(asset, least, amount)

    def donate(self, amount: int) -> None:
        """Send the base asset to the contract."""
        self.cash = word(self.cash + amount)

    def shown(self) -> tuple[int, ...]:
        """Return what a reader of the contract sees, but for accounts and collateral."""
        return (
            self.supply_index,
            self.borrow_index,
            self.total_supply,
            self.total_borrow,
            self.cash,
            self.last,
            self.utilization(),
        )
