"""What somebody asks of a trove system. Imperatives, as all commands.

Where another word says it, that is used: `Supply` and `Withdraw` of stablecoins are the stability pool's,
`TransferClaims` gives stablecoins away, `Liquidate` closes one trove.
"""

from __future__ import annotations

import attrs

from mutualize.commands import Command


@attrs.frozen(kw_only=True)
class OpenTrove(Command):
    """Put `collateral` into a new trove and draw `amount` stablecoins."""

    collateral: int
    amount: int


@attrs.frozen(kw_only=True)
class AdjustTrove(Command):
    """Change one's trove: collateral in or out (not both), and debt by `debt`, more (`draws`) or less."""

    collateral_in: int = 0
    collateral_out: int = 0
    debt: int = 0
    draws: bool = False


@attrs.frozen(kw_only=True)
class CloseTrove(Command):
    """Repay all and take the collateral back."""


@attrs.frozen(kw_only=True)
class LiquidateTroves(Command):
    """Close unsafe troves in one transaction: those of `owners`, or else the `count` riskiest."""

    count: int = 0
    owners: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ClaimSurplus(Command):
    """Take what was left of the collateral of one's liquidated trove."""
