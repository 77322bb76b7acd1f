"""What happened in Compound's markets, beside what happens in any lending pool. See events.py."""

from __future__ import annotations

import attrs

from mutualize.events import Event, Liquidated, registered


@registered
@attrs.frozen(kw_only=True)
class ReservesAdded(Event):
    """Somebody gave money to a market's reserves."""

    venue: str
    account: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class ReservesWithdrawn(Event):
    """Governance took money out of a market's reserves."""

    venue: str
    account: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class Donated(Event):
    """Somebody sent money to a market for nothing."""

    venue: str
    account: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class Absorbed(Event):
    """The reserves took over all collateral of an account, and `credited` for it of its `debt`, base units.

    What is credited beyond the debt (`left`) is the account's own; what is missing is a shortfall.
    """

    venue: str
    liquidator: str
    account: str
    asset: str
    debt: int
    credited: int
    left: int


@registered
@attrs.frozen(kw_only=True)
class CollateralBought(Event):
    """Somebody paid `paid` of `asset` for collateral that the reserves had taken over at `cost`."""

    venue: str
    account: str
    asset: str
    paid: int
    collateral: str
    amount: int
    cost: int


def is_purchase(event: Liquidated) -> bool:
    """Say whether a liquidator bought of reserves what they had taken over (v3): he repaid nobody's debt."""
    return any(credit.endswith(":loans:absorbed") for _, credit, _, _ in event.transfers)
