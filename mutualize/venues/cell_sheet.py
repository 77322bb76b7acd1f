"""A sheet: working copies of the numbers that one transaction reads and changes.

    get ─▶ put, add ─▶ tell(kind) ─▶ an event with the cells and transfers that came since the last one

Its one rule: what is on the sheet is true for this transaction alone; only its events reach the book.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mutualize.accounts import Transfer
from mutualize.events import Cell, Event
from mutualize.units import plus

if TYPE_CHECKING:
    from mutualize.book import View


class Sheet:
    """What one transaction sees and changes; `tell` makes an event of what was changed so far."""

    def __init__(self, venue: str, view: View, at: int) -> None:
        self.venue, self.view, self.at = venue, view, at
        self.events: list[Event] = []
        self._now: dict[tuple[str, str], int] = {}
        self._read: dict[tuple[str, str], int] = {}
        self._told: dict[tuple[str, str], int] = {}
        self._transfers: list[Transfer] = []

    def initial(self, table: str, key: str) -> int:
        """Return what a number is that was never set."""
        return 0

    def get(self, table: str, key: str) -> int:
        """Return one number of state, as it is now. `table` is without the venue's name."""
        cell = (table, key)
        now = self._now.get(cell)
        if now is None:
            now = self._read.get(cell)
        if now is None:
            read = self.view.cell(f"{self.venue}.{table}", key, self.initial(table, key))
            now = self._read[cell] = read
        return now

    def put(self, table: str, key: str, value: int) -> None:
        """Set one number of state."""
        self._now[table, key] = value

    def add(self, table: str, key: str, change: int) -> int:
        """Change one number of state, and return it. Refuses what is no unsigned machine word."""
        value = plus(self.get(table, key), change)
        self.put(table, key, value)
        return value

    # --- books -------------------------------------------------------------------------------------------

    def post(self, debit: str, credit: str, asset: str, amount: int) -> None:
        """Move an amount from one account of the venue to another; nothing moves where they are the same."""
        if amount and debit != credit:
            self._transfers.append(Transfer(f"{self.venue}:{debit}", f"{self.venue}:{credit}", asset, amount))

    def debits(self, part: str, asset: str) -> int:
        """Return debits minus credits of an account, as it is now."""
        name = f"{self.venue}:{part}"
        own = [t for t in self._posted() if t.asset == asset]
        moved = sum(t.amount for t in own if t.debit == name) - sum(t.amount for t in own if t.credit == name)
        return self.view.debits(name, asset) + moved

    def _posted(self) -> list[Transfer]:
        return [*(t for event in self.events for t in event.transfers), *self._transfers]

    # --- events ------------------------------------------------------------------------------------------

    def tell(self, kind: type[Event], **fields: Any) -> None:
        """Make an event of all that was changed since the last one."""
        transfers, cells = self.changes()
        self.events.append(kind(**{"venue": self.venue, **fields}, transfers=transfers, cells=cells))

    def changes(self) -> tuple[tuple[Transfer, ...], tuple[Cell, ...]]:
        """Return all that was changed since the last event, and begin anew."""
        changed = {key: value for key, value in self._now.items() if value != self._before(*key)}
        cells = sorted(Cell(f"{self.venue}.{table}", key, value) for (table, key), value in changed.items())
        self._told |= changed
        transfers, self._transfers = self._transfers, []
        return tuple(transfers), tuple(cells)

    def _before(self, table: str, key: str) -> int:
        """Return what a number was when it was last told of; what was never set was zero."""
        before = self._told.get((table, key))
        if before is None and not self.initial(table, key):  # else what was read may be that
            before = self._read.get((table, key))
        return self.view.cell(f"{self.venue}.{table}", key) if before is None else before
