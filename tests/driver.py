"""A seeded random driver over all verbs, biased towards edges and crashes, that checks every law after each.

The rule: what is drawn becomes a list of plain operations first, so a failure replays without the driver
and shrinks by leaving operations out. Reproduce one: `python tests/driver.py SETUP SEED COUNT`. Play many:
`python tests/driver.py all FIRST_SEED OPERATIONS`, on all processors.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import attrs
import laws_of_money  # noqa: F401 - its laws register themselves
from auditor import Auditor, LawBroken
from driver_counts import Counts, count, count_refusal
from driver_op import Op
from error_oracle_more import foretell
from laws import Step, laws_of
from laws_of_books import Changes, books, flows, health, is_wave, unsafe
from laws_of_tiers import TierWatch
from player_errands import early
from players import Player
from probes import Probes
from systems import ASSETS, SETUPS, Setup, System
from twins import Twins

from mutualize import commands as c
from mutualize import events as e
from mutualize.book import Book, replay
from mutualize.errors import Reason, Refused
from mutualize.events import Entry
from mutualize.invariants import check
from mutualize.protocol import Planned, Receipt
from mutualize.tier_rule import TierRule

PREVIEW, PROBE, FULL = 16, 4, 50
"""Every so many operations: the plan is compared with what happens; a probe; the whole book is gone over."""
BROKEN = (Exception,)
"""A broken law, or any error where none may be: a refusal that nobody catches is one, too."""


class Watched:
    """A system whose every transaction is checked: entry by entry, then as a whole.

    `foretold`: each refusal is foretold, too. `written`: into a real ledger, whose bytes are made.
    """

    def __init__(self, setup: Setup, counts: Counts, *, foretold: bool = True, written: bool = True) -> None:
        self.setup, self.counts, self.foretold = setup, counts, foretold
        self.system = System(setup, written=written)
        self.auditor, self.shadow = Auditor("aave"), Book()
        self.tiers, self.rule = TierWatch(setup), TierRule()
        self.probes = Probes(self.system, self.auditor, counts)
        self.twins = Twins(self.system)
        self.system.protocol.observe(self.rule)
        self.system.protocol.observe(self._entry)
        self.last: Entry | None = None
        self.done = 0

    def _entry(self, entry: Entry) -> None:
        before = self.auditor.copy()
        self.auditor.take(entry)
        step = Step(self.setup, before, self.auditor, entry, self.tiers.loss)
        for law in laws_of(type(entry.event)):
            law(step)
        self.tiers.take(step)
        self.tiers.settle(step, self.auditor)
        self._follows(entry)
        count(step, self.counts)

    def _follows(self, entry: Entry) -> None:
        """Entries are numbered without a gap, in time, and a transaction's stand together (S2, S4)."""
        last, self.last = self.last, entry
        if last is not None:
            gapless = entry.seq == last.seq + 1 and entry.tx in (last.tx, entry.seq)
            if not gapless or entry.at < last.at or (entry.tx == last.tx and entry.at != last.at):
                raise LawBroken("order", f"{entry} after {last}")

    def play(self, op: Op) -> Receipt:
        """Carry one operation out and check everything."""
        protocol, commands = self.system.protocol, op.commands
        self.system.at += op.wait
        at = self.system.at
        for command in commands:
            self.counts.add(f"asked {type(command).__name__}")
        expected = self._foretell(commands, at) if self.foretold else None
        preview = self._plan(at, commands) if self.done % PREVIEW == 0 else None
        seq, before = protocol.book.seq, self.auditor.copy()
        hurt = unsafe(before, at) if self.done % FULL == 0 else None
        receipt = self._act(op, at, preview)
        if receipt.refused and protocol.book.seq != seq:
            raise LawBroken("no-trace", f"{op} was refused and left an entry")
        if preview is not None:
            self._as_planned(preview, receipt)
        changes = Changes(before, self.auditor)
        self._whole(changes, receipt, at, op)
        if hurt is not None and not is_wave(receipt, commands):
            turned = [owner for owner in unsafe(self.auditor, at) if owner not in hurt]
            if turned:
                raise LawBroken("health", f"{op} made {turned} unsafe")
        if self.foretold and receipt.refused is not expected:
            raise LawBroken(_mismatch(expected, receipt.refused), f"{op}: {receipt.refused}, not {expected}")
        self._now_and_then(changes, at)
        return receipt

    def _act(self, op: Op, at: int, preview: list[Planned] | Reason | None) -> Receipt:
        """Submit the commands, carry out what was planned, or let a sweep liquidate where it can."""
        protocol = self.system.protocol
        if isinstance(preview, list) and self.done % (2 * PREVIEW) == 0:
            return protocol.carry_out(preview, at)
        events = None if op.also else self.twins.swept(op.command, at)
        if events is not None:
            self.counts.add("swept")
            return protocol.enact(events, at)
        fresh = self.twins.decided(op.command, at) if self.done % PREVIEW == PREVIEW // 2 else None
        receipt = protocol.submit(*op.commands, at=at)
        if fresh is not None and not op.also:
            self.twins.compare(fresh, receipt)
            self.counts.add("decided by a twin")
        return receipt

    def _foretell(self, commands: tuple[c.Command, ...], at: int) -> Reason | None:
        """Return the reason that must be given, for the first command that fails (L4)."""
        now = self.auditor
        for number, command in enumerate(commands):
            if number:
                planned = self.probes.plan(at, *commands[:number])
                if isinstance(planned, Reason):
                    return planned
                now = self.auditor.copy()
                for event in planned:
                    now.take(Entry(0, at, 0, None, event))
            reason = foretell(now, self.setup, command, at)
            if reason is not None:
                self.counts.add(f"foretold {reason.name}")
                self.counts.add("refused as a whole", bool(number))
                return reason
        return None

    def _plan(self, at: int, commands: tuple[c.Command, ...]) -> list[Planned] | Reason:
        """Plan the commands one on top of the other."""
        planned: list[Planned] = []
        try:
            for command in commands:
                planned = self.system.protocol.plan(command, at=at, first=planned)
        except Refused as refused:
            return refused.reason
        return planned

    def _as_planned(self, preview: list[Planned] | Reason, receipt: Receipt) -> None:
        """See that what was planned is what happened: reading changes nothing (R4, L3)."""
        came = receipt.refused or [entry.event for entry in receipt.entries]
        told = preview if isinstance(preview, Reason) else [event for event, _ in preview]
        if came != told:
            raise LawBroken("preview", f"{told} was planned, {came} came")
        self.counts.add("as planned")

    def _whole(self, changes: Changes, receipt: Receipt, at: int, op: Op) -> None:
        if receipt.refused:
            count_refusal(self.counts, self.auditor, receipt.refused, op.command, at)
            return
        self.auditor.compare_changes(self.system.protocol.book, changes.before)
        books(self.setup, changes)
        flows(changes)
        self.tiers.closed()
        if not is_wave(receipt, op.commands):
            health(changes, at, op.commands)
        for entry in receipt.entries:
            if isinstance(entry.event, e.Liquidated):
                self._liquidated(entry.event, op)
                if not op.also:
                    self._booked(changes.before, entry.event, receipt, at)

    def _liquidated(self, event: e.Liquidated, op: Op) -> None:
        """No debt stays on one who was left without collateral (W1); nobody pays more than he offered."""
        asked = [x for x in op.commands if isinstance(x, c.Liquidate) and x.borrower == event.account]
        if event.paid > max(x.debt_to_cover for x in asked):
            raise LawBroken("liquidation", "the liquidator paid more than he offered")
        flags = self.auditor.flags(event.account)
        holds = any(
            flags >> 2 * n & 2 and self.auditor.units("supply", asset, event.account)
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

    # --- what is done now and then -------------------------------------------------------------------------

    def _now_and_then(self, changes: Changes, at: int) -> None:
        self.done += 1
        if self.done % PROBE == 0:
            self.probes.ask(at, sorted(changes.holders))
        if any(kind == "cooldown" for kind, _, _ in changes.tables):
            for owner in self.auditor.stake(".cooldown.shares"):
                self.probes.may_leave(owner, at)
        if self.done % FULL == 0:
            self.go_over()

    def go_over(self) -> None:
        """Hold the whole book against the auditor, the ledger and the program's own laws."""
        book = self.system.protocol.book
        self.auditor.compare(book)
        for entry in self.system.ledger.entries[self.shadow.seq :]:
            self.shadow.apply(entry)
        if not book == self.shadow:
            raise LawBroken("replay", "the entries do not give the book")
        check(book, deep=True)
        self.auditor.flows()

    def finish(self) -> None:
        """Go over everything once more, and fold the whole ledger anew (S1)."""
        self.go_over()
        self.probes.ask_everything(self.system.at)
        if not replay(self.system.ledger.entries) == self.system.protocol.book:
            raise LawBroken("replay", "the ledger does not give the book")


def _mismatch(expected: Reason | None, came: Reason | None) -> str:
    if came is None:
        return "should-have-failed"
    return "should-not-have-failed" if expected is None else "wrong-reason"


@attrs.define
class Failure(Exception):
    """A law was broken at the last of `ops`."""

    setup: Setup
    law: str
    detail: str
    ops: list[Op]
    seed: int = -1

    @property
    def command(self) -> str:
        """The one command that plays it again, and shrinks it."""
        return f"python tests/driver.py {self.setup.name} {self.seed} {len(self.ops)}"

    def __str__(self) -> str:
        where = f"seed {self.seed}, operation {len(self.ops) - 1} of {self.setup.name}"
        return f"{self.law}: {self.detail}\n{where}\nreproduce and shrink: {self.command}"


def named(error: BaseException) -> str:
    """Return the name of the law that an error is about."""
    return getattr(error, "name", "") or f"crash-{type(error).__name__}"


def opening(setup: Setup) -> Iterator[Op]:
    """List the reserves, publish the first prices, and ask for things that it is too early for."""
    yield from early(System(setup, written=False))


def run(
    setup: Setup,
    seed: int,
    operations: int,
    counts: Counts,
    *,
    foretold: bool = True,
    written: bool | None = None,
) -> Watched:
    """Play at random. Every tenth seed writes a real ledger. Raises Failure at the first broken law."""
    watched = Watched(
        setup, counts, foretold=foretold, written=seed % 10 == 0 if written is None else written
    )
    player = Player(watched.system, watched.auditor, seed)
    done: list[Op] = []
    first = [*opening(setup), *player.first()]
    try:
        for number in range(operations):
            op = first[number] if number < len(first) else player.draw()
            done.append(op)
            receipt = watched.play(op)
            counts.add("operations")
            counts.add("accepted", bool(receipt))
        watched.finish()
    except BROKEN as error:
        raise Failure(setup, named(error), str(error), done, seed) from error
    return watched


def main(arguments: Sequence[str], show: Callable[[str], object] = sys.stdout.write) -> int:
    """Play one seed, or (`all`) many; where a law breaks, shrink it and show the operations that are left."""
    from driver_many import play_many  # noqa: PLC0415 - it imports this module
    from shrinker import shrink, story  # noqa: PLC0415 - it imports this module

    if arguments[0] == "all":
        played = play_many(int(arguments[2]), first_seed=int(arguments[1]))
        for failure in played.failures:
            show(f"{failure}\n")
        for name, times in sorted(played.counts.of.items()):
            show(f"{times:>12,}  {name}\n")
        return 1 if played.failures else 0
    setup = next(x for x in SETUPS if x.name == arguments[0])
    try:
        run(setup, int(arguments[1]), int(arguments[2]), Counts())
    except Failure as failure:
        show(story(shrink(failure)))
        return 1
    show("no law is broken\n")
    return 0


if __name__ == "__main__":
    from driver import main as _main  # the module is known as `driver` to those that import it

    sys.exit(_main(sys.argv[1:]))


__all__ = ["BROKEN", "Failure", "Watched", "main", "named", "opening", "run"]
