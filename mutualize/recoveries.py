"""Recoveries: a table of its own that shares out money which comes back after a loss.

    Recover(amount) ─▶ MoneyRecovered ─▶ RecoveryAllocated (row 1) ─▶ RecoveryAllocated (row 2) ─▶ …
                                               └▶ RecoveryPaid           └▶ RecoveryPaid

A row takes its share of what the rows above it left, and gives it by one rule:

    deficit     what no tier has paid, nor owes            (first of all, where the table has no such row)
    reverse     who paid last is given back first          pro-rata   all who paid, by what they bore
    ious        the holders of an IOU, by what they hold   tier       one tier alone
    replenish   a purse, up to a target, whoever emptied it

Nobody is given more than he bore. What the table has no use for is not taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from mutualize.accounts import account
from mutualize.book import balance
from mutualize.borne import Borne, borne_table, iou_table
from mutualize.commands import Command
from mutualize.errors import Reason, require
from mutualize.events import Cell, Event
from mutualize.open_losses import OpenLosses
from mutualize.payers import Payment
from mutualize.refunds import PURSES, Refunds
from mutualize.sharing import share
from mutualize.tier import PRO_RATA, Tier
from mutualize.tier_commands import Pledge, Recover
from mutualize.tier_events import MoneyPledged, MoneyRecovered, RecoveryAllocated, RecoveryPaid
from mutualize.units import WAD, mul_div_down

if TYPE_CHECKING:
    from mutualize.book import View
    from mutualize.staking import StakePool
    from mutualize.venues.cover import Cover

DEFICIT, REVERSE, BY_LOSS, IOUS, ONE, REPLENISH = (
    "deficit",
    "reverse",
    "pro-rata",
    "ious",
    "tier",
    "replenish",
)
RULES: Final = (DEFICIT, REVERSE, BY_LOSS, IOUS, ONE, REPLENISH)
"""What a row may say."""


@attrs.frozen(kw_only=True)
class Row:
    """One row of the table.

    name      what the row is called
    rule      one of `RULES`
    tier      which tier (rules 'tier' and 'replenish')
    iou       which IOU (rule 'ious'; empty: all, by what is held of each)
    asset     it shares out money recovered in this asset alone (empty: in any)
    limit     largest share of what the rows above left, in WAD
    amount    the most that it shares out in all, in base units of the recovered asset (None: no end)
    target    up to what a purse is filled, in base units (rule 'replenish')
    donors    whose money it shares out (empty: everybody's)
    skip      tiers that it gives nothing
    """

    name: str
    rule: str
    tier: str = ""
    iou: str = ""
    asset: str = ""
    limit: int = WAD
    amount: int | None = None
    target: int = 0
    donors: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()


FIRST: Final = Row(name="deficit", rule=DEFICIT)
"""What a table begins with, unless it says itself where an open deficit comes."""


@attrs.frozen
class Due:
    """Somebody to be given money: a tier, an IOU, a purse to be filled, or (nobody by name) the deficit."""

    tier: str = ""
    iou: str = ""
    fills: bool = False


class Recoveries:
    """One venue's table. `tiers` returns its waterfall for an asset."""

    def __init__(
        self,
        cover: Cover,
        rows: Sequence[Row],
        tiers: Callable[[str], Sequence[Tier]],
        borne: Borne,
        *,
        stakes: Mapping[str, StakePool],
        decimals: Mapping[str, int],
    ) -> None:
        self._cover, self._venue, self._tiers, self._borne = cover, cover.name, tiers, borne
        self._rows = tuple(rows) if any(row.rule == DEFICIT for row in rows) else (FIRST, *rows)
        self._refunds = Refunds(cover, stakes, decimals)
        self._open = OpenLosses(cover.name)

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused."""
        assert isinstance(command, Recover | Pledge)
        require(command.asset in self._cover.assets, Reason.RESERVE_IS_UNKNOWN)
        require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
        return (
            self._pledge(view, command) if isinstance(command, Pledge) else self._recover(view, command, at)
        )

    def _pledge(self, view: View, command: Pledge) -> list[Event]:
        table = pledged_table(self._venue, command.asset)
        promised = view.cell(table, command.account) + command.amount
        return [
            MoneyPledged(
                venue=self._venue,
                account=command.account,
                asset=command.asset,
                amount=command.amount,
                cells=(Cell(table, command.account, promised),),
            )
        ]

    def _recover(self, view: View, command: Recover, at: int) -> list[Event]:
        """Share the money out, row by row; all that follows is decided here, and paid one after the other."""
        asset = command.asset
        plan = Plan(self, view, asset, at)
        left = command.amount
        given: list[tuple[Row, Due, int]] = []
        counted: list[Cell] = []
        for row in self._rows:
            if row.asset not in ("", asset) or (row.donors and command.account not in row.donors):
                continue
            used = view.cell(recovered_table(self._venue, asset), row.name)
            most = mul_div_down(left, row.limit, WAD)
            most = most if row.amount is None else min(most, max(0, row.amount - used))
            shared = [(row, due, part) for due, part in plan.share(row, most) if part]
            taken = sum(part for _, _, part in shared)
            if row.amount is not None and taken:
                counted.append(Cell(recovered_table(self._venue, asset), row.name, used + taken))
            given += shared
            left -= taken
        amount = command.amount - left
        require(amount > 0, Reason.NOTHING_IS_OWED_BACK)
        return [
            self._recovered(view, command, amount, counted),
            *(self._allocated(command, row, due, part) for row, due, part in given),
        ]

    def _recovered(self, view: View, command: Recover, amount: int, counted: list[Cell]) -> Event:
        pledges = pledged_table(self._venue, command.asset)
        promised = view.cell(pledges, command.account)
        if promised:
            counted.append(Cell(pledges, command.account, max(0, promised - amount)))
        return MoneyRecovered(
            venue=self._venue,
            account=command.account,
            asset=command.asset,
            amount=amount,
            cells=tuple(sorted(counted)),
        )

    def _allocated(self, command: Recover, row: Row, due: Due, amount: int) -> Event:
        return RecoveryAllocated(
            venue=self._venue,
            account=command.account,
            asset=command.asset,
            row=row.name,
            rule=row.rule,
            amount=amount,
            tier=due.tier,
            iou=due.iou,
        )

    # --- what can be given to whom -----------------------------------------------------------------------

    def deficit(self, view: View, asset: str) -> int:
        """Return the deficit that no tier is still to pay."""
        pending = sum(loss.amount for loss in self._open.all(view, asset))
        return max(0, balance(view, account(self._venue, "deficit"), asset) - pending)

    def owed(self, view: View, asset: str, due: Due, at: int) -> int:
        """Return how much can be given to somebody in all, by what he bore and has room for."""
        if due == Due():
            return self.deficit(view, asset)
        if due.iou:
            units = sum(view.table(iou_table(self._venue, due.iou, asset)).values())
            return min(units, self._refunds.room_for_ious(view, asset, at))
        tier = self.tier(asset, due.tier)
        return min(
            view.cell(borne_table(self._venue, asset), tier.name), self._refunds.room(view, tier, asset, at)
        )

    def missing(self, view: View, asset: str, row: Row) -> int:
        """Return how much a purse lacks to its target."""
        if row.tier not in self.names(asset):
            return 0
        held = self._refunds.held(view, self.tier(asset, row.tier), asset)
        return 0 if held is None else max(0, row.target - held)

    def takes(self, view: View, asset: str, due: Due, amount: int) -> int:
        """Return `amount`, or 0 where somebody cannot take just that."""
        if due.iou or not due.tier or not amount:
            return amount
        return self._refunds.takes(view, self.tier(asset, due.tier), asset, amount)

    def names(self, asset: str) -> list[str]:
        """Return the names of the tiers of an asset, in order."""
        return [tier.name for tier in self._tiers(asset)]

    def tier(self, asset: str, name: str) -> Tier:
        """Return a tier by its name."""
        return next(tier for tier in self._tiers(asset) if tier.name == name)

    def ious(self, asset: str, name: str = "") -> list[str]:
        """Return the names of the IOUs that are counted in an asset (all, or that one), by their tiers."""
        every = (tier for lost in self._cover.assets for tier in self._tiers(lost) if tier.iou)
        pairs = ((tier.iou, tier.iou_asset) for tier in every)
        found = dict.fromkeys(iou for iou, counted_in in pairs if counted_in in ("", asset))
        return [iou for iou in found if name in ("", iou)]

    def who_bore(self, asset: str, row: Row, only: str = "") -> list[Due]:
        """Return those who may be given back a loss in an asset (all, or one tier), in the rule's order.

        Where several tiers hand out one IOU, its holders stand where the first of these would.
        """
        found = [
            Due(iou=tier.iou) if tier.iou else Due(tier=tier.name)
            for tier in self._tiers(asset)
            if tier.name not in row.skip and tier.iou_asset in ("", asset) and only in ("", tier.name)
        ]
        return list(dict.fromkeys(found[::-1] if row.rule == REVERSE else found))

    # --- paying ------------------------------------------------------------------------------------------

    def pay(self, view: View, owed: RecoveryAllocated, at: int) -> list[Event]:
        """Give what was allocated."""
        asset, amount = owed.asset, owed.amount
        cells: tuple[Cell, ...] = ()
        if owed.rule == DEFICIT:
            before, transfers, changed, _ = self._cover.from_outside(view, asset, amount, at)
            payment = Payment("", asset, amount, tuple(before), transfers, changed)
        elif owed.iou:
            table = iou_table(self._venue, owed.iou, asset)
            parts = share(PRO_RATA, amount, view.table(table))
            payment = self._refunds.redeem(view, owed.iou, asset, parts, at)
            cells = tuple(Cell(table, name, view.cell(table, name) - part) for name, part in parts.items())
        else:
            tier = self.tier(asset, owed.tier)
            bore = {} if owed.rule == REPLENISH else view.table(borne_table(self._venue, asset, tier.name))
            parts = share(PRO_RATA, amount, bore) if bore else {}
            payment = self._refunds.refund(view, tier, asset, amount, parts, owed.account, at)
            if owed.rule != REPLENISH:
                cells = self._borne.changed(view, tier, asset, amount, parts, -1)
        return self._paid(owed, payment, cells)

    def _paid(self, owed: RecoveryAllocated, payment: Payment, cells: tuple[Cell, ...]) -> list[Event]:
        return [
            *payment.before,
            RecoveryPaid(
                venue=self._venue,
                asset=owed.asset,
                amount=owed.amount,
                bearer=payment.bearer,
                paid_asset=payment.asset,
                paid=payment.paid,
                tier=owed.tier,
                iou=owed.iou,
                transfers=payment.transfers,
                cells=tuple(sorted((*payment.cells, *cells))),
            ),
        ]


class Plan:
    """What one recovery has given to whom so far: later rows see what earlier ones left."""

    def __init__(self, recoveries: Recoveries, view: View, asset: str, at: int) -> None:
        self._of, self._view, self._asset, self._at = recoveries, view, asset, at
        self._given: dict[Due, int] = {}

    def share(self, row: Row, most: int) -> list[tuple[Due, int]]:
        """Return who is given what by a row, at most `most` in all; parts of 0 among them."""
        of, asset = self._of, self._asset
        match row.rule:
            case "deficit":
                return self._in_order([Due()], most)
            case "replenish":
                due = Due(tier=row.tier, fills=True)
                room = of.missing(self._view, asset, row) - self._given.get(Due(tier=row.tier), 0)
                return [self._give(due, min(most, max(0, room - self._given.get(due, 0))))]
            case "reverse":
                return self._in_order(of.who_bore(asset, row), most)
            case "tier":
                return self._in_order(of.who_bore(asset, row, only=row.tier), most)
            case "ious":
                return self._by_loss([Due(iou=iou) for iou in of.ious(asset, row.iou)], most)
        return self._by_loss(of.who_bore(asset, row), most)

    def _left(self, due: Due) -> int:
        owed = self._of.owed(self._view, self._asset, due, self._at)
        return max(0, owed - self._given.get(due, 0))

    def _give(self, due: Due, amount: int) -> tuple[Due, int]:
        part = self._of.takes(self._view, self._asset, due, amount)
        self._given[due] = self._given.get(due, 0) + part
        return due, part

    def _in_order(self, dues: Sequence[Due], most: int) -> list[tuple[Due, int]]:
        given = []
        for due in dues:
            given.append(self._give(due, min(most, self._left(due))))
            most -= given[-1][1]
        return given

    def _by_loss(self, dues: Sequence[Due], most: int) -> list[tuple[Due, int]]:
        """Share by what each is still owed; what somebody cannot take is left to the rows below."""
        caps = {str(place): self._left(due) for place, due in enumerate(dues)}
        parts = share(PRO_RATA, min(most, sum(caps.values())), caps)
        return [self._give(dues[int(place)], part) for place, part in parts.items()]


def complaints(rows: Sequence[Row], tiers: Sequence[Tier]) -> list[tuple[int, str, str]]:
    """Return what makes no sense in a table beside these tiers: (place of the row, field, problem)."""
    names, ious = {tier.name for tier in tiers}, {tier.iou for tier in tiers if tier.iou}
    purses = {tier.name for tier in tiers if tier.payer in PURSES}
    found: list[tuple[int, str, str]] = []
    for place, row in enumerate(rows):
        if row.rule not in RULES:
            found.append((place, "rule", f"{row.rule!r} is no rule of recoveries"))
        if row.rule == ONE and row.tier not in names:
            found.append((place, "tier", f"{row.tier!r} is no tier"))
        if row.rule == REPLENISH and row.tier not in purses:
            found.append((place, "tier", f"{row.tier!r} is no tier with a purse to fill"))
        if row.rule == REPLENISH and row.target <= 0:
            found.append((place, "target", "a purse is filled up to something"))
        if row.rule == IOUS and (row.iou not in ious if row.iou else not ious):
            found.append((place, "iou", f"no tier hands out {row.iou or 'an IOU'}"))
        found += [(place, "skip", f"{name!r} is no tier") for name in row.skip if name not in names]
        if row.name in [other.name for other in rows[:place]]:
            found.append((place, "name", f"two rows are called {row.name!r}"))
    return found


def pledged_table(venue: str, asset: str) -> str:
    """Name the table of what donors promised and have not given."""
    return f"{venue}.pledged.{asset}"


def recovered_table(venue: str, asset: str) -> str:
    """Name the table of what each row with an end to it has shared out in all."""
    return f"{venue}.recovered.{asset}"
