"""The working copies of one transaction in a pool: reserves, units and flags, changed freely, then written.

Verbs change a `Work`; `done` turns it into events: one `Accrued` for each reserve that time had passed for,
then the verb's own event with all that it changed. Nothing reaches the book before that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mutualize.accounts import Transfer
from mutualize.errors import Reason, require
from mutualize.events import Accrued, Cell, Event, ShortfallRecognised
from mutualize.tables import ORACLE, debt_table, reserve_table, supply_table
from mutualize.units import WAD, mul_div_down, mul_div_up, ray_mul_down, ray_mul_up
from mutualize.venues.reserve import Reserve
from mutualize.venues.rules import Flags, Health, PoolRules

if TYPE_CHECKING:
    from mutualize.book import View


class Work:
    """What one transaction sees and changes. With `accruing`, loading a reserve brings it up to `at`."""

    def __init__(
        self, name: str, bits: Flags, rules: PoolRules, view: View, at: int, *, accruing: bool = True
    ) -> None:
        self.name, self.bits, self.rules, self.view, self.at = name, bits, rules, view, at
        self._accruing = accruing
        self._flag_table = f"{name}.flags"
        self._reserves: dict[str, Reserve] = {}
        self._seen: dict[str, Reserve] = {}
        self._prices: dict[str, int] = {}
        self._accruals: list[Event] = []
        self._written: dict[tuple[str, str], int] = {}
        self._told: dict[tuple[str, str], int] = {}

    # --- reads -------------------------------------------------------------------------------------------

    def reserve(self, asset: str) -> Reserve:
        """Return the working copy of a reserve, with interest up to now where this work accrues."""
        reserve = self._reserves.get(asset)
        if reserve is None:
            reserve = self._reserves[asset] = Reserve.load(self.view, self.name, asset)
            if self._accruing and reserve.accrue(self.at):
                transfers, cells = reserve.flush()
                self._accruals.append(
                    Accrued(venue=self.name, asset=asset, transfers=transfers, cells=tuple(sorted(cells)))
                )
        return reserve

    def _as_written(self, asset: str) -> Reserve:
        """Return a reserve for reading only, as it stands in the book."""
        reserve = self._seen.get(asset)
        if reserve is None:
            reserve = self._seen[asset] = Reserve.load(self.view, self.name, asset)
        return reserve

    def open_reserve(self, asset: str) -> Reserve:
        """Return a reserve that is not paused."""
        reserve = self.reserve(asset)
        require(not reserve.paused, Reason.RESERVE_IS_PAUSED)
        return reserve

    def price(self, asset: str) -> int:
        """Return the price that the oracle told, 8 decimals. Refuses where there is none."""
        price = self._prices.get(asset)
        if price is None:
            price = self.view.cell(ORACLE, asset, -1)
            require(price >= 0, Reason.PRICE_IS_MISSING)
            self._prices[asset] = price
        return price

    def _cell(self, table: str, key: str) -> int:
        found = self._written.get((table, key)) if self._written else None
        return self.view.cell(table, key) if found is None else found

    def supplied(self, asset: str, account: str) -> int:
        """Return a holder's scaled claim units."""
        return self._cell(supply_table(self.name, asset), account)

    def owed(self, asset: str, account: str) -> int:
        """Return a borrower's scaled debt units."""
        return self._cell(debt_table(self.name, asset), account)

    def flags(self, account: str) -> int:
        """Return a holder's flags."""
        return self._cell(self._flag_table, account)

    def claim(self, asset: str, account: str) -> int:
        """Return a holder's claim with interest up to now, rounded down."""
        return ray_mul_down(self.supplied(asset, account), self.reserve(asset).income_index(self.at))

    def debt(self, asset: str, account: str) -> int:
        """Return a borrower's debt with interest up to now, rounded up."""
        return ray_mul_up(self.owed(asset, account), self.reserve(asset).debt_index(self.at))

    def health(self, account: str) -> Health:
        """Return a position's health with interest up to now (Aave `calculateUserAccountData`)."""
        collateral = debt = weighted = borrowable = 0
        for asset, holds, owes in self.bits.used(self.flags(account)):
            reserve = self._reserves.get(asset) or self._as_written(asset)
            price = self.price(asset)
            if (
                holds and reserve.threshold
            ):  # what has no threshold is no collateral, as the contract reads it
                held = ray_mul_down(self.supplied(asset, account), reserve.income_index(self.at))
                value = mul_div_down(held, price, reserve.unit)
                collateral += value
                weighted += value * reserve.threshold
                borrowable += value * reserve.ltv
            if owes:
                owed = ray_mul_up(self.owed(asset, account), reserve.debt_index(self.at))
                debt += mul_div_up(owed, price, reserve.unit)
        return Health(collateral, debt, weighted, borrowable)

    def require_safe(self, account: str) -> None:
        """Refuse what would leave a borrower unsafe."""
        if any(owes for _, _, owes in self.bits.used(self.flags(account))):
            require(self.health(account).factor >= WAD, Reason.POSITION_WOULD_BE_UNSAFE)

    def require_borrowable(self, account: str) -> None:
        """Refuse a debt that the collateral does not carry (Aave `validateHFAndLtv`)."""
        health = self.health(account)
        require(health.ltv > 0, Reason.LOAN_TO_VALUE_IS_ZERO)
        require(health.factor >= WAD, Reason.POSITION_WOULD_BE_UNSAFE)
        needed = mul_div_up(health.debt, 10_000, health.ltv)
        require(health.collateral >= needed, Reason.COLLATERAL_IS_INSUFFICIENT)

    # --- changes -----------------------------------------------------------------------------------------

    def flag_collateral(self, account: str, asset: str, on: bool) -> None:
        """Mark a claim as collateral, or not."""
        flags = self.bits.with_collateral(self.flags(account), asset, on)
        self._written[self._flag_table, account] = flags

    def _flag_debt(self, account: str, asset: str, on: bool) -> None:
        self._written[self._flag_table, account] = self.bits.with_debt(self.flags(account), asset, on)

    def set_parameter(self, asset: str, name: str, value: int) -> None:
        """Set a parameter of a reserve."""
        setattr(self.reserve(asset), name, value)
        self._written[reserve_table(self.name, asset), name] = value

    def set_cell(self, table: str, key: str, value: int) -> None:
        """Set a cell of a venue that stands on top of this pool."""
        self._written[table, key] = value

    def mint_claims(self, asset: str, account: str, scaled: int, *, collateral: bool = True) -> None:
        """Give claim units. A first claim becomes collateral where the asset may be borrowed against."""
        self.reserve(asset).supply_scaled += scaled
        self._give(asset, account, scaled, collateral)

    def _give(self, asset: str, account: str, scaled: int, collateral: bool) -> None:
        before = self.supplied(asset, account)
        self._written[supply_table(self.name, asset), account] = before + scaled
        if collateral and not before and scaled and self.reserve(asset).ltv:
            self.flag_collateral(account, asset, on=True)

    def burn_claims(self, asset: str, account: str, scaled: int) -> None:
        """Take claim units away; without any left the claim is no collateral."""
        self.reserve(asset).supply_scaled -= scaled
        self._take(asset, account, scaled)

    def _take(self, asset: str, account: str, scaled: int) -> None:
        left = self.supplied(asset, account) - scaled
        assert left >= 0, "units are checked before they are taken"
        self._written[supply_table(self.name, asset), account] = left
        if not left and self.bits.is_collateral(self.flags(account), asset):
            self.flag_collateral(account, asset, on=False)

    def move_claims(self, asset: str, source: str, to: str, scaled: int, *, collateral: bool = True) -> None:
        """Move claim units from one holder to another. To oneself, nothing changes: not even a flag."""
        if source == to:
            return
        self._take(asset, source, scaled)
        self._give(asset, to, scaled, collateral)

    def mint_debt(self, asset: str, account: str, scaled: int) -> None:
        """Give debt units."""
        self.reserve(asset).debt_scaled += scaled
        self._written[debt_table(self.name, asset), account] = self.owed(asset, account) + scaled
        self._flag_debt(account, asset, on=True)

    def burn_debt(self, asset: str, account: str, scaled: int) -> None:
        """Take debt units away."""
        left = self.owed(asset, account) - scaled
        assert left >= 0, "units are checked before they are taken"
        self.reserve(asset).debt_scaled -= scaled
        self._written[debt_table(self.name, asset), account] = left
        if not left:
            self._flag_debt(account, asset, on=False)

    # --- what became of it -------------------------------------------------------------------------------

    def accruals(self) -> list[Event]:
        """Return the `Accrued` events that are not yet written."""
        events, self._accruals = self._accruals, []
        return events

    def changes(self) -> tuple[tuple[Transfer, ...], tuple[Cell, ...]]:
        """Return the transfers and cells since the last time."""
        transfers: list[Transfer] = []
        cells = [Cell(*place, value) for place, value in self._written.items() if self._is_news(place, value)]
        self._told.update(self._written)
        for reserve in self._reserves.values():
            moved, changed = reserve.flush()
            transfers += moved
            cells += changed
        return tuple(transfers), tuple(sorted(cells))

    def _is_news(self, place: tuple[str, str], value: int) -> bool:
        """Say whether a cell differs from what the last event told of it (else from what the view says)."""
        told = self._told.get(place)
        return (self.view.cell(*place, -1) if told is None else told) != value

    def write(self, kind: type[Event], **fields: object) -> Event:
        """Return one event with all that changed since the last."""
        transfers, cells = self.changes()
        return kind(**{"venue": self.name, "transfers": transfers, "cells": cells, **fields})  # type: ignore[arg-type]  # fields differ by kind

    def done(self, kind: type[Event], **fields: object) -> list[Event]:
        """Return all events of a verb: the accruals, then its own."""
        event = self.write(kind, **fields)
        return [*self.accruals(), event]

    def recognise(self, asset: str, account: str, amount: int | None = None) -> Event:
        """Burn a borrower's whole debt in one reserve and book it (or `amount`, if given) as deficit."""
        reserve = self.reserve(asset)
        owed = self.debt(asset, account) if amount is None else amount
        self.burn_debt(asset, account, self.owed(asset, account))
        reserve.deficit += owed
        reserve.update_rates()
        return self.write(
            ShortfallRecognised, account=account, asset=asset, amount=owed, price=self.price(asset)
        )
