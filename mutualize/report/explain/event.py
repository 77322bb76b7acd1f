"""One event: its causes, back to the first of all, and forwards all that it led to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from mutualize.compound_events import is_purchase
from mutualize.errors import MutualizeError
from mutualize.events import Entry, Liquidated, LossAbsorbed, ShortfallRecognised
from mutualize.ledger_audit import chain_of_causes
from mutualize.ledger_reader import read
from mutualize.report.explain.cases import follow
from mutualize.report.explain.steps import Part, Step, counted, step_of
from mutualize.report.sentences.words import Words, units_beside
from mutualize.report.text import plural

DIRECT_MAX: Final = 20
"""How many events that an event led to directly people are shown."""
KEPT_MAX: Final = 1_000
"""How many of them are kept."""


@attrs.define
class Consequences:
    """All that an event led to, in total."""

    count: int = 0
    last: int = 0
    kinds: dict[str, int] = attrs.field(factory=dict)
    sums: dict[tuple[str, str], int] = attrs.field(factory=dict)
    direct: list[Step] = attrs.field(factory=list)

    def take(self, entry: Entry) -> None:
        """Take in one event more."""
        event, name = entry.event, type(entry.event).__name__
        self.count += 1
        self.last = entry.at
        self.kinds[name] = self.kinds.get(name, 0) + 1
        match event:
            case ShortfallRecognised():
                self._add(f"fell short on {event.venue}", event.asset, event.amount)
            case LossAbsorbed():
                self._add(f"was paid by {event.tier} of {event.venue}", event.asset, event.amount)
            case Liquidated():
                what = "paid for collateral" if is_purchase(event) else "repaid by liquidations"
                self._add(f"was {what} on {event.venue}", event.debt, event.paid)
                self._add(f"was seized by liquidations on {event.venue}", event.collateral, event.seized)

    def _add(self, what: str, asset: str, amount: int) -> None:
        self.sums[what, asset] = self.sums.get((what, asset), 0) + amount

    def steps(self, words: Words) -> Iterator[Step]:
        """Say it in sentences."""
        if not self.count:
            yield Step("It led to nothing.")
            return
        yield Step(f"It led to {plural(self.count, 'event')}, the last at {words.moment(self.last)}.")
        yield Step(f"By kind: {counted(self.kinds)}.")
        for (what, asset), amount in self.sums.items():
            yield Step(f"{words.full(asset, amount)} {words.name(what)} in all.", tone="strong")


def event(ledger: Path, seq: int, count: int) -> list[Part]:
    """Explain event `seq` of the `count` in a ledger. Raises MutualizeError where it is not there (2)."""
    if not 0 <= seq < count:
        problem = f"there is no event {seq}: {ledger} has {count:,}, counted from 0."
        raise MutualizeError("--event", problem)
    units = units_beside(ledger)
    words, found = Words(units), chain_of_causes(ledger, seq)
    causes: dict[int, Step | None] = {one.seq: None for one in found[::-1]}
    is_loss = isinstance(found[0].event, ShortfallRecognised)
    moved: list[Step] = []
    after = Consequences()
    led = bytearray(count)  # one byte an event: whether this one led to it
    for entry in read(ledger):
        if entry.seq >= count:
            break
        if entry.seq in causes:
            causes[entry.seq] = step_of(entry, words)
        if entry.seq == seq:
            led[seq] = 1
            moved += _moved(entry, words)
        elif entry.cause is not None and led[entry.cause]:
            led[entry.seq] = 1
            after.take(entry)
            if entry.cause == seq and len(after.direct) < KEPT_MAX:
                after.direct.append(step_of(entry, words))
        words.take(entry)
    chain = [step for step in causes.values() if step is not None]
    before = tuple(chain[:-1]) or (Step("No event led to it: somebody acted, or the market moved."),)
    return [
        Part(f"Event {seq}", (*chain[-1:], *moved)),
        Part("What had led to it", before),
        Part("What it led to", tuple(after.steps(words))),
        *(case.part() for case in (follow(ledger, found[:1], Words(units)) if is_loss else ())),
        *([Part("What it led to directly", tuple(after.direct), DIRECT_MAX)] if after.direct else []),
    ]


def _moved(entry: Entry, words: Words) -> Iterator[Step]:
    """Yield the money that an event moved."""
    for debit, credit, asset, amount in entry.event.transfers:
        yield Step(f"{words.amount(asset, amount)}: debit {words.name(debit)}, credit {words.name(credit)}.")
