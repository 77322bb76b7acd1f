"""An independent auditor: recomputes who has what from transfers, cells and event fields, its own way.

The rule: it shares no code with the book or the venues. Balances are sums per account and asset; wallets
come from what events say was paid; interest and health are computed here again from the cells. What is
written once is never changed in place, so that a copy costs nothing and shares all that did not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from mutualize import events as e
from mutualize.book import Book
from mutualize.events import Entry, Event

ONE: Final = 10**27
WAD: Final = 10**18
BPS: Final = 10**4
YEAR: Final = 365 * 24 * 3600
ELSEWHERE: Final = "(elsewhere)"
NOTHING: Final[Mapping[str, int]] = {}


class LawBroken(AssertionError):
    """A named law does not hold."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name


def ceil_div(a: int, b: int) -> int:
    """Return ⌈a/b⌉."""
    return (a + b - 1) // b


def half_up(a: int, b: int) -> int:
    """Return a·b in rays, halves up."""
    return (2 * a * b + ONE) // (2 * ONE)


# --- what an event says was paid: (who, asset, amount into (+) or out of (−) his wallet) -------------------

Payments = list[tuple[str, str, int]]


def _opened(ev: e.PositionOpened) -> Payments:
    return [
        (ev.account, ev.collateral, -ev.collateral_amount),
        (ev.account, ev.debt, ev.debt_amount),
    ]


def _liquidated(ev: e.Liquidated) -> Payments:
    got = 0 if ev.claims else ev.seized
    return [(ev.liquidator, ev.debt, -ev.paid), (ev.liquidator, ev.collateral, got)]


PAYMENTS: Final[Mapping[type[Event], Callable[[Any], Payments]]] = {
    e.Supplied: lambda ev: [(ev.account, ev.asset, -ev.amount)],
    e.FundContributed: lambda ev: [(ev.account, ev.asset, -ev.amount)],
    e.Withdrawn: lambda ev: [(ev.account, ev.asset, ev.amount)],
    e.Borrowed: lambda ev: [(ev.account, ev.asset, ev.amount)],
    e.Repaid: lambda ev: [(ev.payer, ev.asset, -ev.amount)],
    e.PositionOpened: _opened,
    e.Liquidated: _liquidated,
    e.Staked: lambda ev: [(ev.account, ev.asset, -ev.assets)],
    e.FundsReturned: lambda ev: [(ev.account, ev.asset, -ev.assets)],
    e.Unstaked: lambda ev: [(ev.account, ev.asset, ev.assets)],
    e.AssetsLost: lambda ev: [(ELSEWHERE, ev.asset, ev.assets)],
    e.Slashed: lambda ev: [(ELSEWHERE, ev.asset, ev.assets)],
}


class Made(dict[str, str]):
    """Names that are made once, from what they are of."""

    def __init__(self, before: str, after: str) -> None:
        super().__init__()
        self._before, self._after = before, after

    def __missing__(self, of: str) -> str:
        return self.setdefault(of, f"{self._before}{of}{self._after}")


