"""What everybody has in venues at one moment, with nothing left over: holders, tiers, treasury, residue.

Single claims and stakes are rounded down and single debts up, so their sums differ from the venue's own by a
few base units; these belong to the residue.
"""

from __future__ import annotations

from collections.abc import Mapping

from mutualize.accounts import account, split_account, tier_account
from mutualize.book import Book
from mutualize.projections.mirror import Mirror
from mutualize.tables import debt_table, stake_table, supply_table
from mutualize.units import mul_div_down, ray_mul_down, ray_mul_up

Amounts = dict[str, dict[str, int]]
"""By asset and account, in base units; debts and open deficits are negative."""


def _add(amounts: Amounts, asset: str, name: str, amount: int) -> None:
    if amount:
        of_asset = amounts.setdefault(asset, {})
        of_asset[name] = of_asset.get(name, 0) + amount


def closing(book: Book, mirror: Mirror) -> Mapping[str, Mapping[str, int]]:
    """Return what every account has, by asset, as of the last accrual. `mirror` is of the same moment."""
    amounts: Amounts = {}
    for venue, asset in mirror.reserves():
        _holders(amounts, book, mirror, venue, asset)
    shared = {_stakers(amounts, book, mirror, *stake) for stake in mirror.stakes()}
    for name, asset, balance in mirror.balances():
        part = split_account(name)[1].partition(":")[0]
        if name in shared:
            continue
        if part in ("tier", "treasury", "residue"):
            _add(amounts, asset, name, balance)
        elif part == "deficit":
            _add(amounts, asset, name, -balance)
    return amounts


def _holders(amounts: Amounts, book: Book, mirror: Mirror, venue: str, asset: str) -> None:
    reserve = mirror.reserve(venue, asset)
    claims, loans = (
        mirror.balance(account(venue, "claims"), asset),
        mirror.balance(account(venue, "loans"), asset),
    )
    for name, units in book.table(supply_table(venue, asset)).items():
        claim = ray_mul_down(units, reserve.liquidity_index)
        claims -= claim
        _add(amounts, asset, name, claim)
    for name, units in book.table(debt_table(venue, asset)).items():
        debt = ray_mul_up(units, reserve.borrow_index)
        loans -= debt
        _add(amounts, asset, name, -debt)
    _add(amounts, asset, account(venue, "residue"), claims - loans)


def _stakers(amounts: Amounts, book: Book, mirror: Mirror, venue: str, stake: str, asset: str) -> str:
    """Divide a stake's purse among its shares, and return the account that was divided."""
    purse = tier_account(venue, stake)
    shares = book.table(f"{stake_table(venue, stake)}.shares")
    held, issued = mirror.balance(purse, asset), sum(shares.values())
    left = held
    for name, units in shares.items():
        part = mul_div_down(held, units, issued) if units else 0
        left -= part
        _add(amounts, asset, name, part)
    _add(amounts, asset, account(venue, "residue"), left)
    return purse
