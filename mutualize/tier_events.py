"""What happens between a loss and those who pay it, where that is not done in one instant.

LossHeld ─▶ LossReleased                 a tier had to wait, or to be voted on
LossAllocated(due) ─▶ LossAbsorbed …     a tier pays later, in parts
└▶ LossPassedOn       what it had not raised by its deadline goes to the tiers below
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from mutualize.events import Event, registered


@registered
@attrs.frozen(kw_only=True)
class LossHeld(Event):
    """A loss waits at a tier that may not pay before `until` (0: before a vote). `number` names it."""

    venue: str
    asset: str
    tier: str
    index: int
    amount: int
    number: int
    until: int = 0


@registered
@attrs.frozen(kw_only=True)
class LossReleased(Event):
    """The wait is over, or the vote is out: of `amount` that waited, the tier may pay at most `most`."""

    venue: str
    asset: str
    tier: str
    index: int
    amount: int
    number: int
    most: int
    debtor: str = ""


@registered
@attrs.frozen(kw_only=True)
class LossPassedOn(Event):
    """A tier had not raised `amount` of what it owed by its deadline: the tiers below answer for it."""

    venue: str
    asset: str
    tier: str
    index: int
    amount: int
    number: int
    debtor: str = ""


@registered
@attrs.frozen(kw_only=True)
class MembersCalled(Event):
    """A tier called its members for money: the cells say whom, and for how much."""

    follows: ClassVar[bool] = True

    venue: str
    asset: str
    tier: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class MemberContributed(Event):
    """A member put money into a fund that answers with its members' contributions."""

    venue: str
    fund: str
    account: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class ContributionReturned(Event):
    """A member took money out of such a fund."""

    venue: str
    fund: str
    account: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class NumbersSet(Event):
    """Weights or ranks that a tier shares by were set; the cells say whose, and to what."""

    venue: str
    table: str


@registered
@attrs.frozen(kw_only=True)
class SnapshotTaken(Event):
    """What payers had at stake was written down, as it was at a default of `amount`; the tiers are next."""

    venue: str
    asset: str
    amount: int
    debtor: str = ""


@registered
@attrs.frozen(kw_only=True)
class ExitsFrozen(Event):
    """Nobody leaves the venue or its stakes any more, those included who had announced it."""

    venue: str


@registered
@attrs.frozen(kw_only=True)
class ExitsOpened(Event):
    """Whoever may leave by the other rules may leave again."""

    venue: str


@registered
@attrs.frozen(kw_only=True)
class MoneyRecovered(Event):
    """`account` (a donor, a court, the debtor after all) gave back money for what was lost."""

    venue: str
    account: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class MoneyPledged(Event):
    """`account` promised money for what was lost; the cells say how much of its pledges is open."""

    venue: str
    account: str
    asset: str
    amount: int


@registered
@attrs.frozen(kw_only=True)
class RecoveryAllocated(Event):
    """A row of the table of recoveries gave `amount` to an open deficit, to who bore a loss, or to a purse.

    `rule` says which: the deficit, the IOU of that name, else the tier of that name.
    """

    follows: ClassVar[bool] = True

    venue: str
    account: str
    asset: str
    row: str
    rule: str
    amount: int
    tier: str = ""
    iou: str = ""


@registered
@attrs.frozen(kw_only=True)
class RecoveryPaid(Event):
    """Recovered money went where it was owed: `paid` base units of `paid_asset`, to `bearer`.

    `tier` and `iou` are those of the allocation; without either it paid an open deficit.
    """

    follows: ClassVar[bool] = True

    venue: str
    asset: str
    amount: int
    bearer: str
    paid_asset: str
    paid: int
    tier: str = ""
    iou: str = ""


# --- losses that no debtor of a pool made -----------------------------------------------------------------


@registered
@attrs.frozen(kw_only=True)
class LossReported(Event):
    """A loss came from outside: `loss` is one of theft, mint, backing, claim; `holder` has what is gone."""

    venue: str
    account: str
    asset: str
    loss: str
    amount: int
    holder: str = ""


@registered
@attrs.frozen(kw_only=True)
class ProfitsSettled(Event):
    """Losers' balances paid winners `amount` in all; the cells say what each has, and gained in `period`."""

    venue: str
    account: str
    asset: str
    period: int
    amount: int
