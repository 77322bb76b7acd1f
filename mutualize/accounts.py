"""Accounts, and the one shape in which money moves.

    a venue has     cash, loans, deficit               (a debit raises them)
    a venue owes    claims, tier:<name>, treasury, residue   (a credit raises them)
    the world       outside:<name>                     (a debit raises what that holder has)

Every transfer stays inside one book (a venue's, or the world's), so per venue and asset always
`cash + loans + deficit == claims + tiers + treasury + residue`.
"""

from __future__ import annotations

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


def journal(venue: str, asset: str, changes: dict[str, int]) -> tuple[Transfer, ...]:
    """Turn changes of a venue's accounts into transfers, pairing debits with credits in the order given.

    `changes` maps a part ('cash', 'claims', …) to by how much it rises (or falls, if negative). What the
    given parts leave open goes to 'residue', which must not be among them.
    """
    assert "residue" not in changes, "the residue follows from the rest"
    debits: list[list[str | int]] = []
    credits: list[list[str | int]] = []
    open_sum = 0
    for part, change in changes.items():
        signed = change if part in HAS else -change
        open_sum += signed
        if signed > 0:
            debits.append([part, signed])
        elif signed < 0:
            credits.append([part, -signed])
    if open_sum > 0:
        credits.append(["residue", open_sum])
    elif open_sum < 0:
        debits.append(["residue", -open_sum])
    return tuple(_pair(venue, asset, debits, credits))


def _pair(
    venue: str, asset: str, debits: list[list[str | int]], credits: list[list[str | int]]
) -> list[Transfer]:
    transfers: list[Transfer] = []
    queue = iter(credits)
    part_credit, open_credit = "", 0
    for part, amount in debits:
        rest = int(amount)
        while rest:
            if not open_credit:
                credit = next(queue)
                part_credit, open_credit = str(credit[0]), int(credit[1])
            moved = min(rest, open_credit)
            transfers.append(Transfer(account(venue, str(part)), account(venue, part_credit), asset, moved))
            rest -= moved
            open_credit -= moved
    return transfers
