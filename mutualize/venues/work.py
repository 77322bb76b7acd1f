"""The working copies of one transaction in a pool: reserves, units and flags, changed freely, then written.

Verbs change a `Work`; `done` turns it into events: one `Accrued` for each reserve that time had passed for,
then the verb's own event with all that it changed. Nothing reaches the book before that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mutualize.accounts import Transfer
from mutualize.book import Book, Draft
from mutualize.errors import Reason, require
from mutualize.events import Accrued, Cell, Event, ShortfallRecognised
from mutualize.tables import ORACLE, flags_table
from mutualize.units import WAD, mul_div_down, mul_div_up, ray_mul_down, ray_mul_up
from mutualize.venues.reserve import Reserve, names_of
from mutualize.venues.rules import Flags, Health, PoolRules

if TYPE_CHECKING:
    from mutualize.book import View


class Work:
    """What one transaction sees and changes. With `accruing`, loading a reserve brings it up to `at`.

    Cells are read once and kept, as they are now (`_cells`) and as the last event told of them (`_before`).
    """

    def __init__(
        self, name: str, bits: Flags, rules: PoolRules, view: View, at: int, *, accruing: bool = True
    ) -> None:
        self.name, self.bits, self.rules, self.view, self.at = name, bits, rules, view, at
        self.made: list[tuple[Cell, ...]] = []
        """The cells of each event that this transaction told of."""
        self._accruing = accruing
        self._flag_table = flags_table(name)
        self._reserves: dict[str, Reserve] = {}
        self._rested: dict[str, Reserve] = {}
        self._seen: dict[str, Reserve] = {}
        self._prices: dict[str, int] = {}
        self._accruals: list[Event] = []
        self._cells: dict[tuple[str, str], int] = {}
        self._before: dict[tuple[str, str], int] = {}
        self._seq = -1
        self._is_told = False
        """Whether all that these copies hold stands in the book as of `_seq`."""

    # --- from one transaction to the next ----------------------------------------------------------------

    def follows(self, view: Draft) -> bool:
        """Say whether these copies are what a view holds, because nothing was written but what they told.

        Between transactions that is the book's last one; within one, what the draft holds of it so far.
        """
        book = view.below
        if self.view is not book or self._accruals or self._before:
            return False
        if self._is_told:
            return book.seq == self._seq and not view.events
        if view.events:
            return book.seq == self._seq and self._made_all(view.events)
        written = [entry.event for entry in book.latest]
        return book.seq == self._seq + len(written) and self._made_all(written)

    def _made_all(self, events: Sequence[Event]) -> bool:
        """Say whether all cells of the events are those that were made here, but for a stake's own."""
        count, made, stakes = 0, self.made, f"{self.name}.stake."
        for event in events:
            cells = event.cells
            if not cells:
                continue
            if count < len(made) and cells is made[count]:
                count += 1
            elif not all(table.startswith(stakes) for table, _, _ in cells):
                return False
        return 0 < count == len(made)

    def begin(self, at: int) -> None:
        """Begin a transaction over the book."""
        assert isinstance(self.view, Book)
        self._seq = self.view.seq
        self._is_told = False
        self.made = []
        self._seen.clear()
        self._cells.clear()
        if at != self.at:
            self.at = at
            self._rested.update(self._reserves)
            self._reserves.clear()

    def told(self, seq: int) -> None:
        """Take it that the book holds all that these copies hold when entry `seq` is the next one."""
        self._seq, self._is_told = seq, True

    # --- reads -------------------------------------------------------------------------------------------

    def reserve(self, asset: str) -> Reserve:
        """Return the working copy of a reserve, with interest up to now where this work accrues."""
        reserve = self._reserves.get(asset)
        if reserve is None:
            reserve = self._rested.pop(asset, None) or Reserve.load(self.view, self.name, asset)
            self._reserves[asset] = reserve
            if self._accruing and reserve.accrue(self.at):
                transfers, cells = reserve.flush()
                cells.sort()
                made = tuple(cells)
                self.made.append(made)
                self._accruals.append(Accrued(venue=self.name, asset=asset, transfers=transfers, cells=made))
        return reserve

    def assume(self, table: str, key: str, value: int) -> None:
        """Take a cell for what it is, since somebody else told of it in this transaction."""
        self._cells[table, key] = value

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
        place = (table, key)
        value = self._cells.get(place)
        if value is None:
            value = self._cells[place] = self.view.cell(table, key)
        return value

    def _set(self, table: str, key: str, value: int) -> None:
        place = (table, key)
        if place not in self._before:
            self._before[place] = self._cell(table, key)
        self._cells[place] = value

    def supplied(self, asset: str, account: str) -> int:
        """Return a holder's scaled claim units."""
        place = (names_of(self.name, asset).supply, account)
        value = self._cells.get(place)
        return self._cell(*place) if value is None else value

    def owed(self, asset: str, account: str) -> int:
        """Return a borrower's scaled debt units."""
        place = (names_of(self.name, asset).debt, account)
        value = self._cells.get(place)
        return self._cell(*place) if value is None else value

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
        at, collateral, debt, weighted, borrowable = self.at, 0, 0, 0, 0
        for asset, holds, owes in self.bits.used(self.flags(account)):
            reserve = self._reserves.get(asset) or self._as_written(asset)
            price = self.price(asset)
            if holds and reserve.threshold:  # without one it is no collateral, as the contract reads it
                held = ray_mul_down(self.supplied(asset, account), reserve.income_index(at))
                value = mul_div_down(held, price, reserve.unit)
                collateral += value
                weighted += value * reserve.threshold
                borrowable += value * reserve.ltv
            if owes:
                owed = ray_mul_up(self.owed(asset, account), reserve.debt_index(at))
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
        self._set(self._flag_table, account, flags)

    def _flag_debt(self, account: str, asset: str, on: bool) -> None:
        self._set(self._flag_table, account, self.bits.with_debt(self.flags(account), asset, on))

    def set_parameter(self, asset: str, name: str, value: int) -> None:
        """Set a parameter of a reserve."""
        setattr(self.reserve(asset), name, value)
        self._set(names_of(self.name, asset).reserve, name, value)

    def set_cell(self, table: str, key: str, value: int) -> None:
        """Set a cell of a venue that stands on top of this pool."""
        self._set(table, key, value)

    def mint_claims(self, asset: str, account: str, scaled: int, *, collateral: bool = True) -> None:
        """Give claim units. A first claim becomes collateral where the asset may be borrowed against."""
        self.reserve(asset).supply_scaled += scaled
        self._give(asset, account, scaled, collateral)

    def _give(self, asset: str, account: str, scaled: int, collateral: bool) -> None:
        before = self.supplied(asset, account)
        self._set(names_of(self.name, asset).supply, account, before + scaled)
        if collateral and not before and scaled and self.reserve(asset).ltv:
            self.flag_collateral(account, asset, on=True)

    def burn_claims(self, asset: str, account: str, scaled: int) -> None:
        """Take claim units away; without any left the claim is no collateral."""
        self.reserve(asset).supply_scaled -= scaled
        self._take(asset, account, scaled)

    def _take(self, asset: str, account: str, scaled: int) -> None:
        left = self.supplied(asset, account) - scaled
        assert left >= 0, "units are checked before they are taken"
        self._set(names_of(self.name, asset).supply, account, left)
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
        self._set(names_of(self.name, asset).debt, account, self.owed(asset, account) + scaled)
        self._flag_debt(account, asset, on=True)

    def burn_debt(self, asset: str, account: str, scaled: int) -> None:
        """Take debt units away."""
        left = self.owed(asset, account) - scaled
        assert left >= 0, "units are checked before they are taken"
        self.reserve(asset).debt_scaled -= scaled
        self._set(names_of(self.name, asset).debt, account, left)
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
        now = self._cells
        cells = [Cell(*place, now[place]) for place, was in self._before.items() if now[place] != was]
        self._before.clear()
        for asset in sorted(self._reserves):  # whatever an earlier transaction looked at first
            moved, changed = self._reserves[asset].flush()
            transfers += moved
            cells += changed
        cells.sort()
        made = tuple(cells)
        if made:
            self.made.append(made)
        return tuple(transfers), made

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
