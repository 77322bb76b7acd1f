"""What somebody asks of Compound's markets, beside what any lending pool is asked.

Amounts are base units of the asset that is named. `ALL` means nothing here: the contracts know no such amount
in these verbs.
"""

from __future__ import annotations

import attrs

from mutualize.commands import Command


@attrs.frozen(kw_only=True)
class RedeemTokens(Command):
    """v2: turn so many claim tokens into what they are worth."""

    asset: str
    tokens: int


@attrs.frozen(kw_only=True)
class AddReserves(Command):
    """v2: give money to a market's reserves."""

    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class WithdrawReserves(Command):
    """Take money out of a market's reserves (governance)."""

    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class Donate(Command):
    """Send money to the contract itself: in v2 all claims are worth more, in v3 the reserves."""

    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class Absorb(Command):
    """v3: let the reserves take over the debt and all collateral of each of these accounts."""

    accounts: tuple[str, ...]


@attrs.frozen(kw_only=True)
class BuyCollateral(Command):
    """v3: buy collateral that the reserves took over, for `amount` of the base asset, at least `least`."""

    collateral: str
    amount: int
    least: int = 0
