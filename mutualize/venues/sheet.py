"""Working copies of one transaction: what verbs change, and how it becomes events.

    figures    an asset's numbers in its table; what its accounts hold follows from them
    numbers    what single holders have: cells by table and key

Its one rule: whoever changes a figure posts no transfer. `flush` compares what the accounts held with what
they hold by the figures now, and what that leaves open is the residue's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

import attrs

from mutualize.accounts import Transfer, tier_account, transfers_between
from mutualize.commands import Command
from mutualize.errors import Reason, require
from mutualize.events import Accrued, Cell, Event
from mutualize.tables import ORACLE, flags_table
from mutualize.units import UINT256_MAX, capped
from mutualize.venues.reserve import Flushed, Names, names_of
from mutualize.venues.rules import Flags

if TYPE_CHECKING:
    from mutualize.book import View

_WORDS: Final = ("amount", "tokens", "least", "debt_to_cover", "collateral_amount", "debt_amount")
"""Fields of commands that are unsigned machine words."""

Bounds = Mapping[str, tuple[int, int, int]]
"""Parameters by name: (default, least, most)."""


@attrs.define(kw_only=True)
class Figures(ABC):
    """A working copy of what a venue's table says of one asset. Amounts in base units."""

    venue: str
    asset: str
    names: Names
    decimals: int
    virtual: int
    """Cash of the asset that no tier holds."""
    _tiers: dict[str, int] = attrs.field(factory=dict)
    _cells: Mapping[str, int] = attrs.field(factory=dict)
    """The cells as they were last read or told."""
    _held: Sequence[tuple[str, int]] = ()
    """What the accounts held then, debits above zero."""

    @classmethod
    def load(cls, view: View, venue: str, asset: str) -> Self:
        """Read the figures of an asset. Refuses one that is not listed."""
        cells = view.table(names_of(venue, asset).reserve)
        require("decimals" in cells, Reason.RESERVE_IS_UNKNOWN)
        figures = cls.of(venue, asset, cls.numbers_of(cells))
        figures.told(figures.cells())
        return figures

    @classmethod
    def of(cls, venue: str, asset: str, numbers: Mapping[str, Any]) -> Self:
        """Return figures with these numbers, and 0 for those that are not given."""
        own = {"venue": venue, "asset": asset, "names": names_of(venue, asset)}
        zeros = {each.name: 0 for each in attrs.fields(cls) if each.default is attrs.NOTHING}
        return cls(**{**zeros, **own, **numbers})

    @classmethod
    @abstractmethod
    def numbers_of(cls, cells: Mapping[str, int]) -> dict[str, int]:
        """Return the fields that the cells of a table stand for."""

    @abstractmethod
    def cells(self) -> dict[str, int]:
        """Return all cells of the table as the figures are now."""

    @abstractmethod
    def accounts(self) -> list[tuple[str, int]]:
        """Return what the accounts hold by the figures, debits above zero, without what tiers hold."""

    def told(self, cells: Mapping[str, int]) -> None:
        """Take it that the books hold what the figures say, and the table these cells."""
        self._cells, self._held, self._tiers = cells, self.accounts(), {}

    def receive(self, amount: int) -> None:
        """Take money in (`doTransferIn`): nobody has as much as a machine word can say."""
        require(amount < UINT256_MAX, Reason.AMOUNT_IS_TOO_LARGE)
        self.virtual = capped(self.virtual + amount)

    def pay_out(self, amount: int) -> None:
        """Pay money out (`doTransferOut`). Refuses what is not there."""
        require(amount <= self.virtual, Reason.LIQUIDITY_IS_INSUFFICIENT)
        self.virtual -= amount

    def move_to_tier(self, tier: str, amount: int) -> None:
        """Set money aside for a tier; a negative amount takes it back."""
        self.virtual -= amount
        self._tiers[tier] = self._tiers.get(tier, 0) + amount

    def flush(self) -> Flushed:
        """Return the transfers and cells since the last flush (or load), and start anew."""
        now, before, table = self.cells(), self._cells, self.names.reserve
        if now == before and not self._tiers:
            return (), []
        tiers = sorted(self._tiers.items())
        held = dict(self._held)
        changes = [(name, after - held[name]) for name, after in self.accounts()]
        changes[0] = (changes[0][0], changes[0][1] + sum(amount for _, amount in tiers))  # cash comes first
        changes += [(tier_account(self.venue, tier), -amount) for tier, amount in tiers]
        moved = transfers_between([change for change in changes if change[1]], self.names.residue, self.asset)
        self.told(now)
        return moved, [Cell(table, key, value) for key, value in now.items() if value != before.get(key)]


