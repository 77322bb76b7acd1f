"""A seeded random driver over all verbs, biased towards edges and crashes, that checks every law after each.

The rule: what is drawn becomes a list of plain operations first, so a failure replays without the driver
and shrinks by leaving operations out. Reproduce one: `python tests/driver.py SETUP SEED COUNT`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import attrs
import laws_of_money  # noqa: F401 - its laws register themselves
from auditor import ONE, Auditor, LawBroken
from driver_op import Op
from laws import LAWS, Step
from laws_of_tiers import TierWatch
from players import Player
from systems import ASSETS, SETUPS, Setup, System

from mutualize import commands as c
from mutualize import events as e
from mutualize.book import Book, replay
from mutualize.errors import InvariantBroken, Reason, Refused
from mutualize.events import Entry
from mutualize.invariants import TierRule, check
from mutualize.protocol import Receipt

WAD = 10**18


@attrs.define
class Counts:
    """How often each situation was reached."""

    of: dict[str, int] = attrs.field(factory=dict)

    def add(self, name: str, times: int = 1) -> None:
        """Count one."""
        self.of[name] = self.of.get(name, 0) + times

    def merge(self, other: Counts) -> None:
        """Add another's counts."""
        for name, times in other.of.items():
            self.add(name, times)


class Watched:
    """A system whose every transaction is checked: entry by entry, then as a whole."""

    def __init__(self, setup: Setup, counts: Counts) -> None:
        self.setup, self.counts = setup, counts
        self.system = System(setup)
        self.auditor, self.shadow = Auditor("aave"), Book()
        self.tiers, self.rule = TierWatch(setup), TierRule()
        self.healthy: dict[str, bool] = {}
        self.system.protocol.observe(self.rule)
        self.system.protocol.observe(self._entry)
        self.last_at, self.done = 0, 0

    def _entry(self, entry: Entry) -> None:
        before = self.auditor.copy()
        self.auditor.take(entry)
        self.shadow.apply(entry)
        step = Step(self.setup, before, self.auditor, entry, self.tiers.loss)
        for law in LAWS.values():
            law(step)
        self.tiers.take(step)
        self.tiers.settle(step, self.auditor)
        if entry.at < self.last_at:
            raise LawBroken("order", "time ran backwards")
        self.last_at = entry.at
        count(step, self.counts)

    def play(self, op: Op) -> Receipt:
        """Carry one operation out and check everything."""
        protocol, command = self.system.protocol, op.command
        self.system.at += op.wait
        at = self.system.at
        seq, before = protocol.book.seq, self.auditor.copy()
        safe = self._safe(at)
        receipt = protocol.submit(command, at=at)
        if receipt.refused and protocol.book.seq != seq:
            raise LawBroken("no-trace", f"{command} was refused and left an entry")
        self._whole(before, receipt, at, safe, command)
        self.done += 1
        if self.done % 16 == 0:
            self._probe(at)
        if self.done % 100 == 0:
            self.replay()
        return receipt

    def _safe(self, at: int) -> list[str]:
        found = []
        for owner in self.auditor.owners():
            factor = self.auditor.factor(owner, at, ASSETS)
            if factor is None or factor >= WAD:
                found.append(owner)
        return found

    def _whole(self, before: Auditor, receipt: Receipt, at: int, safe: list[str], command: c.Command) -> None:
        book = self.system.protocol.book
        self.auditor.compare(book)
        if not book == self.shadow:
            raise LawBroken("replay", "the entries do not give the book")
        check(book, deep=True)
        self.auditor.flows()
        self.tiers.closed()
        if receipt.refused:
            note_refusal(self.counts, before, receipt, command, at)
            return
        self._health(receipt, at, safe, command)
        for entry in receipt.entries:
            if isinstance(entry.event, e.Liquidated):
                self._liquidated(entry.event, command)
                self._booked(before, entry.event, receipt, at)

    def _health(self, receipt: Receipt, at: int, safe: list[str], command: c.Command) -> None:
        """No action but a price, a haircut and governance turns safe into unsafe (H1)."""
        cut = any(isinstance(x.event, e.LossAbsorbed) and x.event.bearer == "claims" for x in receipt.entries)
        if cut or isinstance(command, (c.PublishPrice, c.SetParameter)):
            return
        for owner in safe:
            factor = self.auditor.factor(owner, at, ASSETS)
            if factor is not None and factor < WAD:
                raise LawBroken("health", f"{command} made {owner} unsafe: {factor}")

    def _liquidated(self, event: e.Liquidated, command: c.Command) -> None:
        """No debt stays on one who was left without collateral (W1); nobody pays more than he offered."""
        assert isinstance(command, c.Liquidate)
        if event.paid > command.debt_to_cover:
            raise LawBroken("liquidation", "the liquidator paid more than he offered")
        flags = self.auditor.cells["aave.flags"].get(event.account, 0)
        holds = any(
            flags & 1 << (2 * n + 1) and self.auditor.units("supply", asset, event.account)
            for n, asset in enumerate(ASSETS)
        )
        owes = [asset for asset in ASSETS if self.auditor.units("debt", asset, event.account)]
        if self.setup.rules.recognition != "never" and owes and not holds:
            raise LawBroken("debt-without-collateral", f"{event.account} owes {owes}")

    def _booked(self, before: Auditor, event: e.Liquidated, receipt: Receipt, at: int) -> None:
        """Of each debt the shortfall is what was owed less what was just paid, to the unit (W2)."""
        for entry in receipt.entries:
            loss = entry.event
            if isinstance(loss, e.ShortfallRecognised):
                paid = event.paid if loss.asset == event.debt else 0
                owed = before.debt(loss.asset, event.account, at)
                if loss.account != event.account or loss.amount != owed - paid:
                    raise LawBroken("shortfall", f"{owed} was owed, {paid} paid: {loss}")

    def replay(self) -> None:
        """Fold the whole ledger anew."""
        if not replay(self.system.ledger.entries) == self.system.protocol.book:
            raise LawBroken("replay", "the ledger does not give the book")

    # --- what would happen: nothing of this reaches the book ---------------------------------------------

    def _plan(self, at: int, *commands: c.Command) -> list[e.Event] | Reason:
        try:
            return [planned.event for planned in self.system.protocol.plan(*commands, at=at)]
        except Refused as refused:
            return refused.reason

    def _probe(self, at: int) -> None:
        """Round trips gain nothing (R1); debts are repaid, free claims withdrawn, windows used (L1)."""
        for asset in ASSETS:
            if self.auditor.reserve(asset).get("paused"):
                continue
            self._round_trips(asset, at)
            for owner in self.auditor.owners():
                self._liveness(owner, asset, at)
        for owner in self.auditor.owners():
            self._may_leave(owner, at)

    def _round_trips(self, asset: str, at: int) -> None:
        for amount in (1, 10**6 + 1, 3 * 10**9 + 7):
            terms = {"venue": "aave", "account": "(probe)", "asset": asset}
            done = self._plan(at, c.Supply(**terms, amount=amount), c.Withdraw(**terms, amount=c.ALL))
            if not isinstance(done, Reason):
                out = next(x.amount for x in done if isinstance(x, e.Withdrawn))
                index = self.auditor.indexes(asset, at)[0]
                if not amount - index // ONE - 2 <= out <= amount:
                    raise LawBroken("round-trip", f"{amount} of {asset} in, {out} out")
                self.counts.add("round trip")
            debtor = next((o for o in self.auditor.owners() if self.auditor.units("debt", asset, o)), "alice")
            terms["account"] = debtor
            before = self.auditor.debt(asset, debtor, at)
            done = self._plan(at, c.Borrow(**terms, amount=amount), c.Repay(**terms, amount=c.ALL))
            if not isinstance(done, Reason):
                paid = next(x.amount for x in done if isinstance(x, e.Repaid))
                if paid < before + amount:
                    raise LawBroken("round-trip", f"owed {before}, borrowed {amount}, repaid {paid}")
                self.counts.add("round trip of a loan")

    def _liveness(self, owner: str, asset: str, at: int) -> None:
        terms = {"venue": "aave", "account": owner, "asset": asset}
        if self.auditor.debt(asset, owner, at):
            self.counts.add("repay all probed")
            done = self._plan(at, c.Repay(**terms, amount=c.ALL))
            if isinstance(done, Reason):
                raise LawBroken("can-repay", f"{owner} cannot repay {asset}: {done}")
            return
        owes = any(self.auditor.units("debt", other, owner) for other in ASSETS)
        free = min(self.auditor.claim(asset, owner, at), self.auditor.reserve(asset).get("virtual", 0))
        if not owes and free:
            self.counts.add("withdraw all probed")
            done = self._plan(at, c.Withdraw(**terms, amount=free))
            if isinstance(done, Reason):
                raise LawBroken("can-withdraw", f"{owner} cannot withdraw {free} {asset}: {done}")

    def _may_leave(self, owner: str, at: int) -> None:
        table = "aave.stake.stakers.cooldown"
        shares, ends, window = (
            self.auditor.cells.get(f"{table}.{part}", {}).get(owner, 0)
            for part in ("shares", "ends", "window")
        )
        terms = {"venue": "aave.stake.stakers", "account": owner, "stake": "stakers"}
        for moment in (ends, ends + window):
            if shares and moment >= at:
                self.counts.add("leaving probed")
                done = self._plan(moment, c.Redeem(**terms, shares=shares))
                if isinstance(done, Reason):
                    raise LawBroken("can-leave", f"{owner} cannot leave in his window: {done}")
        for moment in (ends - 1, ends + window + 1):
            free = self.auditor.cells.get("aave.stake.stakers", {}).get("unsettled", 0)
            closed = shares and moment >= at and not free
            if closed and not isinstance(self._plan(moment, c.Redeem(**terms, shares=1)), Reason):
                raise LawBroken("cooldown", f"{owner} can leave outside his window")


