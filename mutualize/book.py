"""The book: what is true now. A fold of events; `apply` is its only mutator.

It knows balances (moved by transfers) and cells (assigned by events), no venue and no rule. A read never
writes. A `Draft` lies over a book and takes the events of one transaction while it is being decided.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol as Face

from mutualize.accounts import is_debit_normal
from mutualize.events import Entry, Event

EMPTY: Mapping[str, int] = {}


class View(Face):
    """What deciding may see: balances and cells."""

    def debits(self, account: str, asset: str) -> int:
        """Return debits minus credits of an account, in base units of the asset."""

    def cell(self, table: str, key: str, default: int = 0) -> int:
        """Return one integer of state."""

    def has(self, table: str, key: str) -> bool:
        """Say whether a cell was ever assigned."""

    def table(self, name: str) -> Mapping[str, int]:
        """Return all cells of a table (to be read at once, and only read)."""


def balance(view: View, account: str, asset: str) -> int:
    """Return an account's balance in its natural direction (non-negative in every sound book)."""
    debits = view.debits(account, asset)
    return debits if is_debit_normal(account) else -debits


class Book:
    """Balances and cells, folded from events."""

    __slots__ = ("_balances", "_tables", "latest", "seq")

    def __init__(self) -> None:
        self._balances: dict[tuple[str, str], int] = {}
        self._tables: dict[str, dict[str, int]] = {}
        self.seq = 0
        """How many entries were applied, which is the seq of the next one."""
        self.latest: Sequence[Entry] = ()
        """What was applied last: a transaction, or one entry of it."""

    def __repr__(self) -> str:
        """Say how far the book has come and how much is in it."""
        return f"<Book after {self.seq} entries: {len(self._balances)} balances, {len(self._tables)} tables>"

    def debits(self, account: str, asset: str) -> int:
        """Return debits minus credits of an account, in base units of the asset."""
        return self._balances.get((account, asset), 0)

    def balance(self, account: str, asset: str) -> int:
        """Return an account's balance in its natural direction."""
        return balance(self, account, asset)

    def cell(self, table: str, key: str, default: int = 0) -> int:
        """Return one integer of state."""
        return self._tables.get(table, EMPTY).get(key, default)

    def has(self, table: str, key: str) -> bool:
        """Say whether a cell was ever assigned."""
        return key in self._tables.get(table, EMPTY)

    def table(self, name: str) -> Mapping[str, int]:
        """Return all cells of a table (to be read only)."""
        return self._tables.get(name, EMPTY)

    def tables(self) -> Iterator[str]:
        """Return the names of all tables, sorted."""
        return iter(sorted(self._tables))

    def balances(self) -> Iterator[tuple[str, str, int]]:
        """Return (account, asset, debits minus credits) of all that is not zero, sorted."""
        for (account, asset), value in sorted(self._balances.items()):
            if value:
                yield account, asset, value

    def apply(self, *entries: Entry) -> None:
        """Take entries in. Total: it assigns and adds, computes nothing and refuses nothing."""
        for entry in entries:
            if entry.seq != self.seq:
                raise ValueError(f"entry {entry.seq} does not follow entry {self.seq - 1}")
            self.seq += 1
            event = entry.event
            _post(self._balances, self._tables, event.transfers, event.cells)
        self.latest = entries

    def apply_together(
        self,
        count: int,
        moved: Sequence[tuple[str, str, str, int]],
        tables: Mapping[str, Mapping[str, int]],
    ) -> None:
        """Take in so many entries by what they come to: transfers of the same sums, and the last cells.

        The book is the same as after `apply` of each, but for `latest`: no entry is at hand.
        """
        self.seq += count
        _post(self._balances, self._tables, moved, ())
        for name, cells in tables.items():
            self._tables.setdefault(name, {}).update(cells)
        self.latest = ()

    def digest(self) -> str:
        """Return SHA-256 over the sorted `account,asset,balance` lines: what the transfers alone give."""
        lines = "".join(f"{account},{asset},{value}\n" for account, asset, value in self.balances())
        return hashlib.sha256(lines.encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Book):
            return NotImplemented
        return (
            self.seq == other.seq
            and list(self.balances()) == list(other.balances())
            and self._tables == other._tables
        )

    __hash__ = None  # type: ignore[assignment]  # a book changes, so it is no key


def _post(
    balances: dict[tuple[str, str], int],
    tables: dict[str, dict[str, int]],
    transfers: Iterable[tuple[str, str, str, int]],
    cells_set: Iterable[tuple[str, str, int]],
) -> None:
    """Post transfers and assign cells. Nothing else changes a balance."""
    for debit, credit, asset, amount in transfers:
        balances[debit, asset] = balances.get((debit, asset), 0) + amount
        balances[credit, asset] = balances.get((credit, asset), 0) - amount
    for table, key, value in cells_set:
        cells = tables.get(table)
        if cells is None:
            cells = tables[table] = {}
        cells[key] = value


class Draft:
    """A book with the events of one undecided transaction on top. The book below stays untouched.

    Events are posted when somebody first reads what they may have changed: most transactions end before.
    """

    __slots__ = ("_balances", "_posted", "_tables", "below", "events")

    def __init__(self, below: Book) -> None:
        self.below = below
        self.events: list[Event] = []
        self._posted = 0
        self._balances: dict[tuple[str, str], int] = {}
        self._tables: dict[str, dict[str, int]] = {}

    def debits(self, account: str, asset: str) -> int:
        """Return debits minus credits of an account, in base units of the asset."""
        self._post()
        return self.below.debits(account, asset) + self._balances.get((account, asset), 0)

    def balance(self, account: str, asset: str) -> int:
        """Return an account's balance in its natural direction."""
        return balance(self, account, asset)

    def cell(self, table: str, key: str, default: int = 0) -> int:
        """Return one integer of state."""
        self._post()
        cells = self._tables.get(table, EMPTY)
        return cells[key] if key in cells else self.below.cell(table, key, default)

    def has(self, table: str, key: str) -> bool:
        """Say whether a cell was ever assigned."""
        self._post()
        return key in self._tables.get(table, EMPTY) or self.below.has(table, key)

    def table(self, name: str) -> Mapping[str, int]:
        """Return all cells of a table. What this transaction assigned makes it a copy: for small tables."""
        self._post()
        below, changed = self.below.table(name), self._tables.get(name)
        return {**below, **changed} if changed else below

    def add(self, event: Event) -> None:
        """Take one event in."""
        self.events.append(event)

    def _post(self) -> None:
        while self._posted < len(self.events):
            event = self.events[self._posted]
            _post(self._balances, self._tables, event.transfers, event.cells)
            self._posted += 1


def replay(entries: Iterable[Entry]) -> Book:
    """Fold entries into a book: `replay(ledger) == book`, at every instant."""
    book = Book()
    for entry in entries:
        book.apply(entry)
    return book
