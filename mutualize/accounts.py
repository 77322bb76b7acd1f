"""Accounts, and the one shape in which money moves.

    a venue has     cash, loans, deficit               (a debit raises them)
    a venue owes    claims, tier:<name>, treasury, residue   (a credit raises them)
    the world       outside:<name>                     (a debit raises what that holder has)

Every transfer stays inside one book (a venue's, or the world's), so per venue and asset always
`cash + loans + deficit == claims + tiers + treasury + residue`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

OUTSIDE = "outside"
HAS = ("cash", "loans", "deficit")
OWES = ("claims", "tier", "treasury", "residue")


class Transfer(NamedTuple):
    """`amount` base units of `asset`, debited to one account and credited to another. `amount` > 0."""

    debit: str
    credit: str
    asset: str
    amount: int


def account(venue: str, part: str) -> str:
    """Name an account of a venue: `account('aave', 'cash')` is 'aave:cash'."""
    return f"{venue}:{part}"


def tier_account(venue: str, tier: str) -> str:
    """Name the account of what a venue holds for one tier."""
    return f"{venue}:tier:{tier}"


def outside(name: str) -> str:
    """Name the account of somebody in the world outside."""
    return f"{OUTSIDE}:{name}"


def split_account(name: str) -> tuple[str, str]:
    """Return (venue, part): 'aave:tier:stakers' is ('aave', 'tier:stakers')."""
    venue, _, part = name.partition(":")
    return venue, part


def is_debit_normal(name: str) -> bool:
    """Say whether a debit raises this account (what is had), or a credit does (what is owed)."""
    venue, part = split_account(name)
    return venue == OUTSIDE or part.partition(":")[0] in HAS


def transfers_between(changes: Sequence[tuple[str, int]], residue: str, asset: str) -> tuple[Transfer, ...]:
    """Turn changes of one book's accounts into transfers, pairing debits with credits in the order given.

    `changes` are (account, base units): above zero a debit, below zero a credit. What they leave open goes to
    the account `residue`, which must not be among them.
    """
    if len(changes) == 2:
        (one, change), (other, back) = changes
        if back < 0 < change:  # the rule: one debit, one credit, and what rounding leaves
            return _of_two(one, change, other, -back, residue, asset)
        if change < 0 < back:
            return _of_two(other, back, one, -change, residue, asset)
    debits = []
    credits = []
    open_sum = 0
    for name, change in changes:
        if change > 0:
            debits.append((name, change))
            open_sum += change
        elif change:
            credits.append((name, -change))
            open_sum += change
    if open_sum > 0:
        credits.append((residue, open_sum))
    elif open_sum < 0:
        debits.append((residue, -open_sum))
    if len(debits) == 1:
        name = debits[0][0]
        return tuple([_new(Transfer, (name, credit, asset, amount)) for credit, amount in credits])
    if len(credits) == 1:
        name = credits[0][0]
        return tuple([_new(Transfer, (debit, name, asset, amount)) for debit, amount in debits])
    return tuple(_paired(debits, credits, asset))


def _of_two(
    debit: str, debited: int, credit: str, credited: int, residue: str, asset: str
) -> tuple[Transfer, ...]:
    """Return the transfers of one debit against one credit: between them moves the smaller of both."""
    left = debited - credited
    if not left:
        return (_new(Transfer, (debit, credit, asset, debited)),)
    if left > 0:
        return _new(Transfer, (debit, credit, asset, credited)), _new(Transfer, (debit, residue, asset, left))
    return _new(Transfer, (debit, credit, asset, debited)), _new(Transfer, (residue, credit, asset, -left))


_new = tuple.__new__
"""What a named tuple's own constructor calls; at a third of its cost."""


def _paired(debits: list[tuple[str, int]], credits: list[tuple[str, int]], asset: str) -> Iterator[Transfer]:
    queue = iter(credits)
    credit, owed = "", 0
    for debit, amount in debits:
        rest = amount
        while rest:
            if not owed:
                credit, owed = next(queue)
            moved = min(rest, owed)
            yield Transfer(debit, credit, asset, moved)
            rest -= moved
            owed -= moved
