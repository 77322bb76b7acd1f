"""Shortfalls told in full: the chain that led to each, what it did to its debtor, who paid, and each share.

A ledger is read once for all of them, with the state folded beside it: health and shares are worked out as
they were at that moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from mutualize import events as e
from mutualize import tier_events as te
from mutualize.book import Book
from mutualize.events import Entry, Event, Liquidated, ShortfallRecognised, Traded
from mutualize.ledger_audit import chain_of_causes
from mutualize.ledger_reader import read
from mutualize.report.explain.debtor import Pools, Prices, Sales
from mutualize.report.explain.holders import shares_of
from mutualize.report.explain.steps import Part, Step, counted, step_of
from mutualize.report.sentences.words import Words
from mutualize.report.text import clean
from mutualize.vault_events import AuctionEnded, BidPlaced, VaultLiquidated

PAYING: Final[tuple[type[Event], ...]] = (
    *(e.LossAllocated, e.LossAbsorbed, e.ShortfallUncovered, e.Slashed, e.SlashingSettled),
    *(e.PendingDeficitRaised, e.PendingDeficitCovered, e.OffsetCovered, e.DeficitEliminated),
    *(te.LossHeld, te.LossReleased, te.LossPassedOn, te.MembersCalled, te.MemberContributed),
    *(te.SnapshotTaken, te.ExitsFrozen, te.ExitsOpened, te.MoneyRecovered, te.RecoveryAllocated),
    te.RecoveryPaid,
)
"""What a loss leads to that says who pays it; all else is counted."""
QUIET: Final = ("Accrued", "SnapshotTaken")
"""What is no news in a chain of causes."""
PAYING_MAX: Final = 40
"""So many sentences about who paid one loss are shown."""


@attrs.define
class Case:
    """One shortfall and all that is told of it."""

    entry: Entry
    chain: dict[int, Step | None]
    """What led to it, the first cause first; the sentences come as the ledger is read."""
    event: ShortfallRecognised
    auctions: dict[tuple[str, str, int], None] = attrs.field(factory=dict)
    before: list[Step] = attrs.field(factory=list)
    sales: Sales = attrs.field(factory=Sales)
    sold: Step | None = None
    after: list[Step] = attrs.field(factory=list)
    others: dict[str, int] = attrs.field(factory=dict)

    def part(self) -> Part:
        """Return it as a part of an explanation."""
        return Part(self._title(), tuple(self._steps()), PAYING_MAX)

    def _title(self) -> str:
        of = f" of {clean(self.event.account)}" if self.event.account else ""
        return f"The shortfall{of} on {clean(self.event.venue)}, event {self.entry.seq}"

    def _steps(self) -> list[Step]:
        """Put in order: prices, the chain up to the loss (its debtor's sales before it), then who paid."""
        chain = [step for step in self.chain.values() if step is not None]
        told = {step.seq for step in self.before}
        rest = [step for step in chain[:-1] if step.seq not in told]
        led = sorted([*self.before, *rest], key=lambda step: -1 if step.seq is None else step.seq)
        return [*led, *self._sold(), *chain[-1:], *self.after, *self._rest()]

    def _sold(self) -> list[Step]:
        return [self.sold] if self.sold is not None else []

    def _rest(self) -> list[Step]:
        rest = []
        if not self.after:
            rest.append(Step("No event says who pays this one alone: see above who paid for all of them."))
        if self.others:
            rest.append(Step(f"It also led to: {counted(self.others)}."))
        return rest


def case_of(ledger: Path, entry: Entry) -> Case:
    """Return a case that is still to be told, with the seqs of what led to it."""
    assert isinstance(entry.event, ShortfallRecognised)
    chain = chain_of_causes(ledger, entry.seq)[::-1]
    ended = [one.event for one in chain if isinstance(one.event, AuctionEnded)]
    auctions = dict.fromkeys((event.venue, event.ilk, event.id) for event in ended)
    return Case(entry, dict.fromkeys(one.seq for one in chain), entry.event, auctions)


def follow(ledger: Path, chosen: Sequence[Entry], words: Words) -> list[Case]:
    """Tell shortfalls in full, in the order given. Raises MutualizeError as `read` does."""
    cases = [case_of(ledger, entry) for entry in chosen]
    if cases:
        reading = _Reading(cases, words)
        for entry in read(ledger):
            reading.take(entry)
    return cases


class _Reading:
    """One pass over a ledger, on which all cases are told."""

    def __init__(self, cases: Sequence[Case], words: Words) -> None:
        self._cases, self._words = cases, words
        self._book, self._prices, self._pools = Book(), Prices(), Pools()
        self._of: dict[int, Case] = {}
        """To which case an event belongs, of those that a shortfall led to."""
        self._closed: tuple[int, str, Case] | None = None
        """Transaction, liquidator and case of the last liquidation."""

    def take(self, entry: Entry) -> None:
        for case in self._cases:
            if entry.seq <= case.entry.seq:
                self._lead(case, entry)
        self._pay(entry)
        self._book.apply(entry)
        self._prices.take(entry)
        self._pools.take(entry)
        self._words.take(entry)

    def _lead(self, case: Case, entry: Entry) -> None:
        """Take in what led to a case."""
        event, debtor = entry.event, case.event.account
        if isinstance(event, Liquidated):
            if event.account == debtor and event.venue == case.event.venue:
                self._close(case, event, entry)
        elif isinstance(event, Traded):
            if self._closed == (entry.tx, event.account, case):
                case.sales.sell(event, self._words)
        elif isinstance(event, VaultLiquidated | BidPlaced):
            self._auction(case, event, entry)
        if entry.seq in case.chain and type(event).__name__ not in QUIET:
            if entry.seq == case.entry.seq and case.sales.count:
                case.sold = case.sales.step(debtor, self._words)
            if not isinstance(event, Liquidated):
                case.chain[entry.seq] = step_of(entry, self._words)

    def _close(self, case: Case, event: Liquidated, entry: Entry) -> None:
        if not case.sales.count:
            case.before += self._prices.steps([event.collateral, event.debt], self._words)
            unsafe = self._pools.health(event.venue, event.account, self._book, entry.at, self._words)
            if unsafe:
                case.before.append(Step(unsafe, entry.seq, entry.at))
        case.sales.close(event, entry.at)
        self._closed = entry.tx, event.liquidator, case

    def _auction(self, case: Case, event: VaultLiquidated | BidPlaced, entry: Entry) -> None:
        if (event.venue, event.ilk, event.id) not in case.auctions:
            return
        if isinstance(event, VaultLiquidated):
            case.before += self._prices.steps([event.asset], self._words)
        case.before.append(step_of(entry, self._words))

    def _pay(self, entry: Entry) -> None:
        """Take in what a case led to. Another shortfall is a case of its own."""
        event = entry.event
        if isinstance(event, ShortfallRecognised):
            case = next((each for each in self._cases if each.entry.seq == entry.seq), None)
        else:
            case = None if entry.cause is None else self._of.get(entry.cause)
        if case is None:
            return
        self._of[entry.seq] = case
        if isinstance(event, PAYING):
            if type(event).__name__ not in QUIET:
                case.after.append(step_of(entry, self._words))
            case.after += [
                Step(text, entry.seq, entry.at) for text in shares_of(event, self._book, self._words)
            ]
        elif not isinstance(event, ShortfallRecognised) and type(event).__name__ not in QUIET:
            name = type(event).__name__
            case.others[name] = case.others.get(name, 0) + 1
