"""What somebody asks of a waterfall: `venue` is the waterfall's own name, `<venue>.waterfall`."""

from __future__ import annotations

import attrs

from mutualize.commands import Command


@attrs.frozen(kw_only=True)
class ReleaseTier(Command):
    """Let a tier pay what waited for it: anybody may once its wait is over; a vote says at most how much."""

    tier: str
    asset: str
    most: int | None = None


@attrs.frozen(kw_only=True)
class SettleTier(Command):
    """Let a tier pay now, up to `amount` base units of the loss, of what it owes by a deadline.

    A member who was called pays by it; other tiers pay out of their own purse, whoever asks.
    """

    tier: str
    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class LapseTier(Command):
    """Pass on what a tier has not raised by its deadline. Anybody may."""

    tier: str
    asset: str


@attrs.frozen(kw_only=True)
class JoinFund(Command):
    """Contribute to a fund that answers with its members' contributions."""

    fund: str
    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class LeaveFund(Command):
    """Take a contribution out of such a fund (a part of it, or ALL)."""

    fund: str
    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class SetNumbers(Command):
    """Set weights or ranks that tiers share by (governance): (name, number) pairs."""

    table: str
    numbers: tuple[tuple[str, int], ...]


@attrs.frozen(kw_only=True)
class OpenExits(Command):
    """End a freeze of exits (governance)."""


@attrs.frozen(kw_only=True)
class Recover(Command):
    """Give back money for what was lost; it is shared out by the table of recoveries.

    What the table has no use for is not taken.
    """

    asset: str
    amount: int


@attrs.frozen(kw_only=True)
class Pledge(Command):
    """Promise money for what was lost. Who then gives it has that much less promised."""

    asset: str
    amount: int
