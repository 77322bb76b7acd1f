"""Losses that somebody owes, or that wait: what stands between two transactions of a waterfall.

    <venue>.open                 'last' → the number of the last one
    <venue>.open.<asset>         '<number>/<debtor>' → base units that are open (0: settled)
    <venue>.open.<asset>.state   '<number>' → HELD or OWED; `.index` its tier's place; `.due` a moment

They are settled in the order of their numbers: who was made to owe first pays first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mutualize.events import Cell

if TYPE_CHECKING:
    from mutualize.book import View
    from mutualize.payers import Loss

HELD: Final = 1
OWED: Final = 2


class Open(NamedTuple):
    """One open loss: `amount` base units at the tier with this place in its table, since or until `due`."""

    number: int
    debtor: str
    amount: int
    state: int
    tier: int
    due: int


class OpenLosses:
    """The open losses of one venue."""

    def __init__(self, venue: str) -> None:
        self._table = f"{venue}.open"

    def _of(self, asset: str) -> str:
        return f"{self._table}.{asset}"

    def next_number(self, view: View) -> int:
        """Return the number of the next one; they count from 1."""
        return view.cell(self._table, "last") + 1

    def begin(
        self, number: int, state: int, loss: Loss, index: int, amount: int, due: int
    ) -> tuple[Cell, ...]:
        """Return the cells of a new one."""
        table, key = self._of(loss.asset), str(number)
        return (
            Cell(self._table, "last", number),
            Cell(table, f"{number}/{loss.debtor}", amount),
            Cell(f"{table}.due", key, due),
            Cell(f"{table}.index", key, index),
            Cell(f"{table}.state", key, state),
        )

    def all(self, view: View, asset: str) -> list[Open]:
        """Return those of one asset, the oldest first. There are few: a table of them is read through."""
        table = self._of(asset)
        found = []
        for key, amount in view.table(table).items():
            if amount:
                number, _, debtor = key.partition("/")
                state, index, due = (
                    view.cell(f"{table}.{name}", number) for name in ("state", "index", "due")
                )
                found.append(Open(int(number), debtor, amount, state, index, due))
        return sorted(found)

    def left(self, asset: str, loss: Open, amount: int) -> Cell:
        """Return the cell that says what is left of one."""
        return Cell(self._of(asset), f"{loss.number}/{loss.debtor}", amount)
