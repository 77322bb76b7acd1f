"""What somebody asks of an isolated market, beyond what he may ask of any place to lend.

The contract takes an amount in assets (base units) or in shares: exactly one of the two is not 0.
"""

from __future__ import annotations

import attrs

from mutualize.commands import Command


@attrs.frozen(kw_only=True)
class SupplyShares(Command):
    """Lend: `amount` in assets, or as much as `shares` cost."""

    amount: int = 0
    shares: int = 0


@attrs.frozen(kw_only=True)
class WithdrawShares(Command):
    """Take what was lent back: `amount` in assets, or what `shares` are worth."""

    amount: int = 0
    shares: int = 0


@attrs.frozen(kw_only=True)
class BorrowShares(Command):
    """Draw a loan: `amount` in assets, or what `shares` of the debt are worth."""

    amount: int = 0
    shares: int = 0


@attrs.frozen(kw_only=True)
class RepayShares(Command):
    """Repay a loan, one's own or (`on_behalf_of`) another's: `amount` in assets, or `shares` of the debt."""

    amount: int = 0
    shares: int = 0
    on_behalf_of: str = ""


@attrs.frozen(kw_only=True)
class WithdrawCollateral(Command):
    """Take `amount` of one's own collateral out."""

    amount: int


@attrs.frozen(kw_only=True)
class LiquidatePosition(Command):
    """Close a part of an unsafe position: `seized` of its collateral, or `shares` of its debt."""

    borrower: str
    seized: int = 0
    shares: int = 0


@attrs.frozen(kw_only=True)
class AccrueInterest(Command):
    """Bring a market's interest up to now. Anybody may."""