def count(step: Step, counts: Counts) -> None:
    """Count what an entry reached."""
    event = step.event
    counts.add(type(event).__name__)
    match event:
        case e.Liquidated():
            _count_liquidation(step, event, counts)
        case e.LossAllocated():
            tier = step.setup.tiers[event.index]
            counts.add("exhausted tier", 0 < event.capacity == event.amount)
            counts.add("empty tier", event.capacity == 0)
            counts.add("unused tier", not tier.used)
            counts.add(
                "offset left a rest", bool(tier.offset and event.capacity > event.amount and event.rest)
            )
        case e.LossAbsorbed():
            tier = step.setup.tiers[event.index]
            counts.add(f"paid by {tier.payer}")
            counts.add("converted", event.paid_asset != event.asset)
            counts.add("loss of one unit", event.amount == 1)
            reserve = step.before.reserve(event.asset)
            counts.add("second haircut", tier.payer == "claims" and reserve["liquidity_index"] < ONE)
            counts.add("wiped out", step.after.reserve(event.asset)["liquidity_index"] == 0)
        case e.Slashed():
            announced = step.before.cells.get("aave.stake.stakers.cooldown.shares", {})
            counts.add("slash in cooldown", any(announced.values()))
            counts.add("all stake gone", not step.before.owed("tier:stakers", event.asset) - event.assets)
        case e.TreasuryMinted():
            counts.add("fund took interest", bool(event.fund_amount))
        case e.Repaid():
            counts.add("repaid for another", event.payer != event.account)
        case e.ShortfallRecognised():
            counts.add("shortfall without depositors", step.after.owed("claims", event.asset) == 0)