def require_sound(command: Command, assets: Sequence[str]) -> None:
    """Refuse what no machine word can say, and assets that a venue does not know."""
    words = [getattr(command, field, 0) for field in _WORDS]
    require(min(words) >= 0 and max(words) <= UINT256_MAX, Reason.AMOUNT_IS_TOO_LARGE)
    named = [getattr(command, field, "") for field in ("asset", "collateral", "debt")]
    require(all(asset in assets for asset in named if asset), Reason.RESERVE_IS_UNKNOWN)


def parameters_of(bounds: Bounds, given: Mapping[str, int]) -> dict[str, int]:
    """Return all parameters of an asset that is listed; those not given have their default."""
    require(not set(given).difference(bounds), Reason.PARAMETER_IS_INVALID)
    values = {name: given.get(name, default) for name, (default, _, _) in bounds.items()}
    for name, value in values.items():
        require(bounds[name][1] <= value <= bounds[name][2], Reason.PARAMETER_IS_INVALID)
    return values


F = TypeVar("F", bound=Figures)


class Sheet(ABC, Generic[F]):
    """What one transaction sees and changes; `write` makes an event of all that changed since the last."""

    def __init__(self, name: str, bits: Flags, view: View, at: int) -> None:
        self.name, self.bits, self.view, self.at = name, bits, view, at
        self._figures: dict[str, F] = {}
        self._accruals: list[Event] = []
        self._now: dict[tuple[str, str], int] = {}
        self._before: dict[tuple[str, str], int] = {}
        self._flags = flags_table(name)

    @abstractmethod
    def load(self, asset: str) -> F:
        """Read the figures of an asset."""

    def figures(self, asset: str) -> F:
        """Return the working copy of an asset's figures."""
        found = self._figures.get(asset)
        if found is None:
            found = self._figures[asset] = self.load(asset)
        return found

    def told_price(self, asset: str) -> int:
        """Return the price that the oracle told. Refuses where there is none, or one of 0."""
        price = self.view.cell(ORACLE, asset)
        require(price > 0, Reason.PRICE_IS_MISSING)
        return price

    # --- holders -----------------------------------------------------------------------------------------

    def get(self, table: str, key: str) -> int:
        """Return a number of a holder."""
        now = self._now.get((table, key))
        return self.view.cell(table, key) if now is None else now

    def put(self, table: str, key: str, value: int) -> None:
        """Set a number of a holder."""
        place = (table, key)
        if place not in self._before:
            self._before[place] = self.get(table, key)
        self._now[place] = value

    def flags(self, account: str) -> int:
        """Return which assets a holder uses."""
        return self.get(self._flags, account)

    def flag_collateral(self, account: str, asset: str, *, on: bool) -> None:
        """Mark an asset as collateral of a holder, or not."""
        self.put(self._flags, account, self.bits.with_collateral(self.flags(account), asset, on))

    def flag_debt(self, account: str, asset: str, *, on: bool) -> None:
        """Mark an asset as owed by a holder, or not."""
        self.put(self._flags, account, self.bits.with_debt(self.flags(account), asset, on))

    # --- what became of it -------------------------------------------------------------------------------

    def accrued(self, asset: str) -> None:
        """Make an event of the interest that was just reckoned, to go before all others."""
        transfers, cells = self.figures(asset).flush()
        self._accruals.append(
            Accrued(venue=self.name, asset=asset, transfers=transfers, cells=tuple(sorted(cells)))
        )

    def accruals(self) -> list[Event]:
        """Return the `Accrued` events that are not yet written."""
        events, self._accruals = self._accruals, []
        return events

    def changes(self) -> Flushed:
        """Return the transfers and cells since the last time."""
        now = self._now
        cells = [Cell(*place, now[place]) for place, was in self._before.items() if now[place] != was]
        self._before.clear()
        transfers: list[Transfer] = []
        for asset in sorted(self._figures):
            moved, changed = self._figures[asset].flush()
            transfers += moved
            cells += changed
        return tuple(transfers), sorted(cells)

    def write(self, kind: type[Event], **fields: Any) -> Event:
        """Return one event with all that changed since the last."""
        transfers, cells = self.changes()
        return kind(**{"venue": self.name, "transfers": transfers, "cells": tuple(cells), **fields})

    def done(self, kind: type[Event], **fields: Any) -> list[Event]:
        """Return all events of a verb: the accruals, then its own."""
        event = self.write(kind, **fields)
        return [*self.accruals(), event]
