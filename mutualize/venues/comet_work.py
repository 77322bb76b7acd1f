"""What one transaction sees and changes in Compound v3, and whose debt his collateral still carries.

    Σ ⌊⌊held · price⌋ · factor⌋ ≥ ⌊debt · price⌋     with the borrow factor: he may borrow or withdraw
                                                   with the liquidate factor not even: he may be absorbed

Debts count as they were last accrued. Rules: compound-finance/comet d5a30b0a, Comet.sol: isLiquidatable,
isBorrowCollateralized, updateBasePrincipal, updateAssetsIn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

from mutualize.errors import Reason, require
from mutualize.events import Event, ShortfallRecognised
from mutualize.open_losses import OpenLosses
from mutualize.tables import ORACLE, debt_table, supply_table
from mutualize.units import UINT128_MAX, UINT256_MAX, WAD, div_down, mul_div_down, times, wad_mul_down
from mutualize.venues.comet_figures import Base, Collateral, safe
from mutualize.venues.rules import Flags
from mutualize.venues.sheet import Figures, Sheet

if TYPE_CHECKING:
    from mutualize.book import View

BORROW: Final = "borrow_factor"
LIQUIDATE: Final = "liquidate_factor"


Count = Callable[[int, int], object]
"""Counts a principal before and after in the totals."""


class Standing(NamedTuple):
    """What an account's collateral carries by one of its factors, and what it owes; 8-decimals money."""

    collateral: int
    debt: int

    @property
    def factor(self) -> int:
        """Return what is carried over what is owed, in WAD: below 10¹⁸ the account may be absorbed."""
        return mul_div_down(self.collateral, WAD, self.debt) if self.debt else UINT256_MAX


@attrs.define
class Seized:
    """What an absorption took: the collateral, and what the reserves pay for it in base units."""

    held: list[tuple[Collateral, int, int]] = attrs.field(factory=list)
    """Each collateral with the amount of it and its part of what is paid."""
    paid: int = 0