def _count_liquidation(step: Step, event: e.Liquidated, counts: Counts) -> None:
    counts.add("liquidated for claims", event.claims)
    counts.add("fund took a fee", bool(event.fund_fee))
    counts.add("worthless collateral seized", event.collateral_price == 0)
    counts.add("partial liquidation", step.after.units("debt", event.debt, event.account) > 0)
    debts = sum(step.before.units("debt", asset, event.account) > 0 for asset in ASSETS)
    counts.add("liquidated with several debts", debts > 1)


def note_refusal(counts: Counts, before: Auditor, receipt: Receipt, command: c.Command, at: int) -> None:
    """Count a refusal; a claim that is there and cannot be paid for lack of cash is a run."""
    assert receipt.refused is not None
    counts.add(f"refused {receipt.refused.name}")
    if isinstance(command, c.Withdraw) and receipt.refused is Reason.LIQUIDITY_IS_INSUFFICIENT:
        claim = before.claim(command.asset, command.account, at)
        runs = claim >= command.amount or command.amount == c.ALL
        counts.add("withdrawal without cash", runs)
        counts.add("run at par", runs and before.reserve(command.asset).get("deficit", 0) > 0)


@attrs.define
class Failure(Exception):
    """A law was broken at the last of `ops`."""

    setup: Setup
    law: str
    detail: str
    ops: list[Op]
    seed: int = -1

    def __str__(self) -> str:
        where = f"seed {self.seed}, operation {len(self.ops) - 1} of {self.setup.name}"
        again = f"python tests/driver.py {self.setup.name} {self.seed} {len(self.ops)}"
        return f"{self.law}: {self.detail}\n{where}\nreproduce and shrink: {again}"


