"""One tier: all that it was made to owe, what had led to that, and what it paid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from mutualize.book import Book
from mutualize.errors import MutualizeError
from mutualize.events import Entry, LossAbsorbed, LossAllocated, ShortfallRecognised, Slashed
from mutualize.ledger_reader import read
from mutualize.report.explain.cases import PAYING
from mutualize.report.explain.holders import shares_of, visited
from mutualize.report.explain.steps import Part, Step, share, step_of
from mutualize.report.sentences.words import Words, units_beside
from mutualize.report.text import plural
from mutualize.scenario.place import did_you_mean

SHOWN_MAX: Final = 60
"""How many sentences people are shown."""
VISITED_MAX: Final = 100_000
"""How many holders are looked at, over all payments, to say what each of them bore."""


@attrs.define
class Sum:
    """What a tier owed and paid of one asset on one venue."""

    owed: int = 0
    times: int = 0
    paid: dict[str, int] = attrs.field(factory=dict)
    covered: int = 0


class _Reading:
    """One pass over a ledger, on which all of one tier is told."""

    def __init__(self, tier: str, words: Words) -> None:
        self._tier, self._words, self._book = tier, words, Book()
        self.steps: list[Step] = []
        self.tiers: dict[str, None] = {}
        self.sums: dict[tuple[str, str], Sum] = {}
        self._origin: dict[int, Step] = {}
        """The shortfall behind an event of a waterfall."""
        self._visited = 0
        self.untold = 0
        """Of how many payments it is not told who bore them."""
        self._told: int | None = None
        """The seq of the shortfall that was told last."""

    def take(self, entry: Entry) -> None:
        event = entry.event
        tier = getattr(event, "tier", None)
        if isinstance(tier, str):
            self.tiers[tier] = None
        if isinstance(event, ShortfallRecognised):
            self._origin[entry.seq] = step_of(entry, self._words)
        elif isinstance(event, PAYING) and entry.cause in self._origin:
            self._origin[entry.seq] = self._origin[entry.cause]
        if tier == self._tier or (isinstance(event, Slashed) and event.stake == self._tier):
            self._tell(entry)
        self._book.apply(entry)
        self._words.take(entry)

    def _tell(self, entry: Entry) -> None:
        """Tell an event of the tier, and first the shortfall behind it, where that is a new one."""
        event, origin = entry.event, self._origin.get(entry.seq)
        if origin is not None and origin.seq != self._told:
            self._told = origin.seq
            self.steps.append(attrs.evolve(origin, text=f"Since {origin.text}"))
        self.steps.append(step_of(entry, self._words))
        looked = visited(event, self._book)
        self._visited += looked
        if looked and self._visited > VISITED_MAX:
            self.untold += 1
        else:
            shares = shares_of(event, self._book, self._words)
            self.steps += [Step(text, entry.seq, entry.at) for text in shares]
        if isinstance(event, LossAllocated | LossAbsorbed):
            self._sum(event)

    def _sum(self, event: LossAllocated | LossAbsorbed) -> None:
        of = self.sums.setdefault((event.venue, event.asset), Sum())
        if isinstance(event, LossAllocated):
            of.owed += event.amount
            of.times += 1
        else:
            of.covered += event.amount
            of.paid[event.paid_asset] = of.paid.get(event.paid_asset, 0) + event.paid


def tier(ledger: Path, name: str) -> list[Part]:
    """Explain one tier. Raises MutualizeError where the ledger knows none of that name (2)."""
    words = Words(units_beside(ledger))
    reading = _Reading(name, words)
    for entry in read(ledger):
        reading.take(entry)
    if not reading.steps:
        known = ", ".join(words.name(each) for each in reading.tiers) or "none"
        remedy = did_you_mean(name, list(reading.tiers)) or f"Tiers in it: {known}."
        problem = f"no event of {ledger} is of a tier called {name!r:.80}."
        raise MutualizeError("--tier", problem, remedy)
    shown = words.name(name)
    return [
        Part(f"What {shown} paid in all", tuple(_in_all(reading, words))),
        Part(f"What led to it, and what {shown} did", tuple(reading.steps), SHOWN_MAX),
    ]


def _in_all(reading: _Reading, words: Words) -> Iterator[Step]:
    """Say in sentences what a tier owed and paid."""
    if not reading.sums:
        yield Step("It was never made to owe anything.", tone="strong")
    for (venue, asset), of in reading.sums.items():
        paid = " and ".join(words.full(each, amount) for each, amount in of.paid.items())
        done = f"It covered {words.full(asset, of.covered)} ({share(of.covered, of.owed)}), with {paid}."
        yield Step(
            f"On {words.name(venue)} it was reached {plural(of.times, 'time')} and made to owe"
            f" {words.full(asset, of.owed)}. {done if paid else 'It paid nothing.'}",
            tone="strong",
        )
    if reading.untold:
        later = plural(reading.untold, "later payment")
        yield Step(f"Who bore how much of {later} is not told here: --event N tells it of a shortfall.")