class Work(Sheet[Figures]):
    """The base asset, the collaterals and the accounts of one venue."""

    def __init__(self, name: str, assets: Sequence[str], bits: Flags, view: View, at: int) -> None:
        super().__init__(name, bits, view, at)
        self.asset, self.collaterals = assets[0], tuple(assets[1:])
        self._short = 0
        """What this transaction recognised: tiers are yet to be asked for it."""
        self._supply, self._debt = supply_table(name, self.asset), debt_table(name, self.asset)

    def load(self, asset: str) -> Figures:
        """Read the figures of an asset."""
        kind: type[Figures] = Base if asset == self.asset else Collateral
        return kind.load(self.view, self.name, asset)

    @property
    def base(self) -> Base:
        """The base asset, as last accrued or as this transaction accrued it."""
        figures = self.figures(self.asset)
        assert isinstance(figures, Base)
        return figures

    def collateral(self, asset: str) -> Collateral:
        """Return a collateral. Refuses what is none (`getAssetInfoByAddress`)."""
        require(asset in self.collaterals, Reason.RESERVE_IS_UNKNOWN)
        figures = self.figures(asset)
        assert isinstance(figures, Collateral)
        return figures

    def accrue(self) -> Base:
        """Return the base asset with interest up to now, which pays what is open."""
        if self.base.accrue(self.at):
            self._settle()
            self.accrued(self.asset)
        return self.base

    def payable(self, asset: str) -> Base:
        """Return the base asset as last accrued, for tiers."""
        assert asset == self.asset, "nothing else has a deficit"
        return self.base

    def reckon(self, asset: str) -> Base:
        """Return it with interest up to now, for tiers: they know what is open, so it pays none of that."""
        assert asset == self.asset, "nothing else has a deficit"
        if self.base.accrue(self.at):
            self.base.settle(self.base.deficit)
            self.accrued(self.asset)
        return self.base

    def write(self, kind: type[Event], **fields: Any) -> Event:
        """Return one event with all that changed since the last; what came in pays what is open."""
        self._settle()
        return super().write(kind, **fields)

    def _settle(self) -> None:
        owed = sum(loss.amount for loss in OpenLosses(self.name).all(self.view, self.asset))
        self.base.settle(owed + self._short)

    def recognise(self, debtor: str, amount: int) -> Event:
        """Book what the reserves do not get back as a shortfall."""
        self.base.deficit += amount
        self._short += amount
        price = self.view.cell(ORACLE, self.asset)
        return self.write(ShortfallRecognised, account=debtor, asset=self.asset, amount=amount, price=price)

    # --- accounts ----------------------------------------------------------------------------------------

    def principal(self, account: str) -> int:
        """Return an account's signed principal: below zero it owes."""
        return self.get(self._supply, account) - self.get(self._debt, account)

    def set_principal(self, account: str, principal: int) -> None:
        """Set it (`updateBasePrincipal`)."""
        base, supply, debt = self.base, max(principal, 0), max(-principal, 0)
        base.supply_units += supply - self.get(self._supply, account)
        base.debt_units += debt - self.get(self._debt, account)
        self.put(self._supply, account, supply)
        self.put(self._debt, account, debt)
        self.flag_debt(account, self.asset, on=debt > 0)

    def move(self, account: str, count: Count, principal: int) -> None:
        """Set a principal, and count the change in the totals."""
        count(self.principal(account), principal)
        self.set_principal(account, principal)

    def claim(self, asset: str, account: str) -> int:
        """Return what an account can take out, rounded down: base, or a collateral of its own."""
        if asset != self.asset:
            return self.held(asset, account)
        return max(0, self.base.present(self.principal(account)))

    def debt(self, account: str) -> int:
        """Return what an account owes, rounded down."""
        return max(0, -self.base.present(self.principal(account)))

    def held(self, asset: str, account: str) -> int:
        """Return an account's collateral."""
        return self.get(supply_table(self.name, asset), account)

    def hold(self, asset: str, account: str, amount: int) -> None:
        """Let an account have so much of a collateral (`updateAssetsIn`)."""
        figures = self.collateral(asset)
        figures.supply_scaled = safe(figures.supply_scaled + amount - self.held(asset, account), UINT128_MAX)
        self.put(supply_table(self.name, asset), account, amount)
        self.flag_collateral(account, asset, on=amount > 0)

    def mint(self, _asset: str, account: str, units: int) -> None:
        """Give units of the base asset; who owes has so much repaid."""
        base, before = self.base, self.principal(account)
        after = before + units
        if before < 0:
            after = base.principal(base.present(before) + base.present(units))
        self.move(account, base.repay_and_supply, after)

    def burn(self, _asset: str, account: str, units: int) -> None:
        """Take units of the base asset away from who has them."""
        before = self.principal(account)
        assert units <= before, "units are checked before they are taken"
        self.move(account, self.base.withdraw_and_borrow, before - units)

    # --- health ------------------------------------------------------------------------------------------

    def is_collateralized(self, account: str) -> bool:
        """Say whether an account may owe what it does (`isBorrowCollateralized`)."""
        return self.principal(account) >= 0 or self.carries(account, BORROW, self.debt(account))

    def is_liquidatable(self, account: str) -> bool:
        """Say whether an account may be absorbed (`isLiquidatable`)."""
        return self.principal(account) < 0 and not self.carries(account, LIQUIDATE, self.debt(account))

    def carries(self, account: str, factor: str, debt: int) -> bool:
        """Go through collateral until a debt is carried: what comes after needs no price, as there."""
        missing = self.value(self.asset, debt)
        for asset in self.holds(account):
            if missing <= 0:
                break
            worth = self.value(asset, self.held(asset, account))
            missing -= wad_mul_down(worth, self.collateral(asset).factor(factor))
        return missing <= 0

    def holds(self, account: str) -> list[str]:
        """Return an account's collaterals, in their order."""
        used = self.bits.used(self.flags(account))
        return [asset for asset, held, _ in used if held]

    def standing(self, account: str, factor: str = LIQUIDATE) -> Standing:
        """Return what an account's collateral carries, and what it owes. Refuses where a price is missing."""
        carried = 0
        for asset in self.holds(account):
            worth = self.value(asset, self.held(asset, account))
            carried += wad_mul_down(worth, self.collateral(asset).factor(factor))
        debt = self.debt(account)
        return Standing(carried, self.value(self.asset, debt) if debt else 0)

    def value(self, asset: str, amount: int) -> int:
        """Return what an amount is worth in 8-decimals money, rounded down (`mulPrice`)."""
        return div_down(times(amount, self.told_price(asset)), int(10 ** self.figures(asset).decimals))

    def seize(self, account: str) -> Seized:
        """Take all collateral of an account for the reserves, at the price that they pay for it.

        ⌊Σ value · liquidation factor / base price⌋; each collateral's part of it follows the running sum.
        """
        seized, total, price = Seized(), 0, self.told_price(self.asset)
        for asset in self.holds(account):
            figures, amount = self.collateral(asset), self.held(asset, account)
            total += wad_mul_down(self.value(asset, amount), figures.factor("liquidation_factor"))
            paid = div_down(times(total, int(10**self.base.decimals)), price)
            seized.held.append((figures, amount, paid - seized.paid))
            seized.paid = paid
            self.hold(asset, account, 0)
        return seized