def named(error: BaseException) -> str:
    """Return the name of the law that an error is about."""
    return getattr(error, "name", "") or f"crash-{type(error).__name__}"


def replay_ops(setup: Setup, ops: Sequence[Op]) -> Failure | None:
    """Play operations from the beginning; return the first failure, if there is one."""
    watched, done = Watched(setup, Counts()), []
    for op in ops:
        done.append(op)
        try:
            watched.play(op)
        except (LawBroken, InvariantBroken, AssertionError, ArithmeticError, LookupError) as error:
            return Failure(setup, named(error), str(error), done)
    return None


def shrink(failure: Failure) -> Failure:
    """Leave out operations, but not the listing, as long as the same law is broken (delta debugging)."""
    best, size, listed = failure, max(1, len(failure.ops) // 2), len(list(opening(failure.setup)))
    while size:
        start = listed
        while start < len(best.ops):
            again = replay_ops(best.setup, best.ops[:start] + best.ops[start + size :])
            if again is not None and again.law == failure.law:
                best = again
            else:
                start += size
        size //= 2
    best.seed = failure.seed
    return best


def opening(setup: Setup) -> Iterator[Op]:
    """List the reserves and publish the first prices."""
    for command in System(setup).begin():
        yield Op(0, command)


def run(setup: Setup, seed: int, operations: int, counts: Counts) -> Watched:
    """Play at random. Raises Failure at the first broken law."""
    watched = Watched(setup, counts)
    player = Player(watched.system, seed)
    done: list[Op] = []
    first = [*opening(setup), *player.first()]
    for number in range(operations):
        op = first[number] if number < len(first) else player.draw()
        done.append(op)
        try:
            receipt = watched.play(op)
        except (LawBroken, InvariantBroken, AssertionError, ArithmeticError, LookupError) as error:
            raise Failure(setup, named(error), str(error), done, seed) from error
        counts.add("operations")
        counts.add("accepted", bool(receipt))
    watched.replay()
    return watched


def main(arguments: Sequence[str], show: Callable[[str], object] = sys.stdout.write) -> int:
    """Play one seed; where a law breaks, shrink it and show the operations that are left."""
    setup = next(x for x in SETUPS if x.name == arguments[0])
    try:
        run(setup, int(arguments[1]), int(arguments[2]), Counts())
    except Failure as failure:
        small = shrink(failure)
        show(f"{small.law}: {small.detail}\n")
        show("".join(f"  +{op.wait}s {op.command}\n" for op in small.ops))
        return 1
    show("no law is broken\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
