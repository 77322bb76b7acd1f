"""Names of the tables that cells stand in: who decides and who only reads agree on them here."""

from __future__ import annotations

from typing import Final

ORACLE: Final = "oracle"
"""The table of prices that the oracle told, by asset, 8 decimals."""


def reserve_table(venue: str, asset: str) -> str:
    """Name the table of a reserve's numbers."""
    return f"{venue}.{asset}"


def supply_table(venue: str, asset: str) -> str:
    """Name the table of holders' scaled claims."""
    return f"{venue}.{asset}.supply"


def debt_table(venue: str, asset: str) -> str:
    """Name the table of borrowers' scaled debts."""
    return f"{venue}.{asset}.debt"


def flags_table(venue: str) -> str:
    """Name the table of which reserves a holder uses."""
    return f"{venue}.flags"


def stake_table(venue: str, stake: str) -> str:
    """Name the table of a stake's totals; holders' shares are in '<it>.shares'."""
    return f"{venue}.stake.{stake}"


def balance_table(venue: str, asset: str) -> str:
    """Name the table of what each member has at a venue that keeps balances, base units."""
    return f"{venue}.{asset}.balance"


def gains_table(venue: str, asset: str, period: int) -> str:
    """Name the table of each member's net gain in a period; a loss is negative."""
    return f"{venue}.{asset}.gains.{period}"


def since_table(venue: str) -> str:
    """Name the table of when members of such a venue first had anything there."""
    return f"{venue}.joined"


def exits_table(venue: str) -> str:
    """Name the table that says whether exits are frozen ('frozen': 1)."""
    return f"{venue}.exits"


def as_integer(name: str) -> int:
    """Return an account's name as an integer, since a cell holds nothing else; 0 for nobody.

    The contracts do the same: an address is a number of 160 bits.
    """
    return int.from_bytes(name.encode(), "big")


def as_name(number: int) -> str:
    """Return the account's name that `as_integer` made a number of."""
    return number.to_bytes((number.bit_length() + 7) >> 3, "big").decode()


def told_name(number: int) -> str:
    """Return the name that a number stands for, or its digits: in a forged ledger it may stand for none."""
    try:
        return as_name(number) or "0"
    except (UnicodeDecodeError, OverflowError):
        return f"{number}"


def umbrella_table(venue: str, reserve: str) -> str:
    """Name the table of what stakers answer for in a reserve."""
    return f"{venue}.umbrella.{reserve}"
