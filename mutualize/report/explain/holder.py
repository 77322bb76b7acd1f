"""One holder's money: every event that touched it, and what it all came to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mutualize.accounts import outside
from mutualize.book import Book
from mutualize.errors import MutualizeError
from mutualize.events import Entry, Event
from mutualize.ledger_reader import read
from mutualize.projections.closing import closing
from mutualize.projections.gains import Gains, Row
from mutualize.projections.mirror import Mirror
from mutualize.report.cuts import cut_of
from mutualize.report.explain.redistributed import redistribution_of
from mutualize.report.explain.steps import Part, Step, share, step_of
from mutualize.report.sentences.words import Words, units_beside
from mutualize.scenario.place import did_you_mean

FIELDS: Final = ("account", "to", "payer", "liquidator", "bearer", "debtor", "holder", "agent")
"""The fields of events that name people."""
SHOWN_MAX: Final = 40
"""How many events of one holder people are shown."""


def touches(event: Event, name: str) -> bool:
    """Say whether an event names somebody, as one who acts, pays or is paid."""
    if any(getattr(event, field, None) == name for field in FIELDS):
        return True
    places = name, outside(name)
    return any(debit in places or credit in places for debit, credit, _, _ in event.transfers)


def holder(ledger: Path, name: str) -> list[Part]:
    """Explain what happened to one holder. Raises MutualizeError where nobody is called so (2)."""
    words = Words(units_beside(ledger))
    book, mirror, gains = Book(), Mirror(), Gains()
    steps: list[Step] = []
    for entry in read(ledger):
        if touches(entry.event, name):
            steps.append(step_of(entry, words))
        steps += _cut(entry, name, book, words)
        steps += _given(entry, name, book, words)
        gains.look(entry)
        book.apply(entry)
        mirror.take(entry)
        words.take(entry)
    rows = gains.rows(closing(book, mirror))
    if not steps:
        names = list(dict.fromkeys(row.account for row in rows))
        problem = f"no event of {ledger} touches anybody called {name!r:.80}."
        raise MutualizeError("--account", problem, did_you_mean(name, names))
    came_to = [step for row in rows if row.account == name for step in _came_to(row, words)]
    shown = words.name(name)
    none = Step(f"Nothing is {shown}'s at the end, and nothing was.", tone="strong")
    return [
        Part(f"What it came to for {shown}", tuple(came_to) or (none,)),
        Part(f"What touched {shown}", tuple(steps), SHOWN_MAX),
    ]


def _cut(entry: Entry, name: str, book: Book, words: Words) -> Iterator[Step]:
    """Tell what a haircut or a slash took from somebody whom it did not visit."""
    cut = cut_of(entry.event, book)
    if cut is None or not cut.units.get(name):
        return
    had, lost = cut.had(name), cut.lost(name)
    yield Step(
        f"{words.name(name)} lost {words.full(cut.asset, lost)} by it: {share(lost, had, 4)} of his"
        f" {cut.what} of {words.amount(cut.asset, had)}.",
        entry.seq,
        entry.at,
        "bad",
    )


def _given(entry: Entry, name: str, book: Book, words: Words) -> Iterator[Step]:
    """Tell what a redistribution gave somebody's trove, which it did not visit."""
    given = redistribution_of(entry.event, book)
    if given is None or not given.stakes.get(name):
        return
    owes = words.amount(given.stablecoin, given.debt(name))
    got = words.full(given.collateral, given.coll(name))
    yield Step(f"{words.name(name)} owes {owes} more by it, and got {got}.", entry.seq, entry.at)


def _came_to(row: Row, words: Words) -> Iterator[Step]:
    """Tell what somebody gained or lost of one asset; a debt counts below nothing."""
    verb = "gained" if row.gain > 0 else "lost" if row.gain < 0 else "neither gained nor lost"
    amount = f" {words.full(row.asset, abs(row.gain))}" if row.gain else f" {words.name(row.asset)}"
    start, end = (_stood(row.asset, part, words) for part in (row.opening, row.closing))
    flow = f"{words.amount(row.asset, abs(row.flow))} {'came into' if row.flow >= 0 else 'went out of'}"
    parts = f"{start} in venues at the start, {end} at the end, and {flow} his purse"
    yield Step(f"{words.name(row.account)} {verb}{amount}: {parts}.", tone="bad" if row.gain < 0 else "good")


def _stood(asset: str, amount: int, words: Words) -> str:
    """Say what somebody had, or owed."""
    return f"{'owed' if amount < 0 else 'had'} {words.amount(asset, abs(amount))}"
