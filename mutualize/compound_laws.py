"""The laws of Compound's markets: what their figures and accounts owe to each other. Used by `invariants`.

    v2   loans = borrows      claims = ⌊tokens · rate⌋          treasury = reserves, as far as there is money
    v3   cash + loans + absorbed + deficit = claims + treasury  absorbed = Σ cost      Σ units ≤ totals

Each is a function of a book that returns what is wrong, or None. A market of v2 is known by the block in
which it last accrued, the base asset of v3 by what it absorbed, a collateral by its cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mutualize.book import Book
from mutualize.tables import debt_table
from mutualize.units import RAY, WAD, div_down, mul_div_down, mul_div_up

Law = Callable[[Book], str | None]
Problem = tuple[str, int, int]
"""What, what was found, what it should be."""
V2, BASE, COLLATERAL = "accrual_block", "absorbed", "cost"
MARKS: Final = (V2, BASE, COLLATERAL)


class Cells(dict[str, int]):
    """The cells of a market. A forged ledger may lack some: those are 0."""

    def __missing__(self, key: str) -> int:
        return 0


def is_market(cells: Mapping[str, int]) -> bool:
    """Say whether the cells of a table are those of Compound's: a holder may be called like one of them."""
    return "liquidity_index" in cells and any(mark in cells for mark in MARKS)


def _markets(book: Book, mark: str) -> Iterable[tuple[str, str, Mapping[str, int]]]:
    for table in book.tables():
        cells = book.table(table)
        if mark in cells and is_market(cells):
            venue, _, asset = table.partition(".")
            yield venue, asset, Cells(cells)


def _first(problems: Iterable[Problem]) -> str | None:
    for what, found, expected in problems:
        if found != expected:
            return f"{what}: {found} is not {expected}"
    return None


def books_follow_figures(book: Book) -> str | None:
    """Hold every account of a market against its figures; its cash is lendable, plus tiers."""
    return _first(
        (f"{venue}:{part} of {asset}", book.balance(f"{venue}:{part}", asset), expected)
        for mark, accounts in ((V2, _v2), (BASE, _base), (COLLATERAL, _collateral))
        for venue, asset, cells in _markets(book, mark)
        for part, expected in {**accounts(cells), "cash": _cash(book, venue, asset, cells)}.items()
    )


def _cash(book: Book, venue: str, asset: str, cells: Mapping[str, int]) -> int:
    tier = f"{venue}:tier:"
    held = sum(-debits for name, of, debits in book.balances() if of == asset and name.startswith(tier))
    return cells["virtual"] + held


def _v2(cells: Mapping[str, int]) -> dict[str, int]:
    had = cells["virtual"] + cells["total_borrows"] + cells["deficit"]
    net, tokens = max(0, had - cells["total_reserves"]), cells["supply_scaled"]
    claims = div_down(tokens * div_down(net * WAD, tokens), WAD) if tokens else 0
    treasury = min(cells["total_reserves"], had - claims)
    return {
        "loans": cells["total_borrows"],
        "claims": claims,
        "deficit": cells["deficit"],
        "treasury": treasury,
        "residue": had - claims - treasury,
    }


def _base(cells: Mapping[str, int]) -> dict[str, int]:
    loans = mul_div_down(cells["total_borrow"], cells["borrow_index"], RAY)
    claims = mul_div_down(cells["total_supply"], cells["liquidity_index"], RAY)
    had = cells["virtual"] + loans + cells["absorbed"] + cells["deficit"]
    return {
        "loans": loans,
        "loans:absorbed": cells["absorbed"],
        "claims": claims,
        "deficit": cells["deficit"],
        "treasury": had - claims,
        "residue": 0,
    }


def _collateral(cells: Mapping[str, int]) -> dict[str, int]:
    return {
        "claims": cells["supply_scaled"],
        "treasury": cells["reserves"],
        "residue": cells["virtual"] - cells["supply_scaled"] - cells["reserves"],
    }


def nothing_is_below_zero(book: Book) -> str | None:
    """No figure of a market is below zero, not by a unit; holders have no more units than there are."""
    for mark in MARKS:
        for venue, asset, cells in _markets(book, mark):
            figures = dict(cells)
            figures |= {part: book.balance(f"{venue}:{part}", asset) for part in ("residue", "treasury")}
            if mark == BASE:
                figures["supply drift"] = cells["total_supply"] - cells["supply_scaled"]
                figures["debt drift"] = cells["total_borrow"] - cells["debt_scaled"]
            for name, value in figures.items():
                if value < 0:
                    return f"{name} of {asset} at {venue} is {value}"
    return None


def absorbed_is_cost(book: Book) -> str | None:
    """Sum what the reserves have paid for all collateral that they still have: it is what they absorbed."""
    costs: dict[str, int] = {}
    for venue, _, cells in _markets(book, COLLATERAL):
        costs[venue] = costs.get(venue, 0) + cells["cost"]
    return _first(
        (f"absorbed at {venue}", cells["absorbed"], costs.get(venue, 0))
        for venue, _, cells in _markets(book, BASE)
    )


def debts_follow_snapshots(book: Book) -> str | None:
    """Hold a debt's units against its principal, over the index that it was written down with."""
    return _first(
        (f"{holder}'s {asset} at {venue}", units.get(holder, 0), _units(owed, snapshots.get(holder, 0)))
        for venue, asset, _ in _markets(book, V2)
        for units in [book.table(debt_table(venue, asset))]
        for snapshots in [book.table(f"{venue}.{asset}.snapshot")]
        for holder, owed in book.table(f"{venue}.{asset}.principal").items()
    )


def _units(principal: int, snapshot: int) -> int:
    if not snapshot:
        return -principal  # a debt without an index is one of a forged ledger
    return mul_div_up(principal, WAD, snapshot)


CHEAP: Final[dict[str, Law]] = {
    "compound-books": books_follow_figures,
    "compound-signs": nothing_is_below_zero,
    "compound-absorbed": absorbed_is_cost,
}
DEEP: Final[dict[str, Law]] = {"compound-debts": debts_follow_snapshots}
