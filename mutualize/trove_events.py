"""What happened in a trove system. Past participles with the resulting integers, as all events.

`collateral` is the asset that troves hold, `debt` the stablecoin that they owe. Stablecoins stand in the
venue itself (`<venue>.<stablecoin>.balance`), collateral comes from purses and goes back there.
"""

from __future__ import annotations

import attrs

from mutualize.events import Event, registered

BY_OWNER = "by-owner"
LIQUIDATED = "liquidated"


class TroveEvent(Event):
    """The face of events that bring collateral into somebody's purse, or out of it."""

    __slots__ = ()

    @property
    def purse(self) -> tuple[str, str, int]:
        """Whose purse, the asset, and how much came in (below zero: went out), in base units."""
        raise AssertionError(self)


@registered
@attrs.frozen(kw_only=True)
class TroveOpened(TroveEvent):
    """A trove was opened: its owner has `drawn`; he owes that, a `fee`, and his liquidator's `reserve`."""

    venue: str
    account: str
    collateral: str
    debt: str
    collateral_amount: int
    drawn: int
    fee: int
    reserve: int

    @property
    def purse(self) -> tuple[str, str, int]:
        """The owner's: collateral went out."""
        return self.account, self.collateral, -self.collateral_amount


@registered
@attrs.frozen(kw_only=True)
class TroveAdjusted(TroveEvent):
    """A trove's collateral and debt changed by so much, by its owner's wish; `fee` is part of the debt.

    `taken_collateral` and `taken_debt` are what redistributions had given it, now its own.
    """

    venue: str
    account: str
    collateral: str
    debt: str
    collateral_change: int
    debt_change: int
    fee: int
    taken_collateral: int
    taken_debt: int

    @property
    def purse(self) -> tuple[str, str, int]:
        """The owner's: what the trove got, he gave."""
        return self.account, self.collateral, -self.collateral_change


@registered
@attrs.frozen(kw_only=True)
class TroveClosed(TroveEvent):
    """A trove of so much collateral and debt is gone, `reason` 'by-owner' or 'liquidated'.

    `returned` went back to the owner, `surplus` is his to claim, `reserve` went to the liquidator in
    stablecoins (or was given back: the owner has not to repay it).
    """

    venue: str
    account: str
    collateral: str
    debt: str
    collateral_amount: int
    debt_amount: int
    reason: str
    returned: int
    surplus: int
    reserve: int

    @property
    def purse(self) -> tuple[str, str, int]:
        """The owner's: collateral came back."""
        return self.account, self.collateral, self.returned


@registered
@attrs.frozen(kw_only=True)
class PoolDeposited(TroveEvent):
    """Stablecoins went into the stability pool.

    `gain` of collateral was paid to the depositor, for the `lost` stablecoins that liquidations had used of
    what he had put in before.
    """

    venue: str
    account: str
    asset: str
    amount: int
    collateral: str
    gain: int
    lost: int

    @property
    def purse(self) -> tuple[str, str, int]:
        """The depositor's: his gain came in."""
        return self.account, self.collateral, self.gain


@registered
@attrs.frozen(kw_only=True)
class PoolWithdrawn(TroveEvent):
    """Stablecoins came out of the stability pool; `gain` and `lost` as when some go in."""

    venue: str
    account: str
    asset: str
    amount: int
    collateral: str
    gain: int
    lost: int

    @property
    def purse(self) -> tuple[str, str, int]:
        """The depositor's: his gain came in."""
        return self.account, self.collateral, self.gain


@registered
@attrs.frozen(kw_only=True)
class SurplusClaimed(TroveEvent):
    """The owner of a liquidated trove took what had been left of its collateral."""

    venue: str
    account: str
    asset: str
    amount: int

    @property
    def purse(self) -> tuple[str, str, int]:
        """The owner's: collateral came back."""
        return self.account, self.asset, self.amount
