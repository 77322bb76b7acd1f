"""What would happen if: questions to a system that is being played, of which nothing reaches the book.

The rule: a probe plans, and never submits. Whoever changed in the last operation is asked first, since only
then the answer can be a new one; the kinds of question take turns.
"""

from __future__ import annotations

from auditor import ONE, Auditor, LawBroken
from driver_counts import Counts
from laws import cooldown_of, need
from systems import ASSETS, System

from mutualize import commands as c
from mutualize import events as e
from mutualize.errors import Reason, Refused
from mutualize.events import Event

AMOUNTS = (1, 10**6 + 1, 3 * 10**9 + 7, 10**18 + 1)
POOL, STAKE = "aave", "aave.stake.stakers"


class Probes:
    """Asks one system."""

    def __init__(self, system: System, auditor: Auditor, counts: Counts) -> None:
        self.system, self.auditor, self.counts = system, auditor, counts
        self._turn = 0
        self._kinds = (
            self._round_trip,
            self._live,
            self._loan_round_trip,
            self._live,
            self._split,
            self._live,
            self._stake_round_trip,
        )

    def plan(self, at: int, *commands: c.Command) -> list[Event] | Reason:
        """Return what would happen, or why not."""
        try:
            return [planned.event for planned in self.system.protocol.plan(*commands, at=at)]
        except Refused as refused:
            return refused.reason

    def ask(self, at: int, changed: list[str]) -> None:
        """Ask the next question, about somebody who just changed if there is one."""
        self._turn += 1
        asset = ASSETS[self._turn % len(ASSETS)]
        cells = self.auditor.reserve(asset)
        if not cells or cells.get("paused"):
            return
        owners = changed or self.auditor.owners() or ["alice"]
        owner = owners[self._turn % len(owners)]
        self._kinds[self._turn % len(self._kinds)](owner, asset, at)

    def ask_everything(self, at: int) -> None:
        """Ask whether everybody can repay, withdraw and leave (L1)."""
        for owner in self.auditor.owners():
            for asset in ASSETS:
                cells = self.auditor.reserve(asset)
                if cells and not cells.get("paused"):
                    self._live(owner, asset, at)
            self.may_leave(owner, at)

    # --- round trips gain nothing (R1), and the preview is what happens (R4) -------------------------------

    def _round_trip(self, owner: str, asset: str, at: int) -> None:
        amount = AMOUNTS[self._turn // 7 % len(AMOUNTS)]
        terms = {"venue": POOL, "account": "(probe)", "asset": asset}
        done = self.plan(at, c.Supply(**terms, amount=amount), c.Withdraw(**terms, amount=c.ALL))
        if not isinstance(done, Reason):
            out = next(x.amount for x in done if isinstance(x, e.Withdrawn))
            index = self.auditor.indexes(asset, at)[0]
            need(
                amount - index // ONE - 2 <= out <= amount, "round-trip", f"{amount} of {asset} in, {out} out"
            )
            self.counts.add("round trip")

    def _loan_round_trip(self, _owner: str, asset: str, at: int) -> None:
        debtors = [who for who, units in self._table("debt", asset).items() if units]
        debtor = debtors[self._turn % len(debtors)] if debtors else "alice"
        amount = AMOUNTS[self._turn // 7 % len(AMOUNTS)]
        terms = {"venue": POOL, "account": debtor, "asset": asset}
        before = self.auditor.debt(asset, debtor, at)
        done = self.plan(at, c.Borrow(**terms, amount=amount), c.Repay(**terms, amount=c.ALL))
        if not isinstance(done, Reason):
            paid = next(x.amount for x in done if isinstance(x, e.Repaid))
            need(paid >= before + amount, "round-trip", f"owed {before}, borrowed {amount}, repaid {paid}")
            self.counts.add("round trip of a loan")

    def _stake_round_trip(self, owner: str, _asset: str, at: int) -> None:
        """Who stakes and leaves at once, where that is free, takes out no more than he put in."""
        if not self.system.setup.vault:
            self.may_leave(owner, at)
            return
        amount = AMOUNTS[self._turn // 7 % len(AMOUNTS)]
        terms = {"venue": STAKE, "account": "(probe)", "stake": "stakers"}
        done = self.plan(at, c.Stake(**terms, assets=amount))
        if isinstance(done, Reason):
            raise LawBroken("round-trip", f"nobody can stake {amount}: {done}")
        shares = next(x.shares for x in done if isinstance(x, e.Staked))
        done = self.plan(at, c.Stake(**terms, assets=amount), c.Redeem(**terms, shares=shares))
        if isinstance(done, Reason):
            raise LawBroken("round-trip", f"nobody can redeem {shares}: {done}")
        out = next(x.assets for x in done if isinstance(x, e.Unstaked))
        need(out <= amount, "round-trip", f"{amount} staked, {out} out")
        self.counts.add("round trip of a stake")

    def _split(self, _owner: str, asset: str, at: int) -> None:
        """Two deposits get no more units than one of both, and less than two fewer (R3)."""
        first, second = AMOUNTS[self._turn // 7 % 4], AMOUNTS[self._turn // 28 % 4] + 3
        terms = {"venue": POOL, "account": "(probe)", "asset": asset}
        parts = self.plan(at, c.Supply(**terms, amount=first), c.Supply(**terms, amount=second))
        whole = self.plan(at, c.Supply(**terms, amount=first + second))
        if isinstance(parts, Reason) or isinstance(whole, Reason):
            return
        split, joint = (
            sum(x.scaled for x in events if isinstance(x, e.Supplied)) for events in (parts, whole)
        )
        need(split <= joint <= split + 1, "split", f"{first} and {second} {asset} get {split}, not {joint}")
        self.counts.add("split deposit")

    # --- nobody is locked in (L1) --------------------------------------------------------------------------

    def _table(self, kind: str, asset: str) -> dict[str, int]:
        return dict(self.auditor.cells.get(self.auditor.names.units[kind][asset], {}))

    def _live(self, owner: str, asset: str, at: int) -> None:
        terms = {"venue": POOL, "account": owner, "asset": asset}
        owed = self.auditor.debt(asset, owner, at)
        if owed:
            self.counts.add("repay all probed")
            done = self.plan(at, c.Repay(**terms, amount=c.ALL))
            if isinstance(done, Reason):
                raise LawBroken("can-repay", f"{owner} cannot repay {asset}: {done}")
            paid = next(x.amount for x in done if isinstance(x, e.Repaid))
            shown = self.system.pool.debt(self.system.protocol.book, owner, asset, at)
            need(paid == shown == owed, "preview", f"{owner} owes {owed}, sees {shown}, pays {paid}")
            return
        held = self.auditor.claim(asset, owner, at)
        free = min(held, self.auditor.reserve(asset).get("virtual", 0))
        if free and not any(self.auditor.units("debt", other, owner) for other in ASSETS):
            self.counts.add("withdraw all probed")
            whole = free == held
            done = self.plan(at, c.Withdraw(**terms, amount=c.ALL if whole else free))
            if isinstance(done, Reason):
                raise LawBroken("can-withdraw", f"{owner} cannot withdraw {free} {asset}: {done}")
            got = next(x.amount for x in done if isinstance(x, e.Withdrawn))
            shown = self.system.pool.claim(self.system.protocol.book, owner, asset, at)
            need(got == free and shown == held, "preview", f"{owner} has {held}, sees {shown}, gets {got}")

    def may_leave(self, owner: str, at: int) -> None:
        """Ask whether a staker can leave inside his window, and cannot outside."""
        if self.system.setup.vault:
            return
        shares, ends, window = cooldown_of(self.auditor, owner)
        if not shares:
            return
        terms = {"venue": STAKE, "account": owner, "stake": "stakers"}
        for moment in (ends, ends + window):
            if moment >= at:
                self.counts.add("leaving probed")
                done = self.plan(moment, c.Redeem(**terms, shares=shares))
                if isinstance(done, Reason):
                    raise LawBroken("can-leave", f"{owner} cannot leave in his window: {done}")
        for moment in (ends - 1, ends + window + 1):
            closed = moment >= at and not self.auditor.stake().get("unsettled", 0)
            if closed and not isinstance(self.plan(moment, c.Redeem(**terms, shares=1)), Reason):
                raise LawBroken("cooldown", f"{owner} can leave outside his window")
