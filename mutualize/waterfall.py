"""The waterfall: who pays when a venue falls short, tier by tier.

    ShortfallRecognised(loss)
        └▶ LossAllocated(tier 1, amount = min(rest above its offset, capacity))
              └▶ LossAbsorbed(tier 1)
                    └▶ LossAllocated(tier 2) ─▶ … ─▶ ShortfallUncovered(rest)

    a tier that waits          LossHeld ── ReleaseTier ─▶ LossReleased ─▶ LossAllocated …
    a tier that pays later     LossAllocated(due) ── SettleTier ─▶ LossAbsorbed, in parts
                                                 └── LapseTier ─▶ LossPassedOn ─▶ the tiers below

A tier is three answers: whose money (`payers.py`), up to how much, shared how (`tier.py`). The chain of
events is the state; `react` reads where it stands and says what follows. What is owed later stands in cells
(`open_losses.py`). Nothing is lost from sight: what no tier pays stays in the deficit, with an event of its
own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from mutualize.borne import Borne
from mutualize.commands import Command
from mutualize.errors import Reason, require
from mutualize.events import (
    Cell,
    Event,
    LossAbsorbed,
    LossAllocated,
    ShortfallRecognised,
    ShortfallUncovered,
)
from mutualize.members import default_table, fund_table
from mutualize.membership import Membership
from mutualize.open_losses import HELD, OWED, Open, OpenLosses
from mutualize.payers import Loss, Payment, converts, payers_of, paying_price
from mutualize.recoveries import Recoveries, Row, complaints
from mutualize.tables import ORACLE, exits_table
from mutualize.tier import ASSESSMENT, AT_DEFAULT, DEBTOR, MARGIN, MEMBERS, WINNERS, Tier
from mutualize.tier_commands import LapseTier, OpenExits, Pledge, Recover, ReleaseTier, SettleTier
from mutualize.tier_events import (
    ExitsFrozen,
    ExitsOpened,
    LossHeld,
    LossPassedOn,
    LossReleased,
    RecoveryAllocated,
    SnapshotTaken,
)
from mutualize.units import div_down

if TYPE_CHECKING:
    from mutualize.book import View
    from mutualize.staking import StakePool
    from mutualize.venues.cover import Cover

NEEDS_DEBTOR = (MEMBERS, ASSESSMENT, DEBTOR, MARGIN, WINNERS)
"""Payers who have to know whose loss it is."""


class Waterfall:
    """A venue's waterfall: it reacts to each recognised shortfall, and decides what takes time.

    `tiers` is one table for all assets, or one for each; an asset without a table has none.
    """

    answers = (
        ShortfallRecognised,
        LossAllocated,
        LossAbsorbed,
        LossReleased,
        LossPassedOn,
        RecoveryAllocated,
        SnapshotTaken,
    )

    def __init__(
        self,
        cover: Cover,
        tiers: Sequence[Tier] | Mapping[str, Sequence[Tier]],
        *,
        stakes: Mapping[str, StakePool] | None = None,
        decimals: Mapping[str, int] | None = None,
        governance: str = "governance",
        freezes: bool = False,
        recoveries: Sequence[Row] | None = None,
    ) -> None:
        """`decimals` are those of assets that tiers pay in. `freezes`: nobody leaves while a loss is open.

        `recoveries` is the table of what recovered money repays; only where there is one, it is written down
        what each tier has borne.
        """
        self.venue, self.name = cover.name, f"{cover.name}.waterfall"
        self.cover, self.governance, self.freezes = cover, governance, freezes
        self._by_asset = tiers if isinstance(tiers, Mapping) else None
        self._tiers = () if isinstance(tiers, Mapping) else tuple(tiers)
        self._payers = payers_of(cover, dict(stakes or {}), dict(decimals or {}))
        every = (
            self._tiers if self._by_asset is None else [t for table in self._by_asset.values() for t in table]
        )
        self._borne = Borne(cover, dict(decimals or {}), kept=recoveries is not None)
        _require_sense(cover, every, recoveries or ())
        self._recoveries = Recoveries(
            cover, recoveries or (), self.tiers, self._borne, stakes=stakes or {}, decimals=decimals or {}
        )
        self.open = OpenLosses(cover.name)
        self._membership = Membership(cover.name, governance)
        by_debtor = (*NEEDS_DEBTOR, *getattr(cover, "by_debtor", ()))
        self._tells_debtor = any(tier.payer in by_debtor for tier in every)
        self.stakes = dict(stakes or {})
        self.tells_more = freezes or self._tells_debtor or recoveries is not None
        """Whether a loss leads to more than what its tiers owe and pay."""

    def change(self, view: View, other: Waterfall) -> None:
        """Go by another table from now on; stakes, and the table of recoveries, stay what they are.

        Raises ValueError while a loss waits or is owed: it stands at a place of this table. How deep the
        markets are that tiers sell on may be other all the same.
        """
        for asset in self.cover.assets:
            tables = [[attrs.evolve(t, depth=None) for t in one.tiers(asset)] for one in (self, other)]
            if (tables[0] != tables[1] or self.freezes != other.freezes) and self._is_open(view):
                raise ValueError("a loss is open")
        self._by_asset, self._tiers = other._by_asset, other._tiers
        self.freezes, self._tells_debtor = other.freezes, other._tells_debtor
        self.tells_more = other.tells_more

    def _is_open(self, view: View) -> bool:
        return any(self.open.all(view, asset) for asset in self.cover.assets)

    def tiers(self, asset: str) -> Sequence[Tier]:
        """Return the table for a lost asset."""
        return self._tiers if self._by_asset is None else self._by_asset.get(asset, ())

    # --- what follows from a loss ------------------------------------------------------------------------

    def react(self, view: View, event: Event, at: int) -> list[Event]:
        """Return what follows from an event, or nothing."""
        match event:
            case ShortfallRecognised() if event.venue == self.venue:
                return self._recognised(view, event, at)
            case SnapshotTaken() if event.venue == self.venue:
                return self._next(view, Loss(event.asset, at, event.debtor), 0, event.amount)
            case LossAllocated() if event.venue == self.venue and event.amount and not event.due:
                return self._settle(view, event, at)
            case LossAllocated() | LossAbsorbed() if event.venue == self.venue:
                return self._next(view, Loss(event.asset, at, event.debtor), event.index + 1, event.rest)
            case LossReleased() if event.venue == self.venue:
                loss = Loss(event.asset, at, event.debtor)
                return self._allocate(view, loss, event.index, event.amount, event.most)
            case LossPassedOn() if event.venue == self.venue:
                return self._next(view, Loss(event.asset, at, event.debtor), event.index + 1, event.amount)
            case RecoveryAllocated() if event.venue == self.venue:
                return self._recoveries.pay(view, event, at)
        return []

    def _recognised(self, view: View, event: ShortfallRecognised, at: int) -> list[Event]:
        """Begin: freeze exits and take a snapshot where that is the rule. The tiers then see the snapshot."""
        loss = Loss(event.asset, at, event.account if self._tells_debtor else "")
        frozen = self._frozen(view)
        if any(tier.snapshot == AT_DEFAULT for tier in self.tiers(event.asset)):
            return [*frozen, self._snapshot(view, loss, event.amount)]
        return [*frozen, *self._next(view, loss, 0, event.amount)]

    def _next(self, view: View, loss: Loss, index: int, rest: int) -> list[Event]:
        """Turn to the tier at `index`, or say that nobody is left. An empty tier is recorded too."""
        tiers = self.tiers(loss.asset)
        if not rest or (self._by_asset is not None and loss.asset not in self._by_asset):
            return []
        while index < len(tiers) and not tiers[index].perimeter.covers(loss.asset):
            index += 1
        if index >= len(tiers):
            return [ShortfallUncovered(venue=self.venue, asset=loss.asset, amount=rest)]
        if tiers[index].used and tiers[index].waits:
            return self._hold(view, loss, index, rest)
        return self._allocate(view, loss, index, rest, rest)

    def _allocate(self, view: View, loss: Loss, index: int, rest: int, most: int) -> list[Event]:
        """Make the tier at `index` owe what it can of `rest`, at most `most`."""
        tier = self.tiers(loss.asset)[index]
        capacity = self.capacity(view, tier, loss) if tier.used else 0
        amount = min(tier.share_of(rest), capacity, most)
        due, number = 0, 0
        cells: tuple[Cell, ...] = self._quota_cells(view, tier, loss, amount)
        called: list[Event] = []
        if amount and tier.due_s is not None:
            due, number = loss.at + tier.due_s, self.open.next_number(view)
            cells += self.open.begin(number, OWED, loss, index, amount, due)
            called = self._payers[tier.payer].call(view, tier, loss, amount)
        return [
            LossAllocated(
                venue=self.venue,
                asset=loss.asset,
                tier=tier.name,
                index=index,
                capacity=capacity,
                amount=amount,
                rest=rest - amount,
                due=due,
                number=number,
                debtor=loss.debtor,
                cells=tuple(sorted(cells)),
            ),
            *called,
        ]

    def _hold(self, view: View, loss: Loss, index: int, rest: int) -> list[Event]:
        """Let a loss wait until the tier at `index` may pay."""
        tier, number = self.tiers(loss.asset)[index], self.open.next_number(view)
        until = loss.at + tier.wait_s if tier.wait_s else 0
        return [
            LossHeld(
                venue=self.venue,
                asset=loss.asset,
                tier=tier.name,
                index=index,
                amount=rest,
                number=number,
                until=until,
                cells=self.open.begin(number, HELD, loss, index, rest, until),
            )
        ]

    def capacity(self, view: View, tier: Tier, loss: Loss) -> int:
        """Return the most that a tier can pay of a loss now, by its payer and its quota."""
        capacity = self._payers[tier.payer].capacity(view, tier, loss)
        if tier.quota is None:
            return capacity
        return min(capacity, max(0, tier.quota.amount - view.cell(self._quota_table, _period(tier, loss))))

    @property
    def _quota_table(self) -> str:
        return f"{self.venue}.quota"

    def _quota_cells(self, view: View, tier: Tier, loss: Loss, amount: int) -> tuple[Cell, ...]:
        if tier.quota is None or not amount:
            return ()
        key = _period(tier, loss)
        return (Cell(self._quota_table, key, view.cell(self._quota_table, key) + amount),)

    def _settle(self, view: View, owed: LossAllocated, at: int) -> list[Event]:
        tier = self.tiers(owed.asset)[owed.index]
        return self._pay(view, tier, owed.index, Loss(owed.asset, at, owed.debtor), owed.amount, owed.rest)

    def _pay(self, view: View, tier: Tier, index: int, loss: Loss, amount: int, rest: int) -> list[Event]:
        """Let a tier pay `amount` of what it owes."""
        payment = self._payers[tier.payer].pay(view, tier, loss, amount)
        return self._paid(view, tier, index, loss, amount, payment, rest=rest)

    def _paid(
        self,
        view: View,
        tier: Tier,
        index: int,
        loss: Loss,
        amount: int,
        payment: Payment,
        *,
        rest: int = 0,
        number: int = 0,
    ) -> list[Event]:
        """Tell of a payment."""
        oracle_price = view.cell(ORACLE, loss.asset)
        price = oracle_price if tier.loss_price is None else tier.loss_price
        paid_price = paying_price(view, tier) if converts(tier, loss.asset) else price
        borne = self._borne.cells(view, tier, loss.asset, amount, payment.parts)
        return [
            *payment.before,
            LossAbsorbed(
                venue=self.venue,
                asset=loss.asset,
                tier=tier.name,
                index=index,
                bearer=payment.bearer,
                amount=amount,
                rest=rest,
                paid_asset=payment.asset,
                paid=payment.paid,
                price=price,
                paid_price=paid_price,
                number=number,
                debtor=loss.debtor,
                transfers=payment.transfers,
                cells=tuple(sorted((*payment.cells, *borne))) if borne else payment.cells,
            ),
        ]

    def _snapshot(self, view: View, loss: Loss, amount: int) -> Event:
        """Write down what payers have at stake, for tiers that share by what it was at the default."""
        asset, cells = loss.asset, []
        for tier in {
            tier.account: tier for tier in self.tiers(asset) if tier.snapshot == AT_DEFAULT
        }.values():
            table = default_table(self.venue, tier.account, asset)
            then = view.table(table)
            if tier.payer in self.cover.payers:
                now = self.cover.entitled(view, tier, asset, loss.at)
            else:
                now = view.table(fund_table(self.venue, tier.account, asset))
            cells += [
                Cell(table, name, now.get(name, 0))
                for name in sorted({**now, **then})
                if now.get(name, 0) != then.get(name, 0)
            ]
        return SnapshotTaken(
            venue=self.venue, asset=asset, amount=amount, debtor=loss.debtor, cells=tuple(sorted(cells))
        )

    # --- what takes time ---------------------------------------------------------------------------------

    def decide(self, view: View, command: Command, at: int) -> list[Event]:
        """Return what happens, or raise Refused."""
        match command:
            case ReleaseTier():
                return self._release(view, command, at)
            case SettleTier():
                return self._settle_later(view, command, at)
            case LapseTier():
                return self._lapse(view, command, at)
            case OpenExits():
                return self._open_exits(view, command)
            case Recover() | Pledge():
                return self._recoveries.decide(view, command, at)
        return self._membership.decide(view, command, at)

    def _release(self, view: View, command: ReleaseTier, at: int) -> list[Event]:
        """Let what waits for a tier go on. A vote says how much of all of it the tier pays at most."""
        tier, found = self._found(view, HELD, command.asset, command.tier)
        if tier.vote:
            require(command.account == self.governance, Reason.CALLER_IS_NOT_GOVERNANCE)
        else:
            require(command.most is None, Reason.CALLER_IS_NOT_GOVERNANCE)
        require(command.most is None or command.most >= 0, Reason.AMOUNT_IS_TOO_SMALL)
        ready = [loss for loss in found if loss.due <= at]
        require(bool(ready), Reason.TIER_HAS_TO_WAIT)
        events: list[Event] = []
        left = command.most
        for loss in ready:
            most = loss.amount if left is None else min(left, loss.amount)
            left = None if left is None else left - most
            events.append(
                LossReleased(
                    venue=self.venue,
                    asset=command.asset,
                    tier=tier.name,
                    index=loss.tier,
                    amount=loss.amount,
                    number=loss.number,
                    most=most,
                    debtor=loss.debtor,
                    cells=(self.open.left(command.asset, loss, 0),),
                )
            )
        return events

    def _settle_later(self, view: View, command: SettleTier, at: int) -> list[Event]:
        """Pay the oldest of what a tier owes, as far as `amount` and what the payer has go."""
        tier, found = self._found(view, OWED, command.asset, command.tier)
        require(command.amount > 0, Reason.AMOUNT_IS_ZERO)
        first, payer = found[0], self._payers[tier.payer]
        loss = Loss(command.asset, at, first.debtor)
        able = payer.answerable(view, tier, loss, command.account)
        amount = min(command.amount, first.amount, able)
        require(amount > 0, Reason.PURSE_IS_EMPTY)
        payment = payer.answer(view, tier, loss, command.account, amount)
        left = self.open.left(command.asset, first, first.amount - amount)
        payment = attrs.evolve(payment, cells=tuple(sorted((*payment.cells, left))))
        return self._paid(view, tier, first.tier, loss, amount, payment, number=first.number)

    def _lapse(self, view: View, command: LapseTier, at: int) -> list[Event]:
        """Pass on what was not raised by its deadline."""
        tier, found = self._found(view, OWED, command.asset, command.tier)
        over = [loss for loss in found if loss.due <= at]
        require(bool(over), Reason.TIER_HAS_TO_WAIT)
        forgotten = self._payers[tier.payer].lapse(view, tier, command.asset) if over == found else ()
        return [
            LossPassedOn(
                venue=self.venue,
                asset=command.asset,
                tier=tier.name,
                index=loss.tier,
                amount=loss.amount,
                number=loss.number,
                debtor=loss.debtor,
                cells=(*(forgotten if loss is over[-1] else ()), self.open.left(command.asset, loss, 0)),
            )
            for loss in over
        ]

    def _found(self, view: View, state: int, asset: str, name: str) -> tuple[Tier, list[Open]]:
        """Return a tier and what is open at it, the oldest first. Refuses where nothing is."""
        found = [
            loss
            for loss in self.open.all(view, asset)
            if loss.state == state and self.tiers(asset)[loss.tier].name == name
        ]
        require(bool(found), Reason.NOTHING_IS_OPEN)
        return self.tiers(asset)[found[0].tier], found

    # --- exits -------------------------------------------------------------------------------------------

    def _frozen(self, view: View) -> list[Event]:
        """Freeze exits, where that is the rule and they are not frozen yet."""
        table = exits_table(self.venue)
        if not self.freezes or view.cell(table, "frozen"):
            return []
        return [ExitsFrozen(venue=self.venue, cells=(Cell(table, "frozen", 1),))]

    def _open_exits(self, view: View, command: OpenExits) -> list[Event]:
        """Let people leave again: governance whenever it wants, anybody once nothing is open any more."""
        table = exits_table(self.venue)
        require(view.cell(table, "frozen") > 0, Reason.EXITS_ARE_OPEN)
        if command.account != self.governance:
            require(not self._is_any_open(view), Reason.CALLER_IS_NOT_GOVERNANCE)
        return [ExitsOpened(venue=self.venue, cells=(Cell(table, "frozen", 0),))]

    def _is_any_open(self, view: View) -> bool:
        return any(self.open.all(view, asset) for asset in self.cover.assets)


def _require_sense(cover: Cover, tiers: Sequence[Tier], rows: Sequence[Row]) -> None:
    """Raise ValueError for an IOU that nobody by name could hold, and for a senseless row of recoveries."""
    by_name = (MEMBERS, ASSESSMENT, DEBTOR, *cover.named)
    nameless = [tier.name for tier in tiers if tier.iou and tier.payer not in by_name]
    if nameless:
        raise ValueError(f"{nameless[0]}: its payers are not known by name, so nobody could hold its IOU")
    for place, field, problem in complaints(rows, tiers):
        raise ValueError(f"recoveries[{place}].{field}: {problem}")


def _period(tier: Tier, loss: Loss) -> str:
    assert tier.quota is not None
    return f"{tier.name}/{loss.asset}/{div_down(loss.at, tier.quota.period_s)}"