class Tables:
    """Names of tables."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self.reserve, self.flags = Made(f"{venue}.", ""), f"{venue}.flags"
        self.units = {"supply": Made(f"{venue}.", ".supply"), "debt": Made(f"{venue}.", ".debt")}
        self.account = Made(f"{venue}:", "")
        self._kinds: dict[str, tuple[str, str]] = {}

    def kind(self, table: str) -> tuple[str, str]:
        """Return (kind, what it is of): ('supply', 'ETH'), ('shares', 'stakers'), ('flags', '') …"""
        found = self._kinds.get(table)
        if found is None:
            found = self._kinds[table] = self._classify(table)
        return found

    def _classify(self, table: str) -> tuple[str, str]:
        parts = table.split(".")
        if table == "oracle":
            return "oracle", ""
        if parts[0] != self._venue:
            return "unknown", table
        if parts[1] in ("flags", "umbrella"):
            return parts[1], ""
        if parts[1] == "stake":
            return (parts[3] if len(parts) > 3 else "stake"), parts[2]
        return (parts[2] if len(parts) > 2 else "reserve"), parts[1]


class Auditor:
    """What the entries so far add up to."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.names = Tables(venue)
        self.sums: dict[str, Mapping[str, int]] = {}
        self.cells: dict[str, Mapping[str, int]] = {}
        self.wallets: dict[str, Mapping[str, int]] = {}
        self._indexes: dict[str, tuple[Mapping[str, int], int, tuple[int, int]]] = {}

    def copy(self) -> Auditor:
        """Return the state as it is now, to be compared with later. What did not change is shared."""
        other = object.__new__(Auditor)
        other.venue, other.names = self.venue, self.names
        other.sums, other.cells = dict(self.sums), dict(self.cells)
        other.wallets, other._indexes = dict(self.wallets), dict(self._indexes)
        return other

    def take(self, entry: Entry) -> None:
        """Add one entry up."""
        event = entry.event
        for debit, credit, asset, amount in event.transfers:
            self._add(self.sums, debit, asset, amount)
            self._add(self.sums, credit, asset, -amount)
        tables: dict[str, dict[str, int]] = {}
        for table, key, value in event.cells:
            new = tables.get(table)
            if new is None:
                new = tables[table] = dict(self.cells.get(table, NOTHING))
            new[key] = value
        self.cells.update(tables)
        paid = PAYMENTS.get(type(event))
        if paid is not None:
            for who, asset, amount in paid(event):
                self.pay(who, asset, amount)

    @staticmethod
    def _add(sums: dict[str, Mapping[str, int]], name: str, asset: str, amount: int) -> None:
        held = sums.get(name, NOTHING)
        sums[name] = {**held, asset: held.get(asset, 0) + amount}

    def pay(self, who: str, asset: str, amount: int) -> None:
        """Change a wallet."""
        self._add(self.wallets, who, asset, amount)

    def changed_tables(self, before: Auditor) -> list[str]:
        """Return which tables of cells were written since a copy."""
        old = before.cells
        return [name for name, cells in self.cells.items() if old.get(name) is not cells]

    def changed_sums(self, before: Auditor) -> Iterator[tuple[str, str, int]]:
        """Return (account, asset, by how much its debits rose) for all that moved since a copy."""
        old = before.sums
        for name, held in self.sums.items():
            had = old.get(name, NOTHING)
            if had is not held:
                for asset, value in held.items():
                    moved = value - had.get(asset, 0)
                    if moved:
                        yield name, asset, moved

    def compare(self, book: Book) -> None:
        """Hold all of a book's balances and cells against the sums. Raises LawBroken."""
        mine = sorted((n, a, v) for n, held in self.sums.items() for a, v in held.items() if v)
        theirs = list(book.balances())
        if mine != theirs:
            raise LawBroken("auditor", f"balances differ: {set(mine) ^ set(theirs)}")
        tables = {name: dict(book.table(name)) for name in book.tables()}
        if tables != self.cells:
            raise LawBroken("auditor", "cells differ")

    def compare_changes(self, book: Book, before: Auditor) -> None:
        """Hold what changed since a copy against a book. Raises LawBroken."""
        for name, asset, _ in self.changed_sums(before):
            if book.debits(name, asset) != self.sums[name][asset]:
                raise LawBroken("auditor", f"balances differ: {name} of {asset}")
        for table in self.changed_tables(before):
            if book.table(table) != self.cells[table]:
                raise LawBroken("auditor", f"cells differ: {table}")

    def flows(self, assets: Iterator[str] | None = None) -> None:
        """Cash is what came in less what went out, per asset, over all wallets. Raises LawBroken."""
        cash = self.sums.get(f"{self.venue}:cash", NOTHING)
        if assets is None:
            assets = iter(sorted({*cash, *(a for purse in self.wallets.values() for a in purse)}))
        for asset in assets:
            outside = sum(purse.get(asset, 0) for purse in self.wallets.values())
            if cash.get(asset, 0) != -outside:
                raise LawBroken("flows", f"cash of {asset} is {cash.get(asset, 0)}, {-outside} came in")

    # --- reads -------------------------------------------------------------------------------------------

    def reserve(self, asset: str) -> Mapping[str, int]:
        """Return a reserve's cells (empty for an asset that is not lent)."""
        return self.cells.get(self.names.reserve[asset], NOTHING)

    def units(self, kind: str, asset: str, owner: str) -> int:
        """Return scaled units; `kind` is supply or debt."""
        return self.cells.get(self.names.units[kind][asset], NOTHING).get(owner, 0)

    def flags(self, owner: str) -> int:
        """Return which reserves a holder uses."""
        return self.cells.get(self.names.flags, NOTHING).get(owner, 0)

    def stake(self, part: str = "") -> Mapping[str, int]:
        """Return the stake's totals, or one of its tables."""
        return self.cells.get(f"{self.venue}.stake.stakers{part}", NOTHING)

    def owed(self, part: str, asset: str) -> int:
        """Return the balance of an account of the credit side: claims, treasury, residue, tier:<name>."""
        return -self.sums.get(self.names.account[part], NOTHING).get(asset, 0)

    def price(self, asset: str) -> int:
        """Return the oracle's price."""
        return self.cells.get("oracle", NOTHING).get(asset, 0)

    def indexes(self, asset: str, at: int) -> tuple[int, int]:
        """Return liquidity and borrow index with interest up to `at`."""
        cells = self.reserve(asset)
        known = self._indexes.get(asset)
        if known is not None and known[0] is cells and known[1] == at:
            return known[2]
        supply, debt = cells["liquidity_index"], cells["borrow_index"]
        elapsed = at - cells["last_update"]
        if elapsed and cells.get("liquidity_rate"):
            supply = half_up(ONE + cells["liquidity_rate"] * elapsed // YEAR, supply)
        if elapsed and cells.get("debt_scaled"):
            x = cells.get("borrow_rate", 0) * elapsed // YEAR
            debt = half_up(ONE + x + half_up(x, x // 2 + half_up(x, x // 6)), debt)
        self._indexes[asset] = cells, at, (supply, debt)
        return supply, debt

    def claim(self, asset: str, owner: str, at: int) -> int:
        """Return a claim with interest, rounded down."""
        return self.units("supply", asset, owner) * self.indexes(asset, at)[0] // ONE

    def debt(self, asset: str, owner: str, at: int) -> int:
        """Return a debt with interest, rounded up."""
        return ceil_div(self.units("debt", asset, owner) * self.indexes(asset, at)[1], ONE)

    def position(self, owner: str, at: int, assets: tuple[str, ...]) -> tuple[int, int, int]:
        """Return (collateral, weighted, debt) in money with 8 decimals, from flags, units and prices.

        What has no liquidation threshold is no collateral.
        """
        flags = self.flags(owner)
        collateral = weighted = debt = 0
        for number, asset in enumerate(assets):
            owes = self.units("debt", asset, owner)
            if not owes and not flags >> 2 * number & 2:
                continue
            cells = self.reserve(asset)
            unit = 10 ** cells.get("decimals", 0)
            if flags >> 2 * number & 2 and cells["threshold"]:
                value = self.claim(asset, owner, at) * self.price(asset) // unit
                collateral, weighted = collateral + value, weighted + value * cells["threshold"]
            if owes:
                debt += ceil_div(self.debt(asset, owner, at) * self.price(asset), unit)
        return collateral, weighted, debt

    def factor(self, owner: str, at: int, assets: tuple[str, ...]) -> int | None:
        """Return the health factor in WAD; None where nothing is owed."""
        _, weighted, debt = self.position(owner, at, assets)
        return None if not debt else (weighted * WAD + debt // 2) // debt // BPS

    def owners(self) -> list[str]:
        """Return everybody who has, or had, units of anything."""
        names = {
            name
            for table, cells in self.cells.items()
            if self.names.kind(table)[0] in ("supply", "debt", "shares")
            for name in cells
        }
        return sorted(names)
