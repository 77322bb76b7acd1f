"""An independent auditor: recomputes who has what from transfers, cells and event fields, its own way.

The rule: it shares no code with the book or the venues. Balances are sums per account and asset; wallets
come from what events say was paid; interest and health are computed here again from the cells.
"""

from __future__ import annotations

from mutualize import events as e
from mutualize.book import Book
from mutualize.events import Entry, Event

ONE = 10**27
WAD = 10**18
YEAR = 365 * 24 * 3600
ELSEWHERE = "(elsewhere)"


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


def payments(event: Event) -> list[tuple[str, str, int]]:  # noqa: PLR0911 - one return for each kind
    """Return (who, asset, amount) of all money that an event moved into (+) or out of (−) a wallet."""
    match event:
        case e.Supplied() | e.FundContributed():
            return [(event.account, event.asset, -event.amount)]
        case e.Withdrawn() | e.Borrowed():
            return [(event.account, event.asset, event.amount)]
        case e.Repaid():
            return [(event.payer, event.asset, -event.amount)]
        case e.PositionOpened():
            return [
                (event.account, event.collateral, -event.collateral_amount),
                (event.account, event.debt, event.debt_amount),
            ]
        case e.Liquidated():
            got = 0 if event.claims else event.seized
            return [
                (event.liquidator, event.debt, -event.paid),
                (event.liquidator, event.collateral, got),
            ]
        case e.Staked() | e.FundsReturned():
            return [(event.account, event.asset, -event.assets)]
        case e.Unstaked():
            return [(event.account, event.asset, event.assets)]
        case e.AssetsLost() | e.Slashed():
            return [(ELSEWHERE, event.asset, event.assets)]
    return []


class Auditor:
    """What the entries so far add up to."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.sums: dict[str, dict[str, int]] = {}
        self.cells: dict[str, dict[str, int]] = {}
        self.wallets: dict[str, dict[str, int]] = {}

    def copy(self) -> Auditor:
        """Return the state as it is now, to be compared with later."""
        other = Auditor(self.venue)
        other.sums = {name: dict(held) for name, held in self.sums.items()}
        other.cells = {name: dict(cells) for name, cells in self.cells.items()}
        other.wallets = {name: dict(held) for name, held in self.wallets.items()}
        return other

    def take(self, entry: Entry) -> None:
        """Add one entry up."""
        for transfer in entry.event.transfers:
            for name, sign in ((transfer.debit, 1), (transfer.credit, -1)):
                held = self.sums.setdefault(name, {})
                held[transfer.asset] = held.get(transfer.asset, 0) + sign * transfer.amount
        for cell in entry.event.cells:
            self.cells.setdefault(cell.table, {})[cell.key] = cell.value
        for who, asset, amount in payments(entry.event):
            self.pay(who, asset, amount)

    def pay(self, who: str, asset: str, amount: int) -> None:
        """Change a wallet."""
        purse = self.wallets.setdefault(who, {})
        purse[asset] = purse.get(asset, 0) + amount

    def compare(self, book: Book) -> None:
        """Hold a book's balances and cells against the sums. Raises LawBroken."""
        mine = sorted((n, a, v) for n, held in self.sums.items() for a, v in held.items() if v)
        theirs = list(book.balances())
        if mine != theirs:
            raise LawBroken("auditor", f"balances differ: {set(mine) ^ set(theirs)}")
        tables = {name: dict(book.table(name)) for name in book.tables()}
        if tables != self.cells:
            raise LawBroken("auditor", "cells differ")

    def flows(self) -> None:
        """Cash is what came in less what went out, per asset, over all wallets. Raises LawBroken."""
        cash = self.sums.get(f"{self.venue}:cash", {})
        for asset in sorted({*cash, *(a for purse in self.wallets.values() for a in purse)}):
            outside = sum(purse.get(asset, 0) for purse in self.wallets.values())
            if cash.get(asset, 0) != -outside:
                raise LawBroken("flows", f"cash of {asset} is {cash.get(asset, 0)}, {-outside} came in")

    # --- reads -------------------------------------------------------------------------------------------

    def reserve(self, asset: str) -> dict[str, int]:
        """Return a reserve's cells (empty for an asset that is not lent)."""
        return self.cells.get(f"{self.venue}.{asset}", {})

    def units(self, kind: str, asset: str, owner: str) -> int:
        """Return scaled units; `kind` is supply or debt."""
        return self.cells.get(f"{self.venue}.{asset}.{kind}", {}).get(owner, 0)

    def owed(self, part: str, asset: str) -> int:
        """Return the balance of an account of the credit side: claims, treasury, residue, tier:<name>."""
        return -self.sums.get(f"{self.venue}:{part}", {}).get(asset, 0)

    def price(self, asset: str) -> int:
        """Return the oracle's price."""
        return self.cells.get("oracle", {}).get(asset, 0)

    def indexes(self, asset: str, at: int) -> tuple[int, int]:
        """Return liquidity and borrow index with interest up to `at`."""
        cells = self.reserve(asset)
        supply, debt = cells["liquidity_index"], cells["borrow_index"]
        elapsed = at - cells["last_update"]
        if elapsed and cells.get("liquidity_rate"):
            supply = half_up(ONE + cells["liquidity_rate"] * elapsed // YEAR, supply)
        if elapsed and cells.get("debt_scaled"):
            x = cells.get("borrow_rate", 0) * elapsed // YEAR
            debt = half_up(ONE + x + half_up(x, x // 2 + half_up(x, x // 6)), debt)
        return supply, debt

    def claim(self, asset: str, owner: str, at: int) -> int:
        """Return a claim with interest, rounded down."""
        return self.units("supply", asset, owner) * self.indexes(asset, at)[0] // ONE

    def debt(self, asset: str, owner: str, at: int) -> int:
        """Return a debt with interest, rounded up."""
        return ceil_div(self.units("debt", asset, owner) * self.indexes(asset, at)[1], ONE)

    def position(self, owner: str, at: int, assets: tuple[str, ...]) -> tuple[int, int, int]:
        """Return (collateral, weighted, debt) in money with 8 decimals, from flags, units and prices."""
        flags = self.cells.get(f"{self.venue}.flags", {}).get(owner, 0)
        collateral = weighted = debt = 0
        for number, asset in enumerate(assets):
            cells = self.reserve(asset)
            unit = 10 ** cells.get("decimals", 0)
            if flags & 1 << (2 * number + 1):
                value = self.claim(asset, owner, at) * self.price(asset) // unit
                collateral, weighted = collateral + value, weighted + value * cells["threshold"]
            if self.units("debt", asset, owner):
                debt += ceil_div(self.debt(asset, owner, at) * self.price(asset), unit)
        return collateral, weighted, debt

    def factor(self, owner: str, at: int, assets: tuple[str, ...]) -> int | None:
        """Return the health factor in WAD; None where nothing is owed."""
        _, weighted, debt = self.position(owner, at, assets)
        return None if not debt else (weighted * WAD + debt // 2) // debt // 10_000

    def owners(self) -> list[str]:
        """Return everybody who has, or had, units of anything."""
        names = {
            name
            for table, cells in self.cells.items()
            if table.endswith((".supply", ".debt", ".shares"))
            for name in cells
        }
        return sorted(names)
