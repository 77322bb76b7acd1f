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
